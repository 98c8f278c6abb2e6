"""A page as headless Chromium shows it."""

import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
needs_browser = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--mute-audio"]
OFFLINE = ["--host-resolver-rules=MAP * ~NOTFOUND"]  # a page that fetches would fail
DARK = ["--blink-settings=preferredColorScheme=0", "--force-dark-mode"]


def browse(page: Path, *words: str) -> str:
    command = [CHROMIUM, *QUIET, *OFFLINE, f"--user-data-dir={page.parent / '.browser'}", *words]
    done = subprocess.run(
        [*command, page.resolve().as_uri()],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rendered(page: Path) -> str:
    """Return the page's content after its script has run."""
    return browse(page, "--dump-dom", "--virtual-time-budget=2000")


def screenshot(page: Path, *, dark: bool = False, height: int = 3000) -> Path:
    """Return a picture of the page."""
    target = page.with_suffix(".dark.png" if dark else ".png")
    words = [f"--window-size=1100,{height}", f"--screenshot={target}"]
    browse(page, *words, *(DARK if dark else []))
    return target

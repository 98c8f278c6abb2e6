"""The pages in a real browser: what is drawn, in light and dark, and what moves."""

import math
from pathlib import Path

import numpy as np
import pytest
from browser import needs_browser, rendered, screenshot
from conftest import REPORTED, Train
from PIL import Image
from written import run, sweep

from seedbed.sweep import results

pytestmark = [pytest.mark.slow, needs_browser]

BLUE, VERMILLION = (0, 114, 178), (213, 94, 0)  # of page.css, in the light
SKY = (86, 180, 233)  # the same place in the dark

DRAG = """<script>
const svg = document.querySelector("svg.chart"), r = svg.getBoundingClientRect();
const at = (u, v) => ({clientX: r.left + u * r.width, clientY: r.top + v * r.height});
for (const [kind, u, v] of [["down", .4, .2], ["move", .7, .5], ["up", .7, .5]])
  svg.dispatchEvent(new PointerEvent(`pointer${kind}`, at(u, v)));
document.documentElement.dataset.zoom = svg.querySelector(".plot").getAttribute("viewBox");
document.documentElement.dataset.tip = document.querySelector(".tip").textContent;
svg.dispatchEvent(new MouseEvent("dblclick", at(.5, .5)));
document.documentElement.dataset.back = svg.querySelector(".plot").getAttribute("viewBox");
</script>"""


def pixels(picture: Path, colour: tuple[int, int, int]) -> int:
    """Return how many pixels have about a colour."""
    with Image.open(picture) as image:
        found = np.asarray(image.convert("RGB")).astype(int)
    return int((np.abs(found - colour).max(-1) < 12).sum())


def attribute(page: str, name: str) -> str:
    return page.partition(f'data-{name}="')[2].partition('"')[0]


def test_the_page_of_a_run_shows_curves_errors_and_commands(train: Train) -> None:
    ended = train(*REPORTED, "data.noise=2", "trainer.max_epochs=3", "logger=[csv]")
    page = ended.folder / "report.html"
    text = rendered(page)
    assert attribute(text, "alive") == "yes"
    for words in ("gap: validation - training", "learning rate", "gradient norm", "precision"):
        assert words in text
    for title in ("Confusion", "Worst errors", "Weights", "Environment", "Again"):
        assert f"<h2>{title}</h2>" in text
    assert "stages=reproduce" in text
    assert text.count('role="img" aria-label="') >= 6
    light, dark = screenshot(page), screenshot(page, dark=True)
    assert min(pixels(light, BLUE), pixels(light, VERMILLION)) > 300
    assert pixels(dark, SKY) > 300
    for picture, bright in ((light, True), (dark, False)):
        with Image.open(picture) as image:
            corner = image.convert("RGB").getpixel((2, 2))
            assert isinstance(corner, tuple)
            assert (sum(corner) > 600) == bright


def test_a_chart_zooms_tells_its_numbers_and_goes_back(train: Train) -> None:
    ended = train(*REPORTED, "trainer.max_epochs=3", "logger=[csv]")
    page = ended.folder / "moved.html"
    page.write_text((ended.folder / "report.html").read_text().replace("</html>", DRAG + "</html>"))
    text = rendered(page)
    left, top, width, height = map(float, attribute(text, "zoom").split())
    assert 0 < left < 1000
    assert 0 < top < 1000
    assert (width, height) == pytest.approx(
        (0.3 * 480 / 414 * 1000, 0.3 * 250 / 208 * 1000), rel=0.01
    )
    assert "train/loss" in attribute(text, "tip")
    assert attribute(text, "back") == "0 0 1000 1000"


def test_the_page_of_a_sweep_shows_the_leaderboard_and_every_chart(tmp_path: Path) -> None:
    folder, number = tmp_path / "sweep", 0
    for optimizer, base in {"sgd": 0.4, "adam": 0.1}.items():
        for rate in ("1e-4", "1e-3", "1e-2"):
            for seed in range(3):
                value = base + abs(math.log10(float(rate)) + 3) * 0.1 + 0.01 * math.sin(7 * number)
                words = [f"optimizer={optimizer}", f"optimizer.lr={rate}", f"seed={seed}"]
                job = run(folder / str(number), words, {"val/loss": value, "test/loss": value})
                rows = [f"{20 * e},{e},{value + math.exp(-e / 3)}" for e in range(1, 20)]
                (job / "history.csv").write_text("\n".join(["step,epoch,val/loss", *rows, ""]))
                number += 1
    results.conclude(folder)
    text = rendered(folder / "report.html")
    assert attribute(text, "alive") == "yes"
    assert "parallel coordinates of 18 runs over optimizer, optimizer.lr and val/loss" in text
    assert text.count('class="band"') == 6
    over_rate = text.partition("val/loss over optimizer.lr</b>")[2].partition("</figure>")[0]
    assert [mark for mark in ("0.0001", "0.001", "0.01") if f">{mark}</text>" in over_rate] == [
        "0.0001",
        "0.001",
        "0.01",
    ]
    picture = screenshot(folder / "report.html")
    assert min(pixels(picture, BLUE), pixels(picture, VERMILLION)) > 300


def test_a_sweep_of_failures_has_a_page_all_the_same(tmp_path: Path) -> None:
    folder = sweep(tmp_path / "sweep", {"model=cnn": (0.1,)})
    run(folder / "0", ["model=<cnn>", "seed=0"], status="failed", error="<b>no")
    results.conclude(folder)
    text = rendered(folder / "report.html")
    assert "nothing to compare" in text
    assert "&lt;b&gt;no" in text

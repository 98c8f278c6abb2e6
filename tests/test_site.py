"""The site: it is built, its links lead somewhere, and it needs no network."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from browser import needs_browser, rendered
from conftest import ROOT

from seedbed import help

pytest.importorskip("mkdocs", reason="needs mkdocs: pip install 'seedbed[docs]'")
pytestmark = pytest.mark.slow
FETCHED = re.compile(r'<(?:script|link|img|source|iframe)[^>]*?(?:src|href)="(https?:[^"]*)"')
REFERENCE = r'<a [^>]*href="https?:[^"]*"|<link rel="canonical"'  # followed by a click alone


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    words = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # strict: a link that leads nowhere is an error
    return folder


def test_every_page_is_in_the_navigation_and_fetches_nothing(site: Path) -> None:
    pages = [page for page in site.rglob("*.html") if page.name != "404.html"]
    assert len(pages) > 40
    start = (site / "index.html").read_text()
    for page in pages:
        text = page.read_text()
        assert f'href="{page.relative_to(site).as_posix()}"' in start or page == site / "index.html"
        assert FETCHED.findall(text) == [], page


def test_every_option_has_its_place(site: Path) -> None:
    text = (site / "techniques.html").read_text()
    for group in help.groups():
        for option in help.options(group):
            assert f"<code>{group}={option}</code>" in text


def test_the_reference_holds_what_the_docstrings_say(site: Path) -> None:
    text = (site / "api/optimizer.html").read_text()
    assert "seedbed.optimizer.lion.Lion" in text
    assert "Chen et al. 2023" in text
    assert "seedbed.optimizer._quick" not in text


def test_what_the_documents_page_names_is_there() -> None:
    text = (ROOT / "docs/documents.md").read_text()
    known = {path.stem for path in (ROOT / "configs/experiment").glob("*.yaml")}
    named = set(re.findall(r"\b(demo_\w+)", text)) | set(re.findall(r"experiment=(\w+)", text))
    assert len(named) > 15
    assert named - known == set()


def test_the_navigation_names_each_page_once() -> None:
    text = re.sub(r"!!\S+", "", (ROOT / "mkdocs.yml").read_text())
    pages = re.findall(r": ([\w/]+\.md)$", text, re.MULTILINE)
    assert yaml.safe_load(text)["nav"]
    assert len(pages) == len(set(pages))


@needs_browser
def test_a_page_is_read_without_a_network(site: Path) -> None:
    text = rendered(site / "index.html")
    assert "Start in five minutes" in text
    assert "md-nav__link" in text

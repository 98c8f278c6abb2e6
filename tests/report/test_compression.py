"""The table and the plot of compression from plain data."""

from pathlib import Path
from typing import Any

import pytest

from seedbed.report import compression


def row(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "points": 98.0,
        "own_error": 0.5,
        "gained": -1.25,
        "error": 0.4,
        "parameters": 1234,
        "nonzero": 617,
        "macs": 2_500_000,
        "bytes": 45_600,
        "milliseconds": {"1": 0.05, "64": 2.0},
        "speed_up": {"1": 1.0, "64": 2.5},
        "notes": [],
        "control": False,
        "stopped": False,
    } | more


TABLE: dict[str, Any] = {
    "meaning": "accuracy in %",
    "examples": 360,
    "runtime": "ONNX Runtime",
    "load": 0.5,
    "rows": [
        row("dense", gained=None, nonzero=1234),
        row("structured", notes=["2.0 times as slow as dense at batch 1"]),
        row("structured at random", control=True, milliseconds={}, speed_up={}),
    ],
}


def test_the_table_says_every_number_with_its_unit() -> None:
    lines = compression.text(TABLE).splitlines()
    assert lines[0].split() == [
        *("points", "Δ", "parameters", "zeros", "MACs", "size", "batch", "1", "batch", "64")
    ]
    assert lines[1].split()[:6] == ["dense", "98.00", "1.23", "k", "0%", "2.5"]
    assert "structured             98.00  -1.25 ± 0.40" in lines[2]
    assert "50%" in lines[2]
    assert "46 kB" in lines[2]
    assert "0.050 ms 1.0×" in lines[2]
    assert "2.000 ms 2.5×" in lines[2]
    assert "ms" not in lines[3]
    assert "structured: 2.0 times as slow as dense at batch 1" in lines
    assert any("360 examples of the test split" in line for line in lines)
    assert any("load 0.50 a core" in line for line in lines)


def test_markdown_and_html_hold_the_same_cells() -> None:
    markdown, page = compression.markdown(TABLE), compression.page(TABLE)
    for each in TABLE["rows"]:
        for cell in compression.line(each):
            assert f"| {cell} " in markdown
            assert f">{cell}</t" in page
    assert compression.page({**TABLE, "rows": [row("<b>")]}).count("&lt;b&gt;") == 1


@pytest.mark.parametrize(
    ("number", "says"),
    [(7, "7"), (999, "999"), (1234, "1.23 k"), (2_500_000, "2.5 M"), (3_000_000_000, "3 G")],
)
def test_counts_are_short(number: int, says: str) -> None:
    assert compression.count(number) == says


def test_the_front_holds_what_nothing_beats() -> None:
    places = [(5.0, 98.0), (1.0, 90.0), (2.0, 89.0), (3.0, 95.0), (3.0, 94.0), (9.0, 98.0)]
    assert compression.front(places) == [(1.0, 90.0), (3.0, 95.0), (5.0, 98.0)]


def test_the_plot_is_a_picture_twice_and_the_same_each_time(tmp_path: Path) -> None:
    png, svg = compression.draw(TABLE, tmp_path)
    assert png.read_bytes().startswith(b"\x89PNG")
    text = svg.read_text()
    assert "structured at random" in text
    assert "size in kB" in text
    compression.draw(TABLE, tmp_path)
    assert svg.read_text() == text


def test_no_table_is_none(tmp_path: Path) -> None:
    assert compression.read(tmp_path) is None

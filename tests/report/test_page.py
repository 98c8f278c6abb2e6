"""`report.html`: what it shows, and that it needs nothing but a folder."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import REPORTED, Train

from seedbed.report import curves, page

HISTORY = """step,epoch,train/loss_step,lr,val/loss,train/loss,gradient/norm
2,1,0.9,0.1,,,
4,1,,0.1,0.8,1.0,2.0
8,2,,0.05,0.6,0.5,1.0
"""


def test_curves_are_read_without_the_steps_at_which_they_were_not_logged(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(HISTORY)
    read = curves.read(tmp_path / "history.csv")
    assert read["val/loss"] == ([4, 8], [0.8, 0.6])
    assert read["lr"] == ([2, 4, 8], [0.1, 0.1, 0.05])
    assert list(curves.panels(read)) == ["loss", "gradient norm", "learning rate"]
    assert curves.panels(read)["loss"] == ["train/loss", "val/loss"]


def test_an_empty_or_missing_history_draws_nothing(tmp_path: Path) -> None:
    assert curves.draw(tmp_path / "history.csv", tmp_path / "c.png") is None
    (tmp_path / "history.csv").write_text("step,epoch\n")
    assert curves.draw(tmp_path / "history.csv", tmp_path / "c.png") is None
    assert not (tmp_path / "c.png").exists()


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e6])
def test_every_panel_has_room_for_its_labels(
    scale: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from matplotlib import pyplot as plt

    rows = [f"{n},{n},{k * scale},{k * scale},{k * scale}" for n, k in ((10**6, 2), (10**7, 3))]
    head = "step,epoch,train/loss,gradient/norm,lr"
    (tmp_path / "history.csv").write_text("\n".join([head, *rows, ""]))
    drawn: list[Any] = []
    monkeypatch.setattr(plt, "close", drawn.append)
    curves.draw(tmp_path / "history.csv", tmp_path / "c.png")
    [figure] = drawn
    boxes = [axis.get_tightbbox() for axis in figure.axes]
    assert len(boxes) == 3
    for n, box in enumerate(boxes):
        assert box.x0 >= 0
        assert box.y0 >= 0
        assert box.x1 <= figure.bbox.x1
        assert box.y1 <= figure.bbox.y1
        assert not any(box.overlaps(other) for other in boxes[:n])


def test_the_page_holds_numbers_and_picture_and_escapes_what_users_wrote(tmp_path: Path) -> None:
    (tmp_path / "history.csv").write_text(HISTORY)
    (tmp_path / "config.yaml").write_text("name: <b>bold\n")
    page.write(tmp_path, tmp_path, {"test/acc": 0.98765, "val/acc": 0.5, "best/epoch": 7})
    text = (tmp_path / "report.html").read_text()
    assert "0.9877" in text
    assert "of epoch 7" in text
    assert "&lt;b&gt;bold" in text
    assert "<b>bold" not in text
    assert 'aria-label="loss over step. train/loss: 0.5 at first' not in text
    assert 'aria-label="loss over step. train/loss: 1 at first, 0.5 at last' in text
    assert (tmp_path / "plots/curves.png").stat().st_size > 5000


def test_a_report_can_be_made_again_from_the_folder(train: Train) -> None:
    first = train(*REPORTED)
    again = train(f"run={first.folder}", "stages=report")
    assert again.code == 0, again.err
    [rerun] = (first.folder / "reruns").iterdir()
    numbers = (first.folder / "report.html").read_text().partition("<h2>Numbers")[2]
    numbers = numbers.partition("<h2>Curves")[0]
    assert numbers
    assert numbers in (rerun / "report.html").read_text()


def test_reports_are_made_without_torch() -> None:
    check = (
        "import sys, seedbed.report.page, seedbed.sweep.results;"
        "assert not {'torch', 'lightning'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0

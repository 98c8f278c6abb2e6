"""Curves from tables: our own, and those of others with all their habits."""

from pathlib import Path

import numpy as np
import pytest

from seedbed.doctor._history import Unreadable, foreign, own


def table(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "their.csv"
    file.write_text(text)
    return file


def test_own_history_is_read_up_to_a_step(tmp_path: Path) -> None:
    file = table(tmp_path, "step,epoch,train/loss,val/loss\n10,1,2.0,\n20,2,nan,1.5\n30,3,1.0,\n")
    curves = own(file)
    assert curves["train/loss"].steps.tolist() == [10, 20, 30]
    assert np.isnan(curves["train/loss"].values[1])
    assert curves["val/loss"].values.tolist() == [1.5]
    assert own(file, 20)["train/loss"].steps.tolist() == [10, 20]
    assert own(tmp_path / "none.csv") == {}


def test_the_names_of_others_are_known_and_percent_are_shares(tmp_path: Path) -> None:
    text = "Epoch;Train Loss;Valid_Loss;val accuracy;time\n1;2.0;2.1;30;5\n2;1.0;1.2;80;5\n"
    curves, rest, unit = foreign(table(tmp_path, text))
    assert set(curves) == {"train/loss", "val/loss", "val/acc"}
    assert curves["val/acc"].values.tolist() == [0.3, 0.8]
    assert curves["train/loss"].steps.tolist() == [1, 2]
    assert (rest, unit) == (["time"], "epoch")


def test_gaps_unsorted_rows_and_words_among_numbers_are_left_out(tmp_path: Path) -> None:
    text = "step,loss,val_loss\n30,1.0,\n10,3.0,\n20,-,2.5\n\n40,0.5\n"
    curves, _, _ = foreign(table(tmp_path, text))
    assert curves["train/loss"].steps.tolist() == [10, 30, 40]
    assert curves["val/loss"].steps.tolist() == [20]


def test_a_comma_may_be_the_point_of_a_number(tmp_path: Path) -> None:
    curves, _, _ = foreign(table(tmp_path, "epoch;train_loss\n1;2,5\n2;1,25\n"))
    assert curves["train/loss"].values.tolist() == [2.5, 1.25]


def test_without_steps_rows_are_counted(tmp_path: Path) -> None:
    curves, _, _ = foreign(table(tmp_path, "loss\n3\n2\n"))
    assert curves["train/loss"].steps.tolist() == [1, 2]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1,2\n", "no column with a loss .* there is a, b"),
        ("", "there is none"),
        ("loss\n", "no"),
        ("epoch,train_loss\n1,low\n", "there is no number in train_loss"),
    ],
)
def test_a_table_without_losses_is_refused(tmp_path: Path, text: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        foreign(table(tmp_path, text))


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_bytes(b"\xff\xfe\x00loss")
    with pytest.raises(Unreadable, match="cannot be read"):
        foreign(tmp_path / "x.csv")

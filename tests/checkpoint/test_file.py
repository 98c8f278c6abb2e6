"""Checkpoint files are whole or not there, and plain data."""

from pathlib import Path

import pytest
import torch

from seedbed.checkpoint._file import PlainFile, read_checkpoint


class Cursed:
    """Not plain data."""


class Unsaveable:
    """Fails while it is written."""

    def __reduce__(self) -> str:
        raise OSError("disk full")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.ckpt"
    PlainFile().save_checkpoint({"w": torch.tensor([1.5, 2.5]), "step": 7}, path)
    for content in (PlainFile().load_checkpoint(path), read_checkpoint(path)):
        assert content["step"] == 7
        assert content["w"].tolist() == [1.5, 2.5]
    assert [each.name for each in path.parent.iterdir()] == ["a.ckpt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    PlainFile().save_checkpoint({"step": 1}, path)
    with pytest.raises(OSError, match="disk full"):
        PlainFile().save_checkpoint({"step": 2, "bad": Unsaveable()}, path)
    assert read_checkpoint(path) == {"step": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["a.ckpt"]


def test_a_new_file_takes_the_place_of_the_old_at_once(tmp_path: Path) -> None:
    path, old = tmp_path / "a.ckpt", tmp_path / "old.ckpt"
    PlainFile().save_checkpoint({"step": 1}, path)
    old.hardlink_to(path)
    PlainFile().save_checkpoint({"step": 2}, path)
    assert read_checkpoint(old) == {"step": 1}  # not overwritten in place
    assert read_checkpoint(path) == {"step": 2}


def test_anything_but_plain_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"x": Cursed()}, path)
    with pytest.raises(ValueError, match="not a checkpoint of plain data"):
        PlainFile().load_checkpoint(path, weights_only=False)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        read_checkpoint(tmp_path / "a.ckpt")

"""Checkpoint files are whole or not there, verified, and plain data."""

import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch
from quick import Batches, Walker, trainer

from seedbed.checkpoint._file import (
    PlainFile,
    progress,
    read_checkpoint,
    write_checkpoint,
)


class Cursed:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.folder),)


class Unsaveable:
    """Fails while it is written."""

    def __reduce__(self) -> str:
        raise OSError("disk full")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "a.ckpt"
    PlainFile().save_checkpoint({"w": torch.tensor([1.5, 2.5]), "step": 7}, path)
    for content in (PlainFile().load_checkpoint(path), read_checkpoint(str(path))):
        assert content["step"] == 7
        assert content["w"].tolist() == [1.5, 2.5]
    assert [each.name for each in path.parent.iterdir()] == ["a.ckpt"]


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    PlainFile().save_checkpoint({"step": 1}, path)
    with pytest.raises(
        OSError, match=r"a\.ckpt: cannot be written \(disk full\); the file of before is intact"
    ):
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


@pytest.mark.parametrize("forced", [True, False])
def test_nothing_in_a_checkpoint_is_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, forced: bool
) -> None:
    path, proof = tmp_path / "a.ckpt", tmp_path / "proof"
    write_checkpoint({"global_step": 1, "epoch": 1, "x": Cursed(proof)}, path)
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
        with pytest.warns(UserWarning, match="forcing weights_only=False"):
            torch.load(path)  # the curse works
        proof.rmdir()
    says = r"a\.ckpt: not a checkpoint of plain data \(it holds posix\.mkdir\)"
    with pytest.raises(ValueError, match=says):
        read_checkpoint(path)
    with pytest.raises(ValueError, match=says):
        progress(path)
    with pytest.raises(ValueError, match=says):
        PlainFile().load_checkpoint(path, weights_only=False)
    with pytest.raises(ValueError, match=says):
        trainer(max_epochs=1, plugins=[PlainFile()]).fit(
            Walker(), Batches(1), Batches(1), ckpt_path=path, weights_only=False
        )
    assert not proof.exists()


@pytest.mark.parametrize("place", ["http", "https", "s3", "gs", "hf", "file", "HTTPS"])
def test_an_address_is_refused(place: str) -> None:
    url = f"{place}://localhost:1/a.ckpt"
    for path in (url, Path(url)):
        with pytest.raises(ValueError, match=f"{place}:.*: a local file is expected"):
            read_checkpoint(path)
    with pytest.raises(ValueError, match="a local file is expected"):
        progress(Path(url))
    with pytest.raises(ValueError, match="a local file is expected"):
        trainer(max_epochs=1, plugins=[PlainFile()]).fit(
            Walker(), Batches(1), Batches(1), ckpt_path=url, weights_only=True
        )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no checkpoint"):
        read_checkpoint(tmp_path / "a.ckpt")


def test_damage_anywhere_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    path, draw = tmp_path / "a.ckpt", random.Random(0)  # noqa: S311
    write_checkpoint({"w": torch.randn(5000), "step": 7}, path)
    content = path.read_bytes()
    for _ in range(200):
        changed = bytearray(content)
        changed[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(changed)
        with pytest.raises(ValueError, match=r"a\.ckpt: damaged \(it") as caught:
            read_checkpoint(path)
        assert "\n" not in str(caught.value)
    for size in [0, *(draw.randrange(len(content)) for _ in range(100))]:
        path.write_bytes(content[:size])
        with pytest.raises(ValueError, match=r"a\.ckpt: damaged \(it"):
            read_checkpoint(path)


def test_what_torch_saved_but_is_no_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save([1, 2], path)
    with pytest.raises(ValueError, match=r"a\.ckpt: not a checkpoint \(list\)"):
        read_checkpoint(path)


def test_progress_is_told_without_reading_the_weights(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    write_checkpoint({"global_step": 120, "epoch": 3, "w": torch.zeros(10**6)}, path)
    content = bytearray(path.read_bytes())
    content[2 * 10**6] ^= 1  # in the weights, which are not looked at
    path.write_bytes(content)
    assert progress(path) == (120, 3)
    for wrong in ({"epoch": 3}, {"global_step": None, "epoch": 3}):
        write_checkpoint(wrong, path)
        with pytest.raises(ValueError, match="not a checkpoint of a training"):
            progress(path)


def test_what_was_read_is_not_read_again(tmp_path: Path) -> None:
    path, io = tmp_path / "a.ckpt", PlainFile()
    write_checkpoint({"step": 1}, path)
    read = io.load_checkpoint(path)
    write_checkpoint({"step": 2}, path)
    io.hand_over(path, read)
    assert io.load_checkpoint(tmp_path / "a.ckpt") is read
    assert io.load_checkpoint(path) == {"step": 2}  # it is given once

"""Going on takes the newest checkpoint that is whole and names those that are not."""

from math import nan
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.checkpoint._file import write_checkpoint
from seedbed.run import saved
from seedbed.run.folder import Refused

TASK = nn.Linear(2, 1)


def write(run: Path, name: str, step: int, epoch: int, **changes: Any) -> Path:
    """Write a checkpoint whose weights say at which step they were saved."""
    state = {"weight": torch.full((1, 2), float(step)), "bias": torch.zeros(1)}
    content = {"epoch": epoch, "global_step": step, "state_dict": state, "spec": {}}
    content |= {"loops": {}, "callbacks": {}, "optimizer_states": [], "lr_schedulers": []}
    file = run / "checkpoints" / f"{name}.ckpt"
    write_checkpoint(content | changes, file)
    return file


def taken(run: Path) -> tuple[str, int, list[str]]:
    """Return which checkpoint is taken, its step, and what is told."""
    told: list[str] = []
    file, content = saved.newest(run, TASK, told.append)
    assert content["state_dict"]["weight"][0, 0] == content["global_step"]
    return file.stem, content["global_step"], told


def damage(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[content.index(b"PK\x01\x02") + 20] ^= 4
    file.write_bytes(content)


def test_the_newest_is_the_one_with_most_steps(tmp_path: Path) -> None:
    write(tmp_path, "epoch-0002_step-0000020", 20, 1)
    best = write(tmp_path, "best", 20, 1)
    none = f"{tmp_path}/checkpoints/last.ckpt: there is no checkpoint"
    told = [f"{none}; going on from {best}, epoch 2, step 20"]
    assert taken(tmp_path) == ("best", 20, told)
    write(tmp_path, "last", 30, 2)
    assert taken(tmp_path) == ("last", 30, [])
    write(tmp_path, "best", 35, 3)  # a validation within the epoch that was interrupted
    assert taken(tmp_path) == ("best", 35, [])
    write(tmp_path, "last", 35, 3)
    assert taken(tmp_path) == ("last", 35, [])
    write(tmp_path, "epoch-0005_step-0000009", 9, 9)  # its name is not asked
    assert taken(tmp_path) == ("last", 35, [])


def test_a_damaged_one_is_named_and_passed_over(tmp_path: Path) -> None:
    last, best = write(tmp_path, "last", 120, 3), write(tmp_path, "best", 90, 2)
    third = write(tmp_path, "epoch-0002_step-0000060", 60, 1)
    damage(last)
    why = f"{last}: damaged (its checksum does not fit)"
    on = "going on from {}, epoch {}, step {}"
    assert taken(tmp_path) == ("best", 90, [f"{why}; {on.format(best, 3, 90)}"])
    best.write_bytes(best.read_bytes()[:500])
    cut = f"{best}: damaged (its end is missing or changed)"
    name, step, told = taken(tmp_path)
    assert (name, step, len(told)) == (third.stem, 60, 2)
    assert told[-1].endswith(on.format(third, 2, 60))
    assert sorted(line.partition(";")[0] for line in told) == sorted([why, cut])
    third.write_bytes(b"")
    with pytest.raises(Refused) as caught:
        saved.newest(tmp_path, TASK, told.append)
    assert str(caught.value).startswith(f"run={tmp_path}: nothing to go on from: ")
    assert all(line in str(caught.value) for line in (why, cut, f"{third}: damaged (it is empty)"))
    assert "\n" not in str(caught.value)


def test_a_damaged_last_is_named_even_where_its_steps_read_as_few(tmp_path: Path) -> None:
    last, best = write(tmp_path, "last", 1, 0), write(tmp_path, "best", 90, 2)
    damage(last)
    told = [f"{last}: damaged (its checksum does not fit); going on from {best}, epoch 3, step 90"]
    assert taken(tmp_path) == ("best", 90, told)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        (
            {"state_dict": {"weight": torch.tensor([[1, nan]]), "bias": torch.zeros(1)}},
            "poisoned (weight holds NaN)",
        ),
        (
            {"state_dict": {"weight": torch.zeros(1, 3), "bias": torch.zeros(1)}},
            "of another model (its weight is of another shape)",
        ),
        ({"state_dict": {}}, "of another model (it has no weight)"),
        ({"state_dict": None}, "not a checkpoint of a run (its 'state_dict' is no table)"),
        (
            {"optimizer_states": [{"state": {0: {"m": torch.tensor(nan)}}}]},
            "poisoned (the state of the optimizer holds NaN)",
        ),
    ],
)
def test_what_is_poisoned_or_foreign_is_named_and_passed_over(
    tmp_path: Path, changes: dict[str, Any], why: str
) -> None:
    last, best = write(tmp_path, "last", 5, 1, **changes), write(tmp_path, "best", 4, 0)
    told = [f"{last}: {why}; going on from {best}, epoch 1, step 4"]
    assert taken(tmp_path) == ("best", 4, told)


def test_weights_alone_are_nothing_to_go_on_from(tmp_path: Path) -> None:
    last = tmp_path / "checkpoints/last.ckpt"
    write_checkpoint(TASK.state_dict(), last)
    with pytest.raises(Refused, match="it has no 'state_dict'"):
        saved.newest(tmp_path, TASK, print)
    torch.save(TASK.state_dict(), last)
    with pytest.raises(Refused, match="it has no 'state_dict'"):
        saved.newest(tmp_path, TASK, print)
    last.unlink()
    with pytest.raises(Refused, match="there is no checkpoint to go on from"):
        saved.newest(tmp_path, TASK, print)


def test_nothing_takes_the_place_of_a_best_that_is_not_whole(tmp_path: Path) -> None:
    write(tmp_path, "last", 120, 3)
    with pytest.raises(Refused, match=r"best\.ckpt: there is no checkpoint"):
        saved.best(tmp_path, TASK)
    best = write(tmp_path, "best", 90, 2)
    assert saved.best(tmp_path, TASK)["global_step"] == 90
    damage(best)
    with pytest.raises(Refused, match=r"best\.ckpt: damaged \(its checksum does not fit\)$"):
        saved.best(tmp_path, TASK)
    nans = {"weight": torch.full((1, 2), nan), "bias": torch.zeros(1)}
    write(tmp_path, "best", 90, 2, state_dict=nans)
    with pytest.raises(Refused, match=r"best\.ckpt: poisoned \(weight holds NaN\)$"):
        saved.best(tmp_path, TASK)


def test_the_weights_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, step in (("last", 30), ("best", 20), ("epoch-0001_step-0000010", 10)):
        write(tmp_path, name, step, step)
    read: list[str] = []
    whole = saved.read_checkpoint

    def counted(file: Path) -> dict[str, Any]:
        read.append(file.stem)
        return whole(file)

    monkeypatch.setattr(saved, "read_checkpoint", counted)
    taken(tmp_path)
    assert read == ["last"]

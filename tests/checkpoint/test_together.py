"""What fails on the first process is raised on every process, and none is left waiting."""

import errno
from pathlib import Path
from typing import Any

import pytest
from lightning import Trainer

from seedbed.atomic import Unwritable
from seedbed.checkpoint._together import first_alone, save


class Ranks:
    """A trainer of two processes, seen from one of them; what it calls is written down."""

    def __init__(self, first: bool, told: Any = None, failure: Exception | None = None) -> None:
        self.is_global_zero, self.told, self.failure = first, told, failure
        self.strategy, self.calls = self, list[str]()

    def save_checkpoint(self, path: Path) -> None:
        if self.failure is not None:
            raise self.failure
        self.barrier("after saving")

    def barrier(self, name: str) -> None:
        self.calls.append("barrier")

    def broadcast(self, value: Any) -> Any:
        self.calls.append("broadcast")
        return value if self.is_global_zero else self.told


def of(ranks: Ranks) -> Trainer:
    return ranks  # pyright: ignore[reportReturnType]


FULL = Unwritable(errno.ENOSPC, "a.ckpt: cannot be written")


@pytest.mark.parametrize(
    "ranks", [Ranks(True, failure=FULL), Ranks(False, told=(errno.ENOSPC, str(FULL)))]
)
def test_both_meet_the_same_calls_and_raise_the_same_error(ranks: Ranks) -> None:
    with pytest.raises(Unwritable) as caught:
        save(of(ranks), Path("a.ckpt"))
    assert (caught.value.errno, str(caught.value)) == (errno.ENOSPC, str(FULL))
    assert ranks.calls == ["barrier", "broadcast"]


@pytest.mark.parametrize("first", [True, False])
def test_nothing_is_raised_where_nothing_failed(first: bool) -> None:
    ranks = Ranks(first)
    save(of(ranks), Path("a.ckpt"))
    assert ranks.calls == ["barrier", "broadcast"]


def test_a_bug_is_not_taken_for_a_full_disk() -> None:
    with pytest.raises(KeyError):
        save(of(Ranks(True, failure=KeyError("bug"))), Path("a.ckpt"))


def test_only_the_first_works_and_all_hear_of_its_failure() -> None:
    did: list[str] = []
    first_alone(of(Ranks(True)), lambda: did.append("first"))
    first_alone(of(Ranks(False)), lambda: did.append("other"))
    assert did == ["first"]

    def fail() -> None:
        raise PermissionError(errno.EACCES, "Permission denied", "b.ckpt")

    for ranks in (Ranks(True), Ranks(False, told=(errno.EACCES, "b.ckpt"))):
        with pytest.raises(Unwritable, match=r"b\.ckpt"):
            first_alone(of(ranks), fail)
        assert ranks.calls == ["broadcast"]

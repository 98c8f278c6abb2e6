"""Data workers and ranks that die, raise or stand still end their run in time, by name."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import TINY
from PIL import Image
from start import alive, ended, start, status

pytestmark = pytest.mark.slow

SHORT = [*TINY[:-2], "trainer.max_epochs=3", TINY[-1]]
DDP = ["trainer=ddp_cpu", *(w for w in SHORT if w != "trainer=cpu")]


def strike(folder: Path, *words: str, **fault: Any) -> tuple[list[str], dict[str, Any]]:
    """Return what a run said that a fault ended, and its status; nothing of it is left."""
    mark = folder / "mark"
    process = start(folder, *words, "out=run", fault=fault | {"mark": str(mark)})
    gone = ended(process, within=90)
    assert mark.exists()
    assert gone.code in (1, -9), gone.err
    assert alive(process.pid) == []
    said = status(folder / "run")
    assert said["status"] == "failed"
    return gone.lines, said


@pytest.fixture
def pictures(tmp_path: Path) -> list[str]:
    random = np.random.default_rng(0)
    for label in ("a", "b"):
        folder = tmp_path / "pictures" / label
        folder.mkdir(parents=True)
        for n in range(24):
            pixels = random.integers(0, 255, (8, 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{n}.png")
    return [
        *("data=image_folder", "data.root=pictures", "data.size=8", "data.batch_size=12"),
        *("data.num_workers=1", "model=mlp", "model.widths=[8]", "trainer=cpu", TINY[-1]),
        *("trainer.max_epochs=2", "scaling=none"),  # a scaling would read before the training
    ]


@pytest.mark.parametrize(
    ("what", "words", "says"),
    [
        ("SIGKILL", [], "a data worker was killed by SIGKILL"),
        ("exit", [], "a data worker exited"),
        ("hang", ["timeout=4"], "a data worker did not answer in time (timeout)"),
        ("SIGSTOP", ["timeout=4"], "a data worker did not answer in time (timeout)"),
        ("raise", [], "RuntimeError: "),
    ],
)
def test_a_worker(
    what: str, words: list[str], says: str, tmp_path: Path, pictures: list[str]
) -> None:
    lines, said = strike(tmp_path, *pictures, *words, where="read", what=what)
    assert says in said["error"]
    if what != "raise":
        assert lines[0].startswith(f"failed: {says}")
        assert lines[1:] == ["python train.py run=run"]


def test_workers_end_with_a_run_that_ends_well(tmp_path: Path, pictures: list[str]) -> None:
    process = start(tmp_path, *pictures, "out=run")
    assert ended(process, within=60).code == 0
    assert alive(process.pid) == []


@pytest.mark.parametrize("rank", [0, 1])
def test_a_rank_that_raises_is_named(rank: int, tmp_path: Path) -> None:
    lines, said = strike(tmp_path, *DDP, where="batch", step=4, rank=rank, what="raise")
    name = "rank 1: " if rank else ""
    assert said["error"].endswith(f"{name}RuntimeError: the step is broken"), lines


def test_a_rank_that_is_killed_is_named(tmp_path: Path) -> None:
    lines, said = strike(tmp_path, *DDP, where="batch", step=4, rank=1, what="SIGKILL")
    assert "rank 1 (pid " in said["error"]
    assert said["error"].endswith("was killed by SIGKILL")
    assert lines[-1] == "python train.py run=run"


def test_a_rank_that_is_asked_to_end_while_nothing_is_trained(tmp_path: Path) -> None:
    """Nobody agrees on it then; the others see it gone and end as it did."""
    mark = tmp_path / "mark"
    fault = {"where": "test", "step": 6, "rank": 1, "what": "SIGTERM", "mark": str(mark)}
    process = start(tmp_path, *DDP, "out=run", fault=fault)
    gone = ended(process, within=90)
    assert mark.exists()
    assert (gone.code, gone.lines[-1]) == (143, "python train.py run=run"), gone.err
    assert status(tmp_path / "run")["status"] == "interrupted"
    assert alive(process.pid) == []


def test_a_rank_that_stands_still_is_named(tmp_path: Path) -> None:
    fault: dict[str, Any] = {"where": "batch", "step": 4, "rank": 1, "what": "SIGSTOP"}
    _, said = strike(tmp_path, *DDP, "timeout=15", **fault)
    assert said["error"].endswith("did not answer")
    assert "rank 1 (pid " in said["error"]


def test_the_first_rank_stands_still(tmp_path: Path) -> None:
    """The others end it; nobody is left to wait for it."""
    fault: dict[str, Any] = {"where": "batch", "step": 4, "rank": 0, "what": "SIGSTOP"}
    _, said = strike(tmp_path, *DDP, "timeout=15", **fault)
    assert said["error"] == "rank 0 did not answer"


def test_the_first_rank_is_killed(tmp_path: Path) -> None:
    """Its status cannot be told any more: a reader sees that it is lost, and no rank is left."""
    from seedbed.run.status import standing

    mark = tmp_path / "mark"
    fault = {"where": "batch", "step": 4, "rank": 0, "what": "SIGKILL", "mark": str(mark)}
    process = start(tmp_path, *DDP, "out=run", fault=fault)
    assert ended(process, within=60).code == -9
    assert mark.exists()
    assert alive(process.pid) == []
    assert status(tmp_path / "run")["status"] == "running"
    assert standing(tmp_path / "run") == "lost"


@pytest.mark.parametrize("rank", [0, 1])
def test_one_rank_diverges_and_all_say_so(rank: int, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    fault = {"where": "forward", "step": 4, "rank": rank, "what": "nan", "mark": str(mark)}
    process = start(tmp_path, *DDP, "out=run", fault=fault)
    gone = ended(process, within=60)
    assert mark.exists()
    assert gone.code == 1, gone.err
    assert gone.err.splitlines()[-1].startswith(
        "diverged: the gradient became non-finite at step 4"
    )
    assert status(tmp_path / "run")["status"] == "diverged"
    assert alive(process.pid) == []


def test_memory_that_is_not_there(tmp_path: Path) -> None:
    lines, _ = strike(tmp_path, *SHORT, where="batch", step=4, what="memory")
    assert lines[0].startswith("failed: there is not enough memory")
    assert lines[1:] == ["python train.py run=run"]


def test_an_exception_in_a_step_leaves_what_was_saved(tmp_path: Path) -> None:
    lines, said = strike(tmp_path, *SHORT, where="forward", step=4, what="raise")
    assert said["error"] == "RuntimeError: the step is broken"
    assert lines[-1] == "failed: run"
    assert (tmp_path / "run/checkpoints/last.ckpt").is_file()
    again = ended(start(tmp_path, "run=run"))
    assert again.code == 0, again.err

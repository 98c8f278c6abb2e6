"""The same command lines on two processes that stay, for many small runs at the price of one start.

As a script it is one of the two: `torchrun --nproc-per-node=2 tests/pair.py <jobs.json>`.
"""

import json
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from seedbed import config
from seedbed.command import Command
from seedbed.door import checked
from seedbed.run.pipeline import Run
from seedbed.run.quiet import quiet


def learn(words: Sequence[str], out: Path) -> None:
    """Run a command line and save what was learned as `learned.pt`."""
    config.register()
    [cfg] = checked(Command.read([*words]))
    run = Run(replace(cfg, out=str(out)), out)
    out.mkdir(parents=True, exist_ok=True)
    with quiet():
        run.all()
    if run.parts.trainer.is_global_zero:
        torch.save(run.parts.task.state_dict(), out / "learned.pt")


def learned(out: Path) -> dict[str, Tensor]:
    return torch.load(out / "learned.pt", weights_only=True)


def both(jobs: Mapping[str, Sequence[str]], folder: Path) -> None:
    """Run every job, alone in `folder/<name>/1` and by two processes in `folder/<name>/2`."""
    file = folder / "jobs.json"
    file.write_text(json.dumps({str(folder / name / "2"): words for name, words in jobs.items()}))
    launch = (sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone")
    done = subprocess.run(
        [*launch, __file__, str(file)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for name, words in jobs.items():
        learn([*words, "trainer=cpu", doubled(words)], folder / name / "1")


def doubled(words: Sequence[str]) -> str:
    """Return the batch size of one process that does the work of two."""
    key = "data.batch_size="
    [size] = [int(word.removeprefix(key)) for word in words if word.startswith(key)]
    return f"{key}{2 * size}"


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    for out, words in json.loads(Path(sys.argv[1]).read_text()).items():
        learn([*words, "trainer=ddp_cpu", "trainer.devices=2"], Path(out))

"""What the live doctor and the average cost: training steps with one of them, by those without.

`python benchmarks/doctor_cost.py` trains the same model with `doctor=default` and `doctor=none`,
and with `callback=[ema]` and `callback=[]`, in turns so that the load of the machine hits both
alike, and prints the median of the ratios of process CPU times with its 95 % interval (bootstrap).
On a machine with other work that interval is wide, so the CPU time that passes inside of the doctor
is also measured by itself, and given by the rest: `inside`.
"""

import argparse
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from omegaconf import OmegaConf
from turns import row, shown

from seedbed import config
from seedbed.callback._activity import Activity
from seedbed.callback._doctor import Doctor
from seedbed.callback._looks import Looks
from seedbed.command import Command, compose_all
from seedbed.run.build import build
from seedbed.run.quiet import quiet

BAR = 1.02  # of the doctor; the average moves every weight in every step
PARTS = {  # words with it, and without
    "doctor": ("doctor=default callback=[]", "doctor=none callback=[]"),
    "ema": ("doctor=none callback=[ema]", "doctor=none callback=[]"),
}
CASES = {
    "cnn on digits": ["data=digits", "model=cnn"],
    "mlp on digits": ["data=digits", "model=mlp"],
    "mlp, batches of 8": ["data=digits", "model=mlp", "data.batch_size=8"],
    "resnet on digits": ["data=digits", "model=resnet"],
}


class Clock(Callback):
    """Takes the process CPU time of every stretch of updates."""

    def __init__(self, updates: int) -> None:
        self.updates, self.times = updates, [time.process_time()]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Take the time at the end of a stretch."""
        if trainer.global_step % self.updates == 0:
            self.times.append(time.process_time())


INSIDE = [0.0]  # CPU seconds


def timed(kind: Any, name: str) -> None:
    """Let a method of the doctor's add its CPU time to what passed inside."""
    plain = getattr(kind, name)

    def method(*given: Any) -> Any:
        begun = time.process_time()
        try:
            return plain(*given)
        finally:
            INSIDE[0] += time.process_time() - begun

    setattr(kind, name, method)


def seconds(words: list[str], out: Path, updates: int) -> float:
    """Return the CPU seconds of a training between its first and last stretch."""
    shared = ["trainer=cpu", "trainer.enable_progress_bar=false", "logger=csv"]
    steps = [f"trainer.max_steps={updates}", "trainer.max_epochs=-1", "scheduler=constant"]
    [cfg] = compose_all(Command.read([*words, *shared, *steps, f"out='{out}'", "stages=fit"]))
    with quiet():
        parts = build(config.check(cfg), out)
    INSIDE[0] = 0.0
    clock = Clock(updates // 4)
    parts.trainer.callbacks.append(clock)  # pyright: ignore[reportAttributeAccessIssue]
    datamodule: Any = parts.data
    with quiet():
        parts.trainer.fit(parts.task, datamodule=datamodule)
    return clock.times[-1] - clock.times[0]


def pair(case: str, part: str, updates: int, at: int) -> tuple[float, float]:
    """Return seconds with a part by those without, and the share that passed inside the doctor."""
    spent, inside = [0.0, 0.0], 0.0
    for which in (0, 1)[:: 1 if at % 2 else -1]:
        with TemporaryDirectory() as folder:
            words = [*CASES[case], *PARTS[part][which].split()]
            spent[which] = seconds(words, Path(folder), updates)
            inside = inside or INSIDE[0] / (spent[which] - INSIDE[0])
    return spent[0] / spent[1], inside


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--updates", type=int, default=800)
    parser.add_argument("--case", choices=CASES)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config.register()
    OmegaConf.register_new_resolver("id", lambda: "x", replace=True)
    for kind, method in ((Doctor, "_safely"), (Activity, "_hear"), (Looks, "_hear_loss")):
        timed(kind, method)
    print("| training | doctor | inside | average |\n|---|---|---|---|")  # noqa: T201
    for name in [asked.case] if asked.case else CASES:
        found = {
            part: [pair(name, part, asked.updates, at) for at in range(asked.pairs)]
            for part in PARTS
        }
        (doctor, inside), (ema, _) = (zip(*each, strict=True) for each in found.values())
        print(row([name, shown(doctor, BAR), f"{median(inside):.1%}", shown(ema)]))  # noqa: T201


if __name__ == "__main__":
    main()

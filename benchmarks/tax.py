"""What the structure costs: epochs of seedbed's full set-up by those of hand-written loops.

`python benchmarks/tax.py` trains with everything that is on by default (metrics, CSV and
TensorBoard, EMA, clipping, early stopping, checkpoints, the doctor, the progress bar).  After every
25 of its steps each loop below makes as many of its own, in the same process on the same examples,
already scaled; so the load of the machine hits all alike.  All of them train, clip, average and
measure loss and accuracy, and validate the average once an epoch.

- plain: what torch offers: Adam as it comes, `AveragedModel`, `clip_grad_norm_`, `DataLoader`-free;
- tuned: fused Adam, and one `_foreach_lerp_` for the average.

A line is the median over epochs of the ratio to each loop, the ends of its 95 % interval
(bootstrap), and the seconds of an epoch.
"""

import argparse
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from omegaconf import OmegaConf
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from turns import row, shown

from seedbed import config, lean
from seedbed.command import Command, compose_all
from seedbed.run.build import build
from seedbed.run.quiet import quiet


class Case(NamedTuple):
    """A training, and the most that its epochs may take by those of the loops."""

    words: list[str]
    plain: float
    tuned: float


MLP = ["model=mlp", "model.widths=[64,128,64]", "model.norm=batch"]  # about 70,000 weights
CASES = {
    "mlp, batches of 64": Case([*MLP, "data.batch_size=64"], 0.90, 1.15),
    "cnn, batches of 128": Case(
        ["model=cnn", "data.batch_size=128", "data.fraction=0.3"], 1.03, 1.03
    ),
    "mlp, batches of 16": Case([*MLP, "data.batch_size=16"], 0.90, 1.15),
    "mlp of one layer, batches of 256": Case(["model=mlp", "data.batch_size=256"], 0.90, 1.15),
}
EMA, CLIP, RATE = 0.99, 1.0, 1e-3
TURN = 25  # steps


class Hand:
    """A loop as one writes it for a single paper.

    Args:
        model: scaled inputs to logits; copied.
        train: scaled inputs and classes.
        val: the same.
        batch: examples B.
        tuned: with what torch has for speed.
    """

    def __init__(
        self,
        model: nn.Module,
        train: tuple[Tensor, Tensor],
        val: tuple[Tensor, Tensor],
        batch: int,
        *,
        tuned: bool,
    ) -> None:
        self.model, self.train, self.val, self.batch = deepcopy(model), train, val, batch
        self.tuned = tuned
        self.params = list(self.model.parameters())
        self.optimizer = torch.optim.Adam(self.params, lr=RATE, fused=tuned or None)
        if tuned:
            self.average: Any = deepcopy(self.model)
            self.pairs = [
                [t for t in each.state_dict().values() if t.is_floating_point()]
                for each in (self.average, self.model)
            ]
        else:
            self.average = AveragedModel(
                self.model, multi_avg_fn=get_ema_multi_avg_fn(EMA), use_buffers=False
            )

    def epoch(self) -> Iterator[list[float]]:
        """Train and validate once, pausing now and then; then yield loss and accuracy of both."""
        x, y = self.train
        self.model.train()
        loss_sum, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for step, index in enumerate(torch.randperm(len(y)).split(self.batch)):
            if step and step % TURN == 0:
                yield []
            logits = self.model(x[index])
            target = y[index]
            loss = cross_entropy(logits, target)
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.params, CLIP)
            self.optimizer.step()
            if self.tuned:
                with torch.no_grad():
                    torch._foreach_lerp_(*self.pairs, 1 - EMA)
            else:
                self.average.update_parameters(self.model)
            loss_sum += loss.detach() * len(index)
            right += (logits.detach().argmax(-1) == target).sum()
        yield [float(loss_sum) / len(y), float(right) / len(y), *self.validate()]

    @torch.inference_mode()
    def validate(self) -> list[float]:
        """Return loss and accuracy of the average."""
        x, y = self.val
        self.average.eval()
        loss_sum, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        for some, target in zip(x.split(self.batch), y.split(self.batch), strict=True):
            logits = self.average(some)
            loss_sum += cross_entropy(logits, target) * len(target)
            right += (logits.argmax(-1) == target).sum()
        return [float(loss_sum) / len(y), float(right) / len(y)]


class Turns(Callback):
    """Lets the loops run between two epochs of the training, and takes the time of all.

    Args:
        clock: seconds that have passed.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.hands: dict[str, Hand] = {}
        self.at_work: dict[str, Iterator[list[float]]] = {}
        self.spent: dict[str, list[float]] = {"seedbed": [], "plain": [], "tuned": []}
        self.begun = 0.0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write the loops for what is trained here."""
        data: Any = trainer.datamodule  # pyright: ignore[reportAttributeAccessIssue]
        net: Any = pl_module.model
        sets = []
        for name in ("train", "val"):
            split = data.splits[name]
            with torch.no_grad():
                sets.append((net.scaling(split.x), split.y))
        for name in ("plain", "tuned"):
            self.hands[name] = Hand(net.model, *sets, data.batch_size, tuned=name == "tuned")
        self.begun = self.clock()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let the loops end the epoch before, and begin another."""
        if self.at_work:
            self.pause()
        self.at_work = {name: hand.epoch() for name, hand in self.hands.items()}
        for times in self.spent.values():
            times.append(0.0)
        self.begun = self.clock()

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Give every loop its turn."""
        if batch_idx and batch_idx % TURN == 0:
            self.pause()

    def pause(self) -> None:
        """Let each loop make its steps while the training waits."""
        self.spent["seedbed"][-1] += self.clock() - self.begun
        for name, work in self.at_work.items():
            begun = self.clock()
            next(work)
            self.spent[name][-1] += self.clock() - begun
        self.begun = self.clock()


def turns(words: list[str], epochs: int, out: Path, clock: Callable[[], float]) -> Turns:
    """Return the times of a training of `epochs`, one that warms up before and one not measured."""
    shared = ["trainer=cpu", "data=fashion_mnist", f"optimizer.lr={RATE}", "scheduler=constant"]
    long = [f"trainer.max_epochs={epochs + 2}", "callback.early_stopping.patience=1000"]
    [cfg] = compose_all(Command.read([*shared, *long, *words, f"out='{out}'", "stages=fit"]))
    found = Turns(clock)
    lean.keep()  # as train.py does
    with quiet():
        parts = build(config.check(cfg), out)
        parts.trainer.callbacks.insert(0, found)  # pyright: ignore[reportAttributeAccessIssue]
        datamodule: Any = parts.data
        parts.trainer.fit(parts.task, datamodule=datamodule)
    found.spent = {name: times[1:-1] for name, times in found.spent.items()}
    return found


def line(name: str, spent: dict[str, list[float]]) -> str:
    """Return a row of the table."""
    cells = [name]
    for loop in ("plain", "tuned"):
        pairs = zip(spent["seedbed"], spent[loop], strict=True)
        ratios = [ours / theirs for ours, theirs in pairs]
        cells.append(shown(ratios, getattr(CASES[name], loop)))
    cells += [f"{median(spent[who]):.2f}" for who in ("seedbed", "plain", "tuned")]
    return row(cells)


def main(given: list[str] | None = None) -> None:
    """Print a row a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--case", choices=CASES, action="append")
    parser.add_argument("--cpu", action="store_true", help="CPU seconds in place of real ones")
    parser.add_argument("--set", nargs="*", default=[], help="more words of the command line")
    asked = parser.parse_args(given)
    torch.set_num_threads(1)
    config.register()
    OmegaConf.register_new_resolver("id", lambda: "x", replace=True)
    clock = time.process_time if asked.cpu else time.perf_counter
    print("| training | by plain | by tuned | seedbed s | plain s | tuned s |")  # noqa: T201
    print("|---" * 6 + "|")  # noqa: T201
    for name in asked.case or CASES:
        with TemporaryDirectory() as folder:
            words = [*CASES[name].words, *asked.set]
            found = turns(words, asked.epochs, Path(folder), clock)
        print(line(name, found.spent), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

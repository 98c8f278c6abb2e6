"""What the curvature of the loss is worth in pruning: OBD beside magnitude and chance.

`python benchmarks/compression_sparse.py` trains LeNet-300-100 on Fashion-MNIST (on digits where
that is not installed), prunes it in 10 steps by obd, by magnitude and by chance, with the same
fine-tuning at a tenth of the learning rate and at all of it, and prints the accuracies on the
test split, and how much obd is ahead.  It takes a quarter of an hour a seed on one core; options
of the dense run come first: `compression_sparse.py data.fraction=.1 --seeds 1`.
"""

import argparse
import tempfile
from copy import deepcopy
from dataclasses import replace
from itertools import product
from pathlib import Path
from statistics import fmean, stdev
from typing import cast

import torch
from torch import nn

from seedbed import config
from seedbed.command import Command
from seedbed.compress._workbench import StepLoss, Workbench
from seedbed.compress.magnitude import Magnitude
from seedbed.compress.obd import OBD
from seedbed.data.fashion_mnist import DEBIAN
from seedbed.door import checked
from seedbed.randomness import permutation
from seedbed.run.build import Parts
from seedbed.run.pipeline import Run
from seedbed.run.quiet import quiet
from seedbed.types import Batch
from seedbed.weight import weights

DATA = "fashion_mnist" if DEBIAN.is_dir() else "digits"
Case = tuple[float, float, str]
"""Factor on the learning rate, sparsity, method."""

WORDS = [f"data={DATA}", "model=mlp", "model.widths=[300,100]", "stages=fit", "trainer=cpu"]


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def trained(seed: int, words: list[str]) -> Parts:
    """Return a finished run with its best weights."""
    with tempfile.TemporaryDirectory() as place, quiet():
        command = Command.read([*WORDS, "trainer.enable_progress_bar=false", *words])
        run = Run(replace(checked(command)[0], out=place, seed=seed), Path(place))
        run.fit()
        run.load_best()
        return run.parts


class Tune:
    """Fine-tunes by Adam at the house's rate, in the same order every time.

    Args:
        train: the training split.
        loss: outputs and targets to the mean loss.
        seed: of the order of the examples.
        batch: examples a batch.
    """

    def __init__(self, train: Batch, loss: nn.Module, seed: int, batch: int = 64) -> None:
        self.train, self.loss, self.seed, self.batch = train, loss, seed, batch

    def __call__(
        self, model: nn.Module, loss: StepLoss | None, epochs: int, rate: float = 1.0
    ) -> None:
        """Train `model` in place."""
        optimizer = torch.optim.Adam(model.parameters(), 1e-3 * rate, fused=True)
        masks = [(weight, weight != 0) for weight in weights(model)]
        model.train()
        for epoch in range(epochs):
            for index in permutation(len(self.train.x), self.seed, epoch).split(self.batch):
                optimizer.zero_grad()
                self.loss(model(self.train.x[index]), self.train.y[index]).backward()
                optimizer.step()
                with torch.no_grad():
                    for weight, mask in masks:
                        weight.mul_(mask)
        model.eval()


@torch.no_grad()
def accuracy(model: nn.Module, split: Batch) -> float:
    """Return the share of right answers in percent."""
    batches = zip(split.x.split(512), split.y.split(512), strict=True)
    right = [model(x).argmax(1) == y for x, y in batches]
    return 100 * torch.cat(right).float().mean().item()


def compared(parts: Parts, seed: int, asked: argparse.Namespace) -> dict[Case, float]:
    """Return the accuracy on the test split in each case."""
    dense = parts.task.model.eval().requires_grad_(True)
    train, test = (cast(Batch, parts.data.splits[name]) for name in ("train", "test"))
    tune = Tune(train, parts.task.loss, seed)
    bench = Workbench(parts.task.spec, train, parts.task.loss, tune, dense, say, seed)
    say(f"seed {seed}: dense {accuracy(dense, test):.2f}")
    found: dict[Case, float] = {}
    for rate, sparsity in product(asked.rate, asked.sparsity):
        common = {"steps": asked.steps, "epochs": asked.tune, "rate": rate}
        obd = OBD(sparsity, examples=asked.examples, **common)
        magnitude = Magnitude(sparsity, **common)
        for name, way in (("obd", obd), ("magnitude", magnitude), ("random", obd.randomly())):
            right = accuracy(way(deepcopy(dense), bench), test)
            say(f"seed {seed}, rate {rate:g}, {sparsity:.0%} zeros, {name}: {right:.2f}")
            found[rate, sparsity, name] = right
    return found


def main() -> None:
    """Print the accuracies and the differences with their standard errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=10, help="of the dense training")
    parser.add_argument("--tune", type=int, default=1, help="epochs after each step")
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--rate", type=float, nargs="+", default=[0.1, 1.0], help="of Adam's .001")
    parser.add_argument("--examples", type=int, default=1024)
    parser.add_argument("--sparsity", type=float, nargs="+", default=[0.9, 0.95, 0.98])
    parser.add_argument("words", nargs="*", help="options of the dense run")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    config.register()
    runs = []
    for seed in range(asked.seeds):
        parts = trained(seed, [f"trainer.max_epochs={asked.epochs}", *asked.words])
        runs.append(compared(parts, seed, asked))
    for rate, sparsity, other in product(asked.rate, asked.sparsity, ("magnitude", "random")):
        ahead = [found[rate, sparsity, "obd"] - found[rate, sparsity, other] for found in runs]
        error = stdev(ahead) / len(ahead) ** 0.5 if len(ahead) > 1 else float("nan")
        by = f"{fmean(ahead):+.2f} ± {error:.2f} points"
        say(f"rate {rate:g}, {sparsity:.0%} zeros: obd - {other} = {by}")


if __name__ == "__main__":
    main()

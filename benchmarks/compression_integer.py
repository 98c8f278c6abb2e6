"""What 8-bit integers cost and give in ONNX Runtime: points, size and time as ratios to float32.

`python benchmarks/compression_integer.py` trains models briefly on Fashion-MNIST, quantizes each
by every way there is, and prints test accuracy, file size and median process time for a batch of
1 and of 64 examples on one thread, the models taking turns.  Bars for compress=static: at most
.2 points lost, .3 of the size, twice as fast.
"""

import argparse
import copy
import os
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.compress._export import to_onnx, verified
from seedbed.compress._workbench import Workbench
from seedbed.compress.dynamic import Dynamic
from seedbed.compress.qat import QAT
from seedbed.compress.static import Static
from seedbed.data.fashion_mnist import FashionMNIST
from seedbed.model.cnn import CNN
from seedbed.model.exported import Session
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.randomness import permutation, seed_here
from seedbed.scaling.standard import Standard
from seedbed.types import Batch

MODELS: dict[str, Callable[[], nn.Module]] = {
    "cnn": lambda: CNN((1, 28, 28), 10, norm="batch", dropout=0.3),
    "resnet": lambda: ResNet((1, 28, 28), 10),
    "wide resnet": lambda: ResNet((1, 28, 28), 10, channels=(32, 64, 128)),
    "mlp": lambda: MLP((1, 28, 28), 10, widths=(300, 100)),
}
STEPS: dict[str, Any] = {
    "static minmax": Static(method="minmax"),
    "static percentile": Static(method="percentile"),
    "qat": QAT(epochs=2),
    "dynamic": Dynamic(),
}
CPU = torch.device("cpu")


def say(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def trainer(train: Batch) -> Callable[..., None]:
    """Return what trains a model by Adam at a falling rate."""

    def tune(model: nn.Module, loss: object, epochs: int, rate: float = 1.0) -> None:
        model.train()
        optimizer = torch.optim.Adam(model.parameters(), 2e-3)
        per_epoch = len(train.x) // 128
        for epoch in range(epochs):
            order = permutation(len(train.x), epoch)[: per_epoch * 128].split(128)
            for at, index in enumerate(order):
                seed_here(CPU, 0, epoch, at)
                left = 1 - (epoch * per_epoch + at) / (epochs * per_epoch)
                optimizer.param_groups[0]["lr"] = 2e-3 * rate * left
                optimizer.zero_grad()
                F.cross_entropy(model(train.x[index]), train.y[index]).backward()
                optimizer.step()
        model.eval()

    return tune


@torch.no_grad()
def accuracy(run: Callable[[Tensor], Tensor], test: Batch) -> float:
    """Return the accuracy in percent."""
    right = [
        (run(x).argmax(1) == y).sum().item()
        for x, y in zip(test.x.split(500), test.y.split(500), strict=True)
    ]
    return 100 * sum(right) / len(test.y)


def latencies(runs: dict[str, Session], x: Tensor, rounds: int) -> dict[str, float]:
    """Return the median process time of a call in milliseconds, the models taking turns."""
    took: dict[str, list[float]] = {name: [] for name in runs}
    for turn in range(rounds + 5):
        for name, run in runs.items():
            begun = time.process_time()
            run(x)
            if turn >= 5:
                took[name].append(time.process_time() - begun)
    return {name: 1e3 * statistics.median(times) for name, times in took.items()}


def measure(name: str, data: FashionMNIST, epochs: int, rounds: int) -> None:
    """Train one model and print a row for each way to make it integer."""
    train, test = (Batch(data.splits[s].x[:], data.splits[s].y) for s in ("train", "test"))
    scaling, tune = Standard((1, 28, 28)), trainer(train)
    scaling.fit(train.x)
    torch.manual_seed(0)
    net = nn.Sequential(scaling, MODELS[name]())
    tune(net, None, epochs)
    bench = Workbench(data.spec, train, F.cross_entropy, tune, net, say)
    files = {"float32": to_onnx(net, test.x[:2], data.spec)}
    runs = {"float32": Session(files["float32"])}
    say(f"{name}: {verified(net, runs['float32'], test.x[:1000], data.spec)}")
    for way, step in STEPS.items():
        try:
            small = step(copy.deepcopy(net), bench)
        except ValueError as error:
            say(f"  {error}")
            continue
        files[way] = to_onnx(small, test.x[:2], data.spec)
        runs[way] = Session(files[way])
        say(f"  {way}: {verified(small, runs[way], test.x[:1000], data.spec)}")
    points = {way: accuracy(run, test) for way, run in runs.items()}
    times = [latencies(runs, test.x[:size], rounds) for size in (1, 64)]
    say(f"  {'':18}accuracy   lost  size kB  ratio   1: ms  faster  64: ms  faster")
    for way, file in files.items():
        one, many = (each[way] for each in times)
        say(
            f"  {way:18}{points[way]:7.2f} {points['float32'] - points[way]:7.2f} "
            f"{len(file) / 1e3:8.0f} {len(file) / len(files['float32']):6.2f} "
            f"{one:7.3f} {times[0]['float32'] / one:6.2f}x "
            f"{many:7.2f} {times[1]['float32'] / many:6.2f}x"
        )


def main() -> None:
    """Measure the models that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=[*MODELS], help=", ".join(MODELS))
    parser.add_argument("--epochs", type=int, default=3, help="of training in float")
    parser.add_argument("--rounds", type=int, default=200, help="of timing")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = FashionMNIST(val_fraction=0.1)
    data.prepare_data()
    data.setup("fit")
    for name in asked.models:
        measure(name, data, asked.epochs, asked.rounds)
        say(f"  load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()

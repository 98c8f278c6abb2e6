"""Time to accuracy on Fashion-MNIST: two recipes beside the loop that a template starts from.

`python benchmarks/accuracy.py` runs `experiment=fashion_fast` and, by hand, what
lightning-hydra-template trains MNIST with: a perceptron of 64, 128 and 64 units with batch norm,
Adam at .001, a rate that falls on a plateau, batches of 64, 10 epochs, the best weights of the
validation.  They take turns, each run a process of its own on all cores, and the seconds are those
of the whole process: imports, data, training, validation and test.  `--best` adds
`experiment=fashion_best`.

`python benchmarks/accuracy.py --ideas` changes one thing of `fashion_fast` at a time.  These runs
share the cores, one each, so their cost is given in CPU time by that of the recipe.  Nothing is
chosen by the test set: a tenth of the training images is held back, and that accuracy counts.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from statistics import mean, stdev
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tqdm import tqdm
from turns import ROOT, row, train

QUIET = ["trainer=cpu", "trainer.enable_progress_bar=false"]
RECIPES = {"fashion_fast": (0.925, None), "fashion_best": (0.94, 1800.0)}  # accuracy, seconds
HELD = ["data.val_fraction=0.1", "stages=fit", "logger=csv"]
IDEAS = {  # what is changed: words
    "nothing: `experiment=fashion_fast`": "",
    "single precision": "trainer.precision=32-true",
    "channels first": "channels_last=false",
    "single precision, channels first": "trainer.precision=32-true channels_last=false",
    "pooling after norm and activation": "model.pool_position=after",
    "no norm, a fifth of the rate": "model.norm=none optimizer.lr=0.001",
    "three epochs": "trainer.max_epochs=3",
    "a constant rate of .001": "scheduler=constant optimizer.lr=0.001",
    "cosine without the rise": "scheduler=cosine",
    "no label smoothing": "regularizer=[]",
    "mirrored images": "augment=basic augment.basic.rotation=0 augment.basic.zoom=0 "
    "augment.basic.shift=0 augment.basic.flip=0.5",
    "EMA": "callback=[ema]",
    "dropout .3": "model.dropout=0.3",
    "init=he": "init=he",
    "batches of 64": "data.batch_size=64",
    "batches of 256": "data.batch_size=256",
    "optimizer=muon": "optimizer=muon optimizer.lr=0.02",
    "a third stage of 96 maps": "model.channels=[16,48,96]",
}
RACE_COLUMNS = ["training", "test/acc", "seconds", "by the loop's", "bar"]
IDEA_COLUMNS = ["what is changed", "val/acc", "points", "CPU time"]


class Outcome(NamedTuple):
    """What a run came to."""

    accuracy: float  # of the test
    seconds: float  # of the whole process


def by_hand(file: str, seed: int, epochs: int = 10) -> float:
    """Train the template's model on saved tensors and return its test accuracy."""
    import torch
    from torch import nn
    from torch.nn.functional import cross_entropy

    torch.manual_seed(seed)
    splits = torch.load(file)
    (x, y), (x_val, y_val), (x_test, y_test) = (splits[name] for name in ("train", "val", "test"))
    widths = [784, 64, 128, 64]
    layers = [
        part
        for d_in, d_out in pairwise(widths)
        for part in (nn.Linear(d_in, d_out), nn.BatchNorm1d(d_out), nn.ReLU())
    ]
    net = nn.Sequential(nn.Flatten(), *layers, nn.Linear(64, 10))
    adam = torch.optim.Adam(net.parameters(), lr=1e-3)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(adam, factor=0.1, patience=10)
    best, most = {}, 0.0
    for _ in range(epochs):
        net.train()
        for some in torch.randperm(len(y)).split(64):
            adam.zero_grad()
            cross_entropy(net(x[some]), y[some]).backward()
            adam.step()
        net.eval()
        with torch.inference_mode():
            logits = net(x_val)
        plateau.step(cross_entropy(logits, y_val))
        accuracy = float((logits.argmax(-1) == y_val).float().mean())
        if accuracy > most:
            best, most = {k: v.clone() for k, v in net.state_dict().items()}, accuracy
    net.load_state_dict(best)
    with torch.inference_mode():
        return float((net(x_test).argmax(-1) == y_test).float().mean())


def save_data(file: str) -> None:
    """Write the images, scaled as the template does, 5,000 of them to validate."""
    import torch

    from seedbed.data.fashion_mnist import FashionMNIST

    data = FashionMNIST(val_fraction=5000 / 60000)
    data.prepare_data()
    data.setup()
    splits = {name: (split.x, split.y) for name, split in data.splits.items()}
    center, scale = splits["train"][0].mean(), splits["train"][0].std()
    torch.save({name: ((x - center) / scale, y) for name, (x, y) in splits.items()}, file)


def timed(words: Sequence[str], folder: Path) -> tuple[str, float]:
    """Return what a process printed, and its seconds.

    Raises:
        SystemExit: it did not end well.
    """
    env = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}  # all cores
    begun = time.perf_counter()
    done = subprocess.run(  # noqa: S603
        [sys.executable, *words], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr[-500:]}")
    return done.stdout, time.perf_counter() - begun


def recipe(name: str, seed: int, folder: Path) -> Outcome:
    """Run an experiment as its user does."""
    out = folder / f"{name}-{seed}"
    words = [f"experiment={name}", f"seed={seed}", *QUIET, f"out={out}"]
    _, seconds = timed([str(ROOT / "train.py"), *words], folder)
    return Outcome(json.loads((out / "metrics.json").read_text())["test/acc"], seconds)


def template(seed: int, folder: Path) -> Outcome:
    """Run the loop that was written by hand."""
    said, seconds = timed([__file__, "--by-hand", str(folder / "data.pt"), str(seed)], folder)
    return Outcome(float(said), seconds)


def spread(values: Sequence[float], unit: str) -> str:
    """Return a mean and the standard deviation of its values."""
    return f"{mean(values):{unit}} ± {stdev(values):{unit}}"


def race(names: Sequence[str], seeds: int, folder: Path) -> Iterator[str]:
    """Yield the rows of the comparison."""
    save_data(str(folder / "data.pt"))
    found: dict[str, list[Outcome]] = {name: [] for name in ("template's loop", *names)}
    for seed in tqdm(range(seeds)):
        found["template's loop"].append(template(seed, folder))
        for name in names:
            found[name].append(recipe(name, seed, folder))
    theirs = mean(each.seconds for each in found["template's loop"])
    for name, outcomes in found.items():
        accuracy = spread([each.accuracy for each in outcomes], ".2%")
        seconds = [each.seconds for each in outcomes]
        least, most = RECIPES.get(name, (None, None))
        low = least is not None and mean(each.accuracy for each in outcomes) < least
        slow = most is not None and max(seconds) > most
        bar = "" if least is None else f"{least:.1%}" + (f" in {most:.0f} s" if most else "")
        by = f"{mean(seconds) / theirs:.2f}"
        yield row(
            [name, accuracy, spread(seconds, ".1f"), by, bar + ", **missed**" * (low or slow)]
        )


def ideas(seeds: int, folder: Path) -> Iterator[str]:
    """Yield a row an idea: accuracy on held-back images, its change, and what it costs."""

    def once(job: tuple[str, int]) -> tuple[float, float]:
        name, seed = job
        out = folder / f"{list(IDEAS).index(name)}-{seed}"
        words = ["experiment=fashion_fast", *HELD, *QUIET, f"seed={seed}", *IDEAS[name].split()]
        seconds = train([*words, f"out={out}"], str(folder))
        return json.loads((out / "metrics.json").read_text())["val/acc"], seconds

    jobs = [(name, seed) for name in IDEAS for seed in range(seeds)]
    with ThreadPoolExecutor(os.cpu_count()) as workers:
        found = list(tqdm(workers.map(once, jobs), total=len(jobs)))
    known: list[tuple[float, float]] = found[:seeds]
    for at, name in enumerate(IDEAS):
        own = found[at * seeds : (at + 1) * seeds]
        gains = [100 * (a - b) for (a, _), (b, _) in zip(own, known, strict=True)]
        cost = sum(s for _, s in own) / sum(s for _, s in known)
        gain = f"{mean(gains):+.2f} ± {stdev(gains):.2f}" if at else ""
        yield row([name, spread([a for a, _ in own], ".2%"), gain, f"{cost:.2f}"])


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--best", action="store_true", help="with fashion_best")
    parser.add_argument("--ideas", action="store_true", help="one change at a time")
    parser.add_argument("--by-hand", nargs=2, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.seeds < 2:
        parser.error("--seeds: at least 2, or there is no spread")
    if asked.by_hand:
        print(by_hand(asked.by_hand[0], int(asked.by_hand[1])))  # noqa: T201
        return
    with TemporaryDirectory() as folder:
        if asked.ideas:
            head, rows = IDEA_COLUMNS, ideas(asked.seeds, Path(folder))
        else:
            names = list(RECIPES) if asked.best else ["fashion_fast"]
            head, rows = RACE_COLUMNS, race(names, asked.seeds, Path(folder))
        print(row(head), "|---" * len(head) + "|", sep="\n", flush=True)  # noqa: T201
        for line in rows:
            print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

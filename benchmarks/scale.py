"""What much data costs: pictures in files, a large CSV file, many rows.

`python benchmarks/scale.py` makes its data in a temporary folder and prints three tables: how many
pictures come out of a folder in a second, and which share of an epoch a small network waits for
them; how much memory a CSV file takes beside the tensors that are made of it; and how long an epoch
over a million rows would be, by the number of rows.  `--full` takes 50,000 pictures, 1 GB and up to
a million rows, some minutes and 2 GB of disk.  Seconds are of the wall clock, so that waiting
counts: on a machine with other work, compare rows of one table only.
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import nn

SIDE, CLASSES, TOGETHER = 64, 10, 20_000  # pixels, of pictures; rows that are written in one go
MADE = [("none", 0), ("none", 1), ("none", 2), ("memory", 0), ("memory", 2), ("disk", 0)]


def pictures(root: Path, count: int) -> None:
    """Write JPEG files of waves and noise, in one folder a class."""
    from PIL import Image

    random, t = np.random.default_rng(0), np.linspace(0, 1, SIDE, dtype=np.float32)
    for label in range(CLASSES):
        (root / str(label)).mkdir(parents=True)
    for k in range(count):
        label, (across, along) = k % CLASSES, 6 * random.random(2)
        wave = np.sin(3 * (label + 2) * t[:, None] + across) * np.cos(2 * label * t + along)
        values = 128 + 90 * wave[..., None] + random.normal(0, 12, (SIDE, SIDE, 3))
        image = Image.fromarray(values.clip(0, 255).astype(np.uint8))
        image.save(root / f"{label}/{k:06}.jpg", quality=85)


def network() -> nn.Module:
    """Return a small convolutional network."""
    return nn.Sequential(
        *(nn.Conv2d(3, 16, 3, 2), nn.ReLU(), nn.Conv2d(16, 32, 3, 2), nn.ReLU()),
        *(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(512, CLASSES)),
    )


def trained(loader: Any, epoch: int) -> tuple[float, float, int]:
    """Return the seconds of an epoch, those in which the network waited, and the pictures."""
    torch.manual_seed(0)
    model = network()
    optimizer, loss = torch.optim.SGD(model.parameters(), 0.01), nn.CrossEntropyLoss()
    loader.sampler.set_epoch(epoch)
    begun, waited, seen, batches = time.perf_counter(), 0.0, 0, iter(loader)
    while True:
        asked = time.perf_counter()
        batch = next(batches, None)
        waited += time.perf_counter() - asked
        if batch is None:
            return time.perf_counter() - begun, waited, seen
        optimizer.zero_grad()
        loss(model(batch.x), batch.y).backward()
        optimizer.step()
        seen += len(batch.y)


def folder_table(root: Path, count: int) -> Iterator[str]:
    """Yield the rows about pictures in files."""
    from seedbed.data.image_folder import ImageFolder

    pictures(root / "pictures", count)
    yield "| cache | workers | start, s | epoch 1: pictures/s | waits | later: pictures/s | waits |"
    yield "|---" * 7 + "|"
    for cache, workers in [*MADE, MADE[-1]]:  # the last one again: it finds what was kept
        begun = time.perf_counter()
        settings: dict[str, Any] = {"cache": cache, "cache_folder": str(root / "cache")}
        data = ImageFolder(str(root / "pictures"), size=SIDE, num_workers=workers, **settings)
        data.setup()
        start, loader = time.perf_counter() - begun, data.train_dataloader()
        cells = [
            f"{seen / spent:,.0f} | {waited / spent:.0%}"
            for spent, waited, seen in (trained(loader, epoch) for epoch in (0, 1))
        ]
        yield f"| {cache} | {workers} | {start:.1f} | {' | '.join(cells)} |"


def table_file(path: Path, size: float) -> None:
    """Write a CSV file of that many bytes: real and whole numbers, categories, gaps."""
    import pandas as pd

    random = np.random.default_rng(0)
    with path.open("w") as file:
        while file.tell() < size:
            cells: dict[str, Any] = {
                f"real{k}": random.normal(size=TOGETHER).round(6) for k in range(20)
            }
            cells |= {f"whole{k}": random.integers(0, 100**k, TOGETHER) for k in range(1, 7)}
            for k in (4, 12, 20, 28):
                cells[f"word{k}"] = random.choice([f"word {j}" for j in range(k)], TOGETHER)
            table = pd.DataFrame(cells)
            for name in ("real0", "real10", "word12"):
                table[name] = table[name].where(random.random(TOGETHER) > 0.05)
            table["y"] = random.integers(0, 5, TOGETHER)
            table.to_csv(file, index=False, header=not file.tell())


def peak() -> int:
    """Return the most memory that this process has had so far, in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def loaded(small: str, large: str) -> tuple[int, int, float]:
    """Return the bytes of the tensors, the peak beyond a small file's, and the seconds."""
    from seedbed.data.tabular import Tabular

    Tabular(small, "y").setup()  # what is imported is no part of it
    before, begun = peak(), time.perf_counter()
    data = Tabular(large, "y")
    data.setup()
    tensors = sum(part.x.nbytes + part.y.nbytes for part in data.splits.values())
    return tensors, peak() - before, time.perf_counter() - begun


def csv_table(root: Path, sizes: Sequence[float]) -> Iterator[str]:
    """Yield the rows about CSV files; each is read in a process of its own."""
    small = root / "small.csv"
    table_file(small, 1)
    yield "| file, MB | tensors, MB | peak, MB | peak / tensors | MB/s |"
    yield "|---" * 5 + "|"
    for size in sizes:
        large = root / "large.csv"
        table_file(large, size)
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:
            tensors, most, spent = apart.submit(loaded, str(small), str(large)).result()
        there = large.stat().st_size / 1e6
        cells = f"{tensors / 1e6:,.0f} | {most / 1e6:,.0f} | {most / tensors:.2f}"
        yield f"| {there:,.0f} | {cells} | {there / spent:.1f} |"
        large.unlink()


def rows_table(counts: Sequence[int]) -> Iterator[str]:
    """Yield the rows about many rows in memory."""
    from seedbed.data.synthetic import Synthetic

    Synthetic().setup()
    yield "| rows | start: s for 10⁶ rows | epoch of batches: s for 10⁶ rows | … of training |"
    yield "|---|---|---|---|"
    for count in counts:
        begun = time.perf_counter()
        data = Synthetic(size=count, features=20)
        data.setup()
        start, loader = time.perf_counter() - begun, data.train_dataloader()
        bare = [stepped(loader, epoch, None) for epoch in range(max(3, 100_000 // count))]
        models = [nn.Linear(20, 3) for _ in range(max(1, 20_000 // count))]
        trained = [stepped(loader, epoch, model) for epoch, model in enumerate(models)]
        each = [1e6 * start / count, *(1e6 * median(t) / loader.sampler.n for t in (bare, trained))]
        yield f"| {count:,} | {' | '.join(f'{seconds:.2f}' for seconds in each)} |"


def stepped(loader: Any, epoch: int, model: nn.Module | None) -> float:
    """Return the seconds of an epoch, of the batches alone or of training a model."""
    loader.sampler.set_epoch(epoch)
    optimizer = torch.optim.SGD(model.parameters(), 0.01) if model else None
    begun = time.perf_counter()
    for batch in loader:
        if model and optimizer:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(batch.x), batch.y).backward()
            optimizer.step()
    return time.perf_counter() - begun


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="50,000 pictures, 1 GB, 10⁶ rows")
    full = parser.parse_args().full
    torch.set_num_threads(1)
    with TemporaryDirectory() as folder:
        root = Path(folder)
        tables = {
            f"Pictures of {SIDE} x {SIDE}": folder_table(root, 50_000 if full else 1_000),
            "A CSV file": csv_table(root, (1e8, 1e9) if full else (1e7, 4e7)),
            "Rows in memory": rows_table([10**k for k in range(3, 7 if full else 6)]),
        }
        for title, lines in tables.items():
            print(f"\n## {title}\n")  # noqa: T201
            for line in lines:
                print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

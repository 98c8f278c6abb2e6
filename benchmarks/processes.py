"""Two processes: the same weights as one makes, and what sharing the work costs.

`python benchmarks/processes.py` trains on one process with batches of 128, and on two with 64 each
(gloo, one thread each), in turns.  Epochs are timed as the difference of a long and a short run, in
CPU seconds of all processes: twice the work at once would be 1.00, and what is above it is waiting,
sending and what every process does for itself.
"""

import argparse
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from turns import row, shown, train

SAME = [
    *("data=mnist5k", "callback=[gradient_clip,ema]", "stages=[fit,test]", "doctor=none"),
    "model.dropout=0",  # which each process draws for itself
]
WAYS = {
    "one": ["trainer=cpu", "data.batch_size=128"],
    "two": ["trainer=ddp_cpu", "data.batch_size=64"],
}
SHORT, LONG = 1, 4  # epochs
CLOSE = 1e-4  # of the test's loss, relative: the order of sums differs


def epochs(way: str, folder: str, at: int) -> tuple[float, float]:
    """Return the CPU seconds of some epochs, and the test's loss after them."""
    spent = []
    for count in (SHORT, LONG):
        out = f"{way}-{at}-{count}"
        words = [*SAME, *WAYS[way], f"trainer.max_epochs={count}", f"out={out}"]
        spent.append(train(words, folder))
    metrics = json.loads(Path(folder, out, "metrics.json").read_text())
    return spent[1] - spent[0], metrics["test/loss"]


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    ratios, apart = [], 0.0
    with TemporaryDirectory() as folder:
        for at in range(asked.rounds):
            (one, first), (two, second) = (epochs(way, folder, at) for way in WAYS)
            ratios.append(two / one)
            apart = max(apart, abs(first - second) / first)
    print("| CPU time of two, by one | test/loss apart, relative |\n|---|---|")  # noqa: T201
    missed = ", **missed**" * (apart > CLOSE)
    print(row([shown(ratios), f"{apart:.1e} (bar {CLOSE:.0e}{missed})"]))  # noqa: T201


if __name__ == "__main__":
    main()

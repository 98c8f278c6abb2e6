"""What a job of a sweep costs beyond its training, by the time that a run of its own takes.

`python benchmarks/sweep_overhead.py` runs the same small training alone, and in sweeps of two and
of ten jobs, in turns.  What eight more jobs take, divided by eight, is a job; the CPU time of a run
by itself is mostly imports, which a sweep pays once.
"""

import argparse
from tempfile import TemporaryDirectory

from turns import row, shown, train

TINY = ["data.fraction=0.2", "model=mlp", "trainer.max_epochs=3", "trainer=cpu"]
BAR = 0.5


def once(folder: str) -> tuple[float, float]:
    """Return the CPU seconds of a run alone, and of one more job of a sweep."""
    alone = train(TINY, folder)
    few, many = (train(["-m", *TINY, f"seed=range({jobs})"], folder) for jobs in (2, 10))
    return alone, (many - few) / 8


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        rounds = [once(folder) for _ in range(asked.rounds)]
    ratio = shown([job / alone for alone, job in rounds], BAR)
    seconds = [sum(each) / len(rounds) for each in zip(*rounds, strict=True)]
    print("| one more job, by a run alone | run alone, s | job, s |\n|---|---|---|")  # noqa: T201
    print(row([ratio, *(f"{each:.2f}" for each in seconds)]))  # noqa: T201


if __name__ == "__main__":
    main()

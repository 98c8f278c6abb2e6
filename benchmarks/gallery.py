"""Runs experiments again and compares what comes of them with what their headers promise.

`python benchmarks/gallery.py` takes all of configs/experiment/, `python benchmarks/gallery.py
digits_cnn demo_l1` these two.  Each is the command of its header, in a folder of its own that is
deleted afterwards (`--keep FOLDER` keeps all).  Exit code 1 if a number is not as promised, 2 if
there is no such experiment.  An experiment whose data or extra is not installed is skipped.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from expected import DIVERGED, Bound, Claim, Header, Unreadable, read

from seedbed.nearest import nearest
from seedbed.report.number import number
from seedbed.run.status import OK
from seedbed.sweep import runs
from seedbed.sweep.runs import Run

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ROOT / "configs/experiment"
QUIET = ("logger=[csv]", "trainer.enable_progress_bar=false")
MISSING = re.compile(r"pip install|install the Debian package")  # what a refusal advises
PATIENCE = (300.0, 30)  # seconds, and times as long as promised, until a command is given up
HEADS = ("experiment", "of it", "metric", "expected", "measured", "", "time")


@dataclass(frozen=True)
class Row:
    """A promise and what became of it."""

    experiment: str
    words: str  # which of its runs
    metric: str
    expected: str
    measured: str
    verdict: str  # ok, OFF or skipped
    seconds: float  # that the experiment took


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int | None  # None: given up
    said: str  # to stderr, the last line
    seconds: float
    runs: Sequence[Run]


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and return the exit code."""
    asked = arguments(argv)
    try:
        headers = chosen(asked.names, asked.experiments)
    except (KeyError, Unreadable) as error:
        say(str(error.args[0]))
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        rows = list(compared(headers, Path(asked.keep or scratch).resolve(), asked.seed))
    print(table(rows))  # noqa: T201
    return int(any(row.verdict == "OFF" for row in rows))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line, read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="experiments; none: all")
    parser.add_argument("--seed", type=int, help="of the weights; that of the experiment if left")
    parser.add_argument("--keep", metavar="FOLDER", help="where runs are kept")
    parser.add_argument(
        "--experiments", type=Path, default=EXPERIMENTS, help="folder of their files"
    )
    return parser.parse_args(argv)


def chosen(names: Sequence[str], folder: Path) -> dict[str, Header]:
    """Return the headers of experiments by name; of all, where no name is given.

    Raises:
        KeyError: there is no such experiment.
        Unreadable: a header is not in the form.
    """
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    for name in names:
        if name not in known:
            raise KeyError(f"{name}: no such experiment; {nearest(name, known)}")
    found = {}
    for name in names or known:
        try:
            found[name] = read((folder / f"{name}.yaml").read_text())
        except Unreadable as error:
            raise Unreadable(f"{folder / name}.yaml: {error}") from error
    return found


def compared(headers: Mapping[str, Header], scratch: Path, seed: int | None) -> Iterator[Row]:
    """Yield the rows of every experiment, with a line of progress before and after each."""
    total = sum(header.seconds for header in headers.values())
    say(f"{len(headers)} experiments, about {total / 60:.0f} minutes on one CPU core")
    for at, (name, header) in enumerate(headers.items(), 1):
        say(f"[{at}/{len(headers)}] {name}, about {header.seconds:.0f} s …", end=" ")
        ended = run(name, header, scratch / name, seed)
        rows = judged(name, header, ended)
        off = sum(row.verdict == "OFF" for row in rows)
        say(f"{ended.seconds:.0f} s, {f'{off} OFF' if off else rows[0].verdict}")
        yield from rows


def run(name: str, header: Header, folder: Path, seed: int | None) -> Ended:
    """Give the command of a header in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    seeded = [] if seed is None else [f"seed={seed}"]
    words = [sys.executable, str(ROOT / "train.py"), *header.command, *QUIET, *seeded]
    path = os.pathsep.join(filter(None, (str(ROOT / "src"), os.environ.get("PYTHONPATH"))))
    start, patience = time.monotonic(), max(PATIENCE[0], PATIENCE[1] * header.seconds)
    try:
        done = subprocess.run(  # noqa: S603 -- a command of the repository
            words,
            cwd=folder,
            env={"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
        code, said = done.returncode, (done.stderr.strip().splitlines() or [""])[-1]
    except subprocess.TimeoutExpired:
        code, said = None, f"given up after {patience:.0f} s"
    return Ended(code, said, time.monotonic() - start, runs_of(name, folder / "logs"))


def runs_of(name: str, logs: Path) -> list[Run]:
    """Return the runs that an experiment has made: of its sweep, or one."""
    found = sorted({*logs.glob("sweeps/*/*"), *logs.glob(f"{name}/*")})
    return [runs.read(folder) for folder in found if runs.is_run(folder)]


def judged(name: str, header: Header, ended: Ended) -> list[Row]:
    """Return a row a promise; one for all, where nothing was run."""
    if not ended.runs or ended.code is None:
        verdict = "skipped" if ended.code == 2 and MISSING.search(ended.said) else "OFF"
        return [Row(name, "", "", "", ended.said, verdict, ended.seconds)]
    return [
        Row(name, " ".join(claim.words), *outcome, ended.seconds)
        for claim in header.claims
        for outcome in outcomes(claim, [r for r in ended.runs if claim.covers(r.words)])
    ]


def outcomes(claim: Claim, found: Sequence[Run]) -> Iterator[tuple[str, str, str, str]]:
    """Yield the metric, what was expected of it, what it was, and the verdict.

    Args:
        claim: on these runs.
        found: the runs.
    """
    ends = sorted({run.status for run in found}) or ["not run"]
    broken = claim.diverged and ends == [DIVERGED]
    if broken or not claim.bounds:
        yield "", DIVERGED, ", ".join(ends), "ok" if broken else "OFF"
        return
    left = [run for run in found if not (claim.diverged and run.status == DIVERGED)]
    for bound in claim.bounds:
        yield bound.metric, bound.text, *measured(bound, left)


def measured(bound: Bound, found: Sequence[Run]) -> tuple[str, str]:
    """Return the mean of a metric over runs, and whether it is within its bound."""
    ends = sorted({run.status for run in found}) or ["not run"]
    if ends != [OK]:
        return ", ".join(ends), "OFF"
    values = [run.metrics[bound.metric] for run in found if bound.metric in run.metrics]
    if len(values) < len(found):
        return "not logged", "OFF"
    mean = fmean(values)
    return number(mean), "ok" if bound.holds(mean) else "OFF"


def table(rows: Sequence[Row]) -> str:
    """Return all rows, and a line that counts them."""
    cells: list[tuple[str, ...]] = [HEADS]
    before = ""
    for row in rows:
        first = row.experiment != before
        before = row.experiment
        named = (row.experiment, f"{row.seconds:.0f} s") if first else ("", "")
        told = (row.words, row.metric, row.expected, row.measured, row.verdict)
        cells.append((named[0], *told, named[1]))
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(map(str.ljust, line, widths)).rstrip() for line in cells]
    return "\n".join(["", *lines, "", summary(rows)])


def summary(rows: Sequence[Row]) -> str:
    """Return how many numbers are as promised, and how long it took."""
    counts = {v: sum(row.verdict == v for row in rows) for v in ("ok", "OFF", "skipped")}
    took = sum({row.experiment: row.seconds for row in rows}.values())
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    return f"{said}; {took / 60:.1f} minutes"


def say(line: str, end: str = "\n") -> None:
    """Print a line of progress at once."""
    print(line, end=end, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

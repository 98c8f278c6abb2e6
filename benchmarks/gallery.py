"""Runs experiments again and compares what comes of them with what their headers promise.

`python benchmarks/gallery.py` takes all of configs/experiment/, `python benchmarks/gallery.py
digits_cnn demo_l1` these two, `'demo_*'` all demonstrations.  Each is the command of its header, in
a folder of its own that is deleted afterwards (`--keep FOLDER` keeps all).  Where all is as
promised, the figure that the header asks for is drawn anew, but not for another `--seed`.  Exit
code 1 if a number is not as promised, 2 if there is no such experiment.  An experiment whose data
or extra is not installed is skipped.
"""

import argparse
import fnmatch
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import figure
from expected import Header, Unreadable, read
from kept import Ended, Row, judged, table

from seedbed.nearest import nearest
from seedbed.sweep import runs
from seedbed.sweep.runs import Run

ROOT = Path(__file__).parents[1]
EXPERIMENTS = ROOT / "configs/experiment"
PICTURES = ROOT / "docs/pictures/experiment"
QUIET = ("logger=[csv]", "trainer.enable_progress_bar=false")
PATIENCE = (300.0, 30)  # seconds, and times as long as promised, until a command is given up


def main(argv: Sequence[str] | None = None) -> int:
    """Run what was asked for and return the exit code."""
    asked, rows = arguments(argv), list[Row]()
    try:
        headers = chosen(asked.names, asked.experiments)
        if asked.keep:
            refuse_old(headers, Path(asked.keep))
    except (KeyError, FileExistsError, Unreadable) as error:
        say(str(error.args[0]))
        return 2
    try:
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            kept = Path(asked.keep or scratch).resolve()
            rows.extend(compared(headers, kept, asked.seed, asked.figures))
    except KeyboardInterrupt:
        say("stopped")
        return 130
    finally:
        print(table(rows))  # noqa: T201
    return int(any(row.verdict == "OFF" for row in rows))


def arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the command line, read."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="experiments, * for many; none: all"
    )
    parser.add_argument("--seed", type=int, help="of the weights; that of the experiment if left")
    parser.add_argument("--keep", metavar="FOLDER", help="where runs are kept")
    parser.add_argument(
        "--experiments", type=Path, default=EXPERIMENTS, help="folder of their files"
    )
    parser.add_argument("--figures", type=Path, default=PICTURES, help="where figures are drawn")
    return parser.parse_args(argv)


def chosen(names: Sequence[str], folder: Path) -> dict[str, Header]:
    """Return the headers of experiments by name; of all, where no name is given.

    Raises:
        KeyError: there is no such experiment.
        Unreadable: a header is not in the form.
    """
    known = sorted(path.stem for path in folder.glob("*.yaml"))
    for name in names:
        if not fnmatch.filter(known, name):
            raise KeyError(f"{name}: no such experiment; {nearest(name, known)}")
    found = {}
    for name in [n for asked in names or ["*"] for n in fnmatch.filter(known, asked)]:
        try:
            found[name] = read((folder / f"{name}.yaml").read_text())
        except Unreadable as error:
            raise Unreadable(f"{folder / name}.yaml: {error}") from error
    return found


def refuse_old(names: Iterable[str], folder: Path) -> None:
    """Keep runs of today apart from those of yesterday.

    Raises:
        FileExistsError: there are some.
    """
    for name in names:
        if (folder / name).exists():
            raise FileExistsError(f"{folder / name}: is there already; name another folder")


def compared(
    headers: Mapping[str, Header], scratch: Path, seed: int | None, figures: Path
) -> Iterator[Row]:
    """Yield the rows of every experiment, with a line of progress before and after each."""
    total = sum(header.seconds for header in headers.values())
    say(f"{len(headers)} experiments, about {total / 60:.0f} minutes on one CPU core")
    for at, (name, header) in enumerate(headers.items(), 1):
        say(f"[{at}/{len(headers)}] {name}, about {header.seconds:.0f} s …", end=" ")
        ended = run(name, header, scratch / name, seed)
        rows = judged(name, header, ended)
        off = sum(row.verdict == "OFF" for row in rows)
        say(f"{ended.seconds:.0f} s, {f'{off} OFF' if off else rows[0].verdict}", end="")
        if header.panels and seed is None and {row.verdict for row in rows} == {"ok"}:
            rows += drawn(figures / f"{name}.svg", name, header, ended)
        say("")
        yield from rows


def drawn(file: Path, name: str, header: Header, ended: Ended) -> list[Row]:
    """Draw the figure of an experiment; return a row only if it asks for what was not logged."""
    try:
        written = figure.write(file, header.title, header.panels, ended.runs)
    except figure.Missing as error:
        return [Row(name, "", "", "its figure", str(error), "OFF", ended.seconds)]
    place = file.relative_to(ROOT) if file.is_relative_to(ROOT) else file
    say(f", {'drew' if written else 'as before:'} {place}", end="")
    return []


def run(name: str, header: Header, folder: Path, seed: int | None) -> Ended:
    """Give the command of a header in a folder of its own."""
    folder.mkdir(parents=True, exist_ok=True)
    seeded = [] if seed is None else [f"seed={seed}"]
    words = [sys.executable, str(ROOT / "train.py"), *header.command, *QUIET, *seeded]
    path = os.pathsep.join(filter(None, (str(ROOT / "src"), os.environ.get("PYTHONPATH"))))
    start, patience = time.monotonic(), max(PATIENCE[0], PATIENCE[1] * header.seconds)
    process = subprocess.Popen(  # noqa: S603 -- a command of the repository
        words,
        cwd=folder,
        env={"OMP_NUM_THREADS": "1", **os.environ, "PYTHONPATH": path},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        _, text = process.communicate(timeout=patience)
        code, said = process.returncode, (text.strip().splitlines() or [""])[-1]
    except subprocess.TimeoutExpired:
        process.terminate()  # so that it ends its jobs, too
        process.communicate()
        code, said = None, f"given up after {patience:.0f} s"
    return Ended(code, said, time.monotonic() - start, runs_of(name, folder / "logs"))


def runs_of(name: str, logs: Path) -> list[Run]:
    """Return the runs that an experiment has made: of its sweep, or one."""
    every = {*logs.glob("sweeps/*/*"), *logs.glob(f"{name}/*")}
    found = sorted(every, key=lambda folder: (folder.parent, len(folder.name), folder.name))
    return [runs.read(folder) for folder in found if runs.is_run(folder)]


def say(line: str, end: str = "\n") -> None:
    """Print a line of progress at once."""
    print(line, end=end, file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())

"""What the doctor finds in trainings with something wrong, and in healthy ones.

`python benchmarks/doctor.py run` trains every kind of `cases.py` through the command line, with
several seeds, into `--folder`, and says which faults end worse than their control; what lies there
is not trained again.  `replay` judges what the folders recorded, without training, and prints the
tables; `remedy` applies the first remedy that is proposed, up to twice, and says how many recover.
"""

import argparse
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from cases import FAULTS, HEALTHY, QUIET, merged, words_of
from launch import Launcher
from scoring import end_of, worse


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def place(kind: str, seed: int) -> str:
    """Return the folder of a run."""
    return f"{kind}/{seed}"


def train(folder: Path, kinds: Iterable[str], seeds: Sequence[int], jobs: int) -> None:
    """Train what does not lie there yet."""
    wanted = [(kind, seed) for kind in kinds for seed in seeds]
    todo = [each for each in wanted if not (folder / place(*each)).exists()]
    say(f"{len(todo)} of {len(wanted)} runs to train, {jobs} at a time, in {folder}")
    commands = [
        (place(k, s), merged(words_of(k), QUIET, STAGES, (f"seed={s}", f"data.seed={s}")))
        for k, s in todo
    ]
    for out, code in Launcher(folder, jobs).all(commands):
        if code:
            said = (folder / f"{out}.log").read_text().strip().splitlines()
            say(f"{out}: exit {code}: {said[0] if said else ''}")


STAGES = ("stages=[fit,test]",)


def needed(kinds: Sequence[str]) -> list[str]:
    """Return the kinds with the controls of the faults among them."""
    controls = [FAULTS[kind].control for kind in kinds if kind in FAULTS]
    return list(dict.fromkeys([*controls, *kinds]))


def damage(folder: Path, kind: str, seed: int) -> float:
    """Return by how much a fault's run ended worse than its control, in units that count."""
    fault = FAULTS[kind]
    ends = (end_of(folder / place(name, seed)) for name in (kind, fault.control))
    return worse(*ends, fault.how)


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("what", choices=["run"])
    parser.add_argument("kinds", nargs="*", help="of cases.py; all by default")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where runs stay; a new one by default")
    asked = parser.parse_args()
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="doctor-"))).resolve()
    kinds = needed(asked.kinds or [*HEALTHY, *FAULTS])
    train(folder, kinds, asked.seeds, asked.jobs)
    for kind in kinds:
        if kind in FAULTS:
            each = [damage(folder, kind, seed) for seed in asked.seeds]
            say(f"{kind:20} {' '.join(f'{one:8.1f}' for one in each)}")


if __name__ == "__main__":
    main()

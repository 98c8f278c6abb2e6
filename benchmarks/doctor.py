"""What the doctor finds in trainings with something wrong, and in healthy ones.

`python benchmarks/doctor.py run` trains every kind of `cases.py` through the command line, with
several seeds, into `--folder`, and says which faults end worse than their control; what lies there
is not trained again.  `before` runs pre-flight alone on the same commands.  `replay` judges what
the folders recorded, without training, and prints the tables; `remedy` does what the doctor
proposes first, up to twice, and says how many recover: end within two points of accuracy (a tenth
of the loss where that is what went wrong) of their control.

Rules may be tuned on seeds 0 and 1 of the kinds outside of `HELD_OUT`; the tables say how they do
on those and on others apart.
"""

import argparse
import math
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from cases import FAULTS, merged, words_of
from healthy import HEALTHY, QUIET
from launch import Launcher
from remedies import proposals
from replay import Said, case_of, measured, said_of, verdict
from scoring import Verdict, end_of, worse
from tables import PARTS, healing, report

from seedbed.doctor import Finding, examine
from seedbed.doctor._order import before

STEPS = 2  # remedies in a row


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def place(kind: str, seed: int) -> str:
    """Return the folder of a run."""
    return f"{kind}/{seed}"


def words(kind: str, seed: int, stages: str) -> tuple[str, ...]:
    """Return the command line of a run."""
    asked = (f"stages=[{stages}]", f"seed={seed}", f"data.seed={seed}")
    return merged(words_of(kind), QUIET, asked)


def launched(launcher: Launcher, commands: Sequence[tuple[str, Sequence[str]]]) -> None:
    """Run commands whose folder is not there yet, and say which failed."""
    todo = [each for each in commands if not (launcher.folder / each[0]).exists()]
    say(f"{len(todo)} of {len(commands)} to run, {launcher.jobs} at a time, in {launcher.folder}")
    for out, code in launcher.all(todo):
        if code:
            text = (launcher.folder / f"{out}.log").read_text().strip()
            say(f"{out}: exit {code}: {text.splitlines()[-1] if text else ''}")


def train(launcher: Launcher, kinds: Iterable[str], seeds: Sequence[int]) -> None:
    """Train every kind with every seed."""
    launched(launcher, [(place(k, s), words(k, s, "fit,test")) for s in seeds for k in kinds])


def look(launcher: Launcher, kinds: Iterable[str], seeds: Sequence[int]) -> None:
    """Run pre-flight on every kind with every seed."""
    launched(
        launcher,
        [(f"{place(k, s)}-before", words(k, s, "preflight")) for s in seeds for k in kinds],
    )


def needed(kinds: Sequence[str]) -> list[str]:
    """Return the kinds with the controls of the faults among them."""
    controls = [FAULTS[kind].control for kind in kinds if kind in FAULTS]
    return list(dict.fromkeys([*controls, *kinds]))


def damage(folder: Path, kind: str, seed: int, out: str = "") -> float:
    """Return by how much a fault's run ended worse than its control, in units that count."""
    fault = FAULTS[kind]
    end, control = (
        end_of(folder / name) for name in (out or place(kind, seed), place(fault.control, seed))
    )
    return worse(end, control, fault.how)


def finished(folder: Path, kinds: Iterable[str], seeds: Sequence[int]) -> list[tuple[str, int]]:
    """Return the runs that lie there, ended."""
    every = [(kind, seed) for seed in seeds for kind in kinds]
    return [each for each in every if (folder / place(*each) / "status.json").is_file()]


def replay(folder: Path, kinds: Sequence[str], seeds: Sequence[int]) -> str:
    """Return the tables of what is found in what the folders recorded."""
    verdicts: dict[str, list[Verdict]] = {part: [] for part in PARTS}
    uncounted: list[str] = []
    for kind, seed in finished(folder, kinds, seeds):
        if kind in FAULTS and not damage(folder, kind, seed) > 1:
            uncounted.append(place(kind, seed))
            continue
        said = said_at(folder, kind, seed)
        for part, some in verdicts.items():
            some.append(verdict(kind, seed, said, part))
    return report(verdicts, uncounted)


def said_at(folder: Path, kind: str, seed: int) -> Said:
    """Return what is found in a run; what a run says of NaN at its end counts as said then."""
    run = folder / place(kind, seed)
    said = said_of(case_of(run), measured(folder / f"{place(kind, seed)}-before"))
    if end_of(run).status == "diverged":
        said.live.setdefault("nan", math.nan)
    return said


def remedy(launcher: Launcher, kinds: Sequence[str], seeds: Sequence[int]) -> str:
    """Return the table of what happens to those who do what is proposed."""
    folder, found = launcher.folder, dict[str, list[tuple[str, float]]]()
    for kind, seed in finished(folder, [k for k in kinds if k in FAULTS], seeds):
        if not damage(folder, kind, seed) > 1:
            continue
        found[place(kind, seed)] = healed(launcher, kind, seed)
        say(f"{place(kind, seed)}: {found[place(kind, seed)] or 'nothing was proposed'}")
    return healing(found)


def healed(launcher: Launcher, kind: str, seed: int) -> list[tuple[str, float]]:
    """Do what is proposed, up to twice: what, and by how much the run then ended worse."""
    folder, out, steps = launcher.folder, place(kind, seed), list[tuple[str, float]]()
    command: Sequence[str] = words(kind, seed, "fit,test")
    findings = before(measured(folder / f"{out}-before")) + examine(case_of(folder / out))
    for step in range(STEPS):
        out = f"{place(kind, seed)}-{step + 1}"
        tried = done(launcher, out, findings, command)
        if tried is None:
            break
        what, command = tried
        steps.append((what, damage(folder, kind, seed, out)))
        if steps[-1][1] < 1:
            break
        findings = examine(case_of(folder / out))
    return steps


def done(
    launcher: Launcher, out: str, findings: Sequence[Finding], command: Sequence[str]
) -> tuple[str, list[str]] | None:
    """Do the first proposal that the gate takes; what it was, and its words; None if none is."""
    for what, words in proposals(findings, command):
        said = launcher.folder / f"{out}.txt"
        if not said.exists() or said.read_text() != what:
            shutil.rmtree(launcher.folder / out, ignore_errors=True)
            launcher.one(out, [*words, "stages=[fit,test]"])
        if (launcher.folder / out / "status.json").is_file():
            said.write_text(what)
            return what, words
    return None


def damages(folder: Path, kinds: Iterable[str], seeds: Sequence[int]) -> str:
    """Return by how much each fault's runs ended worse than their controls."""
    lines = ["", "worse than the control, in units of two points or a tenth of the loss:"]
    for kind in kinds:
        if kind in FAULTS:
            each = [damage(folder, kind, seed) for seed in seeds]
            lines.append(f"{kind:20} {' '.join(f'{one:8.1f}' for one in each)}")
    return "\n".join(lines)


def main() -> None:
    """Do what was asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("what", choices=["run", "before", "replay", "remedy", "all"])
    parser.add_argument("kinds", nargs="*", help="of cases.py; all by default")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3, 4])
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where runs stay; a new one by default")
    asked = parser.parse_args()
    if unknown := set(asked.kinds) - HEALTHY.keys() - FAULTS.keys():
        parser.error(f"no kind {', '.join(sorted(unknown))} in cases.py")
    folder = (asked.folder or Path(tempfile.mkdtemp(prefix="doctor-"))).resolve()
    launcher = Launcher(folder, asked.jobs)
    kinds = needed(asked.kinds or [*HEALTHY, *FAULTS])
    does: dict[str, Callable[[], str | None]] = {
        "run": lambda: train(launcher, kinds, asked.seeds) or damages(folder, kinds, asked.seeds),
        "before": lambda: look(launcher, kinds, asked.seeds),
        "replay": lambda: replay(folder, kinds, asked.seeds),
        "remedy": lambda: remedy(launcher, kinds, asked.seeds),
    }
    for name in does if asked.what == "all" else [asked.what]:
        say(does[name]() or "")


if __name__ == "__main__":
    main()

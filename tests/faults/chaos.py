"""Kill runs at random moments for as long as asked, let them go on, and compare every bit.

`make chaos ARGS="--kills 200"`.  A run is killed up to four times, by SIGKILL or SIGTERM, at a
moment drawn over its whole length, start and end included; then it goes on to its end and must be
equal to the run that nobody killed.  Each process is forked from one that has imported everything,
so that most of its time is training.
"""

import argparse
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from conftest import TINY
from same import differences
from tqdm import tqdm

from seedbed import door
from seedbed.run import pipeline, status

LIMIT = 90.0  # seconds after which a process hangs
COMMON = [*TINY[:-2], TINY[-1], "trainer.max_epochs=12", "trainer.log_every_n_steps=2"]
CASES = {
    "plain": [],
    "often": ["checkpoint.every_n_steps=1", "data.size=200"],
    "accumulated": ["trainer.accumulate_grad_batches=2", "checkpoint.every_n_steps=2"],
    "random": ["model.dropout=.3", "regularizer=[mixup,l1]", "scheduler=one_cycle"],
    "validated": ["trainer.val_check_interval=2", "scheduler=plateau", "checkpoint.top_k=3"],
    "averaged": ["callback=[swa]", "callback.swa.start=4", "checkpoint.every_n_steps=3"],
    "muon": ["optimizer=muon", "model.norm=batch", "callback=[ema,signals,weights]"],
}


@dataclass
class Tally:
    """What happened."""

    kills: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    exact: int = 0
    wrong: list[str] = field(default_factory=list)


def launch(work: Path, words: list[str]) -> int:
    """Fork a process that runs `train.py` with these words, and return its number."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.chdir(work)
        said = os.open("said.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        sys.argv = ["train.py", *words]
        door.enter(pipeline.run)
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def wait(child: int, seconds: float) -> int | None:
    """Return how a process ended as `subprocess` tells it, None if it did not in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        number, status = os.waitpid(child, os.WNOHANG)
        if number:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    return None


def whole(work: Path, case: str) -> float:
    """Make the run that nobody kills and return how long it took, in seconds."""
    begun = time.monotonic()
    code = wait(launch(work, [*COMMON, *CASES[case], f"out={case}"]), LIMIT)
    assert code == 0, (work / "said.txt").read_text()
    return time.monotonic() - begun


def torment(work: Path, case: str, length: float, dice: random.Random, tally: Tally) -> None:
    """Kill one run several times and hold what comes out against the whole one."""
    out = f"{case}-{tally.runs}"
    first = [*COMMON, *CASES[case], f"out={out}"]
    kills = dice.randint(1, 4)
    tally.runs += 1
    while True:
        begun = (work / out / "config.yaml").is_file()
        child = launch(work, [f"run={out}"] if begun else first)
        code = wait(child, dice.uniform(0, 1.1 * length) if kills else LIMIT)
        if code is None and not kills:
            os.kill(child, signal.SIGKILL)
            tally.wrong.append(f"{out}: hangs")
            return
        if code is None:
            name = dice.choice(["SIGKILL", "SIGKILL", "SIGTERM"])
            os.kill(child, getattr(signal, name))
            code = wait(child, LIMIT)
            ends = {-signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGTERM}  # before it listens
            if code in ends:
                tally.kills[name] += 1
                kills -= 1
                if status.standing(work / out) != status.OK:  # else it came after the last word
                    continue
                code = 0
            if code is None:
                os.kill(child, signal.SIGKILL)
                tally.wrong.append(f"{out}: hangs after {name}")
                return
        if code != 0:
            tally.wrong.append(f"{out}: exit code {code}")
            return
        if status.standing(work / out) != status.OK:
            tally.wrong.append(f"{out}: {status.standing(work / out)}")
        break
    found = differences(work / case, work / out)
    tally.exact += not found
    tally.wrong += [f"{out}: {each}" for each in found[:3]]


def main() -> int:
    """Return 0 if every run came out as the one that nobody killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    dice, tally = random.Random(asked.seed), Tally()  # noqa: S311 -- no secret
    with tempfile.TemporaryDirectory() as name, tqdm(total=asked.kills, unit="kill") as bar:
        work = Path(name)
        lengths: dict[str, float] = {}
        while tally.kills.total() < asked.kills:
            case = dice.choice(list(CASES))
            if case not in lengths:
                lengths[case] = whole(work, case)
            torment(work, case, lengths[case], dice, tally)
            bar.update(tally.kills.total() - bar.n)
        said = (work / "said.txt").read_text()
    damaged = [line for line in said.splitlines() if "damaged" in line or "Traceback" in line]
    kinds = ", ".join(f"{count} by {name}" for name, count in sorted(tally.kills.items()))
    print(f"{tally.kills.total()} kills ({kinds}) in {tally.runs} runs: {tally.exact} exact")  # noqa: T201
    print(*tally.wrong, *damaged, sep="\n")  # noqa: T201
    return int(bool(tally.wrong or damaged))


if __name__ == "__main__":
    raise SystemExit(main())

"""Start-up: what commands take by what an import takes that they cannot do without.

`python benchmarks/startup.py` starts every command in a process of its own, in turns with
`import hydra`, `import torch` and `import lightning`, and divides the CPU times of one round, so
that the load of the machine hits both alike.  One round before does not count: it fills the caches.
The first step is timed in the default run, which a callback ends there, without the half second
that Python takes to clear away; so is `import lightning` beside it.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parent.parent
FIRST_STEP = "first step"
BARS = {"hydra": 3.0, "torch": 1.5}  # by that import
LONGEST, AFTER = 1.0, 1.5  # seconds of an answer, and of a first step after `import lightning`
ANSWERED = ("--help", "--cfg job", "--info", "stages=report report.of=.")
REFUSED = (
    *("optimizer=admm", "optimizer.lrr=1", "optimizer.lr=-1", "optimizer.lr=abc", "stages=index"),
    *("model.dropout=1.5", "scheduler.warmup=-1", "+regularizer=l2 optimizer.weight_decay=0.1"),
    *("data.batch_size=0", "loss=mse", "callback.ema.decay=2", "trainer.max_epoch=3"),
)


def first_step() -> None:
    """Run the default run until its first update has been made, and no further."""
    from seedbed import config, door, lean

    def job(cfg: config.Config) -> dict[str, float]:
        lean.lightning()
        from lightning.pytorch.callbacks import Callback

        from seedbed.run import pipeline

        class Stop(Callback):
            def on_train_batch_end(self, *_: Any, **named: Any) -> None:
                os._exit(0)

        run = pipeline.Run(cfg, Path(str(cfg.out)))
        run.parts.trainer.callbacks.append(Stop())  # pyright: ignore[reportAttributeAccessIssue]
        return run.all()

    door.enter(job)


def cost(words: list[str], code: int, folder: str) -> float:
    """Return the CPU seconds of a process, its own and the system's, that is to end with `code`."""
    child = subprocess.Popen(  # noqa: S603
        [sys.executable, *words],
        cwd=folder,
        env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != code:
        raise SystemExit(f"{' '.join(words)}: ended with {child.returncode}, not {code}")
    return used.ru_utime + used.ru_stime


def once(folder: str) -> dict[str, float]:
    """Return the CPU seconds of every command and import, once."""
    train = str(ROOT / "train.py")
    spent = {name: cost(["-c", f"import {name}"], 0, folder) for name in BARS}
    spent["lightning"] = cost(["-c", "import os, lightning; os._exit(0)"], 0, folder)
    spent |= {words: cost([train, *words.split()], 0, folder) for words in ANSWERED}
    spent |= {words: cost([train, *words.split()], 2, folder) for words in REFUSED}
    step = [str(Path(__file__)), "--first-step", "trainer=cpu"]
    return spent | {FIRST_STEP: cost(step, 0, folder)}


def table(rounds: list[dict[str, float]]) -> str:
    """Return the medians over the rounds, with their spread, beside the bars."""
    lines = ["| command | beside | ratio | seconds | bar |", "|---" * 5 + "|"]
    for words in (*ANSWERED, *REFUSED):
        beside = "hydra" if words in ANSWERED else "torch"
        ratios = [spent[words] / spent[beside] for spent in rounds]
        seconds = median(spent[words] for spent in rounds)
        missed = median(ratios) > BARS[beside] or (words in ANSWERED and seconds > LONGEST)
        bar = f"{BARS[beside]} ×" + f", {LONGEST} s" * (words in ANSWERED) + ", MISSED" * missed
        lines.append(
            f"| `{words}` | `import {beside}` | {middle(ratios)} | {seconds:.2f} | {bar} |"
        )
    after = [spent[FIRST_STEP] - spent["lightning"] for spent in rounds]
    seconds = median(spent[FIRST_STEP] for spent in rounds)
    bar = f"{AFTER} s after{', MISSED' * (median(after) > AFTER)}"
    late = f"{middle(after)} s after"
    lines.append(f"| {FIRST_STEP} | `import lightning` | {late} | {seconds:.2f} | {bar} |")
    return "\n".join(lines)


def middle(values: list[float]) -> str:
    """Return the median and the range."""
    return f"{median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def main() -> None:
    """Print a Markdown table."""
    if "--first-step" in sys.argv:
        sys.argv.remove("--first-step")
        first_step()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with TemporaryDirectory() as folder:
        once(folder)
        print(table([once(folder) for _ in range(asked.rounds)]))  # noqa: T201


if __name__ == "__main__":
    main()

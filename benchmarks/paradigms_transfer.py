"""Transfer learning with one and with five labels a class, by the command line itself.

`python benchmarks/paradigms_transfer.py` trains a network on MNIST's 5,000 images, then adapts it
to the digits as `experiment=transfer` does, with several seeds (`--seeds 0 1 2`): of the run and
of the choice of labels alike.  Beside every way of fine-tuning stands the same with random
weights; the baseline of the bars is `scratch`, all of it trained from random weights.  It prints
the mean test accuracy in points with its 95 % interval (Student's t), and the bars.

Runs stay in `--folder`; what lies there already is not trained again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, stdev

SCRIPT = Path(__file__).parents[1] / "train.py"
QUIET = ["trainer.enable_progress_bar=false", "num_threads=1", "logger=[]", "trainer=cpu"]
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}  # by seeds
BARS = {1: 15.0, 5: 0.0}  # points that full fine-tuning is above scratch, by labels a class
METHODS = {
    "scratch": ["init=[default]", "callback.finetune.mode=full"],
    "scratch, gradual": ["init=[default]", "callback.finetune.mode=gradual"],
    "random features": ["init=[default]", "callback.finetune.mode=probe"],
    "probe": ["init=[pretrained]", "callback.finetune.mode=probe"],
    "gradual": ["init=[pretrained]", "callback.finetune.mode=gradual"],
    "full": ["init=[pretrained]", "callback.finetune.mode=full"],
    "full, body at .1": [
        *("init=[pretrained]", "callback.finetune.mode=full"),
        "callback.finetune.backbone_rate=0.1",
    ],
}


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def accuracy(folder: Path, out: str, *words: str) -> float:
    """Return the test accuracy of a run in points; it is trained if it does not lie there."""
    metrics = folder / out / "metrics.json"
    if not metrics.is_file():
        command = [sys.executable, str(SCRIPT), *words, *QUIET, f"out={out}", "stages=[fit,test]"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603
    return 100 * json.loads(metrics.read_text())["test/acc"]


def interval(values: Sequence[float]) -> float:
    """Return half the width of the 95 % interval of a mean."""
    return STUDENT[len(values)] * stdev(values) / len(values) ** 0.5


def compared(folder: Path, labels: int, seeds: Sequence[int]) -> None:
    """Print every method with so many labels a class, and the bar."""
    say(f"\n{labels} label{'s' * (labels > 1)} a class, {len(seeds)} seeds")
    found: dict[str, list[float]] = {}
    for number, (name, words) in enumerate(METHODS.items()):
        found[name] = [
            accuracy(
                folder,
                f"{labels}-{number}-{seed}",
                *("experiment=transfer", f"data.per_class={labels}", *words),
                *(f"seed={seed}", f"data.seed={seed}"),
            )
            for seed in seeds
        ]
        each = " ".join(f"{value:.1f}" for value in found[name])
        say(f"  {name:18} {fmean(found[name]):5.1f} ± {interval(found[name]):4.1f}  ({each})")
    pairs = zip(found["full"], found["scratch"], strict=True)
    gains = [full - scratch for full, scratch in pairs]
    bar, gain = BARS[labels], fmean(gains)
    said = "held" if gain >= bar else f"MISSED by {bar - gain:.1f}"
    say(
        f"  full above scratch {gain:+.1f} ± {interval(gains):.1f}  (bar: at least {bar:g}, {said})"
    )


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    if len(asked.seeds) not in STUDENT:
        parser.error(f"--seeds: {', '.join(map(str, STUDENT))} seeds are expected")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="transfer-"))
    folder.mkdir(parents=True, exist_ok=True)
    say(f"runs: {folder}")
    for labels in BARS:
        compared(folder, labels, asked.seeds)


if __name__ == "__main__":
    main()

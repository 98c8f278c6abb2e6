"""Few-shot and zero-shot learning against their baselines, by the command line itself.

`python benchmarks/paradigms_fewshot.py` runs `experiment=few_shot` and `experiment=zero_shot`, and
the seven-segment codes of digits, with several seeds (`--seeds 0 1 2`), of the run and of the data
alike; `--only few_shot` one of the three.  It prints means in points with 95 % intervals
(Student's t, over seeds), the differences from the baseline with theirs, and the bars.

Runs stay in `--folder`; what lies there already is not trained again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

SCRIPT = Path(__file__).parents[1] / "train.py"
QUIET = ["trainer.enable_progress_bar=false", "num_threads=1", "logger=[]", "trainer=cpu"]
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}  # by seeds
PAIRS = ("0,1", "2,3", "4,5", "6,7", "8,9")  # every digit is unseen once
FEW_SHOT = {
    "pixels, nearest mean": ["task=prototypical", "model.channels=[]"],
    "pixels, cosine": ["task=siamese", "model.channels=[]"],
    "prototypical": ["task=prototypical"],
    "siamese": ["task=siamese"],
}
SMALL = ["data.source=digits", "data.settings.size=8", "model.channels=[32]"]
ZERO_SHOT = {"shuffled codes": ["data.codes=shuffled"], "own codes": ["data.codes=own"]}
CALIBRATED = ["seen", "unseen", "harmonic", "uncalibrated"]


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def measured(folder: Path, out: str, *words: str) -> dict[str, float]:
    """Return the metrics of a run, in points; it is trained if it does not lie there."""
    metrics = folder / out / "metrics.json"
    if not metrics.is_file():
        command = [sys.executable, str(SCRIPT), *words, *QUIET, f"out={out}", "stages=[fit,test]"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603
    return {name: 100 * value for name, value in json.loads(metrics.read_text()).items()}


def spread(values: Sequence[float]) -> str:
    """Return mean and 95 % interval of the values of several seeds."""
    half = STUDENT[len(values)] * stdev(values) / len(values) ** 0.5
    return f"{fmean(values):5.1f} ± {half:4.1f}"


def judged(name: str, gains: Sequence[float], bar: float) -> None:
    """Print a difference, seed by seed, and whether its mean reaches the bar."""
    gain = fmean(gains)
    said = "held" if gain >= bar else f"MISSED by {bar - gain:.1f}"
    say(f"  {name:32} {spread(gains)}  (bar: at least {bar:g}, {said})")


def few_shot(folder: Path, seeds: Sequence[int], title: str, more: Sequence[str]) -> None:
    """Print novel digits, five-way five-shot."""
    say(f"\nfew_shot: {title}, digits 5 to 9 after 0 to 4, 5-way 5-shot, 600 episodes")
    found: dict[str, list[float]] = {}
    for number, (name, words) in enumerate(FEW_SHOT.items()):
        runs = [
            measured(
                folder,
                f"few-{title}-{number}-{seed}",
                *("experiment=few_shot", *more, *words, f"seed={seed}", f"data.seed={seed}"),
            )
            for seed in seeds
        ]
        found[name] = [run["test/acc"] for run in runs]
        within = fmean(run["test/interval"] for run in runs)
        say(f"  {name:32} {spread(found[name])}  (within a run ± {within:.1f})")
    base = found["pixels, nearest mean"]
    for name in ("prototypical", "siamese"):
        gains = [a - b for a, b in zip(found[name], base, strict=True)]
        judged(f"{name} above pixels", gains, 7)


def zero_shot(folder: Path, seeds: Sequence[int]) -> None:
    """Print ten unseen combinations of digit and style."""
    say("\nzero_shot: digit x style, 10 unseen of 40 classes, 5 more for validation")
    found = runs_of(folder, "zero", ["experiment=zero_shot"], seeds)
    told(found)
    pairs = zip(found["own codes"], found["shuffled codes"], strict=True)
    judged(
        "own above shuffled", [a["test/unseen/acc"] - b["test/unseen/acc"] for a, b in pairs], 25
    )


def seven_segments(folder: Path, seeds: Sequence[int]) -> None:
    """Print two unseen digits by their segments on a display, over all five pairs."""
    say("\nzero_shot: seven-segment codes, 2 unseen digits, mean over the pairs " + " ".join(PAIRS))
    sums: dict[str, list[dict[str, float]]] = {}
    for place, pair in enumerate(PAIRS):
        words = [
            "experiment=zero_shot",
            "data=digits",
            f"data.unseen=[{pair}]",
            "data.val_unseen=[]",
        ]
        for name, runs in runs_of(folder, f"segments-{place}", words, seeds).items():
            each = " ".join(f"{run['test/unseen/acc']:.0f}" for run in runs)
            say(f"    {pair}  {name:16} {each}")
            old = sums.setdefault(name, [{} for _ in seeds])
            sums[name] = [
                {k: a.get(k, 0) + b[k] / len(PAIRS) for k in b}
                for a, b in zip(old, runs, strict=True)
            ]
    say(f"  {'unseen':32} among unseen")
    for name, runs in sums.items():
        say(f"  {name:32} {spread([run['test/unseen/acc'] for run in runs])}")
    pairs = zip(sums["own codes"], sums["shuffled codes"], strict=True)
    judged(
        "own above shuffled", [a["test/unseen/acc"] - b["test/unseen/acc"] for a, b in pairs], 10
    )


def runs_of(
    folder: Path, out: str, words: Sequence[str], seeds: Sequence[int]
) -> Mapping[str, list[dict[str, float]]]:
    """Return the metrics of both kinds of codes, a seed each."""
    return {
        name: [
            measured(
                folder,
                f"{out}-{number}-{seed}",
                *(*words, *codes, f"seed={seed}", f"data.seed={seed}"),
            )
            for seed in seeds
        ]
        for number, (name, codes) in enumerate(ZERO_SHOT.items())
    }


def told(found: Mapping[str, list[dict[str, float]]]) -> None:
    """Print the accuracies among unseen classes, and of all classes together."""
    say(f"  {'':32} {'among unseen':14}" + "".join(f"{name:14}" for name in CALIBRATED))
    names = ["test/unseen/acc", *(f"test/generalized/{name}" for name in CALIBRATED)]
    for name, runs in found.items():
        columns = "".join(f"{spread([run[each] for run in runs]):14}" for each in names)
        say(f"  {name:32} {columns}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--only", choices=["few_shot", "zero_shot", "segments"])
    parser.add_argument("--folder", type=Path, default=None)
    asked = parser.parse_args()
    if len(asked.seeds) not in STUDENT:
        parser.error(f"--seeds: {', '.join(map(str, STUDENT))} seeds are expected")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="fewshot-"))
    folder.mkdir(parents=True, exist_ok=True)
    say(f"runs: {folder}")
    if asked.only in (None, "few_shot"):
        few_shot(folder, asked.seeds, "mnist5k", [])
        few_shot(folder, asked.seeds, "digits", SMALL)
    if asked.only in (None, "zero_shot"):
        zero_shot(folder, asked.seeds)
    if asked.only in (None, "segments"):
        seven_segments(folder, asked.seeds)


if __name__ == "__main__":
    main()

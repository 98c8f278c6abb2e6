"""Domain adaptation, generalization and test-time adaptation, each beside its baseline.

`python benchmarks/paradigms_shift.py [part ...]` runs the experiments by the command line itself,
with several seeds of the run (`--seeds 0 1 2`), and prints the mean test accuracy of each in
points, its 95 % interval (Student's t), and the bars that are held or missed:

- `digits`, `blend`: MNIST to digits, and to MNIST on photos, without a label of the target;
- `supervised`: MNIST to digits with five labels a class of the target;
- `rotations`: four angles to 60 and to 75 degrees;
- `corruptions`: Fashion-MNIST to itself under noise, blur, weak contrast and inversion.

Runs stay in `--folder`; what lies there already is not trained again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import fmean, stdev

SCRIPT = Path(__file__).parents[1] / "train.py"
QUIET = ["trainer.enable_progress_bar=false", "num_threads=1", "logger=[]", "stages=[fit,test]"]
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776, 6: 2.571, 8: 2.365, 10: 2.262}  # by seeds
CORRUPTIONS = ("noise", "blur", "contrast", "invert")
BLEND = ["data.sources=[mnist5k]", "data.target=mnist5k:blend5", "data.channels=3"]

Scores = dict[str, list[float]]
Bar = tuple[str, Callable[[Mapping[str, float]], float], float]  # what, of which means, at least


@dataclass
class Part:
    """A baseline and methods that are trained alike but for a few words."""

    common: list[str]
    methods: dict[str, list[str]]
    score: Sequence[str] = ("test/acc",)  # whose mean is compared
    bars: list[Bar] = field(default_factory=list)


def above(method: str, baseline: str) -> Callable[[Mapping[str, float]], float]:
    """Return what tells by how many points a method is above another."""
    return lambda means: means[method] - means[baseline]


def adaptation(extra: list[str], bar: float) -> Part:
    """Return unsupervised adaptation, whose methods are to gain `bar` points each."""
    methods = ("adabn", "coral", "dann", "mmd")
    return Part(
        ["experiment=domain_adaptation", *extra],
        {"source only": ["regularizer=[]"]} | {m: [f"regularizer=[{m}]"] for m in methods},
        bars=[(f"{m} above source only", above(m, "source only"), bar) for m in methods],
    )


def rotation(angle: int) -> Part:
    """Return generalization to an angle."""
    methods = ("vrex", "coral", "mmd", "dann")
    names = {"one domain": "", "erm": "erm"} | {m: m for m in methods}
    return Part(
        ["experiment=domain_generalization", f"data.target=mnist5k:rotate{angle}"],
        {name: [f"regularizer=[{word}]"] for name, word in names.items()},
        bars=[("erm above one domain", above("erm", "one domain"), 35)],
    )


PARTS = {
    "digits": [adaptation([], 25)],
    "blend": [adaptation(BLEND, 10)],
    "supervised": [
        Part(
            ["experiment=supervised_adaptation"],
            {"source only": ["regularizer=[]"]}
            | {f"5 labels, {m}": [f"regularizer=[{m}]"] for m in ("erm", "adabn")},
            bars=[("5 labels, erm", lambda means: means["5 labels, erm"], 85)],
        )
    ],
    "rotations": [rotation(60), rotation(75)],
    "corruptions": [
        Part(
            ["experiment=test_time"],
            {"source": ["callback=[]"]} | {m: [f"callback=[{m}]"] for m in ("test_bn", "tent")},
            score=[f"test/{name}/acc" for name in CORRUPTIONS],
            bars=[
                ("test_bn above source", above("test_bn", "source"), 20),
                ("tent above test_bn", above("tent", "test_bn"), 0),
            ],
        )
    ],
}


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def measured(out: Path, words: list[str]) -> dict[str, float]:
    """Return the metrics of a run, trained if it does not lie there already."""
    if not (out / "metrics.json").is_file() or "test/acc" not in (out / "metrics.json").read_text():
        command = [sys.executable, str(SCRIPT), *words, *QUIET, f"out={out}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603
    return json.loads((out / "metrics.json").read_text())


def interval(values: Sequence[float]) -> str:
    """Return the mean and half of its 95 % interval."""
    if len(values) not in STUDENT:
        return f"{fmean(values):5.1f}"
    return f"{fmean(values):5.1f} ± {STUDENT[len(values)] * stdev(values) / len(values) ** 0.5:.1f}"


def run(name: str, part: Part, seeds: Sequence[int], folder: Path) -> None:
    """Train every method with every seed, and print the table."""
    say(f"{name}: {' '.join(part.common)}")
    means: dict[str, float] = {}
    for method, words in part.methods.items():
        found = [
            measured(
                folder / name / f"{method.replace(' ', '_').replace(',', '')}_{seed}",
                [*part.common, *words, f"seed={seed}"],
            )
            for seed in seeds
        ]
        values = [100 * fmean(metrics[key] for key in part.score) for metrics in found]
        val = fmean(100 * metrics["val/acc"] for metrics in found)
        means[method] = fmean(values)
        say(f"  {method:20} {interval(values):14}  (source validation {val:.1f})")
    for what, value, bar in part.bars:
        found_value = value(means)
        missed = "" if found_value >= bar else f", MISSED by {bar - found_value:.1f}"
        say(f"  {what:28} {found_value:6.1f}  (bar: at least {bar:g}{missed})")


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("parts", nargs="*", default=[*PARTS], help=f"of {', '.join(PARTS)}")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "shift"))
    asked = parser.parse_args()
    for name in asked.parts:
        for place, part in enumerate(PARTS[name]):
            run(f"{name}{place or ''}", part, asked.seeds, asked.folder.resolve())


if __name__ == "__main__":
    main()

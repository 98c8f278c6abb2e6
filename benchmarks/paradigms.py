"""Learning with little data and across domains: every method beside its baseline.

`python benchmarks/paradigms.py [part ...]` runs the experiments by the command line itself, with
several seeds (`--seeds 0 1 2`, of the run and of its data alike), and prints a table a part: means
in points with 95 % intervals (Student's t, over the seeds), the difference from the baseline, seed
by seed, and the bars that are held or missed.  Methods that do not help stay in it.

Runs stay in `--folder`; what lies there already is not trained again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev

from scipy.stats import t as student

SCRIPT = Path(__file__).parents[1] / "train.py"
QUIET = ["trainer=cpu", "trainer.enable_progress_bar=false", "num_threads=1", "logger=[]"]
PENALTIES = {name: [f"regularizer=[{name}]"] for name in ("adabn", "coral", "dann", "mmd")}
ROTATIONS = {name: [f"regularizer=[{name}]"] for name in ("erm", "vrex", "coral", "mmd", "dann")}
CODES = {"shuffled codes": ["data.codes=shuffled"], "own codes": ["data.codes=own"]}
CALIBRATED = {
    name: f"test/generalized/{name}" for name in ("seen", "unseen", "harmonic", "uncalibrated")
}
FEW_SHOT = {
    "pixels, nearest mean": ["task=prototypical", "model.channels=[]"],  # no layer
    "pixels, cosine": ["task=siamese", "model.channels=[]"],
    "prototypical": ["task=prototypical"],
    "siamese": ["task=siamese"],
}
WAYS = {
    f"{name}, {mode}": [f"init=[{init}]", f"callback.finetune.mode={mode}"]
    for mode in ("full", "gradual", "probe")
    for name, init in (("scratch", "default"), ("pretrained", "pretrained"))
} | {
    "pretrained, full, body at .1": [
        *("init=[pretrained]", "callback.finetune.mode=full"),
        "callback.finetune.backbone_rate=0.1",
    ]
}

Bar = tuple[str, str | None, float]  # a method, above which (none: above zero), by how many points
Runs = list[dict[str, float]]  # the metrics of a method, a seed each, in points


@dataclass
class Part:
    """Methods that are trained alike but for a few words.

    Args:
        title: what is compared.
        words: what all commands have.
        methods: by name, what a method adds; the first is the baseline.
        bars: what is to be reached.
        score: the metric that is compared, or several, whose mean it is.
        more: further columns, by title.
        variants: what a run of each is made with; the mean of them counts as one run.
    """

    title: str
    words: list[str]
    methods: Mapping[str, list[str]]
    bars: Sequence[Bar]
    score: Sequence[str] = ("test/acc",)
    more: Mapping[str, str] | None = None
    variants: Sequence[Sequence[str]] = ((),)


def transfer(labels: int, bar: float) -> Part:
    """Return transfer from MNIST to digits with so many labels a class."""
    return Part(
        f"MNIST to digits, {labels} label{'s' * (labels > 1)} a class",
        ["experiment=transfer", f"data.per_class={labels}"],
        WAYS,
        [("pretrained, full", "scratch, full", bar)],
    )


def few_shot(title: str, words: list[str]) -> Part:
    """Return five-way five-shot episodes of unseen digits."""
    return Part(
        f"{title}: digits 5 to 9 after 0 to 4, 5-way 5-shot, 600 episodes",
        ["experiment=few_shot"],
        {name: [*words, *own] for name, own in FEW_SHOT.items()},
        [(name, "pixels, nearest mean", 7) for name in ("prototypical", "siamese")],
        more={"± in a run": "test/interval"},
    )


def adaptation(title: str, words: list[str], bar: float) -> Part:
    """Return adaptation without labels of the target."""
    return Part(
        title,
        ["experiment=domain_adaptation", *words],
        {"source only": ["regularizer=[]"]}
        | {"both, no penalty": ["regularizer=[]", "data.use_target=true"]}
        | PENALTIES,
        [(name, "source only", bar) for name in PENALTIES],
        more={"source": "val/acc"},
    )


def rotation(angle: int) -> Part:
    """Return generalization to an angle that training does not see."""
    return Part(
        f"MNIST turned by 0 to 45 degrees, to {angle}",
        ["experiment=domain_generalization", f"data.target=mnist5k:rotate{angle}"],
        {"one domain": ["regularizer=[]"]} | ROTATIONS,
        [("erm", "one domain", 35)],
        more={"sources": "val/acc"},
    )


PARTS = {
    "transfer": [transfer(1, 15), transfer(5, 0)],
    "few_shot": [
        few_shot("mnist5k", ["model.channels=[32,32]"]),
        few_shot("digits", ["data.source=digits", "data.settings.size=8", "model.channels=[32]"]),
    ],
    "zero_shot": [
        Part(
            "digit x style, 10 of 40 classes unseen, 5 more held out for validation",
            ["experiment=zero_shot"],
            CODES,
            [("own codes", "shuffled codes", 25)],
            score=["test/unseen/acc"],
            more=CALIBRATED,
        )
    ],
    "segments": [
        Part(
            "segments of a display, 2 of 10 digits unseen, mean over five pairs",
            ["experiment=zero_shot", "data=digits", "data.val_unseen=[]"],
            CODES,
            [("own codes", "shuffled codes", 10)],
            score=["test/unseen/acc"],
            variants=[[f"data.unseen=[{n},{n + 1}]"] for n in range(0, 10, 2)],
        ),
    ],
    "domain_adaptation": [
        adaptation("MNIST to digits", [], 25),
        adaptation(
            "MNIST to MNIST on photos",
            ["data.target=mnist5k:blend5", "data.channels=3"],
            10,
        ),
    ],
    "supervised_adaptation": [
        Part(
            "MNIST to digits, 5 labels a class of the target",
            ["experiment=supervised_adaptation"],
            {"source only": ["regularizer=[]"]}
            | {n: [f"regularizer=[{n}]"] for n in ("erm", "adabn")},
            [("erm", None, 85)],
            more={"source": "val/acc"},
        )
    ],
    "domain_generalization": [rotation(60), rotation(75)],
    "test_time": [
        Part(
            "Fashion-MNIST under noise, blur, weak contrast and inversion, severity 5",
            ["experiment=test_time"],
            {"source": ["callback=[]"]} | {n: [f"callback=[{n}]"] for n in ("test_bn", "tent")},
            [("test_bn", "source", 20), ("tent", "test_bn", 0)],
            score=[f"test/{name}/acc" for name in ("noise", "blur", "contrast", "invert")],
            more={"clean": "test/acc"}
            | {name: f"test/{name}/acc" for name in ("noise", "blur", "contrast", "invert")},
        )
    ],
}


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def measured(folder: Path, out: str, words: Iterable[str]) -> dict[str, float]:
    """Return the metrics of a run in points; it is trained if it does not lie there."""
    metrics = folder / out / "metrics.json"
    found = json.loads(metrics.read_text()) if metrics.is_file() else {}
    if "test/acc" not in found:
        command = [sys.executable, str(SCRIPT), *words, *QUIET, f"out={out}", "stages=[fit,test]"]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)  # noqa: S603
        found = json.loads(metrics.read_text())
    return {name: 100 * value for name, value in found.items()}


def runs(folder: Path, part: Part, out: str, words: list[str], seeds: Sequence[int]) -> Runs:
    """Return the metrics of a method, seed by seed."""
    found: Runs = []
    for seed in seeds:
        each = [
            measured(
                folder,
                f"{out}-{number}-{seed}",
                [*part.words, *words, *variant, f"seed={seed}", f"data.seed={seed}"],
            )
            for number, variant in enumerate(part.variants)
        ]
        found.append({name: fmean(run[name] for run in each) for name in each[0]})
    return found


def spread(values: Sequence[float]) -> str:
    """Return the mean and half of its 95 % interval."""
    if len(values) == 1:
        return f"{values[0]:.1f}"
    half = float(student.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{fmean(values):.1f} ± {half:.1f}"


def compared(folder: Path, name: str, part: Part, seeds: Sequence[int]) -> None:
    """Train every method with every seed; print the table and the bars."""
    say(f"\n### {part.title}\n\n`{' '.join(part.words)}`, {len(seeds)} seeds\n")
    more = part.more or {}
    say(f"| | {' | '.join(['accuracy', 'above the first', *more])} |")
    say("|---" * (3 + len(more)) + "|")
    scores: dict[str, list[float]] = {}
    for method, words in part.methods.items():
        place = f"{name}/{method.replace(' ', '_').replace(',', '')}"
        found = runs(folder, part, place, words, seeds)
        scores[method] = [fmean(run[key] for key in part.score) for run in found]
        first = next(iter(scores.values()))
        cells = [
            method,
            spread(scores[method]),
            "" if first is scores[method] else spread(above(scores[method], first)),
            *(f"{fmean(run[key] for run in found):.1f}" for key in more.values()),
        ]
        say(f"| {' | '.join(cells)} |")
    say("")
    for method, baseline, bar in part.bars:
        gains = above(scores[method], scores[baseline] if baseline else [0] * len(seeds))
        short = bar - fmean(gains)
        what = f"{method} above {baseline}" if baseline else method
        said = "held" if short <= 0 else f"MISSED by {short:.1f}"
        say(f"- {what}: {spread(gains)}, at least {bar:g} was the bar: {said}")


def above(values: Sequence[float], baseline: Sequence[float]) -> list[float]:
    """Return the differences of the same seeds."""
    return [a - b for a, b in zip(values, baseline, strict=True)]


def main() -> None:
    """Run the chosen parts."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folder", type=Path, help="where runs stay; a new one by default")
    asked = parser.parse_args()
    if unknown := set(asked.parts) - set(PARTS):
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(PARTS)}")
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="paradigms-"))
    folder.mkdir(parents=True, exist_ok=True)
    say(f"runs: {folder}")
    for name in asked.parts or PARTS:
        for number, part in enumerate(PARTS[name]):
            compared(folder.resolve(), f"{name}{number}", part, asked.seeds)


if __name__ == "__main__":
    main()

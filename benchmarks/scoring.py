"""What a run came to, and the arithmetic of the tables; no training."""

import csv
import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

POINTS = 0.02  # of a score in [0, 1]: less is chance among some hundred examples
SHARE = 0.1  # of a loss


@dataclass(frozen=True)
class End:
    """How a run ended.

    Args:
        status: `ok`, `diverged`, or whatever `status.json` says; `refused` if there is none.
        last: what the last validation measured, by name.
        metrics: the metrics of the whole run: the best weights' on validation and test.
    """

    status: str
    last: Mapping[str, float]
    metrics: Mapping[str, float]

    def score(self, split: str, *names: str) -> float:
        """Return the first of the metrics that there is, of the last validation or the test."""
        place = self.last if split == "val" else self.metrics
        found = (place.get(f"{split}/{name}") for name in names)
        return next((value for value in found if value is not None), math.nan)


def end_of(folder: Path) -> End:
    """Read how a run ended."""
    if not (folder / "status.json").is_file():
        return End("refused", {}, {})
    status = json.loads((folder / "status.json").read_text())["status"]
    metrics = folder / "metrics.json"
    known = json.loads(metrics.read_text()) if metrics.is_file() else {}
    last: dict[str, float] = {}
    history = folder / "history.csv"
    lines = history.read_text().splitlines() if history.is_file() else []
    for row in csv.DictReader(lines):
        last |= {k: float(v) for k, v in row.items() if k.startswith("val/") and v}
    return End(status, last, known)


def worse(fault: End, control: End, how: str) -> float:
    """Return by how much a run ended worse than its control; above 1 it counts.

    Args:
        fault: the run with something wrong.
        control: the same without.
        how: `score` compares the last validation and the test, `balance` the mean over classes of
            the test, in units of two points; `loss` the last validation loss in units of a tenth;
            `promise` by how much validation says more than the test.
    """
    if fault.status == "refused" or control.status != "ok":
        return math.nan
    if fault.status != "ok":
        return math.inf
    if how == "loss":
        return (fault.score("val", "loss") / control.score("val", "loss") - 1) / SHARE
    if how == "promise":
        return (promise(fault) - promise(control)) / POINTS
    names = ("f1",) if how == "balance" else ("acc", "r2")
    splits = ("test",) if how == "balance" else ("val", "test")
    lost = [control.score(split, *names) - fault.score(split, *names) for split in splits]
    return max(0.0 if math.isnan(one) else one for one in lost) / POINTS


def promise(end: End) -> float:
    """Return by how much the best weights do better on validation than on the test."""
    return end.metrics["val/acc"] - end.metrics["test/acc"]


def wilson(hits: int, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the 95 % interval of a share.

    Source: Wilson 1927, "Probable Inference, the Law of Succession, and Statistical Inference",
    https://doi.org/10.1080/01621459.1927.10502953.
    """
    if not count:
        return 0.0, 1.0
    p, n = hits / count, float(count)
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, centre - half), min(1.0, centre + half)


def share(hits: int, count: int) -> str:
    """Return `hits/count = %` with its interval."""
    low, high = wilson(hits, count)
    percent = f"{100 * hits / count:.1f}" if count else "-"
    return f"{hits}/{count} = {percent} % [{100 * low:.1f}, {100 * high:.1f}]"


@dataclass(frozen=True)
class Verdict:
    """What was said of one run.

    Args:
        kind: of the run.
        seed: of the run.
        right: symptoms any of which names what is wrong; none where nothing is.
        said: symptoms that were named as ill, the most pressing first.
        first: share of the training at which the first right one was named; NaN: never.
    """

    kind: str
    seed: int
    right: tuple[str, ...]
    said: tuple[str, ...]
    first: float = math.nan

    @property
    def hit(self) -> bool:
        """Whether one of the right symptoms was named."""
        return bool(set(self.right) & set(self.said))


def recall(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """Return how many of the faulty runs were named rightly, of how many."""
    faulty = [v for v in verdicts if v.right]
    return sum(v.hit for v in faulty), len(faulty)


def first_right(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """Return how many of the faulty runs that were named had the right symptom named first."""
    named = [v for v in verdicts if v.right and v.said]
    return sum(v.said[0] in v.right for v in named), len(named)


def false_alarms(verdicts: Sequence[Verdict]) -> tuple[int, int]:
    """Return how many of the healthy runs were called ill, of how many."""
    healthy = [v for v in verdicts if not v.right]
    return sum(bool(v.said) for v in healthy), len(healthy)


def by_symptom(verdicts: Sequence[Verdict]) -> dict[str, tuple[int, int, int]]:
    """Return how often each symptom was named: rightly, in another fault, in a healthy run."""
    found: dict[str, tuple[int, int, int]] = {}
    for verdict in verdicts:
        for symptom in verdict.said:
            right, other, healthy = found.get(symptom, (0, 0, 0))
            here = symptom in verdict.right
            found[symptom] = (
                right + here,
                other + (bool(verdict.right) and not here),
                healthy + (not verdict.right),
            )
    return dict(sorted(found.items()))


def confusion(verdicts: Iterable[Verdict]) -> dict[str, Counter[str]]:
    """Return what each kind was called first: symptoms, or `-` for nothing."""
    table: dict[str, Counter[str]] = {}
    for verdict in verdicts:
        table.setdefault(verdict.kind, Counter())[verdict.said[0] if verdict.said else "-"] += 1
    return table

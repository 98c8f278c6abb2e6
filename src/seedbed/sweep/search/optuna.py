"""Trials proposed by what came of those before, in intervals and lists (Optuna)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from seedbed.rules.value import direction, monitor_slips

NEEDS = "optuna"
JOURNAL = "study.log"  # in a sweep's folder
STUDIES = Path("logs/studies")  # those with a name, which several sweeps share
NAME = re.compile(r"\w[\w.-]{0,63}", re.ASCII)
GOAL = re.compile(r"(?P<name>[^:]+)(:(?P<mode>min|max))?")


@dataclass
class Optuna:
    """A search by Optuna: each trial is a job, and its seed is that of every other.

    Args:
        trials: how many to make, >= 1.
        sampler: what proposes them: `tpe`, `random` or `cmaes`.
        pruner: what stops those early that fall behind: `none`, `median` or `hyperband`.
        metrics: what they are judged by, as `val/loss` or `val/mine:max`; several are weighed
            against each other; []: the monitor alone.
        parallel: how many run at once at most, however many the launcher has room for, >= 1.
        seed: of the sampler, >= 0.
        study: name of a study that other sweeps share; "": it is this sweep's own.

    Raises:
        ValueError: a value is out of its range, or two do not go together.
    """

    trials: int = 20
    sampler: Literal["tpe", "random", "cmaes"] = "tpe"
    pruner: Literal["none", "median", "hyperband"] = "none"
    metrics: list[str] = field(default_factory=list)
    parallel: int = 8
    seed: int = 0
    study: str = ""

    def __post_init__(self) -> None:
        for name, least in (("trials", 1), ("parallel", 1), ("seed", 0)):
            if (value := getattr(self, name)) < least:
                raise ValueError(f"{name}={value}: at least {least} is expected")
        if self.study and not NAME.fullmatch(self.study):
            raise ValueError(f"study={self.study}: letters, digits, _, - and . are expected")
        for metric in self.metrics:
            if problem := metric_slip(metric):
                raise ValueError(f"metrics=[{metric}]: {problem}")
        if len(self.goals) < len(self.metrics):
            raise ValueError(f"metrics=[{','.join(self.metrics)}]: one stands there twice")
        if self.several and (self.pruner != "none" or self.sampler == "cmaes"):
            wrong = f"pruner={self.pruner}" if self.pruner != "none" else "sampler=cmaes"
            raise ValueError(f"{wrong}: works with one metric alone, not with {len(self.metrics)}")

    @property
    def several(self) -> bool:
        """Whether metrics are weighed against each other."""
        return len(self.metrics) > 1

    @property
    def goals(self) -> dict[str, str]:
        """`min` or `max` by the name of each metric; {}: the monitor's."""
        found = [GOAL.fullmatch(metric) for metric in self.metrics]
        return {m["name"]: direction(m["name"], m["mode"] or "auto") for m in found if m}

    def journal(self, folder: Path) -> Path:
        """Return the file of the study."""
        return STUDIES / f"{self.study}.log" if self.study else folder / JOURNAL


def metric_slip(metric: str) -> str:
    """Return why a search cannot be judged by a metric, "" if it can."""
    read = GOAL.fullmatch(metric)
    if not read:
        return "a name is expected, and :min or :max behind it"
    if read["name"].startswith("test/"):
        return "the test split chooses nothing; take val/"
    slips = [*monitor_slips(read["name"], read["mode"] or "auto")]
    why = slips[0].partition(": ")[2] if slips else ""
    return why.replace("set monitor.mode", "write :min or :max behind it").replace(
        ", or say monitor.oracle=true", ""
    )


def values_of(goals: Mapping[str, str], metrics: Mapping[str, float]) -> list[float] | None:
    """Return the numbers that a run is judged by, None where one is missing."""
    found: list[Any] = [metrics.get(name) for name in goals]
    return found if all(v is not None and math.isfinite(v) for v in found) else None

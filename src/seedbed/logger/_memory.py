"""Every logged scalar, kept for who looks at curves while they grow."""

from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers import Logger

from seedbed.doctor import Case, Curve
from seedbed.doctor._history import as_curve


class Memory(Logger):
    """Keeps in memory what `history.csv` holds: by name, a value a step, the newest one said."""

    def __init__(self) -> None:
        super().__init__()
        self.points: dict[str, dict[float, float]] = {}

    @property
    def name(self) -> str:
        """The name of this logger."""
        return "memory"

    @property
    def version(self) -> str:
        """Nothing: a run has one memory."""
        return ""

    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Keep scalars."""
        for name, value in metrics.items():
            if name != "epoch":
                self.points.setdefault(name, {})[float(step or 0)] = float(value)

    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Keep nothing: they are in the config."""

    def take_up(self, curves: Mapping[str, Curve]) -> None:
        """Go on from what was logged before."""
        for name, curve in curves.items():
            points = zip(curve.steps.tolist(), curve.values.tolist(), strict=True)
            self.points[name] = dict(points) | self.points.get(name, {})

    def case(self, facts: Mapping[str, Any], config: Mapping[str, Any]) -> Case:
        """Return what is known so far."""
        curves = {name: as_curve(points) for name, points in self.points.items()}
        return Case(curves, facts, config)

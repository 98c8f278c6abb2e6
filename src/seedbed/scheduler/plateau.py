"""A learning rate that falls when the monitor no longer improves.

Formula: η ← max(min_lr, factor · η) after more than `patience` validations without improvement
Source: Bengio 2012, "Practical Recommendations for Gradient-Based Training of Deep Architectures",
section 3.1.1, https://arxiv.org/abs/1206.5533.

The rule is that of torch's ReduceLROnPlateau; our own, because that one knows no warm-up and
overwrites what another schedule sets.
"""

from math import inf
from typing import Any, Literal

from seedbed.scheduler._warmup import Warmup
from seedbed.types import Clock


class Plateau(Warmup):
    """Multiplies the rate by `factor` when the monitor stands still.

    All groups fall together, in proportion, until they meet `min_lr`.

    Args:
        monitor: metric of the validation to look at.
        mode: `min` if less of it is better, else `max`.
        factor: of each fall, in (0, 1).
        patience: validations without improvement that are borne, >= 0; the next one is too many.
        threshold: share of the best value by which a better one must differ, >= 0.
        cooldown: validations after a fall in which nothing is counted, >= 0.
        min_lr: rate below which no group falls, >= 0; a group that starts lower stays.
        warmup: epochs of linear warm-up first, in which nothing is counted.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        monitor: str,
        mode: Literal["min", "max"] = "min",
        factor: float = 0.1,
        patience: int = 4,
        threshold: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup)
        if mode not in ("min", "max"):
            raise ValueError(f"mode must be 'min' or 'max', got {mode!r}")
        if not 0 < factor < 1:
            raise ValueError(f"factor must lie in (0, 1), got {factor}")
        bounds = {"patience": patience, "threshold": threshold, "cooldown": cooldown}
        for name, value in (bounds | {"min_lr": min_lr}).items():
            if not 0 <= value < inf:
                raise ValueError(f"{name} must lie in [0, inf), got {value}")
        self.monitor, self.mode, self.factor = monitor, mode, factor
        self.patience, self.threshold, self.cooldown = patience, threshold, cooldown
        self.min_lr = min_lr
        self.best: float | None = None
        self.falls = self.waited = self.resting = 0

    def after(self, clock: Clock) -> float:
        """Return `factor` to the power of the falls so far, but not below `min_lr`."""
        if self.falls == 0 or clock.lr <= self.min_lr:
            return 1.0
        return max(self.factor**self.falls, self.min_lr / clock.lr)

    def observe(self, value: float, clock: Clock) -> None:
        """Take in the monitor after a validation."""
        if self.improves(value):
            self.best, self.waited = value, 0
        elif clock.step > self.steps(clock) or not self.warmup:
            self.waited += 1
        if self.resting:
            self.resting, self.waited = self.resting - 1, 0
        if self.waited > self.patience:
            self.falls, self.waited, self.resting = self.falls + 1, 0, self.cooldown

    def improves(self, value: float) -> bool:
        """Return whether `value` is clearly better than the best; NaN never is."""
        if self.best is None:
            return value == value  # noqa: PLR0124 -- not NaN
        margin = self.threshold * abs(self.best)
        return value < self.best - margin if self.mode == "min" else value > self.best + margin

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen so far, plain."""
        return {k: getattr(self, k) for k in ("best", "falls", "waited", "resting")}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up what was seen."""
        vars(self).update(state)

"""A learning rate that falls to a fraction at chosen times.

Formula: η(t) = η γ^⌊t / every⌋, or η γ^(milestones passed)
Source: He et al. 2016, "Deep Residual Learning for Image Recognition", section 3.4,
https://arxiv.org/abs/1512.03385.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from seedbed.scheduler._warmup import Warmup, check_every, check_gamma, falls
from seedbed.types import Clock


class Step(Warmup):
    """Multiplies the rate by `gamma` every `every` epochs, or at each of the `milestones`.

    Args:
        gamma: factor, in (0, 1].
        every: epochs between two falls, > 0, counted from the end of the warm-up.
        milestones: epochs at which the rate falls instead, increasing, counted from the start of
            training.
        warmup: epochs of linear warm-up first, no longer than the first milestone.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        gamma: float = 0.1,
        every: float = 10,
        milestones: Sequence[float] | None = None,
        warmup: float = 0.0,
    ) -> None:
        super().__init__(warmup)
        check_gamma(gamma)
        check_every(every)
        if milestones is not None:
            rising = all(earlier < later for earlier, later in pairwise([*milestones, inf]))
            if not milestones or not rising or not milestones[0] > 0:
                raise ValueError(f"milestones must be rising epochs > 0, got {list(milestones)}")
            if milestones[0] < warmup:
                raise ValueError(
                    f"milestones must not lie in the warm-up of {warmup:g} epochs, "
                    f"got {milestones[0]:g}"
                )
        self.gamma, self.every, self.milestones = gamma, every, milestones

    def after(self, clock: Clock) -> float:
        """Return gamma to the power of the falls so far."""
        if self.milestones is None:
            return self.gamma ** falls(clock, self.every)
        step = clock.step + self.steps(clock)  # since the start of training
        passed = sum(step + 1e-9 >= at * clock.per_epoch for at in self.milestones)
        return self.gamma**passed

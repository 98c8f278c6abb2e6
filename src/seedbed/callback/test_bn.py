"""Batch norm with the statistics of the test batch in place of those of the training examples.

Formula: μ = (N μ_s + B μ_t) / (N + B), σ² alike; _s of training, _t of the batch of B examples
Source: Nado et al. 2020, "Evaluating Prediction-Time Batch Normalization for Robustness under
    Covariate Shift" (N = 0), https://arxiv.org/abs/2006.10963; Schneider et al. 2020, "Improving
    Robustness Against Common Corruptions by Covariate Shift Adaptation", equation 3,
    https://arxiv.org/abs/2006.16971
"""

from collections.abc import Callable
from math import inf
from typing import Any

import torch
from torch import Tensor
from torch.utils.hooks import RemovableHandle

from seedbed.callback._test_time import Adaptation


class TestBN(Adaptation):
    """Normalises test and prediction batches by their own statistics; training is untouched.

    So shifts and scalings of the inputs that all examples of a batch share are taken back.
    What is predicted for an example depends on the batch it is in: they should be large, and
    mixed like the data as a whole.  A batch of one example keeps the training statistics.

    Args:
        prior: N, how many examples the training statistics count as, >= 0; 0 forgets them, 8 to
            128 help small batches.

    Raises:
        ValueError: `prior` is negative, or the model has no batch norm.
    """

    __test__ = False  # no test, whatever its name says
    name = "test_bn"

    def __init__(self, prior: float = 0.0) -> None:
        super().__init__()
        if not 0 <= prior < inf:
            raise ValueError(f"prior must be at least 0 and finite, got {prior}")
        self.prior = prior
        self.hooks: list[RemovableHandle] = []

    def begin(self, task: Any) -> None:
        """Look at what every layer is given."""
        self.hooks = [
            norm.register_forward_pre_hook(self._measure(norm.running_mean, norm.running_var))
            for norm in self.norms
        ]

    def restore(self) -> None:
        """Look no longer."""
        for hook in self.hooks:
            hook.remove()
        self.hooks = []
        super().restore()

    def _measure(self, mean: Tensor | None, var: Tensor | None) -> Callable[..., None]:
        """Return a hook that gives a layer the statistics of its input, mixed with these."""

        def look(norm: torch.nn.Module, inputs: tuple[Tensor, ...]) -> None:
            assert mean is not None
            assert var is not None
            count = len(inputs[0])
            share = count / (self.prior + count) if count > 1 else 0.0
            newest = of_batch(inputs[0])
            norm._buffers["running_mean"] = mean.lerp(newest[0].to(mean), share)
            norm._buffers["running_var"] = var.lerp(newest[1].to(var), share)

        return look


def of_batch(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance (divided by their number) of each channel of `(B, C, ...)`."""
    axes = [0, *range(2, x.dim())]
    var, mean = torch.var_mean(x.float() if x.dtype.itemsize < 4 else x, axes, correction=0)
    return mean, var

"""Magnitude pruning: the weights nearest to 0 become 0.

Formula: s(w) = |w|; the lowest round(sparsity · N) of N weights become 0, after step k of n
    a share of sparsity · (1 - (1 - k/n)³) of them
Source: Han et al. 2015, "Learning both Weights and Connections for Efficient Neural Networks",
    section 3, https://arxiv.org/abs/1506.02626; the steps: Zhu & Gupta 2017, eq. 1,
    https://arxiv.org/abs/1710.01878

Our own, because torch's leaves a mask beside each weight, which nobody can load or export.
"""

from collections.abc import Sequence
from copy import copy

from torch import Tensor, nn

from seedbed.compress._sparse import Plan, Scope, Score, Weights, at_random, sparsified
from seedbed.compress._workbench import Workbench


class Magnitude:
    """Sets the smallest weights of linear and convolutional layers to 0.

    Zeros make a model small to store, not fast: dense runtimes multiply by them, too.  Biases and
    norm layers are left alone.  Weights that are 0 already stay 0 and count.

    Args:
        sparsity: share of the weights that are 0 in the end, in (0, 1).
        scope: `global` ranks the weights of all layers together, `layer` those of each by itself,
            so that every layer gets the same sparsity.
        steps: in which the sparsity is reached, >= 1.
        epochs: of fine-tuning after each of them, >= 0.
        rate: factor on the run's learning rate while fine-tuning, > 0.
        exclude: names of layers that stay dense, or patterns of them: `head`, `body.*`.
        max_drop: validation points that may be lost, >= 0.

    Raises:
        ValueError: an argument outside its range; when called, a pattern that fits no layer, or a
            model that is as sparse already.
    """

    score: Score

    def __init__(
        self,
        sparsity: float = 0.9,
        scope: Scope = "global",
        steps: int = 1,
        epochs: int = 5,
        rate: float = 1.0,
        exclude: Sequence[str] = (),
        max_drop: float = 2.0,
    ) -> None:
        self.plan = Plan(sparsity, scope, steps, epochs, rate, exclude, max_drop)
        self.max_drop, self.score = max_drop, magnitudes

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return `net`, pruned in place and fine-tuned."""
        return sparsified(net, bench, self.plan, self.score)

    def randomly(self) -> "Magnitude":
        """Return the control, which prunes as many weights by chance."""
        control = copy(self)
        control.score = at_random
        return control


def magnitudes(net: nn.Module, weights: Weights, bench: Workbench, step: int) -> dict[str, Tensor]:
    """Return |w| of each weight."""
    return {name: weight.detach().abs() for name, weight in weights.items()}

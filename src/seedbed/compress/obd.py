"""Optimal Brain Damage: the weights whose loss costs least become 0.

Formula: s(w) = ½ h w², h = E[(∂f/∂w · v)²], v random with E[v vᵀ] = ∂²loss/∂f² in the outputs f:
    v = √p∘ε - p (√p·ε), p = softmax(f), ε = ±1 for classes; the loss's gradient in f at targets
    f ± σ for values, σ = (∂²loss/∂f²)^-½
Source: LeCun, Denker & Solla 1990, "Optimal Brain Damage", the recipe of section 2,
    https://proceedings.neurips.cc/paper/1989/hash/6c9882bbac1c7093bd25041881277658-Abstract.html;
    the Fisher information as curvature: Martens 2020, "New Insights and Perspectives on the
    Natural Gradient Method", https://arxiv.org/abs/1412.1193
"""

from collections.abc import Sequence
from copy import copy
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from seedbed.compress._sparse import Plan, Scope, Score, Weights, at_random, sparsified, total
from seedbed.compress._workbench import Workbench
from seedbed.randomness import mix

FLOATS = 2**22
"""Numbers that the gradients of a chunk of examples may hold: 16 MiB, so that caches help."""


class OBD:
    """Sets those weights to 0 that the loss needs least, by its curvature.

    The curvature h of each weight is the diagonal of the true Fisher information: the mean over
    training examples of the squared gradient of each, at labels as the model itself expects them,
    not at those of the data.  It is the Hessian's where the model has learned.  In place of a
    sampled label a random vector is taken that has the mean and covariance of such labels'
    gradients in the outputs; h is the same in the mean, with less noise: from a model that is
    sure, nearly all samples are the likeliest class, whose gradient is 0.  Class weights and
    label smoothing of the loss play no part.  Values are taken for Gaussian around the outputs,
    as wide as the loss's curvature there says; where it has none (mae), width does not matter.

    It pays over several steps and where nearly all weights go, 95 % and more; long fine-tuning at
    the whole learning rate makes up for a worse choice.  A step costs one backward pass of each
    of `examples`.  Zeros make a model small to store, not fast.  Biases and norm layers are left
    alone.  Weights that are 0 already stay 0 and count.

    Args:
        sparsity: share of the weights that are 0 in the end, in (0, 1).
        scope: `global` ranks the weights of all layers together, `layer` those of each by itself,
            so that every layer gets the same sparsity.
        steps: in which the sparsity is reached, >= 1; the curvature is measured at each.
        epochs: of fine-tuning after each of them, >= 0.
        rate: factor on the run's learning rate while fine-tuning, > 0.
        examples: of the training split by which the curvature is measured, at most, >= 1.
        exclude: names of layers that stay dense, or patterns of them: `head`, `body.*`.
        max_drop: validation points that may be lost, >= 0.

    Raises:
        ValueError: an argument outside its range; when called, a pattern that fits no layer, a
            model that is as sparse already, or one that cannot be taken an example at a time.
    """

    score: Score

    def __init__(
        self,
        sparsity: float = 0.9,
        scope: Scope = "global",
        steps: int = 10,
        epochs: int = 1,
        rate: float = 1.0,
        examples: int = 1024,
        exclude: Sequence[str] = (),
        max_drop: float = 2.0,
    ) -> None:
        if examples < 1:
            raise ValueError(f"examples must be at least 1, got {examples}")
        self.plan = Plan(sparsity, scope, steps, epochs, rate, exclude, max_drop)
        self.max_drop = max_drop
        self.score = partial(saliencies, examples=examples)

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return `net`, pruned in place and fine-tuned."""
        return sparsified(net, bench, self.plan, self.score)

    def randomly(self) -> "OBD":
        """Return the control, which prunes as many weights by chance."""
        control = copy(self)
        control.score = at_random
        return control


def saliencies(
    net: nn.Module, weights: Weights, bench: Workbench, step: int, examples: int
) -> dict[str, Tensor]:
    """Return ½ h w² of each weight: how much the loss rises without it, where it is lowest."""
    h = fisher(net, weights, bench, step, examples)
    return {name: h[name] * weight.detach().square() / 2 for name, weight in weights.items()}


@torch.no_grad()
def fisher(
    net: nn.Module, weights: Weights, bench: Workbench, step: int, examples: int
) -> dict[str, Tensor]:
    """Return the diagonal of the true Fisher information, in the shapes of the weights.

    Raises:
        ValueError: the model cannot be differentiated an example at a time.
    """
    generator = torch.Generator().manual_seed(mix(bench.seed, 7, step))
    given = {f"{name}.weight".removeprefix("."): weight.data for name, weight in weights.items()}
    sums = {name: torch.zeros_like(weight) for name, weight in given.items()}

    def along(given: dict[str, Tensor], x: Tensor, v: Tensor) -> Tensor:
        return (functional_call(net, given, (x[None],))[0] * v).sum()

    seen = 0
    for x, *_ in bench.batches(net, examples, max(1, min(64, FLOATS // total(weights)))):
        v = surprise(net(x), bench, generator)
        try:
            gradients = vmap(grad(along), in_dims=(None, 0, 0))(given, x, v)
        except RuntimeError as error:
            if "vmap" not in str(error) and "atching rule" not in str(error):
                raise
            why = str(error).splitlines()[0]
            raise ValueError(f"the model cannot be taken an example at a time: {why}") from error
        for name, squares in sums.items():
            squares.add_(gradients[name].square_().sum(0))
        seen += len(x)
    return {name: each / seen for name, each in zip(weights, sums.values(), strict=True)}


def surprise(outputs: Tensor, bench: Workbench, generator: torch.Generator) -> Tensor:
    """Return `(B, K)` random gradients of the loss in the outputs, as the model expects them.

    Their mean is 0, their covariance the loss's second derivative in the outputs.

    Args:
        outputs: `(B, K)` of the model.
        bench: tells what they mean, and the loss of values.
        generator: of the CPU, so that every device draws the same.
    """
    scores = bench.spec.scores(outputs)  # (B, C), or the (B, K) values as they are
    signs = torch.randint(2, scores.shape, generator=generator).to(outputs) * 2 - 1
    if bench.spec.kind == "class":
        p = scores.softmax(-1)
        drawn = p.sqrt() * signs
        drawn = drawn - p * drawn.sum(-1, keepdim=True)
        return drawn[:, -outputs.shape[1] :]  # the first score of two may be no output

    def slope(outputs: Tensor, y: Tensor) -> Tensor:
        return grad(lambda z: bench.loss(z, y) * len(z))(outputs)

    bend = grad(lambda z: slope(z, outputs).sum())(outputs)  # targets are the outputs
    width = torch.where(bend > 0, bend, 1).rsqrt()
    return slope(outputs, outputs + width * signs)

"""Tent: batch norm's scales and shifts follow the entropy of the test predictions.

Formula: (γ, β) ← (γ, β) - η ∇ (1/B) Σᵢ H(pᵢ), H(p) = -Σ_c p_c ln p_c, with the batch's statistics
Source: Wang, Shelhamer, Liu, Olshausen & Darrell 2021, "Tent: Fully Test-Time Adaptation by
    Entropy Minimization", section 3, https://arxiv.org/abs/2006.10726
"""

from math import inf
from typing import Any, Literal

import torch
from lightning import Trainer
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import SGD, Adam, Optimizer

from seedbed.callback._test_time import Adaptation, forget


class Tent(Adaptation):
    """Makes test and prediction batches more certain, a step a batch; training is untouched.

    Batches are normalised by their own statistics, and before each is predicted, the scales and
    shifts of batch norm make an optimizer step on its mean entropy; what they have learned lasts
    until the loader ends.  No target is looked at.  The published code predicts before the step
    of a batch; here it is after it, for one more forward pass.  A batch of one example keeps the
    training statistics and makes no step.  Processes adapt to their own batches.

    Args:
        lr: η of the step, >= 0; 0 is callback=test_bn.
        optimizer: adam or sgd (with momentum .9), started anew for every loader.
        steps: optimizer steps a batch, >= 1.
        episodic: forget before every batch what the ones before it have taught.

    Raises:
        ValueError: an argument outside its range, a model without batch norm that scales and
            shifts, or targets that are no classes.
    """

    name = "tent"

    def __init__(
        self,
        lr: float = 1e-3,
        optimizer: Literal["adam", "sgd"] = "adam",
        steps: int = 1,
        episodic: bool = False,
    ) -> None:
        super().__init__()
        if not 0 <= lr < inf:
            raise ValueError(f"lr must be at least 0 and finite, got {lr}")
        if optimizer not in ("adam", "sgd"):
            raise ValueError(f"optimizer must be adam or sgd, got {optimizer!r}")
        if steps < 1:
            raise ValueError(f"steps must be at least 1, got {steps}")
        self.lr, self.kind, self.steps, self.episodic = lr, optimizer, steps, episodic
        self.optimizer: Optimizer | None = None

    def fits(self, norm: _BatchNorm) -> bool:
        """Return whether a layer scales and shifts."""
        return norm.affine

    def prepare(self, task: Any) -> None:
        """Find the layers; refuse targets without an entropy."""
        super().prepare(task)
        if task.spec.kind != "class":
            raise ValueError("it makes classes more certain, and the data has real numbers")

    def begin(self, task: Any) -> None:
        """Start from the model's own scales and shifts."""
        learned: list[nn.Parameter] = []
        for norm in self.norms:
            for key in ("weight", "bias"):
                learned.append(nn.Parameter(getattr(norm, key).detach().clone()))
                norm._parameters[key] = learned[-1]
        self.optimizer = (
            Adam(learned, self.lr) if self.kind == "adam" else SGD(learned, self.lr, momentum=0.9)
        )

    def adapt(self, trainer: Trainer, task: Any, x: Tensor) -> None:
        """Make the steps of a batch."""
        if self.episodic:
            self.restore()
            self.begin(task)
        if len(x) == 1:
            self.remember()
            return
        for norm in self.norms:
            forget(norm)
        for _ in range(self.steps):
            self.step(trainer, task, x)

    def remember(self) -> None:
        """Give the layers their running statistics back."""
        for norm, (_, buffers) in zip(self.norms, self.own, strict=True):
            norm._buffers.update(buffers)

    def step(self, trainer: Trainer, task: Any, x: Tensor) -> None:
        """Make one step on the entropy of these inputs, `(B, ...)`."""
        assert self.optimizer is not None
        learned = self.optimizer.param_groups[0]["params"]
        with torch.enable_grad(), trainer.precision_plugin.forward_context():
            loss = entropy(task.spec.scores(task.model(x)))
        gradients = torch.autograd.grad(loss, learned, allow_unused=True)
        for parameter, gradient in zip(learned, gradients, strict=True):
            parameter.grad = gradient
        self.optimizer.step()


def entropy(logits: Tensor) -> Tensor:
    """Return the mean entropy, `()` in nats, of the predictions of `(B, C)` logits."""
    log_p = logits.float().log_softmax(-1) if logits.dtype.itemsize < 4 else logits.log_softmax(-1)
    return -(log_p.exp() * log_p).sum(-1).mean()

"""Knowledge distillation: a student learns what a trained teacher answers, not only the labels.

The probabilities that a teacher gives to wrong classes tell which examples resemble which; at a
higher temperature they weigh more.  Teacher and student see the same augmented batch.

Formula: loss = (1 - α)·CE(y, p) + α·T²·KL(p_T(teacher) ‖ p_T(student)), p_T = softmax(z/T)
Source: Hinton, Vinyals & Dean 2015, "Distilling the Knowledge in a Neural Network", section 2,
https://arxiv.org/abs/1503.02531.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.compress._workbench import Workbench, place
from seedbed.model.ensemble import Member, misfit
from seedbed.types import Spec, Step

Build = Callable[[str, Mapping[str, Any]], nn.Module]


class Distill:
    """Trains a model, as it is or a new one, towards the outputs of a teacher.

    Classes: the divergence between softened probabilities.  Values: the run's own loss against the
    teacher's outputs.

    Args:
        teacher: folder of a finished run, or a checkpoint in one; None is the model before the
            first step, so that distilling after pruning recovers what was lost.
        student: an option of the group `model` for a new model; None trains the model at hand.
        settings: arguments of the student, as the group `model` takes them.
        temperature: T, > 0; 1 leaves the probabilities as they are.
        alpha: weight of the teacher against the labels, in (0, 1].
        epochs: of training, >= 1.
        rate: factor on the run's learning rate, > 0.
        max_drop: points on validation that may be lost.
        load: returns the model of a run folder and what its data knew.
        build: returns a new model by its option and settings, with its first weights.

    Raises:
        ValueError: an argument outside its range, settings without a student, or a teacher that
            is no finished run.
    """

    def __init__(
        self,
        teacher: str | None = None,
        student: str | None = None,
        settings: Mapping[str, Any] = MappingProxyType({}),
        temperature: float = 2.0,
        alpha: float = 0.7,
        epochs: int = 10,
        rate: float = 1.0,
        max_drop: float = 2.0,
        load: Callable[[str], Member] | None = None,
        build: Build | None = None,
    ) -> None:
        if not 0 < temperature < float("inf"):
            raise ValueError(f"temperature must be positive, got {temperature}")
        if not 0 < alpha <= 1:
            raise ValueError(f"alpha must lie in (0, 1], got {alpha}")
        if epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {epochs}")
        if not 0 < rate < float("inf"):
            raise ValueError(f"rate must be positive, got {rate}")
        if settings and student is None:
            raise ValueError(
                "settings are those of a student; name its model with student=<option>"
            )
        self.temperature, self.alpha = temperature, alpha
        self.epochs, self.rate, self.max_drop = epochs, rate, max_drop
        self.student, self.settings, self._build = student, dict(settings), build
        self.recovers = student is None  # what the step before has lost
        self.name, self.teacher = teacher, None
        if teacher and load:
            try:
                self.teacher = load(teacher)
            except ValueError as error:
                raise ValueError(f"teacher: {error}") from error

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return the student, trained."""
        teacher = self.teacher_of(bench).to(place(net)).eval().requires_grad_(False)
        if self.student is not None:
            assert self._build is not None
            net = self._build(self.student, self.settings).to(place(net))
        bench.tune(net, Distillation(teacher, self, bench).loss, self.epochs, self.rate)
        return net

    def teacher_of(self, bench: Workbench) -> nn.Module:
        """Return who teaches.

        Raises:
            ValueError: it has learned something else.
        """
        if self.teacher is None:
            return bench.teacher
        if reason := misfit(self.teacher.spec, bench.spec):
            raise ValueError(f"teacher={self.name} {reason}")
        return self.teacher.model


class Distillation:
    """What a student minimises.

    Args:
        teacher: frozen, raw inputs `(B, ...)` to outputs `(B, K)`.
        asked: temperature and weight.
        bench: what the data knows, and the run's own loss.
    """

    def __init__(self, teacher: nn.Module, asked: Distill, bench: Workbench) -> None:
        self.teacher, self.asked, self.bench = teacher, asked, bench

    def loss(self, step: Step) -> Tensor:
        """Return `(1 - α)·own + α·teacher's`, `()`."""
        x = step.batch.x
        if x.is_floating_point() and next(self.teacher.parameters(), x).dtype != x.dtype:
            self.teacher.to(x.dtype)  # a training in double precision
        with torch.no_grad():
            taught = self.teacher(x)
        alpha = self.asked.alpha
        return (1 - alpha) * step.loss + alpha * self.distance(step.logits, taught)

    def distance(self, outputs: Tensor, taught: Tensor) -> Tensor:
        """Return how far outputs `(B, K)` are from those of the teacher, `()`."""
        if self.bench.spec.kind == "value":
            return self.bench.loss(outputs, taught)
        return softened(outputs, taught, self.asked.temperature, self.bench.spec)


def softened(outputs: Tensor, taught: Tensor, temperature: float, spec: Spec) -> Tensor:
    """Return T²·KL(p_T(taught) ‖ p_T(outputs)), the mean over the batch, `()`.

    T² keeps the size of the gradient, which shrinks with 1/T².
    """
    own = F.log_softmax(spec.scores(outputs) / temperature, dim=-1)
    other = F.log_softmax(spec.scores(taught) / temperature, dim=-1)
    return F.kl_div(own, other, reduction="batchmean", log_target=True) * temperature**2

"""Zero-shot learning: classes without a single example, known by what they are like.

Formula: training: softmax over seen classes of the likelihood of each code; test: the likeliest
    class of all, where seen ones lose a penalty γ
Source: Palatucci, Pomerleau, Hinton & Mitchell 2009, "Zero-Shot Learning with Semantic Output
    Codes", NeurIPS 22; the penalty: Chao et al. 2016, "An Empirical Study and Analysis of
    Generalized Zero-Shot Learning", equation 3, https://arxiv.org/abs/1605.04253.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from seedbed.task._generalized import Generalized, groups_of
from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Spec, Weighing


class ZeroShot(Supervised):
    """Learns attributes by the classes that have them, so that others with such can be recognised.

    `test/unseen/acc` is measured among unseen classes only.  `test/generalized/…` is measured
    among all: the mean accuracy of seen classes, of unseen ones, and their harmonic mean.  The
    penalty γ of seen classes maximises that mean in validation, over `data.val_unseen`, classes
    that stand for the unseen; without them it is 0.

    Args:
        common: see `Supervised`.

    Raises:
        ValueError: a loss that weighs classes.
    """

    seen: Tensor  # (S,) int64
    place: Tensor  # (C,) int64, of each class among the seen; -1: it is not

    def __init__(self, **common: Any) -> None:
        super().__init__(**common)
        classes = len(self.spec.classes)
        if isinstance(self.loss, Weighing):
            tried = self.loss.weight(torch.zeros(1, classes), torch.zeros(1, dtype=torch.int64))
            if tried is not None:
                raise ValueError("zero_shot counts every class alike; leave out loss.class_weight")
        seen = groups_of(self.spec).seen
        place = torch.full((classes,), -1)
        place[list(seen)] = torch.arange(len(seen))
        self.register_buffer("seen", torch.tensor(seen), persistent=False)
        self.register_buffer("place", place, persistent=False)
        self.logs = self.generalized = Generalized(self.spec)

    @classmethod
    def asks(cls, spec: Spec, **arguments: Any) -> Spec:
        """Return the spec of a model that emits codes."""
        check(spec)
        return replace(spec, coded=True)

    def data_term(self, logits: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss, `()`; in training among seen classes only."""
        if not self.training:
            return super().data_term(logits, y)
        if y.is_floating_point():  # (B, C): what is smoothed over unseen classes is left out
            y = y[:, self.seen]
            return self.loss(logits[:, self.seen], y / y.sum(1, keepdim=True))
        return self.loss(logits[:, self.seen], self.place[y])

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return the probabilities of all classes, `(B, C)`, after the penalty."""
        logits = self.model(batch.x)
        penalties = torch.zeros_like(logits[0]).index_fill(0, self.seen, self.generalized.penalty)
        return (logits - penalties).softmax(-1)


def check(spec: Spec) -> None:
    """Refuse data that cannot teach what unseen classes are like.

    Raises:
        ValueError: codes are missing, no probabilities or those of two classes, or no class, or
            every one, is unseen.
    """
    names, codes = spec.classes, spec.codes
    if spec.kind != "class" or not codes:
        raise ValueError("the data has no codes of its classes; set data.codes")
    if len(codes) < len(names):
        raise ValueError(f"data.codes: class {names[len(codes)]} has none")
    for name, code in zip(names, codes, strict=True):
        if not all(0 <= number <= 1 for number in code):
            raise ValueError(f"data.codes: class {name} has a number outside [0, 1]")
        twin = names[codes.index(code)]
        if twin != name:
            raise ValueError(f"data.codes: classes {twin} and {name} have the same one")
    if not spec.unseen:
        raise ValueError("the data has no unseen classes; name some with data.unseen")
    if len(groups_of(spec).seen) < 2:
        raise ValueError("data.unseen: training needs at least 2 classes that it sees")
    if spec.masked:
        raise ValueError("zero_shot needs a target for every training example; some are hidden")

"""Generalized zero-shot accuracy: of seen and unseen classes together, and what balances them.

Formula: harmonic mean H = 2SU/(S + U) of the mean accuracies of seen classes S and unseen ones U
Source: Xian, Lampert, Schiele & Akata 2018, "Zero-Shot Learning: A Comprehensive Evaluation of the
    Good, the Bad and the Ugly", section 4.1, https://arxiv.org/abs/1707.00600; the penalty of seen
    classes: Chao et al. 2016, "An Empirical Study and Analysis of Generalized Zero-Shot Learning",
    equation 3, https://arxiv.org/abs/1605.04253.
"""

from typing import Any, NamedTuple, cast

import torch
from lightning import Trainer
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.utilities import dim_zero_cat

from seedbed.task._logs import Logs
from seedbed.types import Spec

WHAT = ("seen", "unseen", "harmonic")


class Groups(NamedTuple):
    """Classes by who sees them."""

    seen: tuple[int, ...]  # in training
    val: tuple[int, ...]  # in validation only
    test: tuple[int, ...]  # in the test only


def groups_of(spec: Spec) -> Groups:
    """Return which classes training, validation and test have: unseen ones have no examples."""
    seen = tuple(c for c, count in enumerate(spec.counts) if count)
    val = tuple(c for c, n in enumerate(spec.counts) if not n and c not in spec.unseen)
    return Groups(seen, val, spec.unseen)


class Outcome(NamedTuple):
    """What a choice between seen and unseen classes would lead to, for each of N examples."""

    margin: Tensor  # (N,) best score of a seen class minus best of an unseen one
    right_seen: Tensor  # (N,) bool, whether the best seen class is the right one
    right_unseen: Tensor  # (N,) bool, whether the best unseen one is
    y: Tensor  # (N,) int64
    unseen: Tensor  # (N,) bool, whether the right class is an unseen one


class Outcomes(Metric):
    """Gathers outcomes over batches and processes.

    Args:
        seen: classes, by their indices.
        unseen: others; examples of neither are left out.
    """

    full_state_update = False

    def __init__(self, seen: tuple[int, ...], unseen: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("seen", torch.tensor(seen), persistent=False)
        self.register_buffer("unseen", torch.tensor(unseen), persistent=False)
        for name in ("margin", "right_seen", "right_unseen", "y"):
            self.add_state(name, [], dist_reduce_fx="cat")

    def update(self, scores: Tensor, y: Tensor) -> None:
        """Take in scores `(B, C)` and classes `(B,)`."""
        here = cast(Any, self)
        best_seen, seen = scores[:, here.seen].max(1)
        best_unseen, unseen = scores[:, here.unseen].max(1)
        here.margin.append(best_seen - best_unseen)
        here.right_seen.append(here.seen[seen] == y)
        here.right_unseen.append(here.unseen[unseen] == y)
        here.y.append(y)

    def compute(self) -> Outcome:
        """Return those of all examples, on the CPU."""
        here = cast(Any, self)
        names = ("margin", "right_seen", "right_unseen", "y")
        margin, *rest = (dim_zero_cat(getattr(here, name)).cpu() for name in names)
        unseen = torch.isin(rest[-1], here.unseen.cpu())
        known = unseen | torch.isin(rest[-1], here.seen.cpu())
        found = Outcome(margin.double(), *rest, unseen)
        return Outcome(*(each[known] for each in found))


def accuracies(found: Outcome, penalty: float) -> tuple[float, float]:
    """Return the mean accuracy of seen and of unseen classes if seen ones lose `penalty`."""
    right = torch.where(found.margin < penalty, found.right_unseen, found.right_seen)
    hits = right * weights(found)
    return hits[~found.unseen].sum().item(), hits[found.unseen].sum().item()


def weights(found: Outcome) -> Tensor:
    """Return what each example counts, `(N,)`: every class alike, those of a group 1 together."""
    counts = found.y.bincount()
    weight = 1 / counts[found.y].double()
    for group in (found.unseen, ~found.unseen):
        weight[group] /= max(1, len(found.y[group].unique()))
    return weight


def harmonic(a: float, b: float) -> float:
    """Return 2ab/(a + b); 0 where both are."""
    return 2 * a * b / (a + b) if a + b else 0.0


def best_penalty(found: Outcome) -> float:
    """Return what seen classes must lose for the largest harmonic mean; of equals, the smallest.

    Between two neighbouring margins nothing changes, so that one penalty each is all to be tried.
    """
    order = found.margin.argsort()
    margin, weight = found.margin[order], weights(found)[order]
    gained = (weight * (found.unseen & found.right_unseen)[order]).cumsum(0)
    kept = (weight * (~found.unseen & found.right_seen)[order]).flip(0).cumsum(0).flip(0)
    tried = (margin[1:] + margin[:-1]) / 2  # example k and those before it go to the unseen
    u, s = gained[:-1], kept[1:]
    mean = torch.where(u + s > 0, 2 * u * s / (u + s).clamp(min=1e-300), 0)
    mean = mean.where(margin[1:] > margin[:-1], -1).round(decimals=12)
    best = (mean == mean.max()) if len(mean) else mean.bool()
    if not best.any() or mean.max() <= harmonic(*accuracies(found, 0.0)) + 1e-12:
        return 0.0
    candidates = tried[best]
    return candidates[candidates.abs().argmin()].item()


class Generalized(Logs):
    """Measures seen and unseen classes together; the best penalty of validation is kept.

    Args:
        spec: what the data knows.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__(spec)
        groups = groups_of(spec)
        pairs = {"val": groups.val, "test": groups.test}
        self.outcomes = torch.nn.ModuleDict(
            {f"on_{split}": Outcomes(groups.seen, held) for split, held in pairs.items() if held}
        )
        self.among = {"test/seen": groups.seen, "test/unseen": groups.test}
        self.penalty = 0.0

    def names(self, split: str) -> list[str]:
        """Return what an epoch of a split always measures."""
        measured = [f"{split}/unseen/acc", *(f"{split}/generalized/{name}" for name in WHAT)]
        return super().names(split) + (measured if f"on_{split}" in self.outcomes else [])

    def count(
        self, split: str, logits: Tensor, y: Tensor, values: dict[str, Tensor], weight: Any = None
    ) -> None:
        """Take in a batch; a test of seen or unseen classes alone is among these."""
        if split in self.among:
            kept = torch.tensor(self.among[split], device=logits.device)
            logits = torch.full_like(logits, -torch.inf).index_copy(1, kept, logits[:, kept])
        super().count(split, logits, y, values, weight)
        if f"on_{split}" in self.outcomes:
            self.outcomes[f"on_{split}"].update(logits.detach(), y)

    def end_epoch(self, split: str, trainer: Trainer) -> dict[str, float]:
        """Return what was measured, and start anew; a validation chooses the penalty."""
        values = super().end_epoch(split, trainer)
        if f"on_{split}" not in self.outcomes:
            return values
        metric = cast(Outcomes, self.outcomes[f"on_{split}"])
        found = metric.compute()
        metric.reset()
        if split == "val":
            self.penalty = best_penalty(found)
            values["val/penalty"] = self.penalty
        if f"{split}/unseen" not in self.tests:
            values[f"{split}/unseen/acc"] = found.right_unseen[found.unseen].double().mean().item()
        seen, unseen = accuracies(found, self.penalty)
        three = (seen, unseen, harmonic(seen, unseen))
        values |= {f"{split}/generalized/{k}": v for k, v in zip(WHAT, three, strict=True)}
        values[f"{split}/generalized/uncalibrated"] = harmonic(*accuracies(found, 0.0))
        return values

    def get_extra_state(self) -> Tensor:
        """Return the penalty, for the checkpoint: an average of the weights leaves it alone."""
        return torch.tensor(self.penalty, dtype=torch.float64)

    def set_extra_state(self, state: Tensor) -> None:
        """Go on with a checkpoint's penalty."""
        self.penalty = state.item()

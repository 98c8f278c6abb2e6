"""The metrics of each kind of target, exact over batches and processes."""

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassF1Score
from torchmetrics.regression import R2Score
from torchmetrics.utilities import dim_zero_cat

from seedbed.task._meter import precise
from seedbed.types import Spec


def metrics_of(spec: Spec, split: str) -> MetricCollection:
    """Return what is measured on a split beside the loss, by its name `split/metric`.

    Classes, where nothing is trained: `acc`, `f1`, the mean over classes, `confidence`, and with
    two classes `auroc`.  Values: `mae`, `rmse`, `r2`, in the units of the data.
    """
    chosen = of_classes(spec, split) if spec.kind == "class" else of_values()
    # without groups: metrics whose sums agree in the first batch would share them ever after
    named: dict[str, Any] = {f"{split}/{name}": metric for name, metric in chosen.items()}
    return MetricCollection(named, compute_groups=False)


def of_classes(spec: Spec, split: str) -> dict[str, Metric]:
    """Return the metrics of `(B, C)` scores and `(B,)` classes.

    A training step counts what it recognised among its means: see `Logs`.
    """
    if split == "train":
        return {}
    chosen: dict[str, Metric] = {"acc": Accuracy()}
    if spec.episode:
        ways, _, queries = spec.episode
        return chosen | ({"interval": Interval(ways * queries)} if split == "test" else {})
    count = len(spec.classes)
    chosen["confidence"] = Confidence()
    chosen["f1"] = MulticlassF1Score(count, average="macro", validate_args=False)
    return chosen | ({"auroc": AUROC()} if count == 2 else {})


def of_values() -> dict[str, Metric]:
    """Return the metrics of `(B, K)` predictions and targets."""
    return {"mae": MAE(), "rmse": RMSE(), "r2": R2()}


class Mean(Metric):
    """A mean over examples; in double precision, or it would depend on how they are shared out."""

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.zeros(()), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def add(self, values: Tensor) -> None:
        """Take in one number each; the sum grows into double precision by itself."""
        self.total = self.total + precise(values).sum()
        self.count = self.count + values.numel()

    def compute(self) -> Tensor:
        """Return the mean, `()`."""
        return self.total / self.count


class Accuracy(Mean):
    """The share of examples whose class has the highest score; the first of several that have it.

    Our own, since torchmetrics' counts four numbers of every class.
    """

    def update(self, scores: Tensor, y: Tensor) -> None:
        """Take in `(B, C)` scores and `(B,)` classes."""
        self.add(recognised(scores, y))


def recognised(scores: Tensor, y: Tensor) -> Tensor:
    """Return which of `(B, C)` scores are highest at their class of `(B,)`; no hidden one is."""
    return scores.argmax(-1) == y


class Confidence(Mean):
    """The mean probability of the predicted class; above `acc`, a model is too sure of itself."""

    def update(self, scores: Tensor, y: Tensor) -> None:
        """Take in `(B, C)` logits."""
        self.add(precise(scores).softmax(-1).amax(-1))


class Interval(Metric):
    """Half the 95 % interval of the mean accuracy of an episode: 1.96 s/√E.

    Args:
        queries: of an episode.
    """

    full_state_update = False
    total: Tensor
    squares: Tensor
    count: Tensor

    def __init__(self, queries: int) -> None:
        super().__init__()
        self.queries = queries
        for name in ("total", "squares"):  # of the queries that were recognised, whole numbers
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, scores: Tensor, y: Tensor) -> None:
        """Take in `(B, C)` scores and `(B,)` classes, the queries of whole episodes in a row."""
        right = (scores.argmax(-1) == y).view(-1, self.queries).sum(-1)
        self.total = self.total + right.sum()
        self.squares = self.squares + right.square().sum()
        self.count = self.count + len(right)

    def compute(self) -> Tensor:
        """Return it, `()`; NaN of a single episode."""
        n, total, squares = (precise(each) for each in (self.count, self.total, self.squares))
        variance = (squares - total.square() / n).clamp(min=0) / (n - 1)
        return 1.96 * (variance / n).sqrt() / self.queries


class MAE(Mean):
    """The mean of |prediction - target|."""

    def update(self, predictions: Tensor, y: Tensor) -> None:
        """Take in `(B, K)` predictions and targets."""
        self.add((precise(predictions) - precise(y)).abs())


class RMSE(Mean):
    """The root of the mean of (prediction - target)²."""

    def update(self, predictions: Tensor, y: Tensor) -> None:
        """Take in `(B, K)` predictions and targets."""
        self.add((precise(predictions) - precise(y)).square())

    def compute(self) -> Tensor:
        """Return the root, `()`."""
        return super().compute().sqrt()


class AUROC(Metric):
    """How often an example of the second class scores above one of the first; ties count half.

    NaN where one of the two classes is missing.  Our own, because torchmetrics squeezes logits
    into [0, 1], where high ones become equal, and only in batches that hold some outside.
    """

    full_state_update = False
    scores: list[Tensor]
    targets: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("scores", [], dist_reduce_fx="cat")
        self.add_state("targets", [], dist_reduce_fx="cat")

    def update(self, scores: Tensor, y: Tensor) -> None:
        """Take in `(B, 2)` scores and `(B,)` classes."""
        self.scores.append(precise(scores[:, 1]) - precise(scores[:, 0]))
        self.targets.append(y)

    def compute(self) -> Tensor:
        """Return the area under the curve, `()`."""
        return area(dim_zero_cat(self.scores), dim_zero_cat(self.targets))


def area(scores: Tensor, y: Tensor) -> Tensor:
    """Return the area under the ROC curve by the ranks of `(N,)` scores (Mann & Whitney 1947)."""
    _, place, ties = scores.unique(return_inverse=True, return_counts=True)
    ties = precise(ties)  # a sum of many ranks is more than single precision holds
    rank = ties.cumsum(0) - (ties - 1) / 2  # the mean rank of equal scores
    high = precise((y == 1).sum())
    low = len(y) - high
    above = torch.where(y == 1, rank[place], 0).sum() - high * (high + 1) / 2
    return above / (high * low)


class R2(R2Score):
    """The explained share of the variance; NaN where fewer than two examples leave it undefined.

    In double precision where there is one: sums of squares cancel when the mean is large.
    """

    def update(self, preds: Tensor, target: Tensor) -> None:
        """Take in `(B, K)` predictions and targets."""
        super().update(precise(preds), precise(target))

    def compute(self) -> Any:
        """Return the mean over the K values, `()`."""
        total = torch.as_tensor(self.total)
        return super().compute() if total >= 2 else torch.full((), torch.nan, device=total.device)

"""The metrics of each kind of target."""

from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy
from torchmetrics.regression import MeanAbsoluteError, MeanSquaredError, R2Score

from seedbed.types import Spec


def metrics_of(spec: Spec, split: str) -> MetricCollection:
    """Return `split/acc` for classes, `split/mae`, `split/rmse` and `split/r2` for values."""
    if spec.kind == "class":
        chosen = {
            "acc": MulticlassAccuracy(len(spec.classes), average="micro", validate_args=False),
        }
    else:
        chosen = {
            "mae": MeanAbsoluteError(),
            "rmse": MeanSquaredError(squared=False),
            "r2": R2Score(),
        }
    return MetricCollection({f"{split}/{name}": metric for name, metric in chosen.items()})

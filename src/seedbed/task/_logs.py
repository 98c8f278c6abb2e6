"""What a task measures, and where the numbers go."""

from typing import cast

from lightning import Trainer
from torch import Tensor, nn
from torchmetrics import MetricCollection

from seedbed.task._meter import Meter
from seedbed.task._metrics import metrics_of
from seedbed.types import Spec, Split

SPLITS: tuple[Split, ...] = ("train", "val", "test")


class Logs(nn.Module):
    """Means and metrics of each split; all of it stays on the device until something is written.

    Names are `split/metric`.  The value of a single training step is `<name>_step`.

    Args:
        spec: what the data knows; its kind of target chooses the metrics.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.metrics = nn.ModuleDict({f"on_{s}": metrics_of(spec, s) for s in SPLITS})
        self.meters = {split: Meter() for split in SPLITS}
        self.written = 0  # the step up to which single steps were looked at

    def metrics_of(self, split: Split) -> MetricCollection:
        """Return the metrics of a split."""
        return cast(MetricCollection, self.metrics[f"on_{split}"])

    def names(self, split: Split) -> list[str]:
        """Return what an epoch of a split always measures."""
        return [f"{split}/loss", *map(str, self.metrics_of(split))]

    def count(
        self,
        split: Split,
        logits: Tensor,
        y: Tensor,
        values: dict[str, Tensor],
        weight: Tensor | None = None,
    ) -> None:
        """Take in a batch: `(B, K)` logits, targets, and `()` means over the batch by name.

        The loss among them counts `weight` if that is not the number of examples.
        """
        meter = self.meters[split]
        for name, value in values.items():
            counts = len(logits) if weight is None or name != "loss" else weight
            meter.add({f"{split}/{name}": value}, counts)
        self.metrics_of(split).update(self.spec.scores(logits.detach()), y)

    def end_epoch(self, split: Split, trainer: Trainer) -> dict[str, float]:
        """Return means and metrics over all processes, and start anew."""
        metrics = self.metrics_of(split)
        measured = {name: float(value) for name, value in metrics.compute().items()}
        metrics.reset()
        return self.meters[split].means(trainer) | measured

    def step(self, step: int, every: int, trainer: Trainer) -> dict[str, float]:
        """Return the values of this training step if it is one to look at, else nothing."""
        if step == self.written or step % every:
            return {}
        self.written = step
        newest = self.meters["train"].newest(trainer)
        return {f"{name}_step": value for name, value in newest.items()}

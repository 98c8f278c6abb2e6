"""What a task measures, and where the numbers go."""

from typing import Any, cast

import torch
from lightning import Trainer
from torch import Tensor, nn
from torchmetrics import Metric, MetricCollection

from seedbed.task._meter import Meter, Number
from seedbed.task._metrics import metrics_of, recognised
from seedbed.types import HIDDEN, ORACLE, Spec


class Logs(nn.Module):
    """Means and metrics of each split; all of it stays on the device until something is written.

    Names are `split/metric`.  The value of a single training step is `<name>_step`.

    Args:
        spec: what the data knows; its kind of target chooses the metrics.
    """

    def __init__(self, spec: Spec) -> None:
        super().__init__()
        self.spec = spec
        self.counts = spec.kind == "class"  # in training, where a metric of its own takes long
        self.tests = ["test", *(f"test/{name}" for name in spec.tests)]
        self.vals = ["val", *([ORACLE] if spec.oracle else [])]
        splits = ["train", *self.vals, *self.tests]
        self.metrics = nn.ModuleDict({f"on_{s}": metrics_of(spec, s) for s in splits})
        self._metrics = {s: tuple(self.metrics_of(s).values(copy_state=False)) for s in splits}
        self.meters = {split: Meter() for split in splits}
        self.written = 0  # the step up to which single steps were looked at

    def metrics_of(self, split: str) -> MetricCollection:
        """Return the metrics of a split."""
        return cast(MetricCollection, self.metrics[f"on_{split}"])

    def names(self, split: str) -> list[str]:
        """Return what an epoch of a split always measures."""
        counted = ["train/acc"] if split == "train" and self.counts else []
        return [f"{split}/loss", *counted, *map(str, self.metrics_of(split))]

    def count(
        self,
        split: str,
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
        scores = self.spec.scores(logits.detach())
        if split == "train" and self.counts:
            known = (y != HIDDEN).sum() if self.spec.masked else len(y)
            meter.add_sum("train/acc", recognised(scores, y).sum(), known)
        for metric in self._metrics[split]:
            metric.update(scores, y)

    def recorded(self, name: str) -> Number | None:
        """Return what this training step has recorded by a name, None if nothing."""
        found = self.meters["train"].waiting.get(name)
        return found and found.value

    def end_epoch(self, split: str, trainer: Trainer) -> dict[str, float]:
        """Return means and metrics over all processes, and start anew."""
        metrics = self.metrics_of(split)
        measured = {name: float(value) for name, value in metrics.compute().items()}
        metrics.reset()
        return self.meters[split].means(trainer) | measured

    def step(self, step: int, every: int, trainer: Trainer) -> dict[str, float]:
        """Return the values of this training step, now over, if it is one to look at."""
        self.meters["train"].take_in()
        if step == self.written or step % every:
            return {}
        self.written = step
        newest = self.meters["train"].newest(trainer)
        return {f"{name}_step": value for name, value in newest.items()}

    def so_far(self) -> dict[str, Any]:
        """Return what this process has measured of an unfinished epoch, plain and on the CPU."""
        metrics = {name: gathered(metric) for name, metric in self._training_metrics()}
        return {"meter": self.meters["train"].so_far(), "metrics": metrics}

    def take_up(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on measuring an epoch."""
        self.meters["train"].take_up(state["meter"], device)
        for name, metric in self._training_metrics():
            give_back(metric, state["metrics"][name], device)

    def _training_metrics(self) -> list[tuple[str, Metric]]:
        return list(self.metrics_of("train").items(keep_base=True, copy_state=False))


def gathered(metric: Metric) -> dict[str, Any]:
    """Return what a metric has gathered, on the CPU."""
    state = {k: on(v, torch.device("cpu")) for k, v in metric.metric_state.items()}
    return {"state": state, "updates": metric.update_count}


def give_back(metric: Metric, saved: dict[str, Any], device: torch.device) -> None:
    """Put back what a metric had gathered."""
    for name, value in saved["state"].items():
        setattr(metric, name, on(value, device))
    metric._update_count, metric._computed = saved["updates"], None


def on(value: Any, device: torch.device) -> Any:
    """Return a copy of a state, or of a list of them, on `device`."""
    if isinstance(value, list):
        return [on(each, device) for each in value]
    return value.detach().to(device, copy=True) if isinstance(value, Tensor) else value

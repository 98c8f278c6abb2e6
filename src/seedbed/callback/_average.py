"""An average of the weights beside those that are trained, and when it stands in for them.

Our own, because Lightning's tests the raw weights after `fit`, saves average and weights swapped
when validation fails, and stores the average twice at the end of training.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase

RAW = "raw_state_dict"  # checkpoint key of the weights that training goes on from


class Slot(NamedTuple):
    """Where a tensor of the state lives: looked up anew, it is found even if it was replaced."""

    holder: dict[str, Any]  # a module's own parameters or buffers
    key: str
    averaged: bool  # or copied: counts, masks, ranges

    @property
    def tensor(self) -> Tensor:
        """The tensor that is there now."""
        return self.holder[self.key]


class Kept(NamedTuple):
    """Averages and what they are averages of, in one order; each tensor once."""

    averages: list[Tensor]
    slots: list[Slot]
    halves: bool  # whether some average is more precise than its tensor

    @classmethod
    def of(cls, pairs: Iterable[tuple[Tensor, Slot]]) -> "Kept":
        """Return those of pairs."""
        found = list(pairs)
        halves = any(average.dtype != slot.tensor.dtype for average, slot in found)
        return cls([average for average, _ in found], [slot for _, slot in found], halves)


def slots(model: nn.Module) -> dict[str, Slot]:
    """Return where each tensor of a model's state lives, by its name there.

    Weights and running statistics of norm layers can be averaged; other buffers cannot: what is
    infinite in a mask would become NaN.
    """
    found: dict[str, Slot] = {}
    for prefix, module in model.named_modules(remove_duplicate=False):
        dot = f"{prefix}." if prefix else ""
        parameters, buffers = module._parameters, module._buffers
        for key in (k for k, v in parameters.items() if v is not None):
            found[dot + key] = Slot(parameters, key, True)
        hidden = module._non_persistent_buffers_set
        for key in (k for k, v in buffers.items() if v is not None and k not in hidden):
            statistic = isinstance(module, _NormBase) and key.startswith("running_")
            found[dot + key] = Slot(buffers, key, statistic)
    return found


def precise(value: Tensor) -> Tensor:
    """Return a copy in at least single precision: a half would swallow small changes."""
    half = value.dtype in (torch.float16, torch.bfloat16)
    return value.detach().to(torch.float32 if half else value.dtype, copy=True)


class Averaging(Callback):
    """Validates, tests and saves an average of the weights; training goes on from the raw ones.

    A kind of average says when it calls `move`, and `begin` where it has one from the start.
    """

    def __init__(self) -> None:
        self.slots: dict[str, Slot] = {}
        self.average: dict[str, Tensor] = {}  # by name in the task's state; empty: there is none
        self.moved = self.copied = Kept([], [], halves=False)
        self.raw: dict[str, Tensor] = {}  # while the average stands in for it

    # -- the average -----------------------------------------------------------------------

    @torch.inference_mode(False)  # a validation may be the first to see a tensor
    def begin(self) -> None:
        """Start from the weights as they are; what has a place already keeps it."""
        shared: dict[int, Tensor] = {}  # tied weights have two names and one average
        moved: dict[int, tuple[Tensor, Slot]] = {}
        copied: dict[int, tuple[Tensor, Slot]] = {}
        for name, slot in self.slots.items():
            start = self.average[name] if name in self.average else precise(slot.tensor)
            average = self.average[name] = shared.setdefault(id(slot.tensor), start)
            (moved if slot.averaged else copied)[id(average)] = average, slot
        self.moved, self.copied = Kept.of(moved.values()), Kept.of(copied.values())

    def look(self, pl_module: LightningModule) -> None:
        """Find the tensors of the state, and those that have appeared since."""
        self.slots = slots(pl_module)
        if self.average:
            self.average = {k: v for k, v in self.average.items() if k in self.slots}
            self.begin()

    @torch.no_grad()
    def move(self, share: float) -> None:
        """Go from the average towards the weights by this share of the way; copy what counts."""
        moved, copied = self.moved, self.copied
        values = [slot.holder[slot.key] for slot in moved.slots]
        if moved.halves:
            values = [v.to(a.dtype) for v, a in zip(values, moved.averages, strict=True)]
        torch._foreach_lerp_(moved.averages, values, share)
        if copied.slots:
            values = [slot.holder[slot.key] for slot in copied.slots]
            torch._foreach_copy_(copied.averages, values)

    # -- who sees it -----------------------------------------------------------------------

    def show(self) -> None:
        """Let the average stand in for the weights."""
        if not self.average or self.raw:
            return
        self.raw = {name: slot.tensor.detach().clone() for name, slot in self.slots.items()}
        self._write(self.average)

    def hide(self) -> None:
        """Go on with the raw weights."""
        self._write(self.raw)
        self.raw = {}

    @torch.no_grad()
    def _write(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self.slots[name].tensor.copy_(value)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the weights; an average that came from a checkpoint goes where they are."""
        self.average = {k: v.to(pl_module.device) for k, v in self.average.items()}
        self.look(pl_module)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find what has appeared."""
        self.look(pl_module)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Validate the average, while training."""
        if trainer.state.fn == "fit":
            self.look(pl_module)
            self.show()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Go on with the raw weights."""
        self.hide()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the raw weights where a validation failed."""
        self.hide()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the average in the task: it is the result of training."""
        self.show()
        self.average, self.raw = {}, {}

    # -- checkpoints -----------------------------------------------------------------------

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Save the average as the model, and the raw weights beside it to go on from."""
        if self.average:
            self.look(pl_module)
            state = checkpoint["state_dict"]
            checkpoint[RAW] = {**state, **self.raw}
            checkpoint["state_dict"] = {**state, **{k: v.clone() for k, v in self.average.items()}}

    def on_load_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Go on from the raw weights and the average beside them."""
        if RAW in checkpoint and trainer.state.fn == "fit":
            tensors = slots(pl_module)
            state = checkpoint["state_dict"]
            self.average = {k: v.clone() for k, v in state.items() if k in tensors}
            pl_module.load_state_dict(checkpoint[RAW])

"""Looking at single training steps: which ones, and what at."""

import math
from typing import Any

import torch
from lightning import LightningModule, Trainer
from torch import Tensor, nn

from seedbed.callback._activity import WINDOW, Activity
from seedbed.callback._facts import SMALLEST, chance, entropy
from seedbed.callback._moves import Moves

FIRST = 256  # examples at the start whose activations are all looked at
LONGEST = 32  # steps in a row that listen to activations


class Looks:
    """Measures some training steps; nothing is read from the device before a step is over.

    Updates 1, 2, 3, 5, 9, 17, 33 and every `every`-th are looked at.  Activations are listened to
    over as many steps as 64 examples take, so that a unit that speaks rarely is not called dead,
    and where that is many steps, as much more rarely.

    Args:
        task: what is trained.
        every: updates between two looks.
        counts: training examples of each class, where that is known.
    """

    def __init__(self, task: LightningModule, every: int, counts: list[int]) -> None:
        model = getattr(task, "model", task)
        self.loss = getattr(task, "loss", None)
        self.moves, self.activity = Moves(model), Activity(model)
        self.every, self.counts = every, counts
        self.batch = 0  # examples
        self.chance: dict[int, float] = {}
        self.wait = 0  # batches that need no look, whatever is accumulated
        self.step = -1  # updates made before the one that is looked at
        self.values: dict[str, Tensor] = {}  # () each
        self.hook: Any = None
        self.still: set[str] | None = None  # weights that no look has seen moving

    def due(self, step: int) -> bool:
        """Return whether the update after so many is to be looked at."""
        return (step + 1) % self.every == 0 or (step < self.every and step & (step - 1) == 0)

    def listens(self, step: int) -> bool:
        """Return whether activations are to be listened to after so many updates."""
        if step * self.batch < FIRST and step < 2 * LONGEST:
            return True
        row = min(LONGEST, math.ceil(WINDOW / self.batch))
        return step % (self.every * row) >= self.every * row - row

    def until(self, step: int) -> int:
        """Return how many updates it is from one that is not looked at to the next that is."""
        at = step + 1
        while not (self.listens(at) or self.due(at)):
            at += 1
        return at - step

    def start(self, trainer: Trainer, batch: Any) -> None:
        """Begin to look, if this step is one to look at; not to be asked while `wait` is left."""
        step = trainer.global_step
        self.batch = self.batch or size_of(batch)
        if step == self.step or not self.batch:
            return  # another part of the same update
        listens, due = self.listens(step), self.due(step)
        if not listens and not due:
            self.wait = self.until(step) - 1
            return
        self.step = step
        if listens:
            self.activity.listen()
        if due:
            if isinstance(self.loss, nn.Module):
                self.hook = self.loss.register_forward_hook(self._hear_loss)
            self._look_at_labels(batch)

    def _hear_loss(self, module: nn.Module, given: Any, output: Any) -> None:
        if isinstance(output, Tensor) and output.ndim == 0:
            self.values.setdefault("doctor/loss", output.detach())

    def _look_at_labels(self, batch: Any) -> None:
        y, classes = getattr(batch, "y", None), len(self.counts)
        if not isinstance(y, Tensor) or y.ndim != 1 or y.is_floating_point() or classes < 2:
            return
        if len(y) < SMALLEST or len(y) > 10_000:
            return
        if len(y) not in self.chance:
            self.chance[len(y)] = chance(self.counts, len(y))
        if self.chance[len(y)] > 0:
            self.values["doctor/mixed"] = entropy(y, classes) / self.chance[len(y)]

    def before_update(self, trainer: Trainer) -> None:
        """Look at gradients and weights."""
        if self.step >= 0 and self.due(self.step) and trainer.global_step == self.step:
            self.moves.start()

    def end(self, trainer: Trainer, batch: Any) -> dict[str, float]:
        """Return what the update that is over has shown, {} while it is not over."""
        self.leave(size_of(batch))
        if self.step < 0 or trainer.global_step == self.step:
            return {}
        self.step = -1
        found = dict(self.values)
        self.values = {}
        if self.activity.examples >= WINDOW:
            found |= self.activity.shares()
        if not self.moves.before:
            return dict(zip(found, read(list(found.values())), strict=True)) if found else {}
        moved = self.moves.end()
        numbers = read([*found.values(), *moved.unbind()])
        now = self.moves.still(numbers[len(found) :])
        self.still = now if self.still is None else self.still & now
        return dict(zip(found, numbers, strict=False)) | self.moves.values(numbers[len(found) :])

    def leave(self, examples: int = 0) -> None:
        """Remove all hooks."""
        self.activity.stop(examples)
        if self.hook is not None:
            self.hook.remove()
            self.hook = None

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen and is not yet told."""
        still = None if self.still is None else sorted(self.still)
        return {"activity": self.activity.state_dict(), "still": still, "batch": self.batch}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on from what was seen."""
        self.activity.load_state_dict(state["activity"], device)
        self.still = None if state["still"] is None else set(state["still"])
        self.batch = state["batch"]


def read(values: list[Tensor]) -> list[float]:
    """Return `()` values of one device as numbers, waiting for it once."""
    device = values[0].device
    return torch.stack([value.double().to(device) for value in values]).tolist()


def size_of(batch: Any) -> int:
    """Return how many examples a batch has, 0 if that cannot be told."""
    if isinstance(batch, Tensor):
        return len(batch) if batch.ndim else 0
    parts = batch.values() if isinstance(batch, dict) else batch
    if not isinstance(batch, tuple | list | dict):
        return 0
    return next((size for part in parts if (size := size_of(part))), 0)

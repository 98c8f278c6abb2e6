"""The lean loop does what Lightning's does: same calls, same counters, same bits."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loops.evaluation_loop import _EvaluationLoop
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from quick import trainer
from torch import Tensor, nn

from seedbed.data._loader import Loader, Order
from seedbed.run.loop import Lean
from seedbed.types import Batch

HOOKS = [
    name
    for name in vars(Callback)
    if name.startswith("on_") and "checkpoint" not in name and name != "on_exception"
]
MODULE_HOOKS = ["on_before_zero_grad", "on_after_backward", "on_before_optimizer_step"]


def told(name: str, given: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what a hook was told, in words that two runs share."""
    words: list[Any] = [name]
    for each in given:
        if isinstance(each, dict):
            words.append({k: v.item() if isinstance(v, Tensor) else v for k, v in each.items()})
        elif isinstance(each, Tensor):
            words.append(each.sum().item())
        elif isinstance(each, int):
            words.append(each)
        elif isinstance(each, Batch):
            words.append(each.x.sum().item())
    return tuple(words)


def listener(heard: list[Any]) -> Callback:
    """Return a callback that overrides every hook and writes down how it was called."""

    def hook(name: str) -> Callable[..., None]:
        def method(self: Callback, at: Trainer, task: LightningModule, *given: Any) -> None:
            heard.append((*told(name, given), at.global_step, task._current_fx_name))

        return method

    return type("Listener", (Callback,), {name: hook(name) for name in HOOKS})()


class Task(LightningModule):
    """Two layers that learn a plane, with dropout, and write down what they are told."""

    def __init__(self, heard: list[Any], way: str = "plain") -> None:
        super().__init__()
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(3, 8), nn.Dropout(0.2), nn.ReLU(), nn.Linear(8, 1))
        self.heard, self.way = heard, way

    def training_step(self, batch: Batch, batch_idx: int) -> Any:
        torch.manual_seed(batch_idx)
        loss = (self.net(batch.x) - batch.y).square().mean()
        if self.way == "logs":
            self.log("train/loss", loss, on_step=True, on_epoch=True, prog_bar=True, batch_size=4)
        if self.way == "dict":
            return {"loss": loss, "more": batch_idx}
        return None if self.way == "skips" and batch_idx == 2 else loss

    def validation_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> None:
        loss = (self.net(batch.x) - batch.y).square().mean()
        self.log("val/loss", loss, batch_size=len(batch.y))

    def on_before_zero_grad(self, optimizer: Any) -> None:
        self.heard.append("task: zero")

    def on_after_backward(self) -> None:
        self.heard.append("task: backward")

    def on_before_optimizer_step(self, optimizer: Any) -> None:
        grad = next(self.parameters()).grad
        self.heard.append(("task: step", None if grad is None else grad.sum().item()))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.Adam(self.parameters(), lr=0.01, fused=True)
        if self.way != "schedule":
            return optimizer
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


class Brief(Task):
    """Takes no number of the batch at a validation."""

    def validation_step(self, batch: Batch) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride]
        return self.net(batch.x).sum()


class Stops(Task):
    """Leaves an epoch after three batches, by Lightning's sign for it."""

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        return -1 if batch_idx == 3 else None


class Moves(Task):
    """Changes each batch on its way to the device."""

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        return batch._replace(y=batch.y + 1)


def batches(n: int, seed: int | None) -> Loader:
    x = torch.linspace(-1, 1, n * 3).reshape(n, 3).sin()
    return Loader(Batch(x, x.sum(1, keepdim=True)), Order(n, 4, seed=seed))


def trained(lean: bool, kind: type[Task], way: str, **options: Any) -> dict[str, Any]:
    """Return everything that a training leaves behind."""
    heard: list[Any] = []
    task = kind(heard, way)
    at = trainer(**{"max_epochs": 3, "callbacks": [listener(heard)]} | options)
    if lean:
        Lean.take_place(at)
    sets = [batches(9, None), batches(5, None)]
    at.fit(task, batches(26, 1), sets if way == "two sets" else sets[0])
    assert isinstance(at.fit_loop.epoch_loop, Lean) == lean
    states = at.optimizers[0].state_dict()["state"] if at.optimizers else {}
    return {
        "heard": heard,
        "weights": [p.tolist() for p in task.parameters()],
        "state": [v.tolist() for each in states.values() for v in each.values()],
        "loops": at.fit_loop.state_dict(),
        "metrics": {k: v.item() for k, v in at.callback_metrics.items()},
        "bar": {k: float(v) for k, v in at.progress_bar_metrics.items()},
        "steps": at.global_step,
    }


@pytest.mark.filterwarnings("ignore:.training_step. returned .None.")
@pytest.mark.parametrize(
    ("kind", "way", "options"),
    [
        (Task, "plain", {}),
        (Task, "logs", {}),
        (Task, "dict", {}),
        (Task, "skips", {}),
        (Task, "schedule", {}),
        (Task, "two sets", {}),
        (Task, "plain", {"num_sanity_val_steps": 2}),
        (Stops, "plain", {}),
        (Brief, "plain", {}),
        (Moves, "plain", {}),
        (Task, "plain", {"accumulate_grad_batches": 3}),
        (Task, "dict", {"accumulate_grad_batches": 2}),
        (Task, "plain", {"max_steps": 10}),
        (Task, "plain", {"val_check_interval": 0.4}),
        (Task, "plain", {"val_check_interval": 5, "check_val_every_n_epoch": None}),
        (Task, "plain", {"check_val_every_n_epoch": 2}),
        (Task, "plain", {"limit_train_batches": 2}),
        (Task, "plain", {"limit_val_batches": 0}),
        (Task, "plain", {"precision": "bf16-mixed"}),
        (Task, "plain", {"precision": "64-true"}),
        (Task, "plain", {"gradient_clip_val": 0.1}),
        (Task, "plain", {"profiler": "simple"}),
        (Task, "logs", {"log_every_n_steps": 1}),
    ],
)
def test_every_call_counter_and_bit_is_lightning_s(
    kind: type[Task], way: str, options: dict[str, Any]
) -> None:
    ours, theirs = (trained(lean, kind, way, **options) for lean in (True, False))
    for what, found in ours.items():
        assert found == theirs[what], what


def test_what_it_understands_does_not_go_the_old_way(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*given: Any) -> None:
        raise AssertionError("Lightning's own step")

    monkeypatch.setattr(_TrainingEpochLoop, "advance", refuse)
    monkeypatch.setattr(_EvaluationLoop, "_evaluation_step", refuse)
    assert trained(True, Task, "plain")["steps"] == 21


def test_a_callback_that_comes_later_is_heard_from_the_next_epoch_on() -> None:
    heard: list[Any] = []

    class Brings(Callback):
        def on_train_epoch_start(self, trainer: Any, pl_module: LightningModule) -> None:
            if trainer.current_epoch == 1:
                trainer.callbacks.append(listener(heard))

    trained(True, Task, "plain", callbacks=[Brings()])
    starts = [each for each in heard if each[0] == "on_train_batch_start"]
    assert len(starts) == 14  # of the second and third epoch

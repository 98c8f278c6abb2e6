"""The smallest thing that Lightning trains: one weight that walks."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor, nn


class Walker(LightningModule):
    """Starts at 0 and goes up by `stride` each step; its validation losses are scripted."""

    def __init__(self, losses: Sequence[float] = (), stride: Sequence[float] = (1.0,)) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(len(stride)))
        self.stride = torch.tensor([float(each) for each in stride])
        self.losses = losses
        self.validated: list[float] = []  # w[0] in every validation
        self.tested: list[float] = []
        self.trained: list[float] = []  # w[0] before every step
        self.recorded: list[dict[str, float]] = []

    def record(self, values: Mapping[str, float | Tensor]) -> None:
        self.recorded.append({name: float(value) for name, value in values.items()})

    def training_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        self.trained.append(self.w[0].item())
        return -(self.w * self.stride).sum()

    def validation_step(self, batch: Tensor, batch_idx: int) -> None:
        self.validated.append(self.w[0].item())
        if self.losses:
            self.log("val/loss", torch.tensor(float(self.losses[self.current_epoch])))

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        self.tested.append(self.w[0].item())

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), lr=1.0)


class Batches:
    """That many batches that nobody looks at; Lightning takes a list for several loaders."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Tensor]:
        return (torch.zeros(1) for _ in range(self.count))


def trainer(**options: Any) -> Trainer:
    """Return a trainer that writes nothing by itself."""
    quiet: dict[str, Any] = {
        "accelerator": "cpu",
        "logger": False,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": any(
            isinstance(each, Checkpoint) for each in options.get("callbacks", [])
        ),
        "num_sanity_val_steps": 0,
    }
    return Trainer(**quiet | options)

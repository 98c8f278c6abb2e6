"""Fine-tuning: what was learned elsewhere is kept, or adapted from the head downwards.

Formula: with blocks 1 to n below the head, epoch e (from 0) trains the head and the
min(n, ⌊e / every⌋) blocks next to it (gradual), none (probe), or all (full);
η_body = backbone_rate · η

Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
section 3.3, https://arxiv.org/abs/1801.06146; the linear probe is that of Alain & Bengio 2017,
"Understanding Intermediate Layers Using Linear Classifier Probes",
https://arxiv.org/abs/1610.01644.
"""

import math
from typing import Any, Literal, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import nn

from seedbed.callback._blocks import Block, blocks
from seedbed.callback._epochs import epochs
from seedbed.features import head_of
from seedbed.types import Unfit

Mode = Literal["probe", "gradual", "full"]


class Finetune(Callback):
    """Trains the head of a model first, or alone, so that a few examples cannot spoil the rest.

    Goes with `init=pretrained`.  Blocks are found in the model: a layer with its norm and
    activation, a residual block, an Inception module.  What is frozen stays bit for bit as it is,
    running statistics of batch norm too: it runs in eval mode, without dropout, and neither
    optimizer, weight decay, nor a regularizer moves it.  A block that begins to learn has a fresh
    state in the optimizer.

    Args:
        mode: `probe` trains the head alone; `gradual` the head first, then one block more, from
            the head to the input, every so many epochs; `full` everything from the start.
        every: epochs between two blocks of `gradual`, >= 1.
        backbone_rate: factor on the learning rate of all but the head, > 0; multiplied with
            those of param_groups.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(self, mode: Mode = "full", every: int = 1, backbone_rate: float = 1.0) -> None:
        if mode not in ("probe", "gradual", "full"):
            raise ValueError(f"mode must be probe, gradual or full, got {mode!r}")
        if every < 1:
            raise ValueError(f"every must be at least 1 epoch, got {every}")
        if not 0 < backbone_rate < math.inf:
            raise ValueError(
                f"backbone_rate must be positive and finite, got {backbone_rate}; "
                "mode=probe freezes all but the head"
            )
        self.mode, self.every, self.backbone_rate = mode, every, backbone_rate
        self.blocks: list[Block] = []  # the one at the input first
        self.frozen: list[Block] = []

    def depth(self, epoch: int) -> int:
        """Return how many of the blocks below the head learn in an epoch, from 0."""
        most = len(self.blocks)
        return {"probe": 0, "gradual": min(most, epoch // self.every), "full": most}[self.mode]

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Find the blocks; what never learns is frozen before processes share gradients.

        Raises:
            Unfit: the model has no head, or nothing below it.
        """
        if stage != "fit":
            return
        model = getattr(pl_module, "model", pl_module)
        try:
            self.blocks = blocks(model, examples(trainer, model))
        except ValueError as error:
            raise Unfit(f"callback.finetune: {error}") from error
        cast(Any, pl_module).regroup = self.regrouped if self.backbone_rate != 1 else None
        self.head = {id(p) for p in head_of(model).parameters()}
        if self.mode == "probe":
            self.freeze(0)
        elif self.mode == "gradual":
            allow_unused(trainer)

    def regrouped(self, groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return parameter groups in which the head has its own, and the rest is slower."""
        found: list[dict[str, Any]] = []
        for group in groups:
            head = [p for p in group["params"] if id(p) in self.head]
            body = [p for p in group["params"] if id(p) not in self.head]
            rate = self.backbone_rate * group.get("lr_multiplier", 1.0)
            both, name = bool(head and body), group.get("name", "")
            named = {
                part: f"{name}_{part}".lstrip("_") if both else name for part in ("body", "head")
            }
            if body:
                found.append(
                    {**group, "name": named["body"], "params": body, "lr_multiplier": rate}
                )
            if head:
                found.append({**group, "name": named["head"], "params": head})
        return found

    def freeze(self, depth: int) -> None:
        """Let the blocks next to the head learn, so many of them, and no others."""
        before, until = len(self.frozen), len(self.blocks) - depth
        for block in self.blocks[until:before]:
            block.thaw()
        self.frozen = self.blocks[:until]
        for block in self.frozen:
            block.freeze()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Hold the schedule against the training.

        Raises:
            Unfit: it is too short for all blocks to learn.
        """
        needed, there = self.every * len(self.blocks) + 1, epochs(trainer)
        if self.mode == "gradual" and there < needed:
            raise Unfit(
                f"callback.finetune: mode=gradual with every={self.every} needs {needed} epochs "
                f"until all {len(self.blocks)} blocks learn, the training has {there:.0f}"
            )

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Let the next block learn if it is time; keep what is frozen in eval mode."""
        depth = self.depth(trainer.current_epoch)
        if len(self.frozen) != len(self.blocks) - depth:
            self.freeze(depth)
        for block in self.frozen:
            block.rest()

    def on_fit_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave a model whose every parameter can learn."""
        self.freeze(len(self.blocks))

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave no parameter frozen behind."""
        self.freeze(len(self.blocks))


def examples(trainer: Trainer, model: nn.Module) -> torch.Tensor | None:
    """Return two training inputs where the model is, `(2, ...)`; None without a data module."""
    splits = getattr(getattr(trainer, "datamodule", None), "splits", None)
    if not splits:
        return None
    here = next(model.parameters()).device
    return splits["train"].x[:2].to(here)


def allow_unused(trainer: Trainer) -> None:
    """Let processes share the gradients of parameters that will learn only later.

    Raises:
        Unfit: they share them in a way that cannot.
    """
    if trainer.world_size == 1:
        return
    options = getattr(trainer.strategy, "_ddp_kwargs", None)
    if options is None:
        name = type(trainer.strategy).__name__
        raise Unfit(f"callback.finetune: mode=gradual needs trainer.strategy=ddp, not {name}")
    options["find_unused_parameters"] = True

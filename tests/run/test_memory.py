"""What a training holds on to, in memory and on disk."""

import gc
from collections import Counter
from pathlib import Path

import pytest
import torch
from conftest import TINY, Train
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from seedbed.run import build

pytestmark = pytest.mark.slow
ENVELOPE = 64_000  # bytes of a checkpoint that are no tensor: loops, callbacks, names


class Census(Callback):
    """Counts the living objects by their kind after each epoch."""

    def __init__(self) -> None:
        self.seen: list[Counter[str]] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        gc.collect()
        self.seen.append(Counter(type(each).__name__ for each in gc.get_objects()))

    def least(self, epoch: int) -> Counter[str]:
        """Return what lives in three epochs: a thread may be in the middle of writing in one."""
        return self.seen[epoch - 2] & self.seen[epoch - 1] & self.seen[epoch]


def test_nothing_lives_longer_than_its_epoch(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    census, make = Census(), build.make_trainer

    def watched(*given: object) -> Trainer:
        trainer = make(*given)  # pyright: ignore[reportArgumentType]
        trainer.callbacks.append(census)  # pyright: ignore[reportAttributeAccessIssue]
        return trainer

    monkeypatch.setattr(build, "make_trainer", watched)
    ended = train(*TINY, "trainer.max_epochs=30", "callback=[gradient_clip,ema]", "stages=fit")
    assert ended.code == 0, ended.err
    early, late = census.least(9), census.least(29)
    more = {kind: late[kind] - early[kind] for kind in late if kind != "Counter"}  # ours
    assert more["Tensor"] <= 0
    assert max(more.values()) < 10  # one in two epochs


@pytest.mark.parametrize("average", ["ema", "none"])
def test_a_checkpoint_holds_what_a_training_needs_and_little_else(
    average: str, train: Train
) -> None:
    words = ["model.widths=[256,256]", f"callback={average}", "stages=fit"]
    ended = train(*TINY, *words)
    assert ended.code == 0, ended.err
    for name in ("best", "last"):
        file = Path(ended.folder, "checkpoints", f"{name}.ckpt")
        weights = torch.load(file)["state_dict"].values()
        copies = 4 if average == "ema" else 3  # weights, perhaps their average, Adam's two moments
        state = copies * sum(w.numel() * w.element_size() for w in weights)
        assert state > 10 * ENVELOPE  # or it would say little
        assert state <= file.stat().st_size <= state + ENVELOPE

"""A test image and its mirror image, by hand."""

from typing import Any

import pytest
import torch
from lightning import LightningModule
from quick import trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader

from seedbed.callback.test_flip import TestFlip
from seedbed.types import Spec


def images() -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randn(n, 1, 2, 3, generator=generator) for n in (4, 1)]


class Pictures(LightningModule):
    """A linear layer over six pixels; keeps every prediction."""

    def __init__(self, shape: tuple[int, ...] = (1, 2, 3)) -> None:
        super().__init__()
        self.spec = Spec(shape, "class", 3, tuple("abc"))
        self.model = nn.Sequential(nn.Flatten(), nn.Linear(6, 3))
        self.seen: list[Tensor] = []

    def test_step(self, batch: Tensor, batch_idx: int) -> None:
        self.seen.append(self.model(batch))

    def predict_step(self, batch: Tensor, batch_idx: int) -> Tensor:
        return self.model(batch)


def loader() -> Any:
    return DataLoader(images(), batch_size=None)  # pyright: ignore[reportArgumentType]


def by_hand(model: nn.Module, x: Tensor) -> Tensor:
    return (model(x) + model(x[..., [2, 1, 0]])) / 2


@torch.no_grad()
def test_logits_are_the_mean_of_both_sides() -> None:
    task, flip = Pictures(), TestFlip()
    predicted: Any = trainer(callbacks=[flip]).predict(task, loader())
    trainer(callbacks=[flip]).test(task, loader())
    for x, *seen in zip(images(), predicted, task.seen, strict=True):
        assert not torch.allclose(task.model(x), task.model(x.flip(-1)))
        for each in seen:
            torch.testing.assert_close(each, by_hand(task.model, x))
            # a net that looks at both sides cannot tell them apart
            torch.testing.assert_close(each, by_hand(task.model, x.flip(-1)))
    assert not task.model._forward_hooks  # gone without a trace


def test_a_test_that_fails_leaves_the_model_as_it_was() -> None:
    class Falls(Pictures):
        def test_step(self, batch: Tensor, batch_idx: int) -> None:
            raise KeyError("fell")

    task = Falls()
    with pytest.raises(KeyError, match="fell"):
        trainer(callbacks=[TestFlip()]).test(task, loader())
    assert not task.model._forward_hooks


def test_only_images_have_a_mirror_image() -> None:
    with pytest.raises(ValueError, match=r"needs images, got inputs of shape \(2,\)"):
        TestFlip().prepare(Pictures((2,)))

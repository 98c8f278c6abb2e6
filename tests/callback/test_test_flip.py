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


def six_by_hand(model: nn.Module, x: Tensor) -> Tensor:
    up, down = torch.zeros_like(x), torch.zeros_like(x)
    up[:, :, 0, :2], down[:, :, 1, 1:] = x[:, :, 1, 1:], x[:, :, 0, :2]
    return by_hand(model, x) / 2 + (by_hand(model, up) + by_hand(model, down)) / 4


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


@torch.no_grad()
def test_half_the_weight_goes_to_images_moved_along_the_diagonal() -> None:
    task = Pictures()
    trainer(callbacks=[TestFlip(shift=1)]).test(task, loader())
    for x, seen in zip(images(), task.seen, strict=True):
        torch.testing.assert_close(seen, six_by_hand(task.model, x))
        assert not torch.allclose(seen, by_hand(task.model, x))


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


def test_a_shift_that_leaves_nothing_is_refused() -> None:
    TestFlip(shift=1).prepare(Pictures())
    with pytest.raises(ValueError, match="shift=2 leaves nothing of 2 by 3 pixels"):
        TestFlip(shift=2).prepare(Pictures())
    with pytest.raises(ValueError, match="shift must be at least 0, got -1"):
        TestFlip(shift=-1)

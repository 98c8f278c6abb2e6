"""The loss that the data chooses."""

from typing import Any

import pytest
import torch
from option import build

from seedbed.types import Spec

CLASSES = Spec((2,), "class", 3, tuple("abc"), (4, 2, 6))
VALUES = Spec((2,), "value", 2)


def test_cross_entropy_for_classes() -> None:
    logits, y = torch.randn(5, 3), torch.tensor([0, 1, 2, 2, 1])
    chosen: list[dict[str, Any]] = [{}, {"class_weight": "balanced"}, {"label_smoothing": 0.2}]
    for options in chosen:
        made, expected = build("loss", "auto", **options), build("loss", "cross_entropy", **options)
        made.prepare(CLASSES)
        expected.prepare(CLASSES)
        assert torch.equal(made(logits, y), expected(logits, y))
        assert not hasattr(made, "outputs")


def test_mse_for_values() -> None:
    made = build("loss", "auto")
    made.prepare(VALUES)
    assert made(torch.tensor([[1.0, 2.0]]), torch.tensor([[4.0, 2.0]])).item() == 4.5


@pytest.mark.parametrize("options", [{"class_weight": "balanced"}, {"label_smoothing": 0.1}])
def test_what_classes_need_is_refused_for_values(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} needs targets that are classes"):
        build("loss", "auto", **options).prepare(VALUES)


def test_before_the_data_it_knows_nothing() -> None:
    with pytest.raises(RuntimeError, match="prepare"):
        build("loss", "auto")(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64))

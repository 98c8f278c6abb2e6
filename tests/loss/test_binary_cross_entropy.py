"""Cross-entropy of a single logit in closed form, and beside that of two."""

from math import log
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from option import build
from torch import Tensor

from seedbed.loss.binary_cross_entropy import BinaryCrossEntropy
from seedbed.types import Spec

Z = torch.tensor([[log(3)], [-log(7)], [0.0]])  # σ = 3/4, 1/8, 1/2
Y = torch.tensor([1, 1, 0])


def loss(z: Tensor, y: Tensor, **options: Any) -> float:
    return build("loss", "binary_cross_entropy", **options)(z, y).item()


def test_by_hand() -> None:
    expected = [log(4 / 3), log(8), log(2)]
    assert loss(Z, Y) == pytest.approx(sum(expected) / 3)
    weighted = (5 * expected[0] + 5 * expected[1] + 2 * expected[2]) / 12
    assert loss(Z, Y, class_weight=[2.0, 5.0]) == pytest.approx(weighted)


def test_it_is_torch_s() -> None:
    z, y = torch.randn(50, 1).double(), torch.randint(2, (50,))
    expected = F.binary_cross_entropy_with_logits(z[:, 0], y.double())
    assert loss(z, y) == pytest.approx(expected.item(), rel=1e-12)


@pytest.mark.parametrize("options", [{}, {"class_weight": [0.3, 2.0], "label_smoothing": 0.2}])
def test_it_is_cross_entropy_of_0_and_the_logit(options: dict[str, Any]) -> None:
    z = torch.randn(8, 1).double()
    p = torch.rand(8, 2).double().softmax(1)
    both = torch.cat([torch.zeros_like(z), z], 1)
    for y in (torch.arange(8) % 2, p):
        expected = build("loss", "cross_entropy", **options)(both, y).item()
        assert loss(z, y, **options) == pytest.approx(expected, rel=1e-12)


def test_large_logits_cost_what_they_say() -> None:
    assert loss(torch.tensor([[500.0]]), torch.tensor([0])) == 500
    assert loss(torch.tensor([[-500.0]]), torch.tensor([1])) == 500
    assert loss(torch.tensor([[500.0]]), torch.tensor([1])) == 0
    tiny = loss(torch.tensor([[30.0]]).double(), torch.tensor([1]))
    assert tiny == pytest.approx(9.357622968839e-14, rel=1e-10)  # e⁻³⁰, not 0


def test_gradient() -> None:
    z = Z.clone().requires_grad_()
    build("loss", "binary_cross_entropy")(z, Y).backward()
    torch.testing.assert_close(z.grad, (Z.sigmoid() - Y[:, None]) / 3)


def test_the_model_emits_one_number() -> None:
    assert build("loss", "binary_cross_entropy").outputs == 1


def test_balanced() -> None:
    made = build("loss", "binary_cross_entropy", class_weight="balanced")
    made.prepare(Spec((1,), "class", 2, ("no", "yes"), (9, 3)))
    assert made.weights.numbers == [12 / 18, 12 / 6]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (Spec((1,), "class", 3, tuple("abc"), (1, 1, 1)), "needs two classes, the data has 3"),
        (Spec((1,), "value", 1), "needs targets that are classes"),
    ],
)
def test_other_targets_are_refused(spec: Spec, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        build("loss", "binary_cross_entropy").prepare(spec)


def test_three_weights_are_refused() -> None:
    with pytest.raises(ValueError, match="class_weight must be two numbers"):
        build("loss", "binary_cross_entropy", class_weight=[1, 2, 3])


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32])
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_targets_may_have_the_forms_that_torch_takes(
    dtype: torch.dtype, shape: tuple[int, ...]
) -> None:
    z, y = torch.tensor([[0.7], [-1.2], [2.0]]), torch.tensor([1, 0, 1])
    expected = F.binary_cross_entropy_with_logits(z[:, 0], y.float())
    torch.testing.assert_close(BinaryCrossEntropy()(z, y.to(dtype).reshape(shape)), expected)


def test_real_targets_are_the_probability_of_the_second_class() -> None:
    z, p = torch.tensor([[0.7], [-1.2], [2.0]]), torch.tensor([0.9, 0.2, 0.5])
    expected = F.binary_cross_entropy_with_logits(z[:, 0], p)
    torch.testing.assert_close(BinaryCrossEntropy()(z, p), expected)


def test_targets_of_another_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"indices .* or probabilities"):
        BinaryCrossEntropy()(torch.zeros(4, 1), torch.zeros(4, 3))

"""Points made on the spot, against the curves they are drawn from."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedbed.data.synthetic import Synthetic


def points(**options: Any) -> tuple[Tensor, Tensor]:
    train, test = Synthetic(**options).shared()
    return torch.cat([train.x, test.x]), torch.cat([train.y, test.y])


def test_a_plane_is_linear_with_known_slopes() -> None:
    x, y = points(form="plane", size=50, features=4, noise=0.0)
    expected = x @ torch.tensor([0.25, 0.5, 0.75, 1.0]) + 1
    assert y.shape == (50, 1)
    torch.testing.assert_close(y[:, 0], expected)


def test_noise_is_a_standard_deviation() -> None:
    x, y = points(form="plane", size=20_000, features=1, noise=0.7)
    residual = y - x - 1
    assert abs(residual.std().item() - 0.7) < 4 * 0.7 / math.sqrt(2 * 20_000)
    assert abs(residual.mean().item()) < 4 * 0.7 / math.sqrt(20_000)


def test_blobs_lie_around_one_centre_a_class() -> None:
    x, y = points(form="blobs", size=9000, features=3, num_classes=4, noise=0.3)
    assert y.bincount().tolist() == [2250] * 4
    for label in range(4):
        spread = x[y == label].std(0)
        assert ((spread - 0.3).abs() < 4 * 0.3 / math.sqrt(2 * 2250)).all()
    exact, _ = points(form="blobs", size=90, features=3, num_classes=4, noise=0.0)
    assert len(exact.unique(dim=0)) == 4


def test_moons_are_half_circles() -> None:
    x, y = points(form="moons", size=60, noise=0.0)
    upper, lower = x[y == 0], x[y == 1]
    assert len(upper) == len(lower) == 30
    torch.testing.assert_close(upper.norm(dim=1), torch.ones(30))
    assert (upper[:, 1] >= 0).all()
    torch.testing.assert_close((lower - torch.tensor([1, 0.5])).norm(dim=1), torch.ones(30))
    assert (lower[:, 1] <= 0.5).all()


def test_spirals_turn_with_their_radius() -> None:
    x, y = points(form="spirals", size=300, num_classes=3, noise=0.0)
    radius, angle = x.norm(dim=1), torch.atan2(x[:, 1], x[:, 0])
    turns = (angle / (2 * math.pi) - 1.25 * radius - y / 3).remainder(1)
    assert (torch.minimum(turns, 1 - turns) < 1e-4).all()
    assert radius.max() <= 1


def test_a_constant_leaves_one_weight_to_learn() -> None:
    data = Synthetic(form="constant", size=25, value=-1.5)
    data.setup()
    assert (data.spec.shape, data.spec.kind, data.spec.outputs) == ((1,), "value", 1)
    assert torch.cat([split.x for split in data.splits.values()]).unique().tolist() == [1]
    assert torch.cat([split.y for split in data.splits.values()]).unique().tolist() == [-1.5]
    assert Synthetic.kind(form="constant") == "value"


def test_the_seed_makes_the_points() -> None:
    one, same, other = (points(size=30, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_kind_follows_the_form() -> None:
    data = Synthetic(form="plane", size=25, features=2)
    data.setup()
    assert (data.spec.kind, data.spec.outputs, data.spec.classes) == ("value", 1, ())
    assert Synthetic.kind(form="moons") == "class"
    assert [len(data.splits[s].y) for s in ("train", "val", "test")] == [16, 4, 5]


def test_classes_have_the_shares_that_are_asked_for() -> None:
    for form in ("blobs", "spirals"):
        _, y = points(form=form, size=200, num_classes=3, shares=[0.7, 0.2, 0.1])
        assert y.bincount().tolist() == [140, 40, 20]
    _, y = points(form="moons", size=7, shares=[0.5, 0.5])
    assert sorted(y.bincount().tolist()) == [3, 4]


def test_magnitudes_scale_the_features_and_leave_the_targets() -> None:
    (x, y), (small, same) = (
        points(form="plane", size=50, magnitudes=m) for m in ([1e10, 1e-10], [])
    )
    assert torch.equal(x, small * torch.tensor([1e10, 1e-10]))
    assert torch.equal(y, same)


def test_a_plane_of_two_magnitudes_is_a_ravine_of_known_steepness() -> None:
    x, y = points(form="plane", size=20_000, noise=0.0, magnitudes=[10, 1])

    def loss(w: Tensor) -> Tensor:
        return nn.functional.mse_loss(x @ w[:2, None] + w[2], y)

    lowest = torch.tensor([0.05, 1.0, 1.0])  # the slopes through their magnitudes, and the bias
    assert loss(lowest).item() < 1e-10
    hessian = torch.autograd.functional.hessian(loss, lowest)
    assert isinstance(hessian, Tensor)
    size = torch.tensor([10.0, 1, 1])
    torch.testing.assert_close(  # four standard errors of a mean of squares
        hessian / size / size[:, None], 2 * torch.eye(3), rtol=0, atol=8 * math.sqrt(2 / 20_000)
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"shares": [0.9, 0.1]}, "shares must be 3 numbers above 0 that make 1 together"),
        ({"shares": [0.9, 0.2, 0.1]}, "shares must be 3 numbers"),
        ({"shares": [1.0, 0.5, -0.5]}, "shares must be 3 numbers"),
        ({"shares": [0.5, 0.5, float("nan")]}, "shares must be 3 numbers"),
        ({"shares": [1.0], "form": "plane"}, "form=plane has 0 classes"),
        ({"magnitudes": [1.0, 0.0]}, "magnitudes must be 2 finite numbers other than 0"),
        ({"magnitudes": [1.0, float("inf")]}, "magnitudes must be 2 finite"),
        ({"magnitudes": [1.0, 2.0], "form": "constant"}, "form=constant has 1 features"),
    ],
)
def test_lists_of_another_length_or_range_are_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Synthetic(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [{"noise": float("nan")}, {"value": float("inf")}],
)
def test_what_is_not_finite_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        Synthetic(**wrong)


@pytest.mark.parametrize(
    "wrong", [{"size": 0}, {"features": 0}, {"num_classes": 1}, {"noise": -0.1}]
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be at least"):
        Synthetic(**wrong)

"""What every scaling promises."""

import pytest
import torch
from option import build, names

SHAPES = [(3,), (2, 4, 5)]


def training(shape: tuple[int, ...]) -> torch.Tensor:
    x = torch.randn(12, *shape, generator=torch.Generator().manual_seed(0)) * 9 + 2
    x[:, 0] = 1.5  # constant
    return x


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", names("scaling"))
def test_it_is_saved_with_the_model(name: str, shape: tuple[int, ...]) -> None:
    fitted, fresh = (build("scaling", name, offer={"shape": shape}) for _ in range(2))
    fitted.fit(training(shape))
    fresh.load_state_dict(fitted.state_dict())
    x = torch.randn(3, *shape)
    assert torch.equal(fresh(x), fitted(x))
    assert list(fitted.parameters()) == []


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", names("scaling"))
def test_an_example_is_scaled_alone(name: str, shape: tuple[int, ...]) -> None:
    scaling = build("scaling", name, offer={"shape": shape})
    scaling.fit(training(shape))
    x = torch.randn(4, *shape) * 100
    kept = x.clone()
    together = scaling(x)
    assert torch.equal(torch.cat([scaling(x[i : i + 1]) for i in range(4)]), together)
    assert torch.equal(x, kept)
    assert together.isfinite().all()
    assert together.shape == x.shape


@pytest.mark.parametrize("name", names("scaling"))
def test_one_hot_columns_stay_as_they_are(name: str) -> None:
    x = training((5,)).double() * 3
    x[:, [1, 4]] = torch.tensor([[0.0, 1], [1, 0], [1, 1]]).double().repeat(4, 1)
    offer = {"shape": (5,), "untouched": (1, 4)}
    scaling = build("scaling", name, offer=offer)
    scaling.fit(x)
    alone = build("scaling", name, offer={"shape": (3,)})
    alone.fit(x[:, [0, 2, 3]])
    assert torch.equal(scaling(x)[:, [1, 4]], x[:, [1, 4]])
    assert torch.equal(scaling(x)[:, [0, 2, 3]], alone(x[:, [0, 2, 3]]))  # they do not count
    if hasattr(scaling, "inverse"):
        torch.testing.assert_close(scaling.inverse(scaling(x)), x)
    assert set(scaling.state_dict()) == set(alone.state_dict())


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", names("scaling"))
def test_pieces_are_measured_as_the_whole(name: str, shape: tuple[int, ...]) -> None:
    x = training(shape).double()
    whole, pieces = (build("scaling", name, offer={"shape": shape}) for _ in range(2))
    whole.fit(x)
    pieces.fit(iter([x[:1], x[1:8], x[8:]]))
    torch.testing.assert_close(pieces(x), whole(x), rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("name", [n for n in names("scaling") if n != "l2"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_cannot_be_scaled_is_refused(name: str, value: float) -> None:
    x = training((3,))
    x[4, 1] = value
    with pytest.raises(ValueError, match=r"feature 1 \(from 0\) cannot be scaled"):
        build("scaling", name, offer={"shape": (3,)}).fit(x)

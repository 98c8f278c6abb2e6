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

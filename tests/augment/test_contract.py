"""What every augmentation promises."""

import pytest
import torch
from option import build, names

from seedbed.randomness import seed_here

CPU = torch.device("cpu")


def augmented(name: str, x: torch.Tensor, *place: int) -> torch.Tensor:
    seed_here(CPU, *place)
    return build("augment", name)(x)


@pytest.mark.parametrize("name", names("augment"))
def test_its_randomness_depends_on_the_place_alone(name: str) -> None:
    x = torch.rand(4, 3, 8, 10)
    kept = x.clone()
    first = augmented(name, x, 5, 1)
    torch.rand(17)
    assert torch.equal(augmented(name, x, 5, 1), first)
    assert not torch.equal(augmented(name, x, 5, 2), first)
    assert not torch.equal(augmented(name, x, 6, 1), first)
    assert torch.equal(x, kept)


@pytest.mark.parametrize("name", names("augment"))
def test_it_changes_values_and_nothing_else(name: str) -> None:
    x = torch.rand(4, 3, 8, 10, dtype=torch.float64)
    out = augmented(name, x, 0)
    assert (out.shape, out.dtype, out.device) == (x.shape, x.dtype, x.device)
    assert out.isfinite().all()
    assert not torch.equal(out, x)


@pytest.mark.parametrize("name", names("augment"))
def test_a_second_call_draws_anew(name: str) -> None:
    augment, x = build("augment", name), torch.rand(4, 3, 8, 10)
    assert not torch.equal(augment(x), augment(x))


@pytest.mark.parametrize("name", names("augment"))
def test_inputs_that_are_no_images_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"augment={name} needs images, got inputs of shape"):
        build("augment", name)(torch.zeros(4, 5))


@pytest.mark.parametrize("name", names("augment"))
@pytest.mark.parametrize("dtype", [torch.uint8, torch.float16, torch.bfloat16], ids=str)
def test_types_stay(name: str, dtype: torch.dtype) -> None:
    out = augmented(name, (torch.rand(4, 3, 8, 10) * 100).to(dtype), 0)
    assert out.dtype == dtype

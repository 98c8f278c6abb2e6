"""The length of the weights into each unit."""

import pytest
import torch
from penalised import small
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.regularizer.max_norm import MaxNorm
from seedbed.weight import weights


def test_by_hand() -> None:
    model = small([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]], bias=[9.0, 9.0, 9.0])
    MaxNorm(2.0).after_step(model, 0.1)
    torch.testing.assert_close(model.weight[0].detach(), torch.tensor([1.2, 1.6]))
    assert torch.equal(model.weight[1:].detach(), torch.tensor([[0.3, 0.4], [0.0, 0.0]]))
    assert model.bias.tolist() == [9, 9, 9]


def response(layer: nn.Module, size: tuple[int, ...]) -> Tensor:
    """Return the length of the gradient of each output channel's middle by the input, `(out,)`.

    That is the length of all weights into the unit, whatever the layout of the weight.
    """
    x = torch.zeros(1, *size, requires_grad=True)
    out = layer(x)
    middle = out[(0, slice(None), *(side // 2 for side in out.shape[2:]))]
    rows = [torch.autograd.grad(unit, x, retain_graph=True)[0].norm() for unit in middle]
    return torch.stack(rows)


@pytest.mark.parametrize(
    ("layer", "size"),
    [
        (nn.Linear(7, 5), (7,)),
        (nn.Conv2d(4, 6, 3), (4, 9, 9)),
        (nn.Conv1d(4, 6, 3, groups=2), (4, 9)),
        (nn.ConvTranspose2d(4, 6, 3), (4, 9, 9)),
        (nn.ConvTranspose1d(4, 6, 3, groups=2), (4, 9)),
    ],
    ids=lambda v: type(v).__name__ if isinstance(v, nn.Module) else "",
)
def test_every_unit_that_was_too_long_has_the_length_and_the_others_are_untouched(
    layer: nn.Module, size: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    before = response(layer, size)
    c = before.median().item()
    MaxNorm(c).after_step(layer, 0.1)
    torch.testing.assert_close(response(layer, size), before.clamp(max=c))
    assert before.max() > c * 1.01


def test_under_weight_norm_the_product_is_limited() -> None:
    model = nn.Sequential(weight_norm(nn.Linear(4, 3)), nn.Linear(3, 2))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(20)
    MaxNorm(0.5).after_step(model, 0.1)
    for weight in weights(model):
        assert (weight.norm(dim=1) <= 0.5 * (1 + 1e-6)).all()


def test_half_precision_does_not_overflow() -> None:
    model = nn.Linear(3, 1).half()
    nn.init.constant_(model.weight, 300.0)  # 3 · 300² is beyond half precision
    MaxNorm(3.0).after_step(model, 0.1)
    torch.testing.assert_close(model.weight.float().norm(), torch.tensor(3.0), rtol=1e-3, atol=0)


@pytest.mark.parametrize("c", [0.0, -1.0, float("nan"), float("inf")])
def test_a_length_outside_its_range_is_refused(c: float) -> None:
    with pytest.raises(ValueError, match="c must be positive"):
        MaxNorm(c)

"""How many inputs and outputs a weight connects, against counting them."""

import pytest
import torch
from torch import nn

from seedbed.init._fill import fans, fill


def counted(layer: nn.Module, x: torch.Tensor) -> tuple[int, int]:
    """Return the most inputs that one output depends on, and the most outputs of one input."""
    nn.init.ones_(layer.get_parameter("weight"))
    x.requires_grad_(True)
    rows = torch.autograd.functional.jacobian(lambda v: layer(v).flatten(), x)
    assert isinstance(rows, torch.Tensor)
    linked = rows.flatten(1) != 0  # (outputs, inputs)
    return int(linked.sum(1).max()), int(linked.sum(0).max())


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Linear(5, 3), (1, 5)),
        (nn.Conv2d(4, 6, (3, 5)), (1, 4, 9, 11)),
        (nn.Conv2d(4, 6, 3, groups=2, padding=1), (1, 4, 7, 7)),
        (nn.Conv1d(6, 6, 3, groups=6), (1, 6, 9)),
        (nn.Conv2d(2, 3, 3, dilation=2), (1, 2, 11, 11)),
        (nn.ConvTranspose1d(3, 5, 4), (1, 3, 9)),
        (nn.ConvTranspose2d(4, 6, 3, groups=2), (1, 4, 7, 7)),
    ],
    ids=str,
)
def test_fans(layer: nn.Module, shape: tuple[int, ...]) -> None:
    weight = layer.get_parameter("weight")
    assert fans(layer, weight) == counted(layer, torch.randn(shape))


def test_a_bilinear_output_sums_every_product() -> None:
    layer = nn.Bilinear(3, 5, 7)
    assert fans(layer, layer.weight) == (15, 7)


def test_weights_are_told_by_the_type_of_their_layer() -> None:
    model = nn.Sequential(nn.LayerNorm([4, 5]), nn.Embedding(3, 4), nn.Linear(4, 2))
    seen: list[torch.Size] = []
    fill(model, lambda weight, n_in, n_out: seen.append(weight.shape))
    assert seen == [(2, 4)]

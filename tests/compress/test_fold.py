import copy
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedbed.compress._fold import fold
from seedbed.model.cnn import CNN
from seedbed.model.inception import Inception
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet


def lived(net: nn.Module) -> nn.Module:
    """Give every batch norm statistics and a scale of its own."""
    torch.manual_seed(3)
    for module in net.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            if module.running_mean is not None and module.running_var is not None:
                module.running_mean.normal_()
                module.running_var.uniform_(0.2, 3)
            if module.affine:
                nn.init.normal_(module.weight)
                nn.init.normal_(module.bias)
    return net.eval()


def folded(net: nn.Module, x: Tensor) -> tuple[nn.Module, Tensor, int]:
    """Return a folded copy, how far its outputs moved, and how many norms are left."""
    before = lived(net)(x)
    after = fold(copy.deepcopy(net), x)
    left = [m for m in after.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    return after, (after(x) - before).abs().max() / before.abs().max(), len(left)


@pytest.mark.parametrize("model", [MLP, CNN, ResNet, Inception])
def test_every_norm_of_the_house_s_models_is_folded(model: Any) -> None:
    net = model((1, 8, 8), 5, norm="batch")
    x = torch.randn(4, 1, 8, 8)
    after, moved, left = folded(net, x)
    assert moved < 1e-5
    assert left == 0
    assert [name for name, _ in after.named_modules()] == [name for name, _ in net.named_modules()]
    for number, norm in net.named_modules():
        if isinstance(norm, nn.modules.batchnorm._BatchNorm):
            assert isinstance(after.get_submodule(number), nn.Identity)


def test_after_an_activation_it_stays() -> None:
    net = MLP((1, 8, 8), 5, norm="batch", norm_position="after")
    _, moved, left = folded(net, torch.randn(4, 1, 8, 8))
    assert moved == 0
    assert left == 2


def test_by_hand() -> None:
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1, eps=0.75))
    with torch.no_grad():
        state = {"0.weight": 3.0, "0.bias": 2.0, "1.weight": 5.0, "1.bias": 7.0}
        state |= {"1.running_mean": 1.0, "1.running_var": 0.25}
        for name, value in state.items():
            net.state_dict()[name].fill_(value)
    after = fold(net, torch.zeros(2, 1))
    assert after[0].weight.item() == 15.0  # pyright: ignore[reportIndexIssue]
    assert after[0].bias.item() == 12.0  # pyright: ignore[reportIndexIssue]


class Twice(nn.Module):
    """A layer whose result is used before and after its norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.norm = nn.Linear(6, 6), nn.BatchNorm1d(6)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer(x)
        return self.norm(y) + y


class Shared(nn.Module):
    """A layer under two norms, and a norm over two layers."""

    def __init__(self, *, layer: bool) -> None:
        super().__init__()
        self.a, self.c = nn.Linear(6, 6), nn.BatchNorm1d(6)
        self.b = self.a if layer else nn.Linear(6, 6)
        self.d = nn.BatchNorm1d(6) if layer else self.c

    def forward(self, x: Tensor) -> Tensor:
        return self.c(self.a(x)) * self.d(self.b(x.sin()))


class Tied(nn.Module):
    """Two layers with one weight."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 6), nn.Linear(6, 6), nn.BatchNorm1d(6)
        self.b.weight = self.a.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.b(self.c(self.a(x)))


CASES: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "used before its norm, too": (Twice(), (4, 6), 1),
    "one layer under two norms": (Shared(layer=True), (4, 6), 2),
    "one norm over two layers": (Shared(layer=False), (4, 6), 1),
    "a weight of two layers": (Tied(), (4, 6), 1),
    "a norm over the steps of a sequence": (
        nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(3)),
        (4, 3, 6),
        1,
    ),
    "no statistics": (
        nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6, track_running_stats=False)),
        (4, 6),
        1,
    ),
    "no scale": (nn.Sequential(nn.Linear(6, 6), nn.BatchNorm1d(6, affine=False)), (4, 6), 0),
    "without a bias": (nn.Sequential(nn.Linear(6, 6, bias=False), nn.BatchNorm1d(6)), (4, 6), 0),
    "groups": (nn.Sequential(nn.Conv2d(4, 8, 3, groups=2), nn.BatchNorm2d(8)), (2, 4, 6, 6), 0),
    "one dimension": (nn.Sequential(nn.Conv1d(4, 8, 3), nn.BatchNorm1d(8)), (2, 4, 6), 0),
    "transposed": (nn.Sequential(nn.ConvTranspose2d(4, 8, 3), nn.BatchNorm2d(8)), (2, 4, 6, 6), 0),
    "transposed in groups": (
        nn.Sequential(nn.ConvTranspose2d(4, 8, 3, groups=2), nn.BatchNorm2d(8)),
        (2, 4, 6, 6),
        1,
    ),
    "padding by reflection": (
        nn.Sequential(nn.Conv2d(4, 8, 3, 1, 1, padding_mode="reflect"), nn.BatchNorm2d(8)),
        (2, 4, 6, 6),
        0,
    ),
    "norm first": (nn.Sequential(nn.BatchNorm2d(4), nn.Conv2d(4, 8, 3, 1, 1)), (2, 4, 6, 6), 1),
}


@pytest.mark.parametrize("case", CASES)
def test_what_can_be_folded_is_and_nothing_else(case: str) -> None:
    net, shape, expected = CASES[case]
    _, moved, left = folded(net, torch.randn(shape))
    assert moved < 1e-5
    assert left == expected


def test_without_a_batch_norm_nothing_is_touched() -> None:
    net = MLP((1, 8, 8), 5, norm="layer")
    before = {name: id(module) for name, module in net.named_modules()}
    fold(net, torch.randn(2, 1, 8, 8))
    assert {name: id(module) for name, module in net.named_modules()} == before

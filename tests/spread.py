"""How wide weights and signals are."""

import math

import torch
from torch import Tensor, nn

from seedbed.types import Init, Spec


def assert_std(weight: Tensor, std: float) -> None:
    """Accept mean 0 and standard deviation `std` within 4 standard errors of a normal sample."""
    values = weight.detach().double()
    assert abs(values.mean().item()) < 4 * std / math.sqrt(values.numel())
    assert abs(values.std().item() - std) < 4 * std / math.sqrt(2 * values.numel())


def rms_after_10_layers(init: Init, activation: nn.Module) -> float:
    """Return the size of signals of size 1 after ten layers of width 512, before the activation."""
    torch.manual_seed(3)
    layers = [part for _ in range(10) for part in (activation, nn.Linear(512, 512))]
    model = nn.Sequential(*layers[1:])
    init(model, Spec((512,), "value", 512))
    x = torch.randn(256, 512)
    with torch.no_grad():
        return model(x).square().mean().sqrt().item()

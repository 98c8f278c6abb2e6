"""Activations by their formulas."""

import math
from typing import Any

import pytest
import torch

from seedbed.model._activation import Activation, activation_of

X = (-2.0, -0.5, 0.0, 1.5)


@pytest.mark.parametrize(
    ("name", "formula"),
    [
        ("relu", lambda x: max(x, 0)),
        ("leaky_relu", lambda x: x if x > 0 else x / 100),
        ("gelu", lambda x: x * (1 + math.erf(x / math.sqrt(2))) / 2),
        ("silu", lambda x: x / (1 + math.exp(-x))),
        ("tanh", math.tanh),
        ("sigmoid", lambda x: 1 / (1 + math.exp(-x))),
    ],
)
def test_values(name: Activation, formula: Any) -> None:
    expected = torch.tensor([float(formula(x)) for x in X])
    torch.testing.assert_close(activation_of(name)(torch.tensor(X)), expected)


def test_an_unknown_name_is_refused() -> None:
    unknown: Any = "swish"
    with pytest.raises(ValueError, match="one of relu, leaky_relu"):
        activation_of(unknown)

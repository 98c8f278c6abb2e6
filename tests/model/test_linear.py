"""The linear model by hand."""

import torch

from seedbed.model.linear import Linear


def test_by_hand() -> None:
    model = Linear((1, 2, 2), 2)
    model.load_state_dict(
        {
            "head.weight": torch.tensor([[1.0, 2.0, 3.0, 4.0], [0.0, -1.0, 0.0, 0.5]]),
            "head.bias": torch.tensor([10.0, -3.0]),
        }
    )
    x = torch.tensor([[[[1.0, 0.0], [2.0, -1.0]]]])  # 1 + 6 - 4 + 10 and -0.5 - 3
    assert model(x).tolist() == [[13.0, -3.5]]


def test_without_bias() -> None:
    assert [tuple(p.shape) for p in Linear((2, 3), 4, bias=False).parameters()] == [(4, 6)]

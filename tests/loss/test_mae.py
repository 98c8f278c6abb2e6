"""Mean absolute error in closed form."""

import torch
from option import build


def test_by_hand() -> None:
    predicted = torch.tensor([[1.0, 2.0], [3.0, -1.0]], requires_grad=True)
    cost = build("loss", "mae")(predicted, torch.tensor([[0.0, 2.5], [5.0, 2.0]]))
    assert cost.item() == (1 + 0.5 + 2 + 3) / 4
    cost.backward()
    torch.testing.assert_close(predicted.grad, torch.tensor([[1.0, -1.0], [-1.0, -1.0]]) / 4)

"""Mean squared error in closed form."""

import torch
from option import build


def test_by_hand() -> None:
    predicted = torch.tensor([[1.0, 2.0], [3.0, -1.0], [0.5, 0.0]], requires_grad=True)
    wanted = torch.tensor([[0.0, 2.0], [5.0, 2.0], [0.5, 0.5]])
    loss = build("loss", "mse")(predicted, wanted)  # (1 + 0 + 4 + 9 + 0 + .25) / 6
    assert loss.item() == 14.25 / 6
    loss.backward()
    torch.testing.assert_close(predicted.grad, (predicted - wanted).detach() / 3)

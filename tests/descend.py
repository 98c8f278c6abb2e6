"""Full-batch gradient descent on a regression, with a regularizer, in double precision."""

import torch
from torch import Tensor, nn

from seedbed.types import Batch, Regularizer, Step


def problem() -> tuple[Tensor, Tensor]:
    """Return inputs `(N, D)` of which some matter, and targets `(N,)`."""
    g = torch.Generator().manual_seed(3)
    x = torch.randn(60, 8, generator=g, dtype=torch.float64)
    x[:, 5] = 0.7 * x[:, 0] + 0.3 * x[:, 5]  # features that go together
    slope = torch.tensor([3.0, -2.0, 0.0, 0.0, 1.0, 0.5, 0.0, 0.1], dtype=torch.float64)
    return x, x @ slope + 4 + torch.randn(60, generator=g, dtype=torch.float64)


def descended(regularizer: Regularizer, x: Tensor, y: Tensor, lr: float = 0.1) -> nn.Linear:
    """Return the linear model that many steps on the mean squared error lead to."""
    model = nn.Linear(x.shape[1], 1).double()
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    batch = Batch(x, y[:, None])
    for _ in range(2000):
        optimizer.zero_grad()
        outputs = model(x)
        loss = nn.functional.mse_loss(outputs, batch.y)
        penalty = regularizer.penalty(Step(model, batch, outputs, loss))
        total = loss if penalty is None else loss + penalty
        total.backward()
        optimizer.step()
        regularizer.after_step(model, lr)
    return model

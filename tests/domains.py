"""Features of several domains, as a step of training has them."""

from typing import Any

import torch
from torch import Tensor, nn

from seedbed.types import Batch, Spec, Step

TWO = Spec((4,), "class", 3, tuple("abc"), domains=("near", "far"), masked=True)
THREE = Spec((4,), "class", 3, tuple("abc"), domains=("near", "far", "farther"))


def step_of(features: Tensor, domain: list[int], **more: Any) -> Step:
    """Return a step with these features `(B, F)` of examples of these domains."""
    x, y = torch.zeros(len(features), 4), torch.zeros(len(features), dtype=torch.int64)
    batch = Batch(x, more.pop("y", y), torch.tensor(domain))
    logits = more.pop("logits", torch.zeros(len(features), 3))
    return Step(nn.Linear(4, 3), batch, logits, torch.zeros(()), features=features, **more)

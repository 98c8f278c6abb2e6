"""The length of many tensors taken as one vector, such as all gradients of a model."""

import torch
from torch import Tensor


def total_norm(tensors: list[Tensor]) -> Tensor:
    """Return √Σx² over all elements of all `tensors`, `()`, on the device of the first.

    In double precision where the device has it: in single the squares of 1e20 overflow, which
    would pass for a divergence, and those of 1e-25 vanish.
    """
    if not tensors:
        return torch.zeros(())
    device = tensors[0].device
    precision = torch.float32 if device.type == "mps" else torch.float64
    norms = torch._foreach_norm(tensors, 2, dtype=precision)
    return torch.linalg.vector_norm(torch.stack([n.to(device) for n in norms]))

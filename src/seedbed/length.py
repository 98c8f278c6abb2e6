"""The length of many tensors taken as one vector, such as all gradients of a model."""

import math

import torch
from torch import Tensor


def length(tensors: list[Tensor]) -> float | Tensor:
    """Return √Σx² over all elements of all `tensors`.

    In double precision where the device has it: in single the squares of 1e20 overflow, which
    would pass for a divergence, and those of 1e-25 vanish.  Where one can look at the result
    without waiting, on the CPU, that is done only if single precision did not do: it takes half
    the time.

    Returns:
        A number where the tensors lie on the CPU, else `()` on the device of the first.
    """
    if not tensors:
        return 0.0
    device = tensors[0].device
    if all(t.dtype == torch.float32 and t.is_cpu for t in tensors):
        norm = math.hypot(*torch.stack(torch._foreach_norm(tensors, 2)).tolist())
        if 1e-15 < norm < 1e15:
            return norm
    precision = torch.float32 if device.type == "mps" else torch.float64
    norms = torch._foreach_norm(tensors, 2, dtype=precision)
    found = torch.linalg.vector_norm(torch.stack([n.to(device) for n in norms]))
    return found.item() if found.is_cpu else found


def total_norm(tensors: list[Tensor]) -> Tensor:
    """Return √Σx² over all elements of all `tensors`, `()`, on the device of the first."""
    norm = length(tensors)
    return norm if isinstance(norm, Tensor) else torch.tensor(norm, dtype=torch.float64)

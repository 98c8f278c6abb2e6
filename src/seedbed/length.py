"""The length of many tensors taken as one vector, such as all gradients of a model."""

import torch
from torch import Tensor


def total_norm(tensors: list[Tensor]) -> Tensor:
    """Return √Σx² over all elements of all `tensors`, `()`, on the device of the first.

    In double precision where the device has it: in single the squares of 1e20 overflow, which
    would pass for a divergence, and those of 1e-25 vanish.  Where one can look at the result
    without waiting, on the CPU, that is done only if single precision did not do: it takes half
    the time.
    """
    if not tensors:
        return torch.zeros(())
    device = tensors[0].device
    if all(t.dtype == torch.float32 and t.is_cpu for t in tensors):
        norms = torch.stack(torch._foreach_norm(tensors, 2))
        norm = torch.linalg.vector_norm(norms, dtype=torch.float64)
        if 1e-15 < norm.item() < 1e15:
            return norm
    precision = torch.float32 if device.type == "mps" else torch.float64
    norms = torch._foreach_norm(tensors, 2, dtype=precision)
    return torch.linalg.vector_norm(torch.stack([n.to(device) for n in norms]))

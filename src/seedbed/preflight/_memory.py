"""How much memory a training step needs, and how much there is."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from seedbed.preflight._double import whole
from seedbed.task.supervised import Supervised
from seedbed.types import Batch


def kept(task: Supervised, batch: Batch) -> int:
    """Return the bytes that a forward pass of a batch keeps for the backward pass."""
    own = {p.untyped_storage().data_ptr() for p in task.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            sizes[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        step = whole(task.learn(batch))
        total = sum(sizes.values())  # before the backward pass frees them
        del step
    return total


def of_weights(task: Supervised, optimizer: Optimizer) -> int:
    """Return the bytes of gradients and of the optimizer's state, beside the weights that exist."""
    gradients = sum(p.numel() * p.element_size() for p in task.parameters() if p.requires_grad)
    state = [v for each in optimizer.state.values() for v in each.values()]
    return gradients + sum(v.numel() * v.element_size() for v in state if isinstance(v, Tensor))


def free(device: torch.device) -> int | None:
    """Return the bytes that are free on a device, None where nobody says."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu":
        return None
    known = [left for left in (of_machine(), of_group()) if left is not None]
    return min(known) if known else None


def of_machine() -> int | None:
    """Return what Linux calls available."""
    file = Path("/proc/meminfo")
    if not file.is_file():
        return None
    lines = dict(line.split(":", 1) for line in file.read_text().splitlines() if ":" in line)
    return int(lines["MemAvailable"].split()[0]) * 1024 if "MemAvailable" in lines else None


def of_group() -> int | None:
    """Return what the limit of this process's control group leaves."""
    folder = Path("/sys/fs/cgroup")
    try:
        most, now = (int((folder / f"memory.{k}").read_text()) for k in ("max", "current"))
    except (OSError, ValueError):
        return None
    return max(0, most - now)


def facts(task: Supervised, optimizer: Optimizer, batch: Batch, data: int) -> dict[str, Any]:
    """Return the fact `memory`.

    Args:
        task: a double that was trained.
        optimizer: with its state.
        batch: of training.
        data: bytes of the examples that move to the device.
    """
    left = free(task.device)
    if left is None:
        return {"unmeasured": {"memory": f"nobody says how much memory {task.device} has"}}
    return {
        "memory": {
            "weights": of_weights(task, optimizer) + data,
            "batch": kept(task, batch),
            "free": left,
        }
    }

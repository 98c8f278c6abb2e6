"""Looking at a value of every step without making the CPU wait for the GPU."""

import math

import torch
from torch import Tensor


class Watch:
    """Tells whether a `()` value is finite: at once on the CPU, one step late on a GPU.

    On a GPU the copy of this step's value is only started, and that of the step before, long
    done by now, is read.
    """

    def __init__(self) -> None:
        self.started: tuple[Tensor, torch.cuda.Event] | None = None

    def finite(self, value: float | Tensor) -> bool:
        """Return whether the newest value that is known here is finite."""
        if not isinstance(value, Tensor) or value.device.type != "cuda":
            return math.isfinite(value)
        judged = self.settled()
        copy = value.detach().to("cpu", non_blocking=True)
        done = torch.cuda.Event()
        done.record(torch.cuda.current_stream(value.device))
        self.started = copy, done
        return judged

    def settled(self) -> bool:
        """Return whether the value that was copied last is finite; wait for it if need be."""
        if self.started is None:
            return True
        copy, done = self.started
        done.synchronize()
        return bool(copy.isfinite())

"""What is trained: a model between the scalings of its inputs and targets."""

import os
import shutil
import warnings
from typing import Any, cast

import torch
from torch import nn

from seedbed.run.folder import Refused
from seedbed.types import TargetScaling

COMPILERS = ("c++", "g++", "clang++", "cl")


class Net(nn.Module):
    """Scaling, the model, and back to the units of the targets: trained, saved, exported as one.

    Args:
        scaling: raw inputs `(B, ...)` to the range that `model` sees.
        model: scaled inputs to logits `(B, K)`.
        target_scaling: raw targets `(B, K)` to what `model` emits; None if that is the same.
        codes: what `model` emits to scores of classes `(B, C)`; None if that is the same.
    """

    def __init__(
        self,
        scaling: nn.Module,
        model: nn.Module,
        target_scaling: nn.Module | None = None,
        codes: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.scaling, self.model, self.target_scaling = scaling, model, target_scaling
        self.codes = codes
        self.channels_last = False

    def lay_channels_last(self) -> None:
        """Let images and kernels lie with their channels side by side, as fast convolutions do."""
        self.channels_last = True
        cast(Any, self.model).to(memory_format=torch.channels_last)

    def __call__(self, *given: Any, **named: Any) -> Any:
        """Run compiled, or as written while somebody listens to a layer: he would hear nothing."""
        if self._compiled_call_impl is not None and overheard(self):
            return self._call_impl(*given, **named)
        return super().__call__(*given, **named)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Map raw inputs `(B, ...)` to `(B, K)`: logits, or values in the units of the targets."""
        scaled = self.scaling(x)
        if self.channels_last and scaled.ndim == 4:
            scaled = scaled.contiguous(memory_format=torch.channels_last)
        outputs = self.model(scaled)
        if self.codes is not None:
            return self.codes(outputs)
        if self.target_scaling is None:
            return outputs
        return cast(TargetScaling, self.target_scaling).inverse(outputs)


def overheard(module: nn.Module) -> bool:
    """Return whether somebody listens to a module or to a part of it."""
    return any(each._forward_hooks or each._forward_pre_hooks for each in module.modules())


def compile_net(net: nn.Module, device: torch.device) -> None:
    """Let torch compile a net at its first batch; its weights keep their names.

    Raises:
        Refused: the machine lacks what that needs.
    """
    own = os.environ.get("CXX")
    if device.type == "cpu" and not any(map(shutil.which, [own] if own else COMPILERS)):
        raise Refused("compile=true: it needs a C++ compiler, such as g++, and there is none")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # its import warns of torch's own parts
        net.compile()

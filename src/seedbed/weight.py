"""Which parameters are weights: matrices and kernels, told by the type of their module.

Never by the number of dimensions: under weight norm a norm's scale has as many as a kernel.
"""

from collections.abc import Iterator

from torch import nn
from torch.nn.modules.conv import _ConvNd

MIXING = (nn.Linear, nn.Bilinear, _ConvNd)


def mixing_modules(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules that mix their inputs by a weight: linear and convolutional layers."""
    return (module for module in model.modules() if isinstance(module, MIXING))


def weights(model: nn.Module, *, frozen: bool = False) -> list[nn.Parameter]:
    """Return the trainable weights, if asked the `frozen` too, without biases and norm layers."""
    found = {
        id(p): p
        for module in mixing_modules(model)
        for name, p in module.named_parameters(recurse=False)
        if name != "bias" and (frozen or p.requires_grad)
    }
    return list(found.values())

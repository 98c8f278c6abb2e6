"""A trained model as compression wants it: plain weights, all of them free to change."""

import copy
from typing import Any, cast

from torch import nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations


def plain(net: nn.Module) -> nn.Module:
    """Return a copy in single precision and eval mode in which weight norm has become weights."""
    net = copy.deepcopy(net).float()
    for module in net.modules():
        if is_parametrized(module):
            for name in list(cast(Any, module).parametrizations):
                remove_parametrizations(module, name, leave_parametrized=True)
    return net.requires_grad_(True).eval()

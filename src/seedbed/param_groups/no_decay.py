"""No weight decay on norm layers and biases.

Source: Goyal et al. 2017, "Accurate, Large Minibatch SGD", section 5.3.
"""

from typing import Any

from torch import nn

from seedbed.weight import parameters


class NoDecay:
    """Decays weights only: biases and norm layers get weight decay 0."""

    def __call__(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return the groups `decay` and `no_decay`, without an empty one."""
        decayed = parameters(model)  # they may be thawed later
        chosen = {id(p) for p in decayed}
        rest = [p for p in model.parameters() if id(p) not in chosen]
        groups: list[dict[str, Any]] = [
            {"name": "decay", "params": decayed},
            {"name": "no_decay", "params": rest, "weight_decay": 0.0},
        ]
        return [group for group in groups if group["params"]]

"""Learning rates that fall layer by layer from the head down.

Formula: η of layer k of L = η · decay^(L - k)
Source: Howard & Ruder 2018, "Universal Language Model Fine-tuning for Text Classification",
section 3.2, https://arxiv.org/abs/1801.06146; in this form Clark et al. 2020, "ELECTRA",
https://arxiv.org/abs/2003.10555.
"""

from collections.abc import Iterator
from typing import Any

from torch import nn

from seedbed.weight import mixing_modules, parameters


def depths(model: nn.Module, block: str | None = None) -> Iterator[tuple[int, nn.Parameter]]:
    """Yield every parameter once with its layer, 0 at the input, in the model's own order.

    A linear or convolutional layer starts the next one, unless it lies in a module of the type
    that `block` names: that is one layer as a whole.  Others belong to the layer before them.
    """
    mixing = {id(module) for module in mixing_modules(model)}
    seen: set[int] = set()
    inside: set[int] = set()  # modules of the blocks that were met
    layer = -1
    for module in model.modules():
        is_block = block is not None and type(module).__name__ == block and id(module) not in inside
        if is_block:
            inside |= {id(part) for part in module.modules()}
        starts = is_block or (id(module) in mixing and id(module) not in inside)
        whole = is_block or id(module) in mixing  # under weight norm its parameters lie deeper
        fresh = [p for p in module.parameters(recurse=whole) if id(p) not in seen]
        layer += bool(starts and fresh)
        seen |= {id(p) for p in fresh}
        yield from ((max(layer, 0), p) for p in fresh)


class LayerDecay:
    """Trains the layers near the input more slowly than the head: what they know is kept.

    Groups are `layer_1` at the input to `layer_L`, the head, at the optimizer's own rate.
    Depth is the order in which the model registers its linear and convolutional layers; norm
    layers belong to the layer before them.

    Args:
        decay: factor from one layer to the one below it, in (0, 1].
        block: type name of modules that count as one layer each, as the blocks of a residual
            network; None counts every linear and convolutional layer.
        no_decay: no weight decay on biases and norm layers, in groups `layer_<k>_no_decay`.

    Raises:
        ValueError: `decay` lies outside its range, or the model has no such block.
    """

    def __init__(
        self, decay: float = 0.75, block: str | None = None, no_decay: bool = False
    ) -> None:
        if not 0 < decay <= 1:
            raise ValueError(f"decay must lie in (0, 1], got {decay}")
        self.decay, self.block, self.no_decay = decay, block, no_decay

    def __call__(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return a group for every layer, input side first, with its `lr_multiplier`."""
        kinds = {type(module).__name__ for module in model.modules()}
        if self.block is not None and self.block not in kinds:
            raise ValueError(
                f"block={self.block}: the model has no module of that type, it has "
                f"{', '.join(sorted(kinds))}"
            )
        placed = list(depths(model, self.block))
        weights = {id(p) for p in parameters(model)}
        top = max((layer for layer, _ in placed), default=0)
        groups: dict[str, dict[str, Any]] = {}
        for layer, p in placed:
            spared = self.no_decay and id(p) not in weights
            name = f"layer_{layer + 1}" + ("_no_decay" if spared else "")
            fresh = {"name": name, "params": [], "lr_multiplier": self.decay ** (top - layer)}
            group = groups.setdefault(name, fresh | ({"weight_decay": 0.0} if spared else {}))
            group["params"].append(p)
        return list(groups.values())

"""Where the channels of a model lead, as torch-pruning traces them.

torch-pruning follows the channels; what is removed, and the removing, is ours: its own pruner
trims grouped layers wrongly, shares lists between pruners, and takes the model's head for a layer
like any other.

Source: Fang et al. 2023, "DepGraph: Towards Any Structural Pruning",
    https://arxiv.org/abs/2301.12900
"""

import copy
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.compress._extra import extra
from seedbed.compress._width import Side, mixes

Place = tuple[str, Side]
"""A side of a layer, by its name in the model."""


class Traced(nn.Module):
    """Puts something around a model, so that its inputs and outputs show in the graph.

    Args:
        net: raw inputs to outputs.
        x: raw inputs.
    """

    def __init__(self, net: nn.Module, x: Tensor) -> None:
        super().__init__()
        kinds = {2: nn.BatchNorm1d, 3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
        numbers = x.is_floating_point() or x.dtype == torch.uint8
        kind = kinds.get(x.dim()) if numbers else None
        self.entry = kind(x.shape[1], device=x.device) if kind else nn.Identity()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """Map raw inputs to outputs."""
        inputs = x if isinstance(self.entry, nn.Identity) else self.entry(x.float())
        outputs = self.net(inputs)
        if not isinstance(outputs, Tensor) or outputs.grad_fn is None:
            raise TypeError("its outputs are no tensor with a gradient")
        return outputs * 1  # else the head is the last node, and no output is seen


class Graph:
    """What is connected to what in a model.

    Args:
        net: stays as it is; a copy is traced.
        x: raw inputs, two examples at least.

    Raises:
        ValueError: the model cannot be traced.
        ImportError: torch-pruning is missing.
    """

    def __init__(self, net: nn.Module, x: Tensor) -> None:
        self.tool = extra("torch_pruning", "compress=structured").DependencyGraph()
        self.net = copy.deepcopy(net).requires_grad_(True).eval()  # what is frozen is not traced
        self.names: dict[Any, str] = {m: name for name, m in self.net.named_modules()}
        self.spots: dict[str, int] = {}  # values of a channel that group norm sees in an example
        traced = Traced(self.net, x).eval()
        self.entry = traced.entry
        hooks = [
            m.register_forward_hook(self._measure)
            for m in self.names
            if isinstance(m, nn.GroupNorm)
        ]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # its guesses at what it does not know are proven
                self.tool.build_dependency(traced, x, lambda net, x: net(x), verbose=False)
                self.groups = list(self.tool.get_all_groups())
        except Exception as error:
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise ValueError(f"torch-pruning cannot trace this model ({said})") from error
        finally:
            for hook in hooks:
                hook.remove()
        self.heads = set(self._heads())

    def _measure(self, module: nn.Module, _: Any, output: Tensor) -> None:
        """Note the number of places of a feature map."""
        self.spots[self.names[module]] = output[0, 0].numel()

    def _heads(self) -> Iterator[nn.Module]:
        """Yield the layers whose outputs, perhaps summed, scaled or joined, are the model's."""
        nodes = self.tool.module2node.values()
        todo = [node for node in nodes if self.is_output(node.module)]
        seen = set()
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            if isinstance(node.module, nn.Module) and mixes(node.module):
                yield node.module
            else:
                todo += node.inputs

    def is_output(self, module: Any) -> bool:
        """Return whether a node of the graph stands for what the model returns."""
        return isinstance(module, self.tool.ops._OutputOp)

    def side(self, item: Any) -> Side:
        """Return the side of a layer that an item of a group is about."""
        return "out" if self.tool.is_out_channel_pruning_fn(item.dep.handler) else "in"

    def places(self, group: Any) -> dict[Place, tuple[Sequence[int], Sequence[int]]]:
        """Return the layers' sides in a group: the entries there, and the channels they are of."""
        return {
            (self.names[item.dep.target.module], self.side(item)): (item.idxs, item.root_idxs)
            for item in group
            if isinstance(item.dep.target.module, nn.Module)
            and self.names.get(item.dep.target.module)
        }

    def reached(self, name: str, channels: Tensor) -> dict[Place, set[int]]:
        """Return all entries that go where some outputs of a layer go."""
        module = self.net.get_submodule(name)
        handler = self.tool.get_pruner_of_module(module).prune_out_channels
        group = self.tool.get_pruning_group(module, handler, channels.tolist())
        return {place: set(entries) for place, (entries, _) in self.places(group).items()}

"""Which units of a model ever say something, over the examples of some training steps."""

from typing import Any

import torch
from torch import Tensor, nn

RECTIFIERS = {  # size of an output, up to which it is none
    **dict.fromkeys((nn.ReLU, nn.ReLU6), 0.0),
    **dict.fromkeys((nn.GELU, nn.SiLU, nn.Mish), 0.01),
}
BOUND = 0.97  # of the way to its limit, from which an output is saturated
WINDOW = 64  # examples, in which a unit that is needed says something


class Activity:
    """Listens to activations; what it hears is added up on the device.

    Args:
        model: whose activations, as far as they are modules.
    """

    def __init__(self, model: nn.Module) -> None:
        kinds = (*RECTIFIERS, nn.Tanh, nn.Sigmoid)
        self.modules = [m for m in model.modules() if isinstance(m, kinds)]
        self.alive: list[Tensor] = []  # (units,) bool each, in the order of the calls
        self.bounded: list[Tensor] = []  # () shares of saturated outputs, summed over passes
        self.calls = [0, 0]  # in this pass
        self.examples = 0
        self.passes = 0
        self.hooks: list[Any] = []

    def listen(self) -> None:
        """Hear the forward passes to come."""
        self.hooks = [module.register_forward_hook(self._hear) for module in self.modules]
        self.calls = [0, 0]

    def stop(self, examples: int) -> None:
        """Hear no more; a pass of so many examples is over."""
        if self.hooks:
            self.examples, self.passes = self.examples + examples, self.passes + 1
        self.leave()

    def leave(self) -> None:
        """Remove the hooks."""
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

    @torch.no_grad()
    def _hear(self, module: nn.Module, given: Any, output: Any) -> None:
        if not isinstance(output, Tensor) or output.ndim < 2 or not output.numel():
            return
        out = output.detach()
        if type(module) in RECTIFIERS:
            unit = 1 if out.ndim > 3 else out.ndim - 1
            rest = [axis for axis in range(out.ndim) if axis != unit]
            self._add(0, self.alive, out.abs().amax(rest) > RECTIFIERS[type(module)])
        else:
            size = out.abs() if isinstance(module, nn.Tanh) else (2 * out - 1).abs()
            self._add(1, self.bounded, (size > BOUND).float().mean())

    def _add(self, kind: int, heard: list[Tensor], new: Tensor) -> None:
        at = self.calls[kind]
        self.calls[kind] += 1
        if at == len(heard):
            heard.append(new)
        elif heard[at].shape == new.shape:
            heard[at] = heard[at] | new if kind == 0 else heard[at] + new

    @torch.no_grad()
    def shares(self) -> dict[str, Tensor]:
        """Return the largest shares over layers, `()`, and forget what was heard."""
        found: dict[str, Tensor] = {}
        if self.alive:
            dead = [1 - units.float().mean() for units in self.alive]
            found["doctor/dead"] = torch.stack(dead).amax()
        if self.bounded:
            found["doctor/saturated"] = torch.stack(self.bounded).amax() / max(1, self.passes)
        self.alive, self.bounded, self.examples, self.passes = [], [], 0, 0
        return found

    def state_dict(self) -> dict[str, Any]:
        """Return what was heard so far."""
        heard = {k: [each.cpu() for each in getattr(self, k)] for k in ("alive", "bounded")}
        return heard | {"examples": self.examples, "passes": self.passes}

    def load_state_dict(self, state: dict[str, Any], device: torch.device) -> None:
        """Go on from what was heard."""
        self.alive, self.bounded = ([x.to(device) for x in state[k]] for k in ("alive", "bounded"))
        self.examples, self.passes = state["examples"], state["passes"]

"""How far one update moves the weights, and how large gradients are in the first and last layer."""

import math

import torch
from torch import Tensor, nn

from seedbed.weight import mixing_modules, sources

MOST = 65536  # elements of a tensor that are looked at, spread evenly


class Moves:
    """Compares weights before and after an update; nothing leaves the device until `values`.

    Args:
        model: whose weights; layers that training leaves out count as unmoved.
    """

    def __init__(self, model: nn.Module) -> None:
        self.named = [(n, p) for n, p in model.named_parameters() if p.is_floating_point()]
        self.strides = [max(1, math.ceil(p.numel() / MOST)) for _, p in self.named]
        self.layers = [sources(layer)[0] for layer in mixing_modules(model)]
        self.before: list[Tensor] = []
        self.ratio: Tensor | None = None  # ()

    @torch.no_grad()
    def start(self) -> None:
        """Look at gradients and weights as they are just before the update."""
        self.before = [each.clone() for each in self._samples()]
        gradients = [p.grad for p in self.layers if p.grad is not None]
        if len(gradients) > 1:
            first, last = (g.float().square().mean().sqrt() for g in (gradients[0], gradients[-1]))
            self.ratio = first / last.to(first.device)

    @torch.no_grad()
    def end(self) -> Tensor:
        """Return what the update did, `(2n + 1,)`: each tensor's ‖Δθ‖, its ‖θ‖, and the ratio."""
        after = self._samples()
        moved = torch._foreach_sub(after, self.before)
        norms = [*torch._foreach_norm(moved, 2), *torch._foreach_norm(self.before, 2)]
        self.before = []
        ratio = torch.full((), math.nan) if self.ratio is None else self.ratio
        self.ratio = None
        return torch.stack([norm.float().to(norms[0].device) for norm in (*norms, ratio)])

    def values(self, read: list[float]) -> dict[str, float]:
        """Return what `end` measured, by the names of curves."""
        n = len(self.named)
        moved, size, ratio = read[:n], read[n : 2 * n], read[2 * n]
        trained = [k for k, (_, p) in enumerate(self.named) if p.requires_grad]
        way, length = (
            math.sqrt(sum(self.strides[k] * part[k] ** 2 for k in trained))
            for part in (moved, size)
        )
        found = {"doctor/update": way / length if length else math.nan}
        whole = sum(self._weights())
        still = sum(w for w, m in zip(self._weights(), moved, strict=True) if m == 0)
        found |= {"doctor/frozen": still / whole} if whole else {}
        found["doctor/gradient_ratio"] = ratio
        return {name: value for name, value in found.items() if math.isfinite(value)}

    def still(self, read: list[float]) -> set[str]:
        """Return the names of the weights that did not move."""
        each = zip(self.named, self._weights(), read, strict=False)
        return {name for (name, _), weight, moved in each if weight and moved == 0}

    def _weights(self) -> list[int]:
        """Return the elements of each tensor that is a matrix or a kernel, 0 of all others."""
        return [p.numel() if p.ndim > 1 else 0 for _, p in self.named]

    def _samples(self) -> list[Tensor]:
        each = zip(self.named, self.strides, strict=True)
        return [p.detach().reshape(-1)[::stride] for (_, p), stride in each]

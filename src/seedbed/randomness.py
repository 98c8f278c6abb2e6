"""Randomness as a pure function of where training stands.

Nothing random has to be saved to resume a run exactly, and a draw added in one step never shifts
another.  `torch.manual_seed` would do the same at seventy times the cost.
"""

import torch

MASK = (1 << 64) - 1


def mix(*place: int) -> int:
    """Return 63 well-mixed bits that depend on every number of `place` and on their order.

    Source: Steele, Lea & Flood 2014, "Fast Splittable Pseudorandom Number Generators", SplitMix64.
    """
    state = 0
    for number in place:
        state = (state + number + 0x9E3779B97F4A7C15) & MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & MASK
        state ^= state >> 31
    return state >> 1


def seed_here(device: torch.device, *place: int) -> None:
    """Seed the CPU's generator, and the device's own, for whatever is drawn next at `place`."""
    seed = mix(*place)
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def permutation(n: int, *place: int) -> torch.Tensor:
    """Return an order of `n` things, `(n,)` int64, that depends on `place` alone."""
    return torch.randperm(n, generator=torch.Generator().manual_seed(mix(*place)))

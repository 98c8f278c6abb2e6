"""Prototypical networks: the nearest class mean, in a space that is learned for it.

Formula: p(c | x) = softmax_c(-‖f(x) - m_c‖² / T),  m_c = 1/K Σ f(support of c)
Source: Snell, Swersky & Zemel 2017, "Prototypical Networks for Few-Shot Learning", equations 1
    and 2, https://arxiv.org/abs/1703.05175; the temperature T is learned and starts at √D, as
    distances grow with the number of dimensions D.
"""

from typing import Any

from torch import Tensor

from seedbed.task._episode import Episodic, learned


class Prototypical(Episodic):
    """Learns an embedding in which the examples of a class gather around their mean.

    Args:
        dim: D, the numbers of an embedding that a linear head makes, >= 2; null: no head, and the
            embedding is what the head would be given.
        common: see `Supervised`.

    Raises:
        ValueError: a part that does not go with episodes.
    """

    def __init__(self, dim: int | None = None, **common: Any) -> None:
        super().__init__(dim, **common)
        self.log_temperature = learned(1.0)  # of T/√D

    def scores(self, support: Tensor, query: Tensor) -> Tensor:
        """Return -‖f(x) - m_c‖² / T, `(E, N·Q, N)`."""
        prototypes = support.mean(2)  # (E, N, D)
        distances = squared_distances(query, prototypes)
        return -distances / (self.log_temperature.exp() * query.shape[-1] ** 0.5)


def squared_distances(a: Tensor, b: Tensor) -> Tensor:
    """Return ‖aᵢ - bⱼ‖² of `(E, I, D)` and `(E, J, D)`, `(E, I, J)`.

    Around the mean of `b`, so that little cancels: differences one by one would fill the memory.
    """
    middle = b.mean(1, keepdim=True)
    a, b = a - middle, b - middle
    products = a @ b.transpose(1, 2)
    squares = a.square().sum(-1, keepdim=True) + b.square().sum(-1).unsqueeze(1)
    return (squares - 2 * products).clamp(min=0)

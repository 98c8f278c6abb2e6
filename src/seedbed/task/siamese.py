"""Siamese networks: are these two images of one class?

Formula: z(x, x') = a cos(f(x), f(x')) + b;  loss = ½ mean over pairs of one class of -log σ(z)
    + ½ mean over pairs of two classes of -log(1 - σ(z))
Source: Koch, Zemel & Salakhutdinov 2015, "Siamese Neural Networks for One-Shot Image Recognition",
    https://www.cs.toronto.edu/~gkoch/files/msc-thesis.pdf; there half the pairs are of one class,
    here all pairs count and each kind counts half; the scaled cosine stands for the weighted L1
    distance.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seedbed.loss.auto import Auto
from seedbed.task._episode import Episodic, learned


class Siamese(Episodic):
    """Learns an embedding in which images of one class point the same way.

    A query belongs to the class with whose support it is most alike on average.

    Args:
        dim: D, the numbers of an embedding that a linear head makes, >= 2; null: no head, and the
            embedding is what the head would be given.
        common: see `Supervised`; `loss` must be left at `auto`.

    Raises:
        ValueError: a part that does not go with episodes, or a loss beside the one of pairs.
    """

    def __init__(self, dim: int | None = None, **common: Any) -> None:
        super().__init__(dim, **common)
        if not isinstance(self.loss, Auto) or self.loss.of_classes.label_smoothing:
            raise ValueError("siamese has a loss of its own, on pairs; leave loss=auto as it is")
        self.log_scale = learned(10.0)
        self.bias = nn.Parameter(torch.tensor(-5.0))  # even odds at a cosine of ½

    def scores(self, support: Tensor, query: Tensor) -> Tensor:
        """Return the mean logit of a query with the support of each class, `(E, N·Q, N)`."""
        return self.pairs(support, query).mean(-1)

    def pairs(self, support: Tensor, query: Tensor) -> Tensor:
        """Return the logit that a pair is of one class, `(E, N·Q, N, K)`."""
        a, b = F.normalize(query, dim=-1), F.normalize(support, dim=-1)
        cosines = torch.einsum("eqd,enkd->eqnk", a, b)
        return self.log_scale.exp() * cosines + self.bias

    def episode_loss(self, support: Tensor, query: Tensor, scores: Tensor, y: Tensor) -> Tensor:
        """Return the cross-entropy of pairs, both kinds alike, `()`."""
        logits = self.pairs(support, query)
        ways, shots = support.shape[1:3]
        same = F.one_hot(y, ways).bool().unsqueeze(-1).expand_as(logits)
        near = torch.where(same, F.softplus(-logits), 0).sum() / (y.numel() * shots)
        far = torch.where(same, 0, F.softplus(logits)).sum() / (y.numel() * shots * (ways - 1))
        return (near + far) / 2

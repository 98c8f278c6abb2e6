"""How large the weights are and how many of them are nought, over time.

Formula: weight/norm = √Σw²;  weight/zeros = share of |w| ≤ below

Source: Han et al. 2015, "Learning Both Weights and Connections for Efficient Neural Networks",
section 3, https://arxiv.org/abs/1506.02626.
"""

from typing import cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback

from seedbed.types import Recording
from seedbed.weight import weights


class Weights(Callback):
    """Records `weight/norm` and `weight/zeros`, the share of small weights, after every epoch.

    Nothing where no weight is trained, as with `model=linear task=siamese`.

    Args:
        below: a weight of at most this size counts as zero, >= 0.

    Raises:
        ValueError: `below` is negative.
    """

    def __init__(self, below: float = 0.0) -> None:
        if not below >= 0:
            raise ValueError(f"below must be at least 0, got {below}")
        self.below = below

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at all weights together; biases and norm layers are left out."""
        found = weights(pl_module)
        if not found:
            return
        with torch.no_grad():
            flat = torch.cat([w.detach().float().flatten() for w in found])
            zeros = (flat.abs() <= self.below).float().mean()
            cast(Recording, pl_module).record({"weight/norm": flat.norm(), "weight/zeros": zeros})

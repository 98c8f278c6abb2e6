"""Handwritten digits, 8 by 8 pixels: real data that ships inside scikit-learn.

Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI repository.
"""

import numpy as np
import torch

from seedbed.data._memory import InMemory, divide
from seedbed.types import Batch


class Digits(InMemory):
    """1,797 grey images of ten digits, pixels 0 to 16; a fifth is the test split.

    Args:
        batch_size: examples B per process and step, or `full`.
        val_fraction: share of the training examples that only validates, in (0, 1).
        fraction: share of the training examples to keep, in (0, 1].
        seed: of the splits and the order of examples.
    """

    def read(self) -> tuple[Batch, Batch]:
        """Return training and test images, `(N, 1, 8, 8)` float32."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        x = torch.from_numpy(images.astype(np.float32)).reshape(-1, 1, 8, 8)
        return divide(Batch(x, torch.from_numpy(labels.astype(np.int64))), 0.2, seed=0)

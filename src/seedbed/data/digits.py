"""Handwritten digits, 8 by 8 pixels: real data that ships inside scikit-learn.

Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI repository.
"""

from typing import Any

import numpy as np
import torch

from seedbed.data._codes import SEVEN_SEGMENTS, Codes
from seedbed.data._memory import divide
from seedbed.data._pictures import Pictures
from seedbed.types import Batch


class Digits(Pictures):
    """1,797 grey images of ten digits, pixels 0 to 16; a fifth is the test split.

    The code of a digit is which of the seven segments of a display it lights.

    Args:
        size: height and width in pixels.
        common: see `Pictures`.
    """

    top = 16.0

    def __init__(self, size: int = 8, **common: Any) -> None:
        super().__init__(size, **common)

    def class_names(self) -> tuple[str, ...]:
        """Return the digits."""
        return tuple("0123456789")

    def own_codes(self) -> Codes:
        """Return the segments of each digit, `(10, 7)`."""
        return SEVEN_SEGMENTS

    def images(self) -> tuple[Batch, Batch]:
        """Return training and test images, `(N, 1, 8, 8)` float32."""
        from sklearn.datasets import load_digits

        images, labels = load_digits(return_X_y=True)
        x = torch.from_numpy(images.astype(np.float32)).reshape(-1, 1, 8, 8)
        return divide(Batch(x, torch.from_numpy(labels.astype(np.int64))), 0.2, seed=0)

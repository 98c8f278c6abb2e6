"""Handwritten digits, 8 by 8 pixels: real data that ships inside scikit-learn.

Source: Alpaydin & Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI repository.
"""

import gzip
from importlib.util import find_spec
from pathlib import Path
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
        table = torch.from_numpy(read_digits())
        x, y = table[:, :-1].reshape(-1, 1, 8, 8), table[:, -1]
        return divide(Batch(x.float(), y.long()), 0.2, seed=0)


def read_digits() -> np.ndarray:
    """Return the table that lies in scikit-learn, `(1797, 65)` float64: pixels, then the class.

    It is read without scikit-learn, which would bring pandas and pyarrow along (80 MB).

    Raises:
        FileNotFoundError: scikit-learn is not installed, or keeps it elsewhere.
    """
    home = find_spec("sklearn")
    if home is None or not home.origin:
        raise FileNotFoundError("data=digits lies in scikit-learn, which is not installed")
    with gzip.open(Path(home.origin).parent / "datasets/data/digits.csv.gz", "rt") as lines:
        return np.loadtxt(lines, delimiter=",")

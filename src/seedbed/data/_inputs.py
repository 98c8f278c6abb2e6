"""Inputs from a file, for a model that takes tensors."""

import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor


def read_inputs(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Return the inputs in a file, `(N, *shape)` float32.

    Args:
        path: `.npy` with an array of N inputs, or `.csv` of numbers, an input a row.
        shape: of one input.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another kind of file, or inputs of another size.
    """
    if path.is_dir() or path.suffix not in (".npy", ".csv"):
        raise ValueError(f"{path}: a .npy or .csv file is expected")
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    try:
        if path.suffix == ".npy":
            values = np.load(path, allow_pickle=False)
        else:
            values = np.loadtxt(path, delimiter=",", ndmin=2)
        x = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    except (ValueError, TypeError, EOFError) as error:
        what = "an array of numbers" if path.suffix == ".npy" else "rows of numbers"
        raise ValueError(f"{path}: the file does not hold {what}") from error
    if x.numel() == 0:
        raise ValueError(f"{path}: there are no inputs in it")
    if x[0].numel() != math.prod(shape):
        raise ValueError(f"{path}: inputs of shape {tuple(x.shape[1:])}, the model wants {shape}")
    if not x.isfinite().all():
        row = int((~x.flatten(1).isfinite().all(1)).nonzero()[0])
        raise ValueError(f"{path}: input {row} (from 0) is not finite")
    return x.reshape(-1, *shape)

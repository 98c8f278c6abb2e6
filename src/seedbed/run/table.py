"""Tables in and out: inputs to predict, and predictions."""

import csv
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seedbed.types import Spec


def read_inputs(path: Path, shape: tuple[int, ...]) -> Tensor:
    """Return the inputs in a file, `(N, *shape)` float32.

    Args:
        path: `.npy` with an array of N inputs, or `.csv` of numbers, an input a row.
        shape: of one input.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: another kind of file, or inputs of another size.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file")
    if path.suffix == ".npy":
        values = np.load(path, allow_pickle=False)
    elif path.suffix == ".csv":
        values = np.loadtxt(path, delimiter=",", ndmin=2)
    else:
        raise ValueError(f"{path}: a .npy or .csv file is expected")
    x = torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
    if x.numel() == 0:
        raise ValueError(f"{path}: there are no inputs in it")
    if x[0].numel() != math.prod(shape):
        raise ValueError(f"{path}: inputs of shape {tuple(x.shape[1:])}, the model wants {shape}")
    if not x.isfinite().all():
        row = int((~x.flatten(1).isfinite().all(1)).nonzero()[0])
        raise ValueError(f"{path}: input {row} (from 0) is not finite")
    return x.reshape(-1, *shape)


def write_predictions(path: Path, outputs: Tensor, targets: Tensor | None, spec: Spec) -> None:
    """Write `index`, `target` where known, `prediction`, and the probability of each class.

    Args:
        path: the file.
        outputs: probabilities `(N, C)` of classes, or values `(N, K)`.
        targets: `(N,)` or `(N, K)`, or None.
        spec: what the data knows.
    """
    table: dict[str, list[object]] = {"index": list(range(len(outputs)))}
    if spec.kind == "class":
        if targets is not None:
            table["target"] = [spec.classes[i] for i in targets.tolist()]
        table["prediction"] = [spec.classes[i] for i in outputs.argmax(1).tolist()]
        table |= {
            f"p({name})": column
            for name, column in zip(spec.classes, outputs.T.tolist(), strict=True)
        }
    else:
        for k in range(spec.outputs):
            ending = f"_{k}" if spec.outputs > 1 else ""
            if targets is not None:
                table[f"target{ending}"] = targets[:, k].tolist()
            table[f"prediction{ending}"] = outputs[:, k].tolist()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(table)
        writer.writerows(zip(*table.values(), strict=True))

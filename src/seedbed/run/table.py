"""Predictions as a table."""

import csv
import io
from pathlib import Path

from torch import Tensor

from seedbed.atomic import write
from seedbed.types import Spec


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
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    write(path, text.getvalue())

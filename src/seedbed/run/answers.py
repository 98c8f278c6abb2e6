"""What the model answered on the test split, written down while it is measured: `test.json`.

The report shows it: the confusion matrix, the worst errors as pictures, the weights by layer.
"""

import base64
import io
from collections.abc import Iterator
from typing import Any, cast

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from seedbed.types import Batch, Examples, Spec

CLASSES = 100  # of which a matrix can be read
WORST = 16  # errors that are shown
PAIRS = 1000  # targets and predictions that are drawn
LAYERS, BINS = 24, 41  # weights that are shown, and pieces of their histograms


class Answers(Callback):
    """Changes nothing: keeps the answers on the test split, not those on further test sets.

    Args:
        spec: what the data knows.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.scores: list[Tensor] = []  # (B,) chance that the model gave the target, or the error
        self.answers: list[Tensor] = []  # (B,) classes, or values
        self.targets: list[Tensor] = []  # (B,)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep what a batch was answered."""
        if dataloader_idx or self.spec.episode or not isinstance(outputs, Tensor):
            return
        logits, y = self.spec.scores(outputs.detach().float()), cast(Batch, batch).y
        if self.spec.kind == "class":
            chances = logits.softmax(-1)
            self.scores.append(chances.gather(1, y.clamp(min=0)[:, None])[:, 0])
            self.answers.append(logits.argmax(-1))
            self.targets.append(y)
        else:
            self.scores.append(-(logits - y).abs().sum(-1))
            self.answers.append(logits[:, 0])
            self.targets.append(y[:, 0])

    def record(self, trainer: Trainer, model: nn.Module, examples: Examples) -> dict[str, Any]:
        """Return what the report shows, as plain data; the same call on every process.

        Args:
            trainer: that has tested.
            model: that was tested.
            examples: the test split.
        """
        cells = self._matrix(trainer)  # of all processes, also of one that had no batch
        if not self.scores:
            return {}
        parts = (self.scores, self.answers, self.targets)
        scores, answers, targets = (torch.cat(each).cpu() for each in parts)
        known: dict[str, Any] = {"weights": list(histograms(model)), **cells}
        if self.spec.kind == "value":
            step = max(1, len(answers) // PAIRS)
            known["pairs"] = [targets[::step].tolist(), answers[::step].tolist()]
        if trainer.world_size == 1:  # else nobody here knows the places of all examples
            known["worst"] = list(self._worst(scores, answers, targets, examples))
        return known

    def _matrix(self, trainer: Trainer) -> dict[str, Any]:
        names = self.spec.classes
        if self.spec.kind != "class" or self.spec.episode or len(names) > CLASSES:
            return {}
        cells = torch.zeros(len(names) ** 2, dtype=torch.int64, device=trainer.strategy.root_device)
        for y, answer in zip(self.targets, self.answers, strict=True):
            seen = y >= 0
            cells += (y[seen] * len(names) + answer[seen]).bincount(minlength=len(cells))
        whole = cast(Tensor, trainer.strategy.reduce(cells, reduce_op="sum"))
        matrix = whole.cpu().reshape(len(names), len(names))
        return {"classes": list(names), "confusion": matrix.tolist()}

    def _worst(
        self, scores: Tensor, answers: Tensor, targets: Tensor, examples: Examples
    ) -> Iterator[dict[str, Any]]:
        """Yield the errors in which the target had the least chance, or was the farthest."""
        wrong = (answers != targets) & ((targets >= 0) | (self.spec.kind != "class"))
        places = wrong.nonzero().flatten()
        names = self.spec.classes
        for at in places[scores[places].argsort()[:WORST]].tolist():
            target, answer = targets[at].item(), answers[at].item()
            if names:
                target, answer = names[int(target)], names[int(answer)]
            picture = png(examples.x[torch.tensor([at])][0])
            yield {
                "index": at,
                "target": target,
                "prediction": answer,
                "score": abs(scores[at].item()),
            } | ({"picture": picture} if picture else {})


def histograms(model: nn.Module) -> Iterator[dict[str, Any]]:
    """Yield how the weights of each layer are spread, biases left out."""
    named = [(n, p.detach().float().cpu()) for n, p in model.named_parameters() if p.ndim > 1]
    for name, weights in named[:LAYERS]:
        low, high = weights.min().item(), weights.max().item()
        if low < high:
            counts = torch.histc(weights, BINS, low, high)
            yield {"name": name, "low": low, "high": high, "counts": counts.tolist()}


def png(x: Tensor) -> str:
    """Return an image `(1 or 3, H, W)` as a PNG in base64, "" where it is none."""
    if x.ndim != 3 or x.shape[0] not in (1, 3):
        return ""
    from PIL import Image

    x = x.detach().float().cpu()
    x = (x - x.amin()) / (x.amax() - x.amin()).clamp(min=1e-8)
    pixels = (255 * x).round().to(torch.uint8).permute(1, 2, 0).squeeze(-1).numpy()
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()

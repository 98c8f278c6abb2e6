"""What changes a model for a test or prediction, and leaves it as it was.

What adapts to batches: parts of batch norm are replaced by stand-ins while a loader lasts; the
layers' own tensors are never written to, and return to their places afterwards, whatever happens.
"""

import sys
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

FEW = 16  # examples from which statistics are hardly worth their name

Parameters = dict[str, nn.Parameter | None]
Buffers = dict[str, Tensor | None]


class AtTest(Callback):
    """Acts in the stages test and predict, and nowhere else.

    A technique says how it begins and how it ends.
    """

    def start(self, task: Any) -> None:
        """Change the model of a task."""
        raise NotImplementedError

    def end(self) -> None:
        """Leave the model as it was, whatever has been done; may be called twice."""
        raise NotImplementedError

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Change the model."""
        self.start(pl_module)

    def on_predict_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Change the model."""
        self.start(pl_module)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the model as it was."""
        self.end()

    def on_predict_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the model as it was."""
        self.end()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the model as it was where a stage has failed."""
        self.end()


class Adaptation(AtTest):
    """Adapts before every batch of the stages test and predict; anew for every loader.

    A technique overrides `begin`, `adapt` and `fits`.
    """

    name = ""

    def __init__(self) -> None:
        self.norms: list[_BatchNorm] = []
        self.own: list[tuple[Parameters, Buffers]] = []  # parameters and buffers of each
        self.loader: int | None = None  # the one that lasts
        self.warned = False

    # -- the technique ---------------------------------------------------------------------

    def fits(self, norm: _BatchNorm) -> bool:
        """Return whether there is something to adapt in a layer."""
        return norm.running_mean is not None

    def begin(self, task: Any) -> None:
        """Put stand-ins where something will change, at the first batch of a loader."""

    def adapt(self, trainer: Trainer, task: Any, x: Tensor) -> None:
        """Change the stand-ins before the model sees these inputs, `(B, ...)`."""

    # -- when ------------------------------------------------------------------------------

    def prepare(self, task: Any) -> None:
        """Find the layers; called before anything is run.

        Raises:
            ValueError: there are none, or batches hold no single examples.
        """
        if task.spec.episode:
            raise ValueError("it adapts to single examples; an episode is no batch of examples")
        found = (m for m in task.model.modules() if isinstance(m, _BatchNorm))
        self.norms = [norm for norm in found if self.fits(norm)]
        if not self.norms:
            raise ValueError("it adapts batch norm, and this model has none; model.norm=batch")

    def start(self, task: Any) -> None:
        """Remember what there is."""
        self.prepare(task)
        self.own = [(dict(norm._parameters), dict(norm._buffers)) for norm in self.norms]

    def restore(self) -> None:
        """Put everything back in its place."""
        for norm, (parameters, buffers) in zip(self.norms, self.own, strict=False):
            norm._parameters.update(parameters)
            norm._buffers.update(buffers)
        self.loader = None

    def before(self, trainer: Trainer, task: Any, x: Tensor, loader: int) -> None:
        """Adapt to a batch."""
        with torch.inference_mode(False), torch.no_grad():
            if loader != self.loader:
                self.restore()
                self.begin(task)
                self.loader = loader
            if len(x) < FEW and not self.warned and trainer.is_global_zero:
                self.warned = True
                sys.stderr.write(
                    f"callback.{self.name}: a batch of {len(x)} examples; statistics of fewer "
                    f"than {FEW} are little more than chance\n"
                )
            self.adapt(trainer, task, x.clone())  # one that gradients may pass through

    def on_test_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Adapt to a batch."""
        self.before(trainer, pl_module, batch.x, dataloader_idx)

    def on_predict_batch_start(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Adapt to a batch."""
        self.before(trainer, pl_module, batch.x, dataloader_idx)

    def end(self) -> None:
        """Leave the model as it was, and let go of it."""
        self.restore()
        self.own = []


def forget(norm: nn.Module) -> None:
    """Let a batch norm use the statistics of each batch; it keeps none, in eval mode either."""
    norm._buffers["running_mean"] = norm._buffers["running_var"] = None

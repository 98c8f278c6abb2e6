"""How large signals and gradients are in every layer.

Formula: signal/l = rms(outputs of layer l) = √(mean a²);  gradient/l = rms(∂L/∂W of layer l)

Source: Glorot & Bengio 2010, "Understanding the Difficulty of Training Deep Feedforward Neural
Networks", section 4, https://proceedings.mlr.press/v9/glorot10a.html.
"""

from collections.abc import Callable
from typing import Any

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from torch import Tensor, nn

from seedbed.weight import mixing_modules, sources


def rms(values: Tensor) -> Tensor:
    """Return the root of the mean square, `()`, in single precision at least."""
    precise = values.detach().to(torch.promote_types(values.dtype, torch.float32))
    return precise.square().mean().sqrt()


class Signals(Callback):
    """Changes nothing in training: logs the size of each layer's output and weight gradient.

    Layers that mix their inputs, linear and convolutional, are numbered from 1 as the model lists
    them: `signal/1`, `gradient/1`, and so on, at step 0 and every `trainer.log_every_n_steps`.
    Step t stands for the weights after t updates, so step 0 shows what the init does.  Gradients
    are those before clipping; under weight norm that of the direction.  The first process speaks
    for all of them, of its own examples; between logged steps nothing is measured.
    """

    def __init__(self) -> None:
        self.hooks: list[torch.utils.hooks.RemovableHandle] = []
        self.layers: list[nn.Module] = []
        self.values: dict[str, Tensor] = {}  # () each
        self.step = -1  # updates made before the step that is measured

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Listen to the first forward pass of a step that is logged."""
        due = trainer.global_step % trainer.log_every_n_steps == 0  # pyright: ignore[reportAttributeAccessIssue]
        if due and trainer.global_step != self.step and trainer.is_global_zero:
            self.step = trainer.global_step
            self.layers = list(mixing_modules(getattr(pl_module, "model", pl_module)))
            self.hooks = [
                layer.register_forward_hook(self._listen(f"signal/{n}"))
                for n, layer in enumerate(self.layers, 1)
            ]

    def _listen(self, name: str) -> Callable[[nn.Module, Any, Tensor], None]:
        def hook(layer: nn.Module, given: Any, output: Tensor) -> None:
            if name not in self.values:
                self.values[name] = rms(output)

        return hook

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look at the gradients so far; the last micro-batch's look is what stays."""
        if not self.layers:
            return
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        scale = 1.0 if scaler is None else scaler.get_scale()
        for n, layer in enumerate(self.layers, 1):
            gradient = sources(layer)[0].grad
            if gradient is not None:
                self.values[f"gradient/{n}"] = rms(gradient) / scale

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Write the values when the update is made."""
        self._stop_listening()
        if not self.layers or trainer.global_step == self.step:
            return
        values = {name: value.item() for name, value in self.values.items()}
        pl_module.log_dict(values, logger=False, on_step=True, on_epoch=False)  # for metrics.json
        if self.step == 0:  # other rows have theirs from the task, which logs the same steps
            values["epoch"] = trainer.current_epoch + 1
        for logger in trainer.loggers:
            logger.log_metrics(values, step=self.step)
        self.layers, self.values = [], {}

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave no hooks behind."""
        self._stop_listening()

    def _stop_listening(self) -> None:
        for hook in self.hooks:
            hook.remove()
        self.hooks = []

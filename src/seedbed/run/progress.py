"""The progress bar: one line for the whole training, redrawn ten times a second at most."""

import sys
import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

BAR = "{desc} {percentage:3.0f}% |{bar:20}| {rate_fmt} {elapsed}<{remaining} {postfix}"


class Progress(Callback):
    """Shows epoch, speed and the newest losses; plain lines where the output is no terminal.

    Args:
        monitor: metric whose best value is shown.
    """

    def __init__(self, monitor: str) -> None:
        self.monitor = monitor
        self.bar: tqdm[Any] | None = None
        self.drawn = 0.0
        self.pending = 0

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Open the bar on the process that speaks."""
        if not trainer.is_global_zero:
            return
        epochs, batches = trainer.max_epochs or -1, trainer.num_training_batches
        total = epochs * int(batches) if epochs > 0 and batches != float("inf") else None
        self.bar = tqdm(
            total=total,
            initial=trainer.fit_loop.total_batch_idx + 1,
            unit=" batches",
            file=sys.stdout,
            dynamic_ncols=True,
            disable=not sys.stdout.isatty(),
            bar_format=BAR,
        )
        self._describe(trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on."""
        self.pending += 1
        now = time.monotonic()
        if self.bar is not None and now - self.drawn > 0.1:
            self.drawn = now
            self._advance()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the epoch's numbers."""
        if self.bar is None:
            return
        self._describe(trainer)
        self._advance()
        if not sys.stdout.isatty():
            print(
                f"epoch {trainer.current_epoch + 1:3}/{trainer.max_epochs}  {numbers(trainer)}",
                flush=True,
            )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the bar as it is."""
        self._close()

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Leave the terminal clean for the message."""
        self._close()

    def _advance(self) -> None:
        if self.bar is not None:
            self.bar.update(self.pending)
            self.pending = 0

    def _describe(self, trainer: Trainer) -> None:
        if self.bar is not None:
            epoch = min(trainer.current_epoch + 1, trainer.max_epochs or sys.maxsize)
            self.bar.set_description_str(f"epoch {epoch}/{trainer.max_epochs}", refresh=False)
            self.bar.set_postfix_str(numbers(trainer), refresh=False)

    def _close(self) -> None:
        self._advance()
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def numbers(trainer: Trainer) -> str:
    """Return the newest epoch means, losses first."""
    found = {
        k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith(("train/", "val/"))
    }
    order = sorted(found, key=lambda k: (k.partition("/")[2] != "loss", k))
    return "  ".join(f"{name} {found[name]:.4f}" for name in order[:4])

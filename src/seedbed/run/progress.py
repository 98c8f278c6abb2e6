"""The progress bar: one line for the whole training, redrawn ten times a second at most."""

import os
import sys
import time
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from tqdm import tqdm

BAR = "{desc} |{bar:10}| {elapsed}<{remaining}{postfix}"


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
            unit="batch",
            file=sys.stdout,
            dynamic_ncols=True,
            disable=not interactive(),
            bar_format=BAR,
        )

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Move on."""
        self.pending += 1
        now = time.monotonic()
        if self.bar is not None and now - self.drawn > 0.1:
            self.drawn = now
            self._advance()

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the numbers of the epoch before, which are complete only now."""
        self._show(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the last epoch's numbers and leave the bar as it is."""
        self._show(trainer)
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

    def _show(self, trainer: Trainer) -> None:
        shown = numbers(trainer)
        if self.bar is None or not shown:
            return
        done = f"epoch {trainer.current_epoch:3}/{trainer.max_epochs}"
        self.bar.set_description_str(done, refresh=False)
        self.bar.set_postfix_str(shown, refresh=False)
        self._advance()
        if not interactive():
            tqdm.write(f"{done}  {shown}", file=sys.stdout)

    def _close(self) -> None:
        self._advance()
        if self.bar is not None:
            self.bar.close()
            self.bar = None


def interactive() -> bool:
    """Return whether a line of the output can be redrawn."""
    return sys.stdout.isatty() and os.get_terminal_size(sys.stdout.fileno()).columns > 0


def numbers(trainer: Trainer) -> str:
    """Return the newest epoch means, losses first."""
    found = {
        k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith(("train/", "val/"))
    }
    order = sorted(found, key=lambda k: (not k.endswith("/loss"), k.partition("/")[2], k))
    return "  ".join(f"{name} {found[name]:.3f}" for name in order[:4])

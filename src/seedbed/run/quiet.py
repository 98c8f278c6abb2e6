"""Lightning's notes to itself, kept off a user's terminal; its errors and real warnings are not."""

import contextlib
import logging
import threading
import warnings
from collections.abc import Iterator

from seedbed.atomic import full

NOTES = (
    r".*does not have many workers.*",
    r".*number of training batches .* is smaller than the logging interval.*",
    r".*recommended to use `self.log\(.*sync_dist=True\)`.*",  # ranks have agreed: task/_meter.py
    r".*LeafSpec.*is deprecated.*",
    r".*Checkpoint directory .* exists and is not empty.*",
    r"Precision .* is not supported by the model summary.*",
    r".*Be aware that when using `ckpt_path`.*",  # strict=false: the door has said what differs
    r".*You're resuming from a checkpoint that ended before the epoch ended.*",
)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Silence what needs no action."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning")
    before = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.profilers").setLevel(logging.INFO)  # their report is one
    aloud, threading.excepthook = threading.excepthook, of_a_thread
    try:
        with warnings.catch_warnings():
            for note in NOTES:
                warnings.filterwarnings("ignore", message=note)
            yield
    finally:
        threading.excepthook = aloud
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)


def of_a_thread(args: threading.ExceptHookArgs) -> None:
    """Print what ended a thread, but for a full disk: TensorBoard's says that to its caller too."""
    if args.exc_value is None or not full(args.exc_value):
        threading.__excepthook__(args)

"""Lightning's notes to itself, kept off a user's terminal; its errors and real warnings are not."""

import contextlib
import logging
import warnings
from collections.abc import Iterator

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
    try:
        with warnings.catch_warnings():
            for note in NOTES:
                warnings.filterwarnings("ignore", message=note)
            yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)

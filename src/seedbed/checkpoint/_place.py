"""Where training stands, in the words of Lightning's loops: between two batches or two epochs.

Lightning counts what has begun apart from what is complete, and guesses from the differences where
a checkpoint was written.  It guesses wrongly between two batches, so a checkpoint says only what is
complete.
"""

from typing import Any

BATCHES = "epoch_loop.batch_progress"
OF_AN_EPOCH = (
    BATCHES,
    "epoch_loop.scheduler_progress",
    "epoch_loop.automatic_optimization.optim_progress",
)


def settle(fit: dict[str, Any]) -> None:
    """Change the state of a fit loop, in place, so that nothing in it is half done."""
    epochs, batches = fit["epoch_progress"], fit[BATCHES]
    if batches["current"]["ready"] != batches["current"]["completed"]:  # one was only fetched
        batches["is_last_batch"] = False
    for count in (batches["total"], batches["current"]):
        count.update(dict.fromkeys(count, count["completed"]))
    over = epochs["current"]["ready"] == epochs["current"]["processed"]
    if over or not batches["current"]["completed"]:  # or the next has not begun
        batches["is_last_batch"] = False
        for count in epochs.values():
            count.update(dict.fromkeys(count, count["processed"]))
        for name in OF_AN_EPOCH:
            forget(fit[name])


def forget(progress: dict[str, Any]) -> None:
    """Set what is counted anew in every epoch to nought, at any depth."""
    for name, value in progress.items():
        if isinstance(value, dict):
            if name == "current":
                value.update(dict.fromkeys(value, 0))
            else:
                forget(value)


def place(fit: dict[str, Any]) -> tuple[int, int]:
    """Return how many epochs are complete, and how many batches of the next one."""
    return fit["epoch_progress"]["current"]["completed"], fit[BATCHES]["current"]["completed"]

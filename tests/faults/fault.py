"""A fault that strikes a run at one exact place; run as a script it is `train.py` with that fault.

`FAULT` in the environment holds `{"where", "step", "rank", "what", "mark"}`: at the place `where`,
when `step` updates are made, on `rank`, do `what`, and leave the file `mark` to prove that it
happened.
"""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import get_worker_info

from seedbed import door
from seedbed.data._image import Images
from seedbed.run import pipeline
from seedbed.task.supervised import Supervised

PLACES: dict[str, tuple[Any, str, bool]] = {  # owner, function, before it or after it
    "batch": (Supervised, "on_train_batch_end", False),
    "forward": (Supervised, "training_step", True),
    "update": (Supervised, "on_before_optimizer_step", True),
    "epoch": (Supervised, "on_train_epoch_end", True),  # the best is saved, the last is not
    "validation": (Supervised, "validation_step", False),
    "test": (Supervised, "test_step", False),
    "read": (Images, "bytes", True),  # in a data worker
}

Set = Callable[[Any, str, Any], None]


def strike(fault: Mapping[str, Any]) -> None:
    """Do it, once for all processes and restarts that share the mark."""
    mark = Path(fault["mark"])
    if mark.exists():
        return
    mark.write_text(str(os.getpid()))
    what = fault["what"]
    if what.startswith("SIG"):
        os.kill(os.getpid(), getattr(signal, what))
    elif what == "raise":
        raise RuntimeError("the step is broken")
    elif what == "memory":
        torch.empty(1 << 50)
    elif what == "exit":
        os._exit(3)
    elif what == "hang":
        time.sleep(3600)
    elif what == "twice":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(3600)
    else:
        raise ValueError(what)


def install(fault: Mapping[str, Any], put: Set = setattr) -> None:
    """Change the code so that the fault strikes."""
    owner, name, before = PLACES[fault["where"]]
    plain = getattr(owner, name)

    def struck(self: Any, *args: Any, **kwargs: Any) -> Any:
        if fault["where"] == "read":
            due = get_worker_info() is not None
        else:
            due = self.global_step == fault["step"] and self.global_rank == fault.get("rank", 0)
        if due and fault["what"] == "nan":
            Path(fault["mark"]).touch()
            with torch.no_grad():
                next(self.parameters()).fill_(float("nan"))
            due = False
        if due and before:
            strike(fault)
        result = plain(self, *args, **kwargs)
        if due and not before:
            strike(fault)
        return result

    put(owner, name, struck)


if __name__ == "__main__":
    if "FAULT" in os.environ:
        install(json.loads(os.environ["FAULT"]))
    door.enter(pipeline.run)

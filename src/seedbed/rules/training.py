"""Trainings that would make no step, have no end, or ask for what is not there."""

import math
import os
from collections.abc import Mapping
from typing import Any

from seedbed import signature


def tail_beyond_the_end(plain: Mapping[str, Any]) -> str | None:
    """A tail of the training, to be averaged, that holds no snapshot."""
    swa, trainer = plain["callback"].get("swa"), plain["trainer"]
    if not swa or "fit" not in plain["stages"]:
        return None
    start, every, longest = swa.get("start", 0.75), swa.get("every", 1), trainer.get("max_epochs")
    if longest == -1:
        if 0 < start < 1 and trainer.get("max_steps", -1) == -1:
            return (
                f"callback.swa.start={start} with trainer.max_epochs=-1: a share of a training "
                "without end; write a number of epochs"
            )
        return None
    if longest and math.floor(start * longest + 1e-9 if start < 1 else start) + every > longest:
        return (
            f"callback.swa.start={start} callback.swa.every={every}: no snapshot in "
            f"trainer.max_epochs={longest}"
        )
    return None


AT_LEAST_1 = ("accumulate_grad_batches", "log_every_n_steps", "check_val_every_n_epoch")


def done_elsewhere(plain: Mapping[str, Any]) -> str | None:
    """What Lightning offers and seedbed has a part for, or cannot work with."""
    trainer = plain["trainer"]
    if trainer.get("gradient_clip_val") is not None:
        return "trainer.gradient_clip_val: use callback=gradient_clip, which logs both norms"
    if trainer.get("overfit_batches"):
        return "trainer.overfit_batches: use debug=overfit, or data.fraction"
    strategy = str(trainer.get("strategy", ""))
    if "spawn" in strategy or "fork" in strategy or "notebook" in strategy:
        return f"trainer.strategy={strategy}: use ddp; its processes read their config from the run"
    return None


def nothing_to_train(plain: Mapping[str, Any]) -> str | None:
    """A trainer that would make no step, or never end by mistake."""
    trainer, default = plain["trainer"], -1
    for key in ("max_epochs", "max_steps", "limit_train_batches"):
        if trainer.get(key, default) == 0:
            return f"trainer.{key}=0: nothing would be trained"
    for key in AT_LEAST_1:
        value = trainer.get(key, 1)
        if value is not None and value < 1:
            return f"trainer.{key}={value}: at least 1 is expected"
    if trainer.get("max_epochs", default) is None and trainer.get("max_steps", -1) == -1:
        return "trainer.max_epochs=null: a whole number is expected; -1 trains without end"
    return None


def impossible_devices(plain: Mapping[str, Any]) -> str | None:
    """Devices that this machine does not have."""
    accelerator, devices = plain["trainer"].get("accelerator"), plain["trainer"].get("devices")
    if accelerator in ("gpu", "cuda"):
        import torch  # heavy

        if not torch.cuda.is_available() and not torch.backends.mps.is_available():
            return (
                f"trainer.accelerator={accelerator}: no GPU here; trainer=cpu or ddp_cpu need none"
            )
    if accelerator == "cpu" and isinstance(devices, int):
        most = max(8, os.cpu_count() or 1)
        if not 1 <= devices <= most:
            return f"trainer.devices={devices}: 1 to {most} processes are expected on this CPU"
    return None


def prediction_without_stage(plain: Mapping[str, Any]) -> str | None:
    """Inputs to predict, and no stage that does."""
    path = plain["predict"]["path"]
    if path is None:
        return None
    if "predict" not in plain["stages"]:
        return f"predict.path={path}: stages does not include predict"
    return None if os.path.exists(path) else f"predict.path={path}: there is no such file"  # noqa: PTH110


def schedule_of(plain: Mapping[str, Any]) -> tuple[str, Any]:
    """Return the name of the scheduler's option and the schedule, built to be asked."""
    node = plain["scheduler"]
    if not node:
        return "", None
    offers = {"monitor": plain["monitor"]["name"], "mode": "min"}
    return node["_target_"].split(".")[-2], signature.built(node, **offers)


def schedule_without_end(plain: Mapping[str, Any]) -> str | None:
    """A schedule that spans the training, without an end of training."""
    trainer = plain["trainer"]
    endless = trainer.get("max_epochs") == -1 and trainer.get("max_steps", -1) == -1
    if endless:
        name, schedule = schedule_of(plain)
        if getattr(schedule, "needs_end", False):
            return f"scheduler={name} with trainer.max_epochs=-1: the schedule needs an end"
    return None


def plateau_without_validation(plain: Mapping[str, Any]) -> str | None:
    """A schedule that looks at a validation, where none is made."""
    trainer, (name, schedule) = plain["trainer"], schedule_of(plain)
    if not hasattr(schedule, "observe"):
        return None
    why = f"scheduler={name} looks at {plain['monitor']['name']} after a validation"
    if trainer.get("limit_val_batches", 1) == 0:
        return f"{why}, and trainer.limit_val_batches=0; choose another scheduler"
    every, epochs = trainer.get("check_val_every_n_epoch", 1), trainer.get("max_epochs") or -1
    if every and 0 < epochs < every:
        return (
            f"{why}, and there is none: trainer.check_val_every_n_epoch={every} with "
            f"trainer.max_epochs={epochs}"
        )
    return None


def no_checkpoint(plain: Mapping[str, Any]) -> str | None:
    """A test or prediction of a run that saves nothing."""
    stages = [plain["stages"]] if isinstance(plain["stages"], str) else plain["stages"]
    later = [s for s in stages if s in ("test", "compress", "predict")]
    if "fit" in stages and later and not plain["checkpoint"]:
        return (
            f"checkpoint=none with stages=[{','.join(stages)}]: {' and '.join(later)} would need "
            "the best weights, which nobody saves; choose checkpoint=best_and_last or "
            "stages=[fit,report]"
        )
    return None

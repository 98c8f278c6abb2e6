"""What the gate refuses beside signatures: values that no technique owns, and combinations."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedbed import signature
from seedbed.nearest import nearest

STAGES = ["fit", "test", "predict", "report"]
DIRECTION = {"loss": "min", "mae": "min", "rmse": "min", "acc": "max", "r2": "max"}
LOSS_FITS = {"CrossEntropyLoss": "class", "MSELoss": "value"}
TARGETS = {"class": "classes", "value": "real numbers"}


def values(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values that no technique owns."""
    yield from stage_slips(plain["stages"], plain["run"])
    yield from monitor_slips(**plain["monitor"])
    if not 0 <= plain["seed"] < 2**32:
        yield f"seed={plain['seed']}: a whole number from 0 to 4294967295 is expected"
    if plain["run"] and plain["out"]:
        yield f"out={plain['out']}: a run that goes on writes to its own folder {plain['run']}"
    name = plain["name"]
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", name):
        yield f"name={name!r}: a folder inside logs/ is expected (letters, digits, _ . - and /)"
    if plain["num_threads"] is not None and plain["num_threads"] < 1:
        yield f"num_threads={plain['num_threads']}: at least 1 is expected"


def monitor_slips(name: str, mode: str) -> Iterator[str]:
    """Yield what is wrong with the monitor, as far as it is known before the data is read."""
    if mode not in ("auto", "min", "max"):
        yield f"monitor.mode={mode}: auto, min or max is expected"
    elif mode == "auto" and name.rpartition("/")[2] not in DIRECTION:
        known = nearest(name, [f"{split}/{m}" for split in ("train", "val") for m in DIRECTION])
        yield f"monitor.name={name}: no such metric; {known}; for your own, set monitor.mode"


def direction(name: str, mode: str) -> str:
    """Return `min` if less of a metric is better, else `max`."""
    return DIRECTION[name.rpartition("/")[2]] if mode == "auto" else mode


def stage_slips(stages: Any, run: str | None) -> Iterator[str]:
    """Yield what is wrong with the list of stages."""
    stages = [stages] if isinstance(stages, str) else stages
    if not isinstance(stages, list) or not stages:
        yield f"stages={stages}: a list of {', '.join(STAGES)} is expected"
        return
    unknown = [stage for stage in stages if stage not in STAGES]
    for stage in unknown:
        yield f"stages: there is no stage {stage!r}; {nearest(str(stage), STAGES)}"
    if not run and not unknown and "fit" not in stages:
        words = ",".join(stages)
        yield f"stages={words}: nothing is trained yet; name a finished run with run=<folder>"


def refused(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield combinations of parts that each fit but not together."""
    for rule in (
        two_decays,
        two_smoothings,
        loss_against_data,
        two_inits,
        two_averages,
        tail_beyond_the_end,
        schedule_without_end,
        summed_loss,
        nothing_to_train,
        done_elsewhere,
        impossible_devices,
        prediction_without_stage,
        no_checkpoint,
    ):
        problem = rule(plain)
        if problem:
            yield problem


def two_decays(plain: Mapping[str, Any]) -> str | None:
    """An L2 penalty and weight decay on the same weights."""
    known = signature.parameters_of(signature.resolve(plain["optimizer"]["_target_"]))
    default = known["weight_decay"].default if "weight_decay" in known else 0
    decay = plain["optimizer"].get("weight_decay", default)
    if "l2" in plain["regularizer"] and plain["regularizer"]["l2"] and decay:
        return (
            f"regularizer=l2 with optimizer.weight_decay={decay}: both shrink the same weights; "
            "set optimizer.weight_decay=0 or remove the penalty with ~regularizer.l2"
        )
    return None


def two_smoothings(plain: Mapping[str, Any]) -> str | None:
    """Label smoothing in the loss and as a regularizer."""
    inside = plain["loss"].get("label_smoothing", 0)
    if plain["regularizer"].get("label_smoothing") and inside:
        return (
            f"regularizer=label_smoothing with loss.label_smoothing={inside}: targets would be "
            "smoothed twice; set loss.label_smoothing=0"
        )
    return None


def loss_against_data(plain: Mapping[str, Any]) -> str | None:
    """A loss that does not fit the kind of target, as far as it is known before reading."""
    data = signature.resolve(plain["data"]["_target_"])
    if not hasattr(data, "kind"):
        return None
    arguments = {k: v for k, v in plain["data"].items() if k != "_target_"}
    return misfit(plain["loss"]["_target_"], data.kind(**arguments))


def misfit(loss: str, kind: str) -> str | None:
    """Return why the loss at the path `loss` does not fit targets of `kind`."""
    name = loss.rpartition(".")[2]
    if LOSS_FITS.get(name, kind) == kind:  # a loss that is not listed is trusted
        return None
    needs, fitting = LOSS_FITS[name], [n for n, k in LOSS_FITS.items() if k == kind]
    return (
        f"loss: {name} needs {TARGETS[needs]} as targets, the data has {TARGETS[kind]}; "
        f"use {' or '.join(fitting)}"
    )


def two_inits(plain: Mapping[str, Any]) -> str | None:
    """Two ways to fill the same weights."""
    chosen = [name for name in ("lecun", "xavier", "he") if plain["init"].get(name)]
    if len(chosen) > 1:
        return f"init=[{','.join(chosen)}]: each overwrites the one before; choose one"
    return None


def two_averages(plain: Mapping[str, Any]) -> str | None:
    """Two averages of the weights, of which only one can be validated and saved."""
    if plain["callback"].get("ema") and plain["callback"].get("swa"):
        return (
            "callback=[ema,swa]: each would be the model that is validated and saved; choose one "
            "(~callback.ema or ~callback.swa)"
        )
    return None


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


def summed_loss(plain: Mapping[str, Any]) -> str | None:
    """A loss that is no mean: its step and its logs would depend on the batch size."""
    reduction = plain["loss"].get("reduction", "mean")
    if reduction not in ("mean", "batchmean"):
        return (
            f"loss.reduction={reduction}: mean is expected; the step must not grow with the batch"
        )
    return None


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
    return None if os.path.isfile(path) else f"predict.path={path}: there is no such file"  # noqa: PTH113


def schedule_without_end(plain: Mapping[str, Any]) -> str | None:
    """A schedule that spans the training, without an end of training."""
    trainer = plain["trainer"]
    endless = trainer.get("max_epochs") == -1 and trainer.get("max_steps", -1) == -1
    if endless and plain["scheduler"] and plain["scheduler"]["_target_"].endswith(".Cosine"):
        return "scheduler=cosine with trainer.max_epochs=-1: the schedule needs an end"
    return None


def no_checkpoint(plain: Mapping[str, Any]) -> str | None:
    """A test or prediction of a run that saves nothing."""
    stages = [plain["stages"]] if isinstance(plain["stages"], str) else plain["stages"]
    later = [s for s in stages if s in ("test", "predict")]
    if "fit" in stages and later and not plain["checkpoint"]:
        return f"stages {','.join(later)} need the best weights, and checkpoint is switched off"
    return None

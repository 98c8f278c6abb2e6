"""What the gate refuses beside signatures: values that no technique owns, and combinations."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedbed import signature
from seedbed.nearest import nearest

STAGES = ["fit", "test", "predict", "report"]
LOSS_FITS = {"CrossEntropyLoss": "class", "MSELoss": "value"}
TARGETS = {"class": "classes", "value": "real numbers"}


def values(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values that no technique owns."""
    yield from stage_slips(plain["stages"], plain["run"])
    if plain["monitor"]["mode"] not in ("min", "max"):
        yield f"monitor.mode={plain['monitor']['mode']}: min or max is expected"
    name = plain["name"]
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", name):
        yield f"name={name!r}: a folder inside logs/ is expected (letters, digits, _ . - and /)"
    if plain["num_threads"] is not None and plain["num_threads"] < 1:
        yield f"num_threads={plain['num_threads']}: at least 1 is expected"


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
        schedule_without_end,
        no_checkpoint,
    ):
        problem = rule(plain)
        if problem:
            yield problem


def two_decays(plain: Mapping[str, Any]) -> str | None:
    """An L2 penalty and weight decay on the same weights."""
    decay = plain["optimizer"].get("weight_decay", 0)
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

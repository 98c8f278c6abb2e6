"""What the gate refuses beside signatures: values that no technique owns, and combinations."""

import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedbed import signature
from seedbed.nearest import nearest

STAGES = ["fit", "test", "predict", "report"]
DIRECTION = {
    **dict.fromkeys(("loss", "mae", "rmse"), "min"),
    **dict.fromkeys(("acc", "f1", "auroc", "r2"), "max"),
}
LOSS_FITS = {  # by class name, ours and torch's
    **dict.fromkeys(("CrossEntropy", "BinaryCrossEntropy", "KLDiv"), "class"),
    **dict.fromkeys(("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss"), "class"),
    **dict.fromkeys(("KLDivLoss", "MultiMarginLoss", "SoftMarginLoss"), "class"),
    **dict.fromkeys(("MultiLabelMarginLoss", "MultiLabelSoftMarginLoss"), "class"),
    **dict.fromkeys(("Huber", "MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"), "value"),
    **dict.fromkeys(("PoissonNLLLoss", "GaussianNLLLoss"), "value"),
}
FITTING = {"class": "cross_entropy, binary_cross_entropy or kl_div", "value": "mse, mae or huber"}
TARGETS = {"class": "classes", "value": "real numbers"}


def values(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values that no technique owns."""
    yield from stage_slips(plain["stages"], plain["run"], whole=is_whole(plain["model"]))
    yield from monitor_slips(**plain["monitor"])
    if plain["show"] is not None and not is_words(plain["show"]):
        yield f"show={plain['show']}: a list of metrics is expected, such as [val/loss,test/acc]"
    if not 0 <= plain["seed"] < 2**32:
        yield f"seed={plain['seed']}: a whole number from 0 to 4294967295 is expected"
    if plain["run"] and plain["out"]:
        yield f"out={plain['out']}: a run that goes on writes to its own folder {plain['run']}"
    name = plain["name"]
    if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", name):
        yield f"name={name!r}: a folder inside logs/ is expected (letters, digits, _ . - and /)"
    if plain["num_threads"] is not None and plain["num_threads"] < 1:
        yield f"num_threads={plain['num_threads']}: at least 1 is expected"


def is_words(value: Any) -> bool:
    """Return whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


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


def is_whole(node: Any) -> bool:
    """Return whether a model is made of trained ones and has nothing left to learn."""
    target = node.get("_target_") if isinstance(node, Mapping) else None
    return str(target).endswith(".Ensemble")


def stage_slips(stages: Any, run: str | None, *, whole: bool = False) -> Iterator[str]:
    """Yield what is wrong with the list of stages."""
    stages = [stages] if isinstance(stages, str) else stages
    if not isinstance(stages, list) or not stages:
        yield f"stages={stages}: a list of {', '.join(STAGES)} is expected"
        return
    asked = f"stages=[{','.join(map(str, stages))}]"
    twice = sorted({str(stage) for stage in stages if stages.count(stage) > 1})
    if twice:
        yield f"{asked}: {', '.join(twice)} stands there twice"
    elif "fit" in stages[1:]:
        yield f"{asked}: fit comes first"
    unknown = [stage for stage in stages if stage not in STAGES]
    for stage in unknown:
        yield f"stages: there is no stage {stage!r}; {nearest(str(stage), STAGES)}"
    if whole and "fit" in stages:
        yield "model=ensemble: its members are trained already; say stages=[test,report]"
    if not run and not whole and not unknown and "fit" not in stages:
        words = ",".join(stages)
        yield f"stages={words}: nothing is trained yet; name a finished run with run=<folder>"


def refused(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield combinations of parts that each fit but not together."""
    for rule in (
        two_decays,
        penalties_twice,
        decay_without_taker,
        two_mixings,
        two_smoothings,
        loss_against_data,
        two_inits,
        init_of_trained,
        two_averages,
        tail_beyond_the_end,
        schedule_without_end,
        plateau_without_validation,
        optimizer_range,
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


SHRINKING = ("l2", "elastic_net")  # penalties that pull weights as weight decay does


def two_decays(plain: Mapping[str, Any]) -> str | None:
    """An L2 penalty and weight decay on the same weights."""
    decay = default_decay(plain)
    asked = plain["regularizer"].get("weight_decay")
    for name in SHRINKING:
        penalty = plain["regularizer"].get(name)
        if not penalty or penalty.get("l1_ratio", 0) == 1:
            continue
        if asked:
            return (
                f"regularizer=[{name},weight_decay]: both shrink the same weights; remove one "
                f"with ~regularizer.{name} or ~regularizer.weight_decay"
            )
        if decay:
            return (
                f"regularizer={name} with optimizer.weight_decay={decay}: both shrink the same "
                f"weights; set optimizer.weight_decay=0 or remove the penalty with "
                f"~regularizer.{name}"
            )
        for rule in (plain["param_groups"] or {}).get("rules", []):
            if isinstance(rule, Mapping) and rule.get("weight_decay"):
                return (
                    f"regularizer={name} with weight_decay={rule['weight_decay']} in "
                    "param_groups.rules: both shrink the same weights; remove the penalty with "
                    f"~regularizer.{name}"
                )
    return None


def penalties_twice(plain: Mapping[str, Any]) -> str | None:
    """The elastic net beside one of the two penalties that it is made of."""
    chosen = [name for name in ("l1", "l2") if plain["regularizer"].get(name)]
    if chosen and plain["regularizer"].get("elastic_net"):
        names = ",".join([*chosen, "elastic_net"])
        return f"regularizer=[{names}]: elastic_net holds both penalties; choose it or the others"
    return None


def default_decay(plain: Mapping[str, Any]) -> Any:
    """Return the optimizer's own weight decay, None if it takes none."""
    known = signature.parameters_of(signature.resolve(plain["optimizer"]["_target_"]))
    if "weight_decay" not in known:
        return plain["optimizer"].get("weight_decay")
    return plain["optimizer"].get("weight_decay", known["weight_decay"].default)


def decay_without_taker(plain: Mapping[str, Any]) -> str | None:
    """Weight decay that the optimizer does not know, or that it has another value for."""
    asked = plain["regularizer"].get("weight_decay")
    if not asked:
        return None
    own = default_decay(plain)
    coef = asked.get("coef", own)
    if own is None:
        name = plain["optimizer"]["_target_"].rpartition(".")[2]
        return f"regularizer=weight_decay: {name} takes no weight_decay; use regularizer=l2"
    if own not in (0, coef):
        return (
            f"regularizer.weight_decay.coef={coef} with optimizer.weight_decay={own}: two values "
            "for the same thing; set optimizer.weight_decay=0"
        )
    return None


def two_mixings(plain: Mapping[str, Any]) -> str | None:
    """Two ways to mix the examples of a batch."""
    if plain["regularizer"].get("mixup") and plain["regularizer"].get("cutmix"):
        return "regularizer=[mixup,cutmix]: each mixes the whole batch; choose one"
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
    kind = data.kind(**arguments)  # None: only reading tells
    return misfit(plain["loss"]["_target_"], kind) if kind else None


def misfit(loss: str, kind: str) -> str | None:
    """Return why the loss at the path `loss` does not fit targets of `kind`."""
    name = loss.rpartition(".")[2]
    if LOSS_FITS.get(name, kind) == kind:  # a loss that is not listed is trusted
        return None
    return (
        f"loss: {name} needs {TARGETS[LOSS_FITS[name]]} as targets, the data has {TARGETS[kind]}; "
        f"use loss={FITTING[kind]}"
    )


def two_inits(plain: Mapping[str, Any]) -> str | None:
    """Two ways to fill the same weights."""
    chosen = [
        name
        for name, node in plain["init"].items()
        if node and getattr(signature.resolve(node["_target_"]), "fills", False)
    ]
    if len(chosen) > 1:
        return f"init=[{','.join(chosen)}]: each overwrites the one before; choose one"
    return None


def init_of_trained(plain: Mapping[str, Any]) -> str | None:
    """First weights for a model that is trained already."""
    chosen = [name for name, node in plain["init"].items() if node]
    if chosen and is_whole(plain["model"]):
        return f"init=[{','.join(chosen)}] with model=ensemble: its members are trained already"
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


GAPS = {  # shares in [0, 1) that torch's own constructors do not hold to it
    "SGD": ("momentum",),
    "RMSprop": ("momentum", "alpha"),
}


def optimizer_range(plain: Mapping[str, Any]) -> str | None:
    """What torch's optimizers let through and would fail at, make NaN of or run away with."""
    node = plain["optimizer"]
    kind = node["_target_"].rpartition(".")[2]
    if kind == "SparseAdam":
        return f"optimizer._target_={node['_target_']}: gradients here are dense; use Adam"
    for key, value in node.items():
        if isinstance(value, float) and not math.isfinite(value):
            return f"optimizer.{key}={value}: a finite number is expected"
        if key in GAPS.get(kind, ()) and not 0 <= value < 1:
            return f"optimizer.{key}={value}: {key} must lie in [0, 1)"
    return None


def no_checkpoint(plain: Mapping[str, Any]) -> str | None:
    """A test or prediction of a run that saves nothing."""
    stages = [plain["stages"]] if isinstance(plain["stages"], str) else plain["stages"]
    later = [s for s in stages if s in ("test", "predict")]
    if "fit" in stages and later and not plain["checkpoint"]:
        return (
            f"checkpoint=none with stages=[{','.join(stages)}]: {' and '.join(later)} would need "
            "the best weights, which nobody saves; choose checkpoint=best_and_last or "
            "stages=[fit,report]"
        )
    return None

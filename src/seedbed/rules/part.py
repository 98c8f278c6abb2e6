"""Techniques that each fit but not together."""

import math
from collections.abc import Mapping
from typing import Any

from seedbed import signature
from seedbed.rules.value import trained

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


def summed_loss(plain: Mapping[str, Any]) -> str | None:
    """A loss that is no mean: its step and its logs would depend on the batch size."""
    reduction = plain["loss"].get("reduction", "mean")
    if reduction not in ("mean", "batchmean"):
        return (
            f"loss.reduction={reduction}: mean is expected; the step must not grow with the batch"
        )
    return None


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
    whole = trained(plain["model"])
    if chosen and whole and not plain["run"]:  # a finished run's are not used again
        return f"init=[{','.join(chosen)}] with {whole[0]}"
    return None


def two_averages(plain: Mapping[str, Any]) -> str | None:
    """Two averages of the weights, of which only one can be validated and saved."""
    if plain["callback"].get("ema") and plain["callback"].get("swa"):
        return (
            "callback=[ema,swa]: each would be the model that is validated and saved; choose one "
            "(~callback.ema or ~callback.swa)"
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

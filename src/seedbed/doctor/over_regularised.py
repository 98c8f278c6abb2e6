"""Penalties and noise so strong that the model cannot learn."""

import math

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import begun, curve, epochs, reference, train, unknown, whole
from seedbed.doctor._remedy import is_number, scaled
from seedbed.doctor._statistics import recent

HIGH = 0.35  # of the loss of guessing: the model has not learned much
RULES = 1.0  # times the data's loss, from which a penalty rules the training
NOISE = {"model.dropout": 0.7, "regularizer.dropout.p": 0.7, "loss.label_smoothing": 0.5}
NOISE |= {"regularizer.label_smoothing.epsilon": 0.5}  # shares of what is told to the model
USUAL = {"model.dropout": "0.2", "regularizer.dropout.p": "0.2", "loss.label_smoothing": "0.1"}
USUAL |= {"regularizer.label_smoothing.epsilon": "0.1"}
DECAY = {  # strengths at which weights shrink faster than any data holds them up
    "optimizer.weight_decay": 0.05,
    "regularizer.weight_decay.coef": 1.0,
    "regularizer.l2.coef": 0.05,
    "regularizer.l1.coef": 0.05,
    "regularizer.elastic_net.coef": 0.05,
}


def over_regularised(case: Case) -> Finding:
    """Find a training loss that stays high where a penalty outweighs it, or noise drowns it."""
    found = train(case)
    base, called = reference(case)
    if not len(found) or math.isnan(base) or not begun(case):
        return unknown("over_regularised", "the training is too short, or its loss was not logged")
    now = recent(found.values)
    val = epochs(case, "val").values
    learned = min(now, recent(val) if len(val) else now)
    strong = penalties(case, now) | settings(case)
    numbers = {"recent": now, "base": base, **strong}
    says = f"training loss {now:.3g}, {now / base:.0%} of {called}"
    if not strong or learned <= HIGH * base:
        return Finding("over_regularised", "pass", says, numbers=numbers)
    names = ", ".join(f"{name} {value:.3g}" for name, value in strong.items())
    return Finding(
        "over_regularised",
        "warn",
        f"{says}, with {names}",
        "penalties or noise that outweigh the data",
        remedies(case, strong),
        whole(found),
        numbers,
    )


def penalties(case: Case, loss: float) -> dict[str, float]:
    """Return the penalties that are larger than the loss, by the name of their curve."""
    chosen = case.setting("regularizer") or {}
    names = [f"train/{name}" for name in chosen if len(curve(case, f"train/{name}"))]
    sizes = {name: recent(curve(case, name).values) for name in names}
    return {name: size for name, size in sizes.items() if size > RULES * loss}


def settings(case: Case) -> dict[str, float]:
    """Return the settings that are stronger than any data can bear."""
    coupled = str(case.setting("optimizer._target_")).rpartition(".")[2] not in ("AdamW", "Lion")
    most = NOISE | DECAY | ({} if coupled else {"optimizer.weight_decay": 1.0})
    values = {path: case.setting(path) for path in most}
    return {path: v for path, v in values.items() if is_number(v) and v >= most[path]}


def remedies(case: Case, strong: dict[str, float]) -> tuple[tuple[str, ...], ...]:
    """Return noise at its usual share and penalties at a hundredth, then each of them left out."""
    weaker: list[str] = []
    for name in strong:
        part = name.removeprefix("train/")
        path = name if part == name else f"regularizer.{part}.coef"
        if path in USUAL:
            weaker.append(f"{path}={USUAL[path]}")
        else:
            weaker += [word for words in scaled(case, path, 0.01) for word in words]
    without = [(f"~regularizer.{n.split('/')[1]}",) for n in strong if n.startswith("train/")]
    return ((tuple(weaker),) if weaker else ()) + tuple(without)

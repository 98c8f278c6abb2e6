"""Values that no technique owns: stages, monitor, name, seed."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from seedbed.nearest import nearest

STAGES = ["fit", "test", "predict", "report", "reproduce"]

DIRECTION = {
    **dict.fromkeys(("loss", "mae", "rmse"), "min"),
    **dict.fromkeys(("acc", "f1", "auroc", "r2"), "max"),
}


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
    elif "reproduce" in stages and len(stages) > 1:
        yield f"{asked}: reproduce stands alone; what it trains again, it also tests"
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

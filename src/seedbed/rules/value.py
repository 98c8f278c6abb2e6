"""Values that no technique owns: stages, monitor, name, seed."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from seedbed.nearest import nearest
from seedbed.trust import trusted

STAGES = [
    *("preflight", "fit", "test", "compress", "predict"),
    *("diagnose", "report", "reproduce"),
]

DIRECTION = {
    **dict.fromkeys(("loss", "mae", "rmse"), "min"),
    **dict.fromkeys(("acc", "f1", "auroc", "r2", "harmonic"), "max"),
}


def values(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the values that no technique owns."""
    foreign = plain["diagnose"]["history"]
    yield from stage_slips(plain["stages"], plain["run"], trained(plain["model"]), foreign)
    yield from history_slips(foreign, plain["stages"], plain["run"])
    if any(plain["report"].values()):
        yield "report.of, report.to: they list folders; say stages=report, and nothing else"
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
    elif not (plain["run"] or plain["out"]) and (outside := leaves_logs(name)):
        yield f"name={name}: leads out of logs/ to {outside}; out=<folder> goes anywhere"
    yield from source_slips(**plain["source"])
    yield from addresses(plain)
    yield from trust_slips(plain["trust"])
    if plain["num_threads"] is not None and plain["num_threads"] < 1:
        yield f"num_threads={plain['num_threads']}: at least 1 is expected"
    if not 0 < plain["timeout"] < 1e6:
        yield f"timeout={plain['timeout']}: seconds above 0 and below a million are expected"


def leaves_logs(name: str) -> Path | None:
    """Return where a name leads through links, None if that is inside of logs/."""
    logs, found = Path("logs").resolve(), Path("logs", name).resolve()
    return None if found.is_relative_to(logs) else found


def addresses(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield addresses that stand for a file or folder of this machine: nothing is fetched."""
    tops = ("run", "out", "predict", "diagnose", "source", "init", "model", "compress")
    for path, value in leaves({key: plain[key] for key in tops}):
        if isinstance(value, str) and "://" in value:
            yield f"{path}={value}: a file or folder of this machine is expected, not an address"


def leaves(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield `(dotted path, value)` of everything in plain data that holds nothing else."""
    if isinstance(tree, Mapping):
        for key, value in tree.items():
            yield from leaves(value, f"{path}.{key}" if path else str(key))
    elif isinstance(tree, list):
        for at, value in enumerate(tree):
            yield from leaves(value, f"{path}[{at}]")
    else:
        yield path, tree


def trust_slips(names: Any) -> Iterator[str]:
    """Yield what is wrong with the names that are trusted, which no file of options may add to."""
    names = [names] if isinstance(names, str) else names
    if not is_words(names):
        yield f"trust={names}: a list of packages is expected, such as [mine]"
        return
    for name in sorted(set(names) - trusted()):
        yield f"trust=[{name}]: only the command line or pyproject.toml can say so"


def source_slips(run: str | None, by: Any) -> Iterator[str]:
    """Yield what is wrong with the run that others start from."""
    if not is_words(by):
        yield f"source.by={by}: a list of words is expected, such as [data=digits,model=cnn]"
        return
    if by and not run:
        yield "source.by: name the folder that it makes, too: source.run=<folder>"
    for word in by:
        if word.lstrip("+~").partition("=")[0] in ("trust", "source.by"):
            yield f"source.by: {word}: only the command line can say so"


def is_words(value: Any) -> bool:
    """Return whether a value is a list of texts."""
    return isinstance(value, list) and all(isinstance(word, str) for word in value)


def monitor_slips(name: str, mode: str, oracle: bool = False) -> Iterator[str]:
    """Yield what is wrong with the monitor, as far as it is known before the data is read."""
    if problem := blind("monitor.name", name, oracle=oracle):
        yield problem
    if mode not in ("auto", "min", "max"):
        yield f"monitor.mode={mode}: auto, min or max is expected"
    elif mode == "auto" and name.rpartition("/")[2] not in DIRECTION:
        known = nearest(name, [f"{split}/{m}" for split in ("train", "val") for m in DIRECTION])
        yield f"monitor.name={name}: no such metric; {known}; for your own, set monitor.mode"


def blind(key: str, name: str, *, oracle: bool) -> str | None:
    """Return why a metric may not choose the weights: it looks where training must not."""
    if oracle or not name.startswith("oracle/"):
        return None
    return (
        f"{key}={name}: it is measured by targets that training must not see; watch val/loss or "
        "val/acc, or say monitor.oracle=true"
    )


def direction(name: str, mode: str) -> str:
    """Return `min` if less of a metric is better, else `max`."""
    return DIRECTION[name.rpartition("/")[2]] if mode == "auto" else mode


TRAINED = {  # models with nothing left to learn, and the stages that are for them
    "Ensemble": ("model=ensemble: its members are trained already", "[test,report]"),
    "Exported": ("model=exported: it is trained already", "[test,predict]"),
}


def trained(node: Any) -> tuple[str, str] | None:
    """Return that a model is trained already, and its stages; None if it is to learn."""
    target = node.get("_target_") if isinstance(node, Mapping) else None
    return TRAINED.get(str(target).rpartition(".")[2])


def stage_slips(
    stages: Any,
    run: str | None,
    whole: tuple[str, str] | None = None,
    history: str | None = None,
) -> Iterator[str]:
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
    elif "preflight" in stages[1:]:
        yield f"{asked}: preflight comes first"
    elif "fit" in stages[1 + ("preflight" in stages) :]:
        yield f"{asked}: fit comes first" + (", after preflight" if "preflight" in stages else "")
    unknown = [stage for stage in stages if stage not in STAGES]
    for stage in unknown:
        yield f"stages: there is no stage {stage!r}; {nearest(str(stage), STAGES)}"
    if whole and {"fit", "preflight"} & set(map(str, stages)):
        yield f"{whole[0]}; say stages={whole[1]}"
    trains = "fit" in stages or stages == ["preflight"]
    if not run and not whole and not history and not unknown and not trains:
        words = ",".join(stages)
        yield f"stages={words}: nothing is trained yet; name a finished run with run=<folder>"


def history_slips(history: str | None, stages: Any, run: str | None) -> Iterator[str]:
    """Yield what is wrong with somebody else's curves, which no run goes with."""
    if history is None:
        return
    asked = f"diagnose.history={history}"
    if stages not in ("diagnose", ["diagnose"]):
        yield f"{asked}: it is looked at alone; say stages=diagnose"
    elif run:
        yield f"{asked} with run={run}: one of both"
    elif not Path(history).is_file():
        yield f"{asked}: there is no such file"

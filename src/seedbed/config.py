"""The shape of a run, and the one gate that every run passes before anything is built."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from seedbed import rules, secret, signature
from seedbed.nearest import nearest
from seedbed.rules.value import values
from seedbed.target import examine, nodes
from seedbed.trust import KINDS, Untrusted

Node = dict[str, Any]


class ConfigError(ValueError):
    """What is wrong with a config, one line a problem."""


@dataclass
class Monitor:
    """The one metric that early stopping, checkpoints and sweeps look at."""

    name: str = "val/loss"
    mode: str = "auto"  # min, max, or what the metric says
    oracle: bool = False  # whether targets that training must not see may choose the weights


@dataclass
class Predict:
    """What the stage `predict` looks at."""

    path: str | None = None  # a .npy or .csv file of inputs; null: the test split


@dataclass
class Preflight:
    """What the stage `preflight` does about what it finds."""

    strict: bool = False  # whether a failure ends the command with code 1, before the training


@dataclass
class Diagnose:
    """What the stage `diagnose` looks at."""

    history: str | None = None  # a CSV file of losses of somebody else's; null: those of the run


@dataclass
class Report:
    """What the stage `report` looks at, where it is not its own run."""

    of: str | None = None  # a folder: its runs and sweeps are listed; one of a sweep: compared
    to: str | None = None  # an .html file to write the list to, too


@dataclass
class Source:
    """The run that others start from or learn from."""

    run: str | None = None  # its folder
    by: Any = field(default_factory=list)  # the command that trains it where it is not there


@dataclass
class Config:
    """A run: one field per config group, then the scalars that no technique owns."""

    data: Any = MISSING
    scaling: Any = None
    target_scaling: Any = None
    model: Any = MISSING
    loss: Any = MISSING
    init: dict[str, Any] = field(default_factory=dict)
    task: Any = MISSING
    optimizer: Any = MISSING
    param_groups: Any = None
    scheduler: Any = None
    regularizer: dict[str, Any] = field(default_factory=dict)
    augment: dict[str, Any] = field(default_factory=dict)
    callback: dict[str, Any] = field(default_factory=dict)
    compress: dict[str, Any] = field(default_factory=dict)
    checkpoint: Any = None
    doctor: Any = None
    logger: dict[str, Any] = field(default_factory=dict)
    trainer: Any = MISSING

    stages: Any = field(default_factory=lambda: ["fit", "test", "report"])
    monitor: Monitor = field(default_factory=Monitor)
    predict: Predict = field(default_factory=Predict)
    preflight: Preflight = field(default_factory=Preflight)
    diagnose: Diagnose = field(default_factory=Diagnose)
    report: Report = field(default_factory=Report)
    source: Source = field(default_factory=Source)
    show: Any = None  # metrics that the summary shows; null: those of the most telling split
    name: str = "default"  # the folder in logs/ that the run's own folder goes into
    seed: int = 0  # of everything random but the data's splits
    compile: bool = False  # whether torch compiles the model: a slow start, then faster steps
    channels_last: bool = False  # whether the channels of images lie side by side in memory
    num_threads: int | None = None  # CPU threads a process; null: what torch finds
    timeout: float = 600  # seconds that processes and data workers wait for one another
    controls: bool = True  # whether pruning is held against chance and against training anew
    run: str | None = None  # the folder of a finished run to go on from
    strict: bool = True  # whether what a run has learned from must be as it was to go on
    out: str | None = None  # this run's own folder; null: logs/<name>/<id>
    trust: Any = field(default_factory=list)  # packages of your own; on the command line only


SCALARS = ("stages", "show", "trust")  # of several kinds
SINGLES = [f.name for f in fields(Config) if f.type is Any and f.name not in SCALARS]
LISTS = [f.name for f in fields(Config) if f.type == dict[str, Any]]
HIDING = {*SINGLES, *LISTS, "predict"}  # where text from the environment may stand

# What run/build.py passes to a part whose signature asks for it; nobody types it twice.
OFFERS: dict[str, list[str]] = {
    "scaling": ["shape", "untouched"],
    "target_scaling": ["shape", "untouched"],
    "model": ["shape", "outputs", "spec", "load"],
    "optimizer": ["params"],
    "scheduler": ["monitor", "mode"],
    "callback": ["monitor", "mode"],
    "compress": ["load", "build"],
    "checkpoint": ["folder", "monitor", "mode"],
    "doctor": ["memory", "folder", "config", "command"],
    "logger": ["folder", "group", "save_dir", "name", "version"],
    "task": [
        *("model", "loss", "spec", "optimizer", "param_groups", "scheduler", "regularizers"),
        *("augments", "target_scaling", "objective", "seed"),
    ],
    "trainer": [
        *("callbacks", "logger", "plugins", "default_root_dir", "enable_checkpointing"),
        *("enable_model_summary", "use_distributed_sampler"),
    ],
}
OURS = {
    "scaling",
    "target_scaling",
    "model",
    "optimizer",
    "scheduler",
    "task",
    "doctor",
    "trainer",
}  # where an offer is never overridden

# Parts that cost nothing to build and look at no data before they are used: the gate builds them
# once with stand-ins for what is offered, so that a value out of range is refused by name.
ALONE: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    **{group: lambda plain: {} for group in ("data", "loss", "init", "param_groups")},
    **{group: lambda plain: {} for group in ("regularizer", "augment", "compress", "doctor")},
    **{group: lambda plain: {"shape": (1,)} for group in ("scaling", "target_scaling")},
    **{
        group: lambda plain: {"monitor": plain["monitor"]["name"], "mode": "min"}
        for group in ("scheduler", "callback")
    },
    "checkpoint": lambda plain: {"folder": "", "monitor": "val/loss", "mode": "min"},
    "optimizer": lambda plain: {"params": signature.stand_in_parameters()},
}
LIGHTNING = {group for group, kind in KINDS.items() if kind.startswith("lightning.")}

READING = {"diagnose", "report"}  # stages that need no part of a run


def register() -> None:
    """Make `Config` the `schema` that configs/train.yaml starts from, and `${if:...}` known."""
    ConfigStore.instance().store(name="schema", node=Config)
    OmegaConf.register_new_resolver("if", if_chosen, replace=True)


def if_chosen(group: str, then: Any, otherwise: Any, *, _root_: DictConfig) -> Any:
    """Return `then` if any option of a list group is chosen: `${if:regularizer,true,false}`.

    With it an experiment's baseline, which has none of them, may differ in another value.
    """
    return then if _root_[group] else otherwise


def check(cfg: DictConfig, *, built: bool = True) -> Config:
    """Return `cfg` as it may be written down: `revealed` gives the values that it is built with.

    Args:
        cfg: a composed config.
        built: judge the parts, too, for which they are imported; not needed where none is built.

    Raises:
        ConfigError: with everything that is wrong with it.
    """
    return check_all([cfg], built=built)[0]


def check_all(
    cfgs: Iterable[DictConfig],
    *,
    built: bool = True,
    typed: Iterable[str] = (),
    problems: Iterable[str] = (),
) -> list[Config]:
    """Return every job's config as it may be written down.

    Args:
        cfgs: composed configs.
        built: judge the parts, too, for which they are imported.
        typed: keys of the command line, whose parts are judged whatever else is wrong.
        problems: what is wrong with the command line already.

    Raises:
        ConfigError: with everything that is wrong with what was typed, or else with the rest.
    """
    found, read = list(problems), []
    for cfg in cfgs:
        try:
            plain = secret.resolved(cfg)
            missing = sorted(OmegaConf.missing_keys(cfg))
        except OmegaConfBaseException as error:
            found.append(secret.reason(error))
            continue
        found += [f"{path}: no value; it needs one" for path in missing]
        found += [*strays(plain, Config), *values(plain)]
        read.append((cfg, plain))
    if built:
        found += unfit([plain for _, plain in read], {*typed}, well=not found)
    if found:
        raise ConfigError(secret.redacted("\n".join(dict.fromkeys(found))))
    return [as_config(secret.unsaid(cfg, plain, HIDING)) for cfg, plain in read]


def only_reads(plain: Mapping[str, Any]) -> bool:
    """Return whether a command only reads what a run has written: no part of it is built."""
    stages = plain["stages"]
    asked = {stages} if isinstance(stages, str) else set(stages)
    return bool(plain["run"]) and asked <= READING


def judged(cfg: Config) -> Config:
    """Return a config in which every target may be called.

    Raises:
        ConfigError: with every one that may not.
    """
    problems = []
    for path, node in parts(as_plain(cfg)):
        try:
            examine(path, node)
        except (Untrusted, ImportError) as error:
            problems.append(str(error).splitlines()[0])
    if problems:
        raise ConfigError("\n".join(problems))
    return cfg


def revealed(cfg: Config) -> Config:
    """Return a checked or a saved config with what it takes from the environment, judged.

    Raises:
        ConfigError: the environment lacks something, or a target may not be called.
    """
    plain = as_plain(cfg)
    plain |= {key: secret.escaped(plain[key]) for key in plain.keys() - HIDING}
    try:
        return judged(as_config(secret.revealed(plain)))
    except OmegaConfBaseException as error:
        raise ConfigError(secret.reason(error)) from None


def as_config(plain: Mapping[str, Any]) -> Config:
    """Return plain data as a `Config`."""
    values = dict(plain)
    values["monitor"] = Monitor(**values["monitor"])
    values["predict"] = Predict(**values["predict"])
    values["preflight"] = Preflight(**values.get("preflight", {}))
    values["diagnose"] = Diagnose(**values.get("diagnose", {}))
    values["report"] = Report(**values.get("report", {}))
    values["source"] = Source(**values.get("source", {}))
    stages = values["stages"]
    values["stages"] = [stages] if isinstance(stages, str) else list(stages)
    return Config(**values)


def as_plain(cfg: Config) -> dict[str, Any]:
    """Return a `Config` as plain data."""
    return dataclasses.asdict(cfg)


def parts(plain: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield `(path, node)` of every chosen technique."""
    yield from ((group, plain[group]) for group in SINGLES if plain[group])
    for group in LISTS:
        yield from ((f"{group}.{key}", node) for key, node in plain[group].items() if node)


def unfit(plains: Sequence[Node], typed: set[str], *, well: bool) -> list[str]:
    """Return what is wrong with the parts of these jobs, or with their combinations.

    Imports take longer than all else here, so what costs more waits until the rest is right:
    first come the parts of which arguments were typed, then those of plain torch, and last
    Lightning's.

    Args:
        plains: resolved configs.
        typed: keys of the command line.
        well: whether nothing is known to be wrong with them.
    """
    rounds: list[Callable[[Node], Iterable[str]]] = [
        loose,
        lambda plain: faults(plain, lambda path: any(k.startswith(f"{path}.") for k in typed)),
        lambda plain: faults(plain, lambda path: top(path) not in LIGHTNING),
        lambda plain: rules.refused(plain, rules.LIGHT),
        lambda plain: faults(plain, lambda path: top(path) in LIGHTNING),
        lambda plain: rules.refused(plain, rules.HEAVY),  # of what fits alone
    ]
    found: list[str] = []
    for number, judge in enumerate(rounds):
        if number > 1 and (found or not well):
            break
        found += (line for plain in plains for line in judge(plain))
    return found


def top(path: str) -> str:
    """Return the group of a part."""
    return path.partition(".")[0]


def loose(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield settings of techniques that were not chosen."""
    for path, node in parts(plain):
        yield from dangling(path, node)


def faults(plain: Mapping[str, Any], chosen: Callable[[str], bool]) -> Iterator[str]:
    """Yield what is wrong with each of the chosen parts by itself.

    Args:
        plain: a resolved config.
        chosen: whether a part is looked at, by its path.
    """
    for path, node in parts(plain):
        if chosen(path):
            yield from [*misfits(path, node)] or unbuildable(path, node, plain)


def misfits(path: str, node: Any) -> Iterator[str]:
    """Yield where the part at `path`, and the parts of it, do not fit their signatures."""
    for place, part in nodes(node, path):
        group = top(path) if place == path else None
        yield from signature.misfits(place, part, group, offered(place))
        if place in OURS:
            ours = (key for key in OFFERS[place] if key in part)
            yield from (f"{place}.{key}: seedbed sets it itself" for key in ours)


def unbuildable(path: str, node: Any, plain: Mapping[str, Any]) -> list[str]:
    """Return why a constructor refuses its values, where it can be tried without the data."""
    group = top(path)
    if group not in {"model", *ALONE} or len(list(nodes(node, path))) != 1:
        return []
    if group == "model":
        reason = signature.stubborn(node)
    else:
        reason = signature.refusal(node, **ALONE[group](plain))
    meant = [k for k, v in node.items() if reason and reason.endswith(f": {v}")]
    if len(meant) == 1:  # torch names its value, not its key
        path = f"{path}.{meant[0]}={node[meant[0]]}"
    return [f"{path}: {reason}"] if reason else []


def offered(path: str) -> list[str]:
    """Return the arguments that `build` passes to the part at `path` itself, not to parts of it."""
    group, *rest = path.split(".")
    return OFFERS.get(group, []) if len(rest) == (group in LISTS) else []


def dangling(path: str, node: Any) -> Iterator[str]:
    """Yield a complaint about settings of a technique that was not chosen."""
    if isinstance(node, Mapping) and "_target_" in node:
        return
    group, _, key = path.partition(".")
    if not isinstance(node, Mapping):
        yield f"{path}={node}: a technique is expected here; write {group}=<option>"
    elif key:
        names = ", ".join(f"{path}.{name}" for name in node)
        yield f"{names}: {group} does not include {key!r}; add it with +{group}={key}"
    else:
        yield f"{path}: settings without an option; write {group}=<option>"


def strays(plain: Mapping[str, Any], kind: Any, path: str = "") -> Iterator[str]:
    """Yield the keys that were forced into a dataclass with `+`."""
    known = {f.name: f.type for f in fields(kind)}
    for key, value in plain.items():
        if key not in known:
            yield f"{path}{key}: no such key; {nearest(key, known)}"
        elif is_dataclass(known[key]):
            yield from strays(value, known[key], f"{path}{key}.")

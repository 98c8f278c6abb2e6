"""What a command line says: flags, overrides, the config it starts from, and its slips."""

import itertools
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import (
    ConfigAttributeError,
    ConfigKeyError,
    OmegaConfBaseException,
    ValidationError,
)

from seedbed import help
from seedbed.config import LISTS, READING, SINGLES, Config
from seedbed.flags import LOOKS, SWEEP, parted
from seedbed.nearest import nearest
from seedbed.rules.value import trained
from seedbed.run.folder import Refused, newest, read_config, read_json
from seedbed.run.stranger import refuse
from seedbed.signature import shown, words

CONFIGS = help.CONFIGS
GROUPS = {path.name for path in CONFIGS.iterdir() if path.is_dir()}
KEYS = {f.name for f in fields(Config)} | GROUPS
ABOUT_READING = {"run", "stages", "diagnose", "report", "trust"}  # keys
LEARNED = ("data", "scaling", "target_scaling", "model")  # what the weights are weights of
WHOLE = ("scaling", "target_scaling", "model")  # what a model that is trained already replaces
LENGTH = ("max_epochs", "max_steps", "max_time", "min_epochs", "min_steps")
SHOWN = ("enable_progress_bar", "log_every_n_steps", "profiler", "detect_anomaly")
LATER = ("limit_test_batches", "limit_predict_batches", "num_sanity_val_steps")
FREE = {  # in which a training that goes on may differ from what it was
    *(f"data.{key}" for key in ("num_workers", "cache", "cache_folder")),
    *(f"trainer.{key}" for key in ("accelerator", *LENGTH, *SHOWN, *LATER)),
}
EPISODE = ("ways", "shots", "queries", "test_episodes")
MEASURED = {f"data.{key}" for key in ("batch_size", "corruptions", "severity", *EPISODE)}
AFTER = ("logger", "compress", "doctor")  # what no training depends on
STATEFUL = [*(group for group in (*SINGLES, *LISTS) if group not in AFTER), "monitor", "seed"]
LAUNCHING = re.compile(r"hydra(/launcher|\.launcher\.[a-z]\w*)=")
SEARCHING = re.compile(r"sweep(\.[a-z]\w*)?=")
WITHIN_A_PART = re.compile(rf"({'|'.join(sorted(set(SINGLES) | set(LISTS)))})\.[\w.]+=")


@dataclass
class Command:
    """A command line, read."""

    flags: list[str] = field(default_factory=list)
    overrides: list[str] = field(default_factory=list)
    primary: str = "train"
    parsed: list[Override] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)  # of overrides that were left out
    argv: list[str] = field(default_factory=list)  # as it was typed
    launcher: list[str] = field(default_factory=list)  # who starts the jobs of a sweep
    search: list[str] = field(default_factory=list)  # who finds them

    def drop(self, o: Override) -> None:
        """Leave out an override that cannot be meant, so that the others can be judged."""
        self.parsed.remove(o)
        self.overrides.remove(str(o.input_line))

    @property
    def said(self) -> list[tuple[str, Any]]:
        """Every key with every value that was typed."""
        return [(o.key_or_group, v) for o in self.parsed if not o.is_delete() for v in values(o)]

    @property
    def sweep(self) -> bool:
        """Whether every combination is to be run."""
        return bool(SWEEP & set(self.flags))

    @property
    def reads(self) -> bool:
        """Whether it only reads what a run has written, and says nothing of the run's parts."""
        keys = {key.partition(".")[0] for key, _ in self.said}
        stages = [v for key, v in self.said if key == "stages"]
        asked = stages[-1] if stages and isinstance(stages[-1], list) else stages[-1:]
        return {"run", "stages"} <= keys <= ABOUT_READING and set(asked) <= READING

    @property
    def looks(self) -> bool:
        """Whether something is to be printed and nothing run."""
        return bool(LOOKS & set(self.flags))

    def take(self, argv: Sequence[str]) -> None:
        """Sort the words of a command line: flags, overrides, who finds and who launches the jobs.

        Raises:
            Refused: there is no such flag.
        """
        self.flags, others = parted(argv)
        for word in others:
            if LAUNCHING.match(word):
                self.launcher.append(word)
            elif SEARCHING.match(word):
                self.search.append(word)
            else:
                self.overrides.append(settable(word))

    @classmethod
    def read(cls, argv: list[str]) -> "Command":
        """Return what `argv` says.

        Raises:
            Refused: with everything in it that cannot be meant.
        """
        command = cls()
        command.take(argv)
        varied = swept(command.overrides)
        if varied and asked_to_sweep(command.overrides) and not (command.sweep or command.looks):
            command.flags.append("-m")
        if command.sweep:
            command.overrides[:0] = varied
        elif (words := [*command.launcher, *command.search]) and not command.looks:
            command.problems.append(f"{' '.join(words)}: only a sweep has jobs; add -m")
        command.parsed = [parse(word) for word in command.overrides]
        for o in list(command.parsed):
            if found := list(slips(o, command)):
                command.problems += found
                command.drop(o)
        runs = [
            str(o.value()) for o in command.parsed if o.key_or_group == "run" and not o.is_delete()
        ]
        if runs and runs[-1] != "None":
            command.primary = finished(runs[-1], command)
        return command


def typed(argv: list[str]) -> list[tuple[str, Any]]:
    """Return every key and value of a command line that was checked before."""
    parsed = [parse(word) for word in argv if not word.startswith("-") and "=" in word]
    return Command(parsed=parsed).said


def settable(word: str) -> str:
    """Return the override so that it may name any argument of a technique, in its YAML or not.

    The gate holds the name against the signature afterwards, so nobody needs Hydra's `+`.
    """
    bare = word.lstrip("+")
    return f"++{bare}" if WITHIN_A_PART.match(bare) else word


def swept(words: list[str]) -> list[str]:
    """Return what the chosen experiment itself varies and the command line leaves alone.

    An experiment names it as Hydra does, in `hydra.sweeper.params`.
    """
    said = {word.lstrip("+").partition("=")[0] for word in words}
    params = of_experiment(words, "hydra.sweeper.params") or {}
    return [settable(f"{k}={v}") for k, v in params.items() if str(k) not in said]


def asked_to_sweep(words: list[str]) -> bool:
    """Return whether the chosen experiment is a sweep without `-m`: `hydra.mode: MULTIRUN`."""
    return of_experiment(words, "hydra.mode") == "MULTIRUN"


def of_experiment(words: list[str], key: str) -> Any:
    """Return what the file of the chosen experiment says, None if it says nothing."""
    said = {word.lstrip("+").partition("=")[0]: word.partition("=")[2] for word in words}
    file = CONFIGS / "experiment" / f"{said.get('experiment')}.yaml"
    return OmegaConf.select(OmegaConf.load(file), key) if file.is_file() else None


def parse(word: str) -> Override:
    """Return one override, read.

    Raises:
        Refused: it is none.
    """
    written = word.lstrip("+")
    if "=" not in word and not word.startswith("~"):
        raise Refused(f"{written}: key=value is expected")
    try:
        o = OverridesParser.create().parse_override(word)
    except HydraException as error:
        lines = [line for line in str(error).splitlines() if not line.startswith(("See", "Error"))]
        why = f"cannot be read as key=value ({lines[0]}); quote odd characters twice: 'key=\"a b\"'"
        raise Refused(f"{written}: {why}") from None
    if isinstance(o.value(), Glob):
        raise Refused(f"{written}: name the options, separated by commas")
    return o


def slips(o: Override, command: Command) -> Iterator[str]:
    """Yield what Hydra would take in silence, or word badly."""
    name, line = o.key_or_group, str(o.input_line).lstrip("+")
    top = name.split(".")[0].split("/")[0].partition("@")[0]
    if top == "hydra":
        yield f"{line}: seedbed makes folders and jobs itself; Hydra has no settings here"
        return
    if top not in KEYS:
        yield f"{line}: no such group or key {top!r}; {nearest(top, {*KEYS, 'sweep'})}"
        return
    if o.package is not None:
        yield f"{line}: write {name}=<option>; a group has its place"
        return
    if o.is_sweep_override() and not command.sweep and not command.looks:
        single = name in GROUPS and name not in LISTS
        yield f"{line}: several values; add -m to try each" + (
            "" if single else ", or write a list in brackets"
        )
        return
    if name in ("run", "out") and command.sweep:
        yield f"{line}: not in a sweep, whose jobs have folders of their own"
    if name in GROUPS and o.is_delete():
        yield f"{line}: " + (
            f"write {name}=[] for none, or ~{name}.<option>" if name in LISTS else "a run needs one"
        )
        return
    if name in GROUPS:
        yield from group_slips(o, line, command)
    if o.is_add() and not o.is_force_add() and "." not in name and name not in GROUPS:
        yield f"{line}: it exists already; write it without +"


def group_slips(o: Override, line: str, command: Command) -> Iterator[str]:
    """Yield what is wrong with a choice of options."""
    name = o.key_or_group
    chosen = [v for value in values(o) for v in (value if isinstance(value, list) else [value])]
    for option in ("null" if v is None else str(v) for v in chosen):
        if option == "null" and name in ("experiment", "debug"):
            continue
        if not (CONFIGS / name / f"{option}.yaml").is_file():
            yield f"{name}={option}: no such option; {nearest(option, help.options(name))}"
    twice = {option for option in map(str, chosen) if [*map(str, chosen)].count(option) > 1}
    mixed = [v for v in values(o) if isinstance(v, list) and "none" in v and len(v) > 1]
    if mixed and name in LISTS:
        yield f"{line}: none stands for an empty list; leave it out"
    if twice and not o.is_sweep_override():
        yield f"{line}: {', '.join(sorted(twice))} stands there twice"
    if name not in LISTS:
        if any(isinstance(v, list) and v for v in values(o)):
            yield f"{line}: {name} takes one option"
        elif o.is_add():
            yield f"{line}: {name} takes one option; write it without +"
    same = [p for p in command.parsed if p.key_or_group == name and not p.is_delete()]
    if any(p.is_add() for p in same) and not all(p.is_add() for p in same):
        words = " ".join(str(p.input_line) for p in same)
        yield f"{words}: one would be ignored; write all of {name} in one list"


def values(o: Override) -> list[Any]:
    """Return every value that an override takes, the several of a sweep included."""
    if not o.is_sweep_override():
        return [o.value()]
    if not o.is_discrete_sweep():
        return []
    return [parse(f"{o.key_or_group}={v}").value() for v in o.sweep_string_iterator()]


def finished(said: str, command: Command) -> str:
    """Register the config that a run was made with, which options can replace, and name it.

    Raises:
        Refused: no run lies there, or what is asked does not fit what it learned.
    """
    if "://" in said:
        raise Refused(f"run={said}: a folder of this machine is expected, not an address")
    run = Path(said)
    read_config(run)  # or say what is wrong with it
    saved = read_config(newest(run))
    chosen = {o.key_or_group for o in command.parsed if not o.is_add()} & GROUPS
    refuse(run, saved, typed={o.key_or_group for o in command.parsed})
    for group in chosen & {"experiment", "debug"}:
        raise Refused(f"{group}=: a finished run keeps its own; change its parts")
    asked = {o.key_or_group for o in command.parsed}
    done = read_json(run / "status.json").get("status") == "ok"
    trains = "fit" in stages_of(command, saved)
    if done and trains and not asked & {"trainer.max_epochs", "trainer.max_steps"}:
        raise Refused(
            f"run={run}: finished already; say stages=test, predict or report, "
            "or train longer with trainer.max_epochs"
        )
    if stages_of(command, saved) == ["reproduce"]:
        refuse_changes(run, asked)
    left = chosen | {"out", "run", "trust", "strict"}
    kept = {k: v for k, v in saved.items() if k not in left}
    groups = [{g: [] if g in LISTS else None} for g in (*SINGLES, *LISTS)]
    hydra = OmegaConf.load(CONFIGS / "train.yaml").hydra
    quiet = [{f"override hydra/{kind}_logging": "none"} for kind in ("job", "hydra")]
    node = {"defaults": ["schema", *groups, "_self_", *quiet], **kept, "hydra": hydra}
    ConfigStore.instance().store(name="finished", node=node)
    return "finished"


def refuse_changes(run: Path, asked: set[str]) -> None:
    """Hold a command to train a run once more to what can be compared.

    Raises:
        Refused: the run has not ended well, or is to be another.
    """
    if changed := sorted(asked - {"run", "stages", "trust"}):
        raise Refused(
            f"stages=reproduce: {run} is trained again as it was; leave out {', '.join(changed)}"
        )
    stands = read_json(run / "status.json").get("status", "unknown")
    if stands != "ok":
        raise Refused(
            f"stages=reproduce: {run} has not ended well (status {stands}): there are no final "
            f"numbers to compare with; go on with it first: run={run}"
        )


def stages_of(command: Command, saved: Mapping[str, Any]) -> list[str]:
    """Return the stages that a finished run is asked for."""
    said = [o.value() for o in command.parsed if o.key_or_group == "stages" and not o.is_delete()]
    stages = said[-1] if said else saved["stages"]
    return list(map(str, stages)) if isinstance(stages, list) else [str(stages)]


def compose_all(command: Command) -> list[DictConfig]:
    """Return the config of every job.

    Raises:
        Refused: one cannot be composed, or changes what a finished run has learned.
    """
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        return [composed(command, overrides) for overrides in jobs(command)]


def composed(command: Command, overrides: list[str]) -> DictConfig:
    """Return the config of one job."""
    try:
        cfg = compose(command.primary, overrides)
    except Exception as error:
        raise Refused(f"{culprit(command.primary, overrides)}: {reason(error)}") from None
    leave_to_class(cfg, overrides)
    changes = list(unlearned(read_config(newest(Path(cfg.run))), cfg)) if cfg.run else []
    if changes and cfg.strict:
        anew = "leave out run= to train anew, or go on all the same: strict=false"
        raise Refused("\n".join(f"{change}; {anew}" for change in changes))
    sys.stderr.writelines(f"{change}\n" for change in changes)
    return cfg


def leave_to_class(cfg: DictConfig, overrides: Sequence[str]) -> None:
    """Where another class was typed, drop what its option set: it has defaults of its own."""
    for key in left_behind(cfg, overrides):
        path, _, name = key.rpartition(".")
        node = OmegaConf.select(cfg, path)
        with open_dict(node):
            del node[name]


def left_behind(cfg: DictConfig, overrides: Sequence[str]) -> list[str]:
    """Return what options have set whose class was replaced by one that was typed.

    Nothing where a saved run is taken up: its settings may have been typed as well.
    """
    if cfg.run:
        return []
    said = {word.lstrip("+~").partition("=")[0] for word in overrides}
    found = []
    for path in sorted(key.removesuffix("._target_") for key in said if key.endswith("._target_")):
        group, *rest = path.split(".")
        node = OmegaConf.select(cfg, path)
        if group == "trainer" or len(rest) != (group in LISTS) or not isinstance(node, DictConfig):
            continue
        names = (str(key) for key in node if key != "_target_")
        keys = [f"{path}.{name}" for name in names]
        found += [k for k in keys if not any(f"{word}.".startswith(f"{k}.") for word in said)]
    return found


def as_run(command: Command) -> list[str]:
    """Return the overrides for Hydra itself to compose what would be run."""
    if command.sweep or not any("._target_=" in word for word in command.overrides):
        return command.overrides
    with initialize_config_dir(str(CONFIGS), version_base="1.3"):
        cfg = compose(command.primary, command.overrides)
    return [*command.overrides, *(f"~{key}" for key in left_behind(cfg, command.overrides))]


def unlearned(saved: Mapping[str, Any], cfg: DictConfig) -> Iterator[str]:
    """Yield in what a run that goes on would differ from what it has learned so far."""
    trains, now = "fit" in cfg.stages, OmegaConf.to_container(cfg)
    assert isinstance(now, dict)
    free = FREE if trains else FREE | MEASURED
    fixed = set(WHOLE) if not trains and trained(now["model"]) else set()
    for group in STATEFUL if trains else [each for each in LEARNED if each not in fixed]:
        for key, new, then in differences(group, saved.get(group), now[group]):
            if key not in free:
                yield f"{key}{new}: {cfg.run} was trained with {then}"


def differences(path: str, then: Any, now: Any) -> Iterator[tuple[str, str, str]]:
    """Yield `(key, what it is, what it was)` of all that differs, techniques by their names."""
    kinds = [target(node) for node in (then, now)]
    if kinds[0] != kinds[1]:
        yield path, "", f"{kinds[0] or 'none'}, not {kinds[1] or 'none'}"
    elif isinstance(then, dict) or isinstance(now, dict):
        then, now = then or {}, now or {}
        for key in sorted({*then, *now}):
            yield from differences(f"{path}.{key}", then.get(key), now.get(key))
    elif then != now:
        yield path, f"={shown(now)}", shown(then)


def target(node: Any) -> str:
    """Return the name of what a node describes; nothing where it is no node."""
    return str(node.get("_target_", "")).rpartition(".")[2] if isinstance(node, Mapping) else ""


def jobs(command: Command) -> Iterator[list[str]]:
    """Yield the overrides of every job of a sweep: their product, as Hydra's sweeper forms it."""

    def texts(o: Override) -> list[str]:
        if not o.is_sweep_override():
            return [str(o.input_line)]
        if not o.is_discrete_sweep():
            return []  # another sweeper draws them
        return [f"{o.get_key_element()}={v}" for v in o.sweep_string_iterator()]

    yield from map(list, itertools.product(*filter(None, map(texts, command.parsed))))


def culprit(primary: str, overrides: list[str]) -> str:
    """Return the override at which composing starts to fail."""
    for n in range(len(overrides) + 1):
        try:
            compose(primary, overrides[:n])
        except Exception:
            return overrides[n - 1].lstrip("+") if n else "configs"
    return " ".join(overrides)


def reason(error: Exception) -> str:
    """Return one line without Hydra's advice to force things."""
    cause = error.__cause__ or error.__context__
    if not isinstance(error, OmegaConfBaseException) and isinstance(cause, OmegaConfBaseException):
        error = cause
    if isinstance(error, ValidationError):
        return f"{expected(str(error.full_key))} is expected"
    if isinstance(error, ConfigKeyError | ConfigAttributeError):
        parent = error.parent_node
        known = [str(k) for k in parent] if isinstance(parent, DictConfig) else []
        return f"there is no key {str(error.key)!r}; {nearest(str(error.key), known)}"
    if isinstance(error, OmegaConfBaseException):
        return str(error.msg or error).splitlines()[0]
    text = str(error).splitlines()[0]
    if text.startswith("Could not delete"):
        return "there is nothing of that name to remove"
    if "appears more than once" in text:
        return "it is in the list already"
    return text


def expected(key: str) -> str:
    """Return what a key of `Config` takes, in a user's words."""
    hint = get_type_hints(Config).get(key)
    if is_dataclass(hint):
        return " or ".join(f"{key}.{f.name}=<value>" for f in fields(hint))
    return words(hint) if hint else "another kind of value"

"""A finished run's model, in one line, for a notebook or another program."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from seedbed.compress._adopt import adopt
from seedbed.config import LISTS, SINGLES, Config, ConfigError, Node, as_config, judged
from seedbed.option import described as of_option
from seedbed.run.build import make_net, ready
from seedbed.run.folder import Refused, read_config
from seedbed.run.project import of_project
from seedbed.run.saved import FOR_MODEL, hold_against, whole
from seedbed.run.stranger import refuse
from seedbed.trust import trusting
from seedbed.types import Spec

NET = ("scaling", "target_scaling", "model")  # what `make_net` builds


class Loaded(NamedTuple):
    """What a run learned."""

    model: nn.Module  # raw inputs (B, *spec.shape) to logits (B, K), in eval mode
    spec: Spec


def load(run: str | Path, trust: Iterable[str] = ()) -> Loaded:
    """Return the best model of a run, with its scaling, and what its data knew.

    Args:
        run: the run's folder; or a checkpoint in it, such as `compress/structured.ckpt`.
        trust: packages of your own whose classes it may name; those of pyproject.toml are known.

    Raises:
        Refused: `run` is no run folder, or names what is not trusted.
        FileNotFoundError: it holds no checkpoint.
        ValueError: its checkpoint is damaged, not finite, or of another model.
    """
    file, prefix = Path(run), "model."
    if file.suffix != ".ckpt":
        file = file / "checkpoints/best.ckpt"
    content = whole(file, FOR_MODEL)
    try:
        spec = spec_from(content["spec"])
    except TypeError as error:
        raise ValueError(f"{file}: not a checkpoint of a run (its 'spec' is another)") from error
    with trusting({*trust, *of_project()}):
        model = make_net(described(file), spec)
    named = {k: v for k, v in content["state_dict"].items() if k.startswith(prefix)}
    state = {k.removeprefix(prefix): v for k, v in named.items()}
    if file.parent.name == "compress":
        shaped(file, model, state, spec)
    hold_against(file, {}, state, model)
    model.load_state_dict(state)
    return Loaded(model.eval(), spec)


def shaped(file: Path, model: nn.Module, state: Mapping[str, Tensor], spec: Spec) -> None:
    """Give a model the shapes that pruning has left.

    Raises:
        ValueError: they cannot come from this model.
    """
    try:
        adopt(model, state, spec.shape)
    except ValueError as error:
        raise ValueError(f"{file}: of another model ({error})") from error


def described(file: Path) -> Config:
    """Return the config of a checkpoint's run as far as its model needs it; nothing may do harm.

    Raises:
        Refused: it is no config, or not one to be followed.
    """
    run = file.parents[1]
    saved = read_config(run)
    refuse(run, saved)
    try:
        whole = judged(as_config(saved))
    except ConfigError as error:
        raise Refused(f"run={run}: {error}") from error
    unused = {group: {} for group in (*SINGLES, *LISTS) if group not in NET}
    node = student(whole, file) or whole.model
    return ready(replace(whole, **unused, model=node))


def student(cfg: Config, file: Path) -> Node | None:
    """Return the model that a student of distillation is, None where the run's own was shrunk."""
    if file.parent.name != "compress":
        return None
    until = [*cfg.compress][: [*cfg.compress, file.stem].index(file.stem) + 1]
    node = cfg.compress.get("distill") if "distill" in until else None
    return (
        of_option("model", node["student"], node["settings"]) if node and node["student"] else None
    )


def member(run: str) -> Loaded:
    """Return what `load` does, or say in one line why it cannot.

    Raises:
        ValueError: `run` is no finished run, or its files are damaged.
    """
    try:
        return load(run)
    except (Refused, OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        known = isinstance(error, Refused | OSError | ValueError)
        why = str(error).splitlines()[0].removeprefix(f"run={run}: ") if known else "damaged"
        raise ValueError(why if run in why else f"{run}: {why}") from error


def spec_from(plain: dict[str, object]) -> Spec:
    """Return the spec that a checkpoint holds as plain data."""
    return Spec(**{k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})  # pyright: ignore[reportArgumentType]

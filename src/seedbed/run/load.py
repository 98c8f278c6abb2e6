"""A finished run's model, in one line, for a notebook or another program."""

from pathlib import Path
from typing import NamedTuple

from torch import nn

from seedbed.config import as_config
from seedbed.run.build import make_net
from seedbed.run.folder import Refused, read_config
from seedbed.run.saved import FOR_MODEL, hold_against, whole
from seedbed.types import Spec


class Loaded(NamedTuple):
    """What a run learned."""

    model: nn.Module  # raw inputs (B, *spec.shape) to logits (B, K), in eval mode
    spec: Spec


def load(run: str | Path) -> Loaded:
    """Return the best model of a run folder, with its scaling, and what its data knew.

    Raises:
        Refused: `run` is no run folder.
        FileNotFoundError: it holds no checkpoint.
        ValueError: its checkpoint is damaged, not finite, or of another model.
    """
    file, prefix = Path(run, "checkpoints/best.ckpt"), "model."
    content = whole(file, FOR_MODEL)
    try:
        spec = spec_from(content["spec"])
    except TypeError as error:
        raise ValueError(f"{file}: not a checkpoint of a run (its 'spec' is another)") from error
    model = make_net(as_config(read_config(Path(run))), spec)
    named = {k: v for k, v in content["state_dict"].items() if k.startswith(prefix)}
    state = {k.removeprefix(prefix): v for k, v in named.items()}
    hold_against(file, {}, state, model)
    model.load_state_dict(state)
    return Loaded(model.eval(), spec)


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
        raise ValueError(f"runs: {why}" if run in why else f"runs: {run}: {why}") from error


def spec_from(plain: dict[str, object]) -> Spec:
    """Return the spec that a checkpoint holds as plain data."""
    return Spec(**{k: tuple(v) if isinstance(v, list) else v for k, v in plain.items()})  # pyright: ignore[reportArgumentType]

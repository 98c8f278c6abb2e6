"""Which checkpoint of a run is taken: the newest that is whole, or the best."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from seedbed.checkpoint._file import local, progress, read_checkpoint, verify
from seedbed.checkpoint._place import place
from seedbed.checkpoint._sound import foreign, lacking, poison
from seedbed.run.folder import Refused

Content = dict[str, Any]
FOR_MODEL = ("state_dict", "spec")  # what a model needs of a checkpoint
PROGRESS = ("epoch", "global_step", "loops", "callbacks")
FOR_TRAINING = (*FOR_MODEL, *PROGRESS, "optimizer_states", "lr_schedulers")


def best(run: Path, task: nn.Module, look: Callable[[Content], object] = bool) -> Content:
    """Return the best weights of a run; nothing else is taken in their place.

    Args:
        run: the run folder.
        task: what takes them.
        look: called with what is whole, before its weights are compared; may refuse it.

    Raises:
        Refused: they are not there, damaged, not finite, or of another model.
    """
    file = run / "checkpoints/best.ckpt"
    try:
        content = whole(file, FOR_MODEL)
        look(content)
        hold_against(file, content, content["state_dict"], task)
    except (OSError, ValueError) as error:
        raise Refused(str(error)) from error
    return content


def newest(
    run: Path,
    task: nn.Module,
    tell: Callable[[str], None],
    look: Callable[[Content], object] = bool,
) -> tuple[Path, Content]:
    """Return the checkpoint that has seen most steps of those that are whole.

    Args:
        run: the run folder.
        task: what is to go on; the checkpoint must be of the same model.
        tell: called with a line for each that is passed over.
        look: called with what is whole, before its weights are compared; may refuse it.

    Raises:
        Refused: none is whole.
    """
    wrong: dict[Path, str] = {}
    for file in by_progress(run / "checkpoints"):
        try:
            content = whole(file, FOR_TRAINING)
            look(content)
            hold_against(file, content, content["state_dict"], task)
        except (OSError, ValueError) as error:
            wrong[file] = str(error)
            continue
        last = run / "checkpoints/last.ckpt"
        if file != last and last not in wrong and (why := damaged(last)):
            wrong[last] = why
        *others, final = wrong.values() or [""]
        for line in others:
            tell(line)
        if final:
            epochs, batches = place(content["loops"]["fit_loop"])
            where = f"epoch {epochs + bool(batches)}, step {content['global_step']}"
            tell(f"{final}; going on from {file}, {where}")
        return file, content
    if not wrong:
        raise Refused(f"{run}/checkpoints/last.ckpt: there is no checkpoint to go on from")
    raise Refused(f"run={run}: nothing to go on from: {'; '.join(wrong.values())}")


def by_progress(folder: Path) -> list[Path]:
    """Return the checkpoints, the one with most steps first, and before it what cannot tell.

    Of two that have seen the same, `last.ckpt` comes before `best.ckpt`: it is the later one.
    """
    names = [folder / "last.ckpt", folder / "best.ckpt"]
    names += sorted(folder.glob("epoch-*_step-*.ckpt"), reverse=True)

    def seen(file: Path) -> tuple[float, float]:
        try:
            return progress(file)
        except (OSError, ValueError):
            return float("inf"), 0.0

    return sorted((file for file in names if file.is_file()), key=seen, reverse=True)


def damaged(file: Path) -> str | None:
    """Return why a checkpoint cannot be read, None if it can."""
    try:
        verify(local(file))
    except (OSError, ValueError) as error:
        return str(error)
    return None


def whole(file: Path, needed: tuple[str, ...]) -> Content:
    """Return a checkpoint that holds what is needed.

    Raises:
        FileNotFoundError: there is none.
        ValueError: it is damaged, or not of a run.
    """
    content = read_checkpoint(file)
    if missing := lacking(content, needed):
        raise ValueError(f"{file}: not a checkpoint of a run ({missing})")
    return content


def hold_against(file: Path, content: Content, state: Mapping[str, Any], own: nn.Module) -> None:
    """Compare a checkpoint with the model that asks for it.

    Args:
        file: where it lies.
        content: all that it holds.
        state: the tensors in it that are to be taken.
        own: what is to take them.

    Raises:
        ValueError: it is of another model, or not finite.
    """
    tensors: dict[str, Tensor] = own.state_dict()
    if why := foreign(state, tensors):
        raise ValueError(f"{file}: of another model ({why})")
    learned = {name for name, _ in own.named_parameters(remove_duplicate=False)}
    if why := poison({**content, "state_dict": state}, learned):
        raise ValueError(f"{file}: poisoned ({why})")

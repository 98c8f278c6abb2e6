"""Weights that were learned before: of a finished run, or from a file.

Formula: w ← w_source wherever name and shape agree
Source: Yosinski et al. 2014, "How Transferable Are Features in Deep Neural Networks?",
https://arxiv.org/abs/1411.1792.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from seedbed.init._tensors import named_for, read, refit, renamed
from seedbed.types import Spec

SHOWN = 8  # names of each kind in the message


@dataclass(frozen=True, slots=True)
class Match:
    """How the tensors of a file fit those of a model, by name."""

    fit: Sequence[str]
    reshaped: Sequence[str]  # in both, of another shape
    missing: Sequence[str]  # in the model only
    unexpected: Sequence[str]  # in the file only


class Pretrained:
    """Starts from features that another training has learned, and adapts them.

    Loads what has the same name and shape, batch norm's statistics too, and splits or joins
    weights where only one of the two models has weight norm; the rest, such as a head
    for other classes, stays as it is, and is listed.  The scaling of the inputs is fitted on this
    run's data, never loaded.  Comes after an init that fills the body, whose weights it replaces:
    `init=[he,pretrained]` gives a new head He's.

    Args:
        run: folder of a finished run, whose best weights are taken.
        path: a .safetensors file, or a state dict saved by torch; instead of `run`.
        rename: how names begin here, and how the same begin in the file, the longest there
            first: `{body.: "", head.: fc.}` for a network of torchvision's as the body.

    Raises:
        ValueError: neither `run` nor `path`, or both.
    """

    order = 1

    def __init__(
        self,
        run: str | None = None,
        path: str | None = None,
        rename: Mapping[str, str] | None = None,
    ) -> None:
        if (run is None) == (path is None):
            raise ValueError("name the weights: either run=<folder> or path=<file>")
        self.path = Path(path) if path is not None else Path(str(run), "checkpoints/best.ckpt")
        self.rename = dict(rename or {})
        self.message = ""

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the weights of `model` in place and say in `message` what did not match.

        Raises:
            ValueError: the file cannot be read, or nothing in it fits but a head.
        """
        own = model.state_dict()
        tensors = refit(own, named_for(own, renamed(read(self.path), self.rename)))
        match = compare(own, tensors)
        if not below_head(match.fit) and (below_head(own) or not match.fit):
            what = "only the head" if match.fit else "no tensor"
            raise ValueError(f"{self.path}: {what} fits {type(model).__name__}{told(match)}")
        with torch.no_grad():
            for name in match.fit:
                own[name].copy_(tensors[name])
        self.message = f"{self.path}: {len(match.fit)} of {len(own)} tensors loaded{told(match)}"


def below_head(names: Iterable[str]) -> list[str]:
    """Return the names that do not belong to a head, which is worth nothing without its body."""
    return [name for name in names if not name.startswith("head.")]


def compare(own: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> Match:
    """Return which names of a model and a file agree."""
    both = [name for name in own if name in found]
    fit = [name for name in both if own[name].shape == found[name].shape]
    reshaped = [name for name in both if name not in fit]
    missing = [name for name in own if name not in found]
    return Match(fit, reshaped, missing, [name for name in found if name not in own])


def told(match: Match) -> str:
    """Return the names that do not agree, in one line."""
    kinds = {
        "of another shape": match.reshaped,
        "missing in the file": match.missing,
        "not in the model": match.unexpected,
    }
    return "".join(f"; {kind}: {listed(names)}" for kind, names in kinds.items() if names)


def listed(names: Sequence[str]) -> str:
    """Return the first few names."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more

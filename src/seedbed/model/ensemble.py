"""Model averaging: finished runs answer together.

For classes the mean of the probabilities, so that the cross-entropy is at most the members' mean
cross-entropy (Jensen); for real numbers the mean of the values.

Source: Hansen & Salamon 1990, "Neural Network Ensembles", https://doi.org/10.1109/34.58871.
"""

import math
from collections.abc import Callable, Sequence
from typing import Protocol

import torch
from torch import Tensor, nn

from seedbed.types import Spec


class Member(Protocol):
    """What `load` returns for a run."""

    @property
    def model(self) -> nn.Module:
        """Raw inputs `(B, *spec.shape)` to logits or values `(B, K)`."""
        ...

    @property
    def spec(self) -> Spec:
        """What the run's data knew."""
        ...


class Ensemble(nn.Module):
    """Averages the predictions of finished runs; nothing is trained: `stages=[test,report]`.

    Takes raw inputs, since every member brings its own scaling, and gives logits whose softmax is
    the mean of the members' probabilities, or values in the units of the data.  Members are
    frozen and always in eval mode.  The loss of real numbers is in the units of the data, too.

    Args:
        spec: what the data knows; the members' data must have known the same of inputs and
            targets.
        load: returns the model of a run folder and what its data knew.
        runs: folders of finished runs, at least one.

    Raises:
        ValueError: a folder that is no finished run, or one that learned something else.
    """

    whole = True  # nothing is put around it: no scaling, no inits, no training

    def __init__(self, spec: Spec, load: Callable[[str], Member], runs: Sequence[str] = ()) -> None:
        super().__init__()
        if not runs:
            raise ValueError("runs must name at least one folder of a finished run")
        try:
            members = [load(run) for run in runs]
        except ValueError as error:
            raise ValueError(f"runs: {error}") from error
        for run, member in zip(runs, members, strict=True):
            if reason := misfit(member.spec, spec):
                raise ValueError(f"runs: {run} {reason}")
        self.spec = spec
        self.specs = [member.spec for member in members]
        self.members = nn.ModuleList(member.model for member in members)
        self.requires_grad_(False)
        self.train(False)

    def train(self, mode: bool = True) -> "Ensemble":
        """Stay in eval mode."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Map raw inputs `(B, *shape)` to `(B, K)`: log of mean probabilities, or mean values."""
        outputs = [member(x) for member in self.members]
        if self.spec.kind == "value":
            return torch.stack(outputs).mean(0)
        scores = [spec.scores(z) for spec, z in zip(self.specs, outputs, strict=True)]
        logs = torch.stack([z.log_softmax(-1) for z in scores])  # (members, B, C)
        mean = logs.logsumexp(0) - math.log(len(logs))  # of probabilities, without underflow
        return mean[:, 1:] - mean[:, :1] if self.spec.outputs == 1 else mean


def misfit(member: Spec, spec: Spec) -> str | None:
    """Return why a member cannot answer for this data."""
    if tuple(member.shape) != tuple(spec.shape):
        return f"takes inputs of shape {tuple(member.shape)}, the data has {tuple(spec.shape)}"
    if member.kind != spec.kind:
        return f"predicts a {member.kind}, the data has a {spec.kind} as target"
    if spec.kind == "value" and member.outputs != spec.outputs:
        return f"predicts {member.outputs} values, the data has {spec.outputs}"
    if tuple(member.classes) != tuple(spec.classes):
        return f"knows the classes {short(member.classes)}, the data has {short(spec.classes)}"
    return None


def short(classes: Sequence[str]) -> str:
    """Return the names of classes in few words."""
    return ", ".join(classes) if len(classes) < 12 else f"{', '.join(classes[:10])}, …"

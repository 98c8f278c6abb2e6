"""Structured pruning: whole channels go, and the network really shrinks.

Formula: magnitude: s_c = Σ w² over all weights that make channel c, scale it or read it;
    fisher: s_c = (1/2N) Σ_n (∂L_n/∂m_c)² = (1/2N) Σ_n (Σ w·∂L_n/∂w over the weights that read c)²,
    m_c being a factor on the channel; the lowest scores go
Source: Fang et al. 2023, "DepGraph: Towards Any Structural Pruning",
    https://arxiv.org/abs/2301.12900 (what goes together, and the group's norm); Theis et al. 2018,
    "Faster Gaze Prediction With Dense Networks and Fisher Pruning",
    https://arxiv.org/abs/1801.05787 (labels are the data's); Liu et al. 2021, "Group Fisher Pruning
    for Practical Network Compression", https://arxiv.org/abs/2108.00708 (one factor for all the
    layers that read a channel)
"""

import copy
from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from seedbed.compress._batch_norm import reestimate
from seedbed.compress._cut import cut, joined, refuse_untrue, weakest
from seedbed.compress._family import Family, families
from seedbed.compress._graph import Graph, Place
from seedbed.compress._score import by_fisher, by_magnitude, by_nothing
from seedbed.compress._width import mixes, width
from seedbed.compress._workbench import Workbench
from seedbed.nearest import nearest

Criterion = Literal["magnitude", "fisher", "random"]


class Structured:
    """Removes channels of convolutions and units of hidden layers, then trains what is left.

    Channels that are added to each other (along residual connections) or normalised together go
    together; the inputs and the outputs of the model stay.  Then the statistics of batch norm are
    measured anew, and the model is trained for some epochs.

    Args:
        ratio: share of the channels of each layer that goes, in (0, 1).
        criterion: what makes a channel worth keeping: magnitude (of its weights), fisher (the
            training loss that its removal would cost, to second order), or random (the control).
        round_to: what the widths of layers at least twice as wide are rounded to, the nearest
            multiple, >= 1; hardware likes 16.
        examples: of the training split, for batch norm's statistics and for fisher, >= 2.
        epochs: of training afterwards, >= 0.
        rate: factor on the run's learning rate there, > 0.
        exclude: names of layers, or of parts of the model, whose outputs stay as they are, as in
            `model.body.0`.
        max_drop: points that the model may lose on validation, >= 0.

    Raises:
        ValueError: an argument outside its range.
    """

    needs = ("torch_pruning",)  # modules of the extra

    def __init__(
        self,
        ratio: float = 0.5,
        criterion: Criterion = "magnitude",
        round_to: int = 16,
        examples: int = 1024,
        epochs: int = 5,
        rate: float = 1.0,
        exclude: Sequence[str] = (),
        max_drop: float = 2.0,
    ) -> None:
        if not 0 < ratio < 1:
            raise ValueError(f"ratio must lie in (0, 1), got {ratio}")
        if criterion not in Criterion.__args__:
            choices = ", ".join(Criterion.__args__)
            raise ValueError(f"criterion must be one of {choices}, got {criterion!r}")
        for name, value, low in (
            ("round_to", round_to, 1),
            ("examples", examples, 2),
            ("epochs", epochs, 0),
            ("max_drop", max_drop, 0),
        ):
            if not low <= value < float("inf"):
                raise ValueError(f"{name} must be at least {low}, got {value}")
        if not 0 < rate < float("inf"):
            raise ValueError(f"rate must be positive, got {rate}")
        self.ratio, self.criterion, self.round_to = ratio, criterion, round_to
        self.examples, self.epochs, self.rate = examples, epochs, rate
        self.exclude, self.max_drop = tuple(exclude), max_drop

    def randomly(self) -> "Structured":
        """Return a copy that removes as many channels, whichever they are."""
        control = copy.copy(self)
        control.criterion = "random"
        return control

    def __call__(self, net: nn.Module, bench: Workbench) -> nn.Module:
        """Return the model with fewer channels, trained."""
        self.shrink(net, bench)
        reestimate(net, bench.batches(net, self.examples))
        bench.tune(net, None, self.epochs, self.rate)
        return net.eval()

    @torch.inference_mode(False)
    @torch.enable_grad()
    def shrink(self, net: nn.Module, bench: Workbench) -> None:
        """Remove channels, and nothing else.

        Raises:
            ValueError: there are none to remove, or not without harm; `net` is as it was.
        """
        x = next(bench.batches(net, 4, 4)).x
        graph = Graph(net, x)
        found, kept = families(graph, alone(net, self.exclude))
        going = [
            self.weakest(f, s) for f, s in zip(found, self.scores(net, found, bench), strict=True)
        ]
        pieces: dict[str, list[dict[Place, Tensor]]] = {}
        for family, channels in zip(found, going, strict=True):
            if tied(graph, family, channels):
                kept[family.name] = "makes channels that depend on each other"
            elif len(channels):
                pieces.setdefault(family.name, []).append(family.removed(channels))
        if not pieces:
            raise ValueError(self.nothing(found, kept))
        wholes = {name: joined(piece) for name, piece in pieces.items()}
        refuse_untrue(net, wholes, x)
        before = widths(net)
        cut(net, joined(wholes.values()))
        stay = f"; as wide as before: {listed(kept)}" if kept else ""
        bench.tell(f"{widths(net)} of {before} channels are left{stay}")

    def weakest(self, family: Family, score: Tensor) -> Tensor:
        """Return the channels of a family that go."""
        if not score.isfinite().all():
            raise ValueError(
                f"criterion={self.criterion}: {family.name} has a score that is no number"
            )
        return weakest(family, score, self.ratio, self.round_to)

    def scores(self, net: nn.Module, found: Sequence[Family], bench: Workbench) -> list[Tensor]:
        """Return what the channels of each family are worth."""
        if self.criterion == "random":
            return by_nothing(found, bench.seed)
        if self.criterion == "fisher":
            return by_fisher(net, found, bench.batches(net, self.examples), bench.loss)
        return by_magnitude(net, found)

    def nothing(self, found: Sequence[Family], kept: Mapping[str, str]) -> str:
        """Return why no channel can be removed."""
        if kept:
            return "nothing can be pruned: " + listed(kept)
        if not found:
            return "nothing can be pruned: all layers make the model's outputs or are excluded"
        return f"ratio={self.ratio} with round_to={self.round_to} removes nothing; lower round_to"


def alone(net: nn.Module, exclude: Sequence[str]) -> set[str]:
    """Return the names of the layers that are, or lie in, what is excluded.

    Raises:
        ValueError: there is no such layer.
    """
    names = [name for name, _ in net.named_modules(remove_duplicate=False) if name]
    found = set()
    for word in exclude:
        own = {name for name in names if f"{name}.".startswith(f"{word}.")}
        if not own:
            raise ValueError(f"exclude: the model has no layer {word!r}; {nearest(word, names)}")
        found |= own
    return found


def tied(graph: Graph, family: Family, channels: Tensor) -> bool:
    """Return whether other channels of the same layers would have to go, too."""
    if not len(channels):
        return False
    reached = graph.reached(family.name, family.made[channels])
    expected = {p: set(e.tolist()) for p, e in family.removed(channels).items()}
    return reached != expected


def widths(net: nn.Module) -> int:
    """Return the number of channels that all layers make."""
    return sum(width(m, "out") for m in net.modules() if mixes(m))


def listed(kept: Mapping[str, str]) -> str:
    """Return why layers stay as wide as they are."""
    return "; ".join(f"{name} {reason}" for name, reason in kept.items())

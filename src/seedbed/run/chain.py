"""The stage `compress`: from the best weights, step by step, to a small model and a table."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import nn

from seedbed.compress._measure import drop
from seedbed.compress._workbench import Compression, Workbench
from seedbed.randomness import mix
from seedbed.run.artefact import Artefact, Maker
from seedbed.run.folder import Refused
from seedbed.run.tune import Tuner
from seedbed.weight import parameters as weights


@contextmanager
def naming(what: str) -> Iterator[None]:
    """Refuse the run where something is said against a step, the model or the data.

    Raises:
        Refused: with the line that says it, and of what.
    """
    try:
        yield
    except (ValueError, ImportError) as error:
        line = str(error).splitlines()[0]
        raise Refused(line if line.startswith("compress") else f"{what}: {line}") from error


@dataclass
class Chain:
    """Steps of compression, one after another, as long as each is worth what it costs.

    Args:
        steps: by name, in the order of the command.
        bench: what they work with; its `tune` is `tuner`.
        tuner: told who asks.
        maker: makes files of models and measures them.
        nodes: what describes each step.
        agree: makes the first process' answer that of all.
        tell: shows the user a line.
        anew: gives a model the first weights that the run's own had.
        epochs: of training that the dense model has seen.
    """

    steps: dict[str, Compression]
    bench: Workbench
    tuner: Tuner
    maker: Maker
    nodes: dict[str, Any]
    agree: Callable[[bool], bool]
    tell: Callable[[str], None]
    anew: Callable[[nn.Module], None]
    epochs: int

    def run(self, dense: Artefact) -> list[Artefact]:
        """Return every model that was made, the last one perhaps worth too little."""
        made, good = [dense], dense
        names = list(self.steps)
        for number, (name, step) in enumerate(self.steps.items(), 1):
            self.tell(f"compress {number}/{len(names)}: {name}")
            made.append(self.made(name, step, made[-1]))
            if number < len(names) and getattr(self.steps[names[number]], "recovers", False):
                continue  # judged when the next has made good what it can
            gained, _ = drop(good.val, made[-1].val)
            if self.agree(-gained > step.max_drop):
                self.end(made, good, -gained, step.max_drop)
                break
            good = made[-1]
        return made

    def end(self, made: list[Artefact], good: Artefact, lost: float, most: float) -> None:
        """Mark what was made after the last good model, and say why the chain ends."""
        name = made[-1].name
        said = f"loses {lost:.2f} points on validation, more than compress.{name}.max_drop={most:g}"
        made[-1].notes.append(f"{said}: not kept")
        for each in made[made.index(good) + 1 :]:
            each.stopped = True
        self.tell(f"compress.{name}: {said}: the chain ends with {good.name}")

    def made(self, name: str, step: Compression, before: Artefact, control: str = "") -> Artefact:
        """Return what a step makes of a model, which itself stays as it is.

        Raises:
            Refused: the step cannot be made.
        """
        self.tuner.step = (f"{name}{control}", self.nodes.get(name))
        with naming(f"compress.{name}"):
            net = step(copy.deepcopy(before.net), self.bench)
            return self.maker.make(f"{name}{control}", net, before)

    def controls(self, made: list[Artefact]) -> list[Artefact]:
        """Return what tells whether pruning chose well: chance, and that size trained anew."""
        found = []
        for before, after in pairwise(made):
            step: Any = self.steps[after.name]
            if hasattr(step, "randomly") and not after.stopped:
                self.tell(f"control: {after.name} at random")
                found.append(self.made(after.name, step.randomly(), before, " at random"))
                self.tell(f"control: {after.name} from scratch")
                found.append(self.made(after.name, self.scratch(after), after, " from scratch"))
        for each in found:
            each.control = True
        return found

    def scratch(self, pruned: Artefact) -> Compression:
        """Return the step that trains a pruned model anew, for as long as it was trained in all."""

        def train(net: nn.Module, bench: Workbench) -> nn.Module:
            restart(net, self.anew, bench.seed)
            bench.tune(net, None, self.epochs + self.tuner.spent[pruned.name], 1.0)
            return net

        return cast(Compression, train)


def restart(net: nn.Module, anew: Callable[[nn.Module], None], seed: int) -> None:
    """Forget what a net has learned; weights that were pruned stay 0."""
    masks = [(weight, weight != 0) for weight in weights(net)]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(mix(seed, 7))
        for module in net.modules():
            if hasattr(module, "reset_parameters"):
                cast(Any, module).reset_parameters()
        anew(net)
        for weight, mask in masks:
            weight.mul_(mask)

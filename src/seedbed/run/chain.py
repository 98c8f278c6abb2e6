"""The stage `compress`: from the best weights, step by step, to a small model and a table."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, cast

import torch
from torch import nn

from seedbed.compress._measure import drop
from seedbed.compress._workbench import Compression, Workbench
from seedbed.compress._zeros import mixing
from seedbed.randomness import mix
from seedbed.run.artefact import Artefact, Maker
from seedbed.run.folder import Refused
from seedbed.run.tune import Tuner

SAID = (ValueError, ImportError)  # what a step says about its arguments, the model or the data


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
        made = [dense]
        for number, (name, step) in enumerate(self.steps.items(), 1):
            self.tell(f"compress {number}/{len(self.steps)}: {name}")
            made.append(self.made(name, step, made[-1]))
            gained, _ = drop(made[-2].val, made[-1].val)
            if self.agree(-gained > step.max_drop):
                made[-1].stopped = True
                said = f"loses {-gained:.2f} points on validation, more than "
                said += f"compress.{name}.max_drop={step.max_drop:g}: the chain ends before it"
                made[-1].notes.append(said)
                self.tell(f"compress.{name}: {said}; kept: {made[-2].name}")
                break
        return made

    def made(self, name: str, step: Compression, before: Artefact, control: str = "") -> Artefact:
        """Return what a step makes of a model, which itself stays as it is.

        Raises:
            Refused: the step cannot be made.
        """
        self.tuner.step = (f"{name}{control}", self.nodes.get(name))
        try:
            net = step(copy.deepcopy(before.net), self.bench)
            return self.maker.make(f"{name}{control}", net, before)
        except SAID as error:
            line = str(error).splitlines()[0]
            named = line if line.startswith("compress") else f"compress.{name}: {line}"
            raise Refused(named) from error

    def controls(self, made: list[Artefact]) -> list[Artefact]:
        """Return what tells whether pruning chose well: chance, and that size trained anew."""
        found = []
        for before, after in pairwise(made):
            step: Any = self.steps[after.name]
            if hasattr(step, "randomly"):
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
    masks = [(weight, weight != 0) for weight in mixing(net)]
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(mix(seed, 7))
        for module in net.modules():
            if hasattr(module, "reset_parameters"):
                cast(Any, module).reset_parameters()
        anew(net)
        for weight, mask in masks:
            weight.mul_(mask)

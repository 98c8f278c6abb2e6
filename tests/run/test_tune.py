"""Training in the course of compression, against a loop by hand."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from conftest import TINY
from torch import Tensor, nn

from seedbed import config
from seedbed.command import Command
from seedbed.compress._plain import plain
from seedbed.data._loader import Order
from seedbed.door import checked
from seedbed.run.pipeline import Run
from seedbed.run.quiet import quiet
from seedbed.run.stop import WISH, Interrupted
from seedbed.run.tune import Tuner
from seedbed.types import Step

PLAIN = ["optimizer=sgd", "optimizer.lr=0.1", "scheduler=constant", "callback=[]", "logger=[]"]


def tuner(folder: Path, *words: str) -> tuple[Tuner, nn.Module, list[str]]:
    config.register()
    command = Command.read([*TINY, *PLAIN, *words])
    cfg = replace(checked(command)[0], out=str(folder))
    parts = Run(cfg, folder).parts
    said: list[str] = []
    return Tuner(cfg, parts, folder / "tuning", said.append), plain(parts.task.model), said


def by_hand(made: Tuner, net: nn.Module, epochs: int, lr: float) -> None:
    split = made.parts.data.splits["train"]
    optimizer = torch.optim.SGD(net.parameters(), lr)
    sampler = made.parts.data.train_dataloader().sampler  # pyright: ignore[reportAttributeAccessIssue]
    order = Order(len(split.y), 16, seed=sampler.seed)
    net.train()
    for epoch in range(epochs):
        order.set_epoch(epoch)
        for index in order:
            optimizer.zero_grad()
            F.cross_entropy(net(split.x[index]), split.y[index]).backward()
            optimizer.step()


def same(one: nn.Module, other: nn.Module, within: float = 0) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.allclose(a, b, atol=within, rtol=0) for a, b in pairs)


@pytest.mark.parametrize("rate", [1.0, 0.25])
def test_it_trains_as_a_loop_by_hand(tmp_path: Path, rate: float) -> None:
    with quiet():
        made, net, _ = tuner(tmp_path)
        other = copy.deepcopy(net)
        made(net, None, 3, rate)
    by_hand(made, other, 3, 0.1 * rate)
    assert same(net, other, 1e-6)
    assert not net.training
    assert not same(net, plain(made.parts.task.model), 1e-3)  # the run's own is as it was


def test_another_loss_takes_the_place_of_the_runs_own(tmp_path: Path) -> None:
    def halved(step: Step) -> Tensor:
        return step.loss / 2

    with quiet():
        made, net, _ = tuner(tmp_path)
        other = copy.deepcopy(net)
        made(net, halved, 2)
    by_hand(made, other, 2, 0.05)
    assert same(net, other, 1e-6)


def test_no_epochs_change_nothing(tmp_path: Path) -> None:
    made, net, _ = tuner(tmp_path)
    other = copy.deepcopy(net)
    made(net, None, 0)
    assert same(net, other)


def test_zeros_stay_also_in_penalties_and_momentum(tmp_path: Path) -> None:
    words = ["optimizer=adam", "optimizer.lr=0.01", "regularizer=[l2,max_norm]"]
    with quiet():
        made, net, _ = tuner(tmp_path, *words)
        weight = net.get_parameter("model.body.1.weight")
        with torch.no_grad():
            weight[:, 0] = 0
        made(net, None, 2)
    assert torch.count_nonzero(weight[:, 0]) == 0
    assert torch.count_nonzero(weight[:, 1]) == 8


def test_callbacks_that_watch_a_run_are_left_out_and_clipping_is_not(tmp_path: Path) -> None:
    words = ["callback=[gradient_clip,ema,early_stopping]", "callback.gradient_clip.threshold=1e-9"]
    with quiet():
        made, net, _ = tuner(tmp_path, *words)
        other = copy.deepcopy(net)
        made(net, None, 1)
    assert same(net, other, 1e-6)  # every step was clipped to nearly nothing


def test_a_schedule_that_looks_at_a_validation_gets_one(tmp_path: Path) -> None:
    with quiet():
        made, net, _ = tuner(tmp_path, "scheduler=plateau", "scheduler.patience=0")
        before = copy.deepcopy(net)
        made(net, None, 2)
    assert not same(net, before, 1e-4)


class Stop:
    """A loss that asks the run to end at its n-th call."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, step: Step) -> Tensor:
        self.left -= 1
        if not self.left:
            WISH.note(15, None)
        return step.loss


@pytest.mark.parametrize("at", [2, 4, 7])
def test_what_was_interrupted_goes_on_to_the_last_bit(tmp_path: Path, at: int) -> None:
    words = ["optimizer=adam", "scheduler=cosine", "model.dropout=0.2", "regularizer=[l1]"]
    with quiet():
        made, net, said = tuner(tmp_path, *words)
        first, straight = copy.deepcopy(net), copy.deepcopy(net)
        made(straight, Stop(0), 3)
        made.folder = tmp_path / "other"
        try:
            with pytest.raises(Interrupted):
                made(net, Stop(at), 3)
        finally:
            WISH.asked = 0
        assert not same(net, straight, 1e-6)
        made(first, Stop(0), 3)
    assert same(first, straight)
    assert "going on from epoch" in said[-1]


def test_what_differs_in_anything_starts_anew(tmp_path: Path) -> None:
    made, net, _ = tuner(tmp_path)
    names = {made.name(net, 3, 1.0), made.name(net, 4, 1.0), made.name(net, 3, 0.5)}
    made.step = ("static", {"examples": 3})
    names.add(made.name(net, 3, 1.0))
    made.cfg = replace(made.cfg, seed=1)
    names.add(made.name(net, 3, 1.0))
    made.cfg = replace(made.cfg, seed=0)
    with torch.no_grad():
        net.get_parameter("model.head.bias")[0] += 1e-6
    names.add(made.name(net, 3, 1.0))
    assert len(names) == 6
    assert made.name(net, 3, 1.0) in names

"""Learning rates in a whole training: multipliers, accumulation, uneven epochs, plateaus."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from option import build, names
from quick import trainer
from torch import nn

from seedbed.data.synthetic import Synthetic
from seedbed.param_groups.layer_decay import LayerDecay
from seedbed.param_groups.rules import Rules
from seedbed.scheduler.constant import Constant
from seedbed.scheduler.cosine import Cosine
from seedbed.scheduler.linear import Linear
from seedbed.scheduler.plateau import Plateau
from seedbed.task.supervised import Supervised
from seedbed.types import Clock, Spec, Unfit

SPEC = Spec((2,), "class", 3, tuple("012"))
OFFER = {"monitor": "val/loss", "mode": "min"}


class Watching(Supervised):
    """Keeps the rates of every update, and says of every validation what the test wants."""

    scripted: tuple[float, ...] = ()

    def __init__(self, **options: Any) -> None:
        torch.manual_seed(0)
        parts: dict[str, Any] = {
            "model": nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 3)),
            "loss": nn.CrossEntropyLoss(),
            "spec": SPEC,
            "optimizer": partial(torch.optim.SGD, lr=0.1),
        }
        super().__init__(**parts | options)
        self.rates: list[list[float]] = []
        self.validations = 0

    def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
        self.rates.append([rate for _, rate in self.learning_rates()])

    def _end_epoch(self, split: Any) -> dict[str, float]:
        values = super()._end_epoch(split)
        if split == "val" and self.scripted:
            self.validations += 1
            values["val/loss"] = self.scripted[self.validations - 1]
        return values


def data(size: int = 100) -> Synthetic:
    made = Synthetic(size=size, batch_size=16, noise=0.5)
    made.setup()
    return made


def fitted(epochs: int, *, path: Any = None, size: int = 100, **options: Any) -> Watching:
    limits = {k: options.pop(k) for k in list(options) if k in ("accumulate_grad_batches",)}
    scripted = options.pop("scripted", ())
    watching = Watching(**options)
    watching.scripted = scripted
    trainer(max_epochs=epochs, **limits).fit(watching, datamodule=data(size), ckpt_path=path)
    return watching


@pytest.mark.parametrize("accumulate", [1, 2, 3])
@pytest.mark.parametrize("name", names("scheduler"))
def test_every_update_has_the_rate_of_the_closed_form(name: str, accumulate: int) -> None:
    schedule = build("scheduler", name, offer=OFFER)
    watching = fitted(3, size=130, scheduler=schedule, accumulate_grad_batches=accumulate)
    batches = -(-len(data(130).splits["train"].x) // 16)  # the last one is smaller
    per_epoch = -(-batches // accumulate)
    expected = [0.1 * schedule(Clock(k, 3 * per_epoch, per_epoch)) for k in range(3 * per_epoch)]
    assert [rate for (rate,) in watching.rates] == pytest.approx(expected)


def test_multipliers_scale_the_rate_of_the_optimizer() -> None:
    groups = Rules([{"match": r"0\.", "lr": 0.5}, {"match": "bias", "lr": 0, "name": "still"}])
    watching = fitted(1, param_groups=groups, scheduler=Linear())
    line = [1 - k / 4 for k in range(4)]
    expected = torch.tensor([[0.05 * left, 0.0, 0.1 * left] for left in line])
    torch.testing.assert_close(torch.tensor(watching.rates), expected)
    assert [n for n, _ in watching.learning_rates()] == ["lr/rule_1", "lr/still", "lr/rest"]


def test_a_multiplier_works_once_without_a_schedule_and_after_resuming(tmp_path: Path) -> None:
    def run(epochs: int, path: Any = None, **options: Any) -> Watching:
        watching = Watching(param_groups=LayerDecay(0.5), **options)
        runner = trainer(max_epochs=epochs)
        runner.fit(watching, datamodule=data(), ckpt_path=path)
        runner.save_checkpoint(tmp_path / "a.ckpt")
        return watching

    for options in ({}, {"scheduler": Constant()}):
        run(1, **options)
        again = run(2, tmp_path / "a.ckpt", **options)
        assert again.rates == [pytest.approx([0.05, 0.1])] * 4
        whole = run(2, **options)
        for one, other in zip(again.parameters(), whole.parameters(), strict=True):
            assert torch.equal(one, other)


def test_a_plateau_is_judged_after_every_validation_and_acts_at_the_next_update() -> None:
    plateau = Plateau("val/loss", factor=0.5, patience=0)
    watching = fitted(4, scheduler=plateau, scripted=(3.0, 2.0, 2.0, 2.0))
    assert [rate for (rate,) in watching.rates] == [0.1] * 12 + [0.05] * 4
    assert watching.learning_rates() == [("lr", 0.025)]  # ready for a fifth epoch


def test_a_plateau_goes_on_where_a_checkpoint_left_it(tmp_path: Path) -> None:
    def run(epochs: int, scripted: tuple[float, ...], path: Any = None) -> list[float]:
        watching = Watching(scheduler=Plateau("val/loss", factor=0.5, patience=1))
        watching.scripted = scripted
        runner = trainer(max_epochs=epochs)
        runner.fit(watching, datamodule=data(), ckpt_path=path, weights_only=True)
        runner.save_checkpoint(tmp_path / "a.ckpt")
        return [rate for (rate,) in watching.rates]

    values = (3.0, 3.0, 3.0, 3.0, 3.0, 3.0)
    whole = run(6, values)
    assert len(set(whole)) == 3
    parts = run(2, values) + run(4, values[2:], tmp_path / "a.ckpt")
    assert parts + run(6, values[4:], tmp_path / "a.ckpt") == whole


def test_an_extended_training_follows_its_new_end(tmp_path: Path) -> None:
    def run(epochs: int, path: Any = None) -> list[float]:
        watching = Watching(scheduler=Cosine())
        runner = trainer(max_epochs=epochs)
        runner.fit(watching, datamodule=data(), ckpt_path=path)
        runner.save_checkpoint(tmp_path / "a.ckpt")
        return [rate for (rate,) in watching.rates]

    run(1)
    assert run(3, tmp_path / "a.ckpt") == pytest.approx(run(3)[4:])


def test_a_warm_up_longer_than_training_is_refused_when_it_starts() -> None:
    with pytest.raises(Unfit, match="scheduler: warmup=3: 12 steps of warm-up do not fit into a"):
        fitted(2, scheduler=Constant(warmup=3))


def test_a_validation_apart_from_training_is_not_observed() -> None:
    plateau = Plateau("val/loss", patience=0)
    watching = Watching(scheduler=plateau)
    trainer().validate(watching, datamodule=data(), verbose=False)
    assert plateau.best is None


def test_a_group_that_muon_splits_keeps_both_rates_in_proportion() -> None:
    muon = partial(build, "optimizer", "muon", lr=0.04, adamw_lr=0.002)
    groups = Rules([{"match": r"0\.", "lr": 0.5}])
    watching = fitted(
        1, optimizer=lambda params: muon(params=params), param_groups=groups, scheduler=Linear()
    )
    expected = [torch.tensor([0.02, 0.001, 0.04, 0.002]) * (1 - k / 4) for k in range(4)]
    torch.testing.assert_close(torch.tensor(watching.rates), torch.stack(expected))
    named = [name for name, _ in watching.learning_rates()]
    assert named == ["lr/rule_1", "lr/rule_1_adamw", "lr/rest", "lr/rest_adamw"]

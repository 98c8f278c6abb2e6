"""The doctor at work: what it measures by hand, and that it leaves the training alone."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import TINY, Train
from torch import nn

from seedbed import doctor
from seedbed.callback._activity import Activity
from seedbed.callback._doctor import Doctor
from seedbed.callback._facts import chance, entropy, facts_of
from seedbed.callback._looks import Looks
from seedbed.callback._moves import Moves
from seedbed.doctor._history import own


def test_how_far_an_update_moves_is_the_length_of_the_difference() -> None:
    first, last = nn.Linear(2, 2), nn.Linear(2, 1, bias=False)
    model = nn.Sequential(first, last)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(2.0)
    moves = Moves(model)
    first.weight.grad, last.weight.grad = torch.full((2, 2), 3.0), torch.full((1, 2), -6.0)
    moves.start()
    with torch.no_grad():
        first.weight.add_(0.5)
    read = moves.end().tolist()
    found = moves.values(read)
    assert found["doctor/update"] == pytest.approx(math.sqrt(4 * 0.25) / math.sqrt(8 * 4))
    assert found["doctor/frozen"] == pytest.approx(2 / 6)  # of the weights; biases do not count
    assert found["doctor/gradient_ratio"] == pytest.approx(0.5)
    assert moves.still(read) == {"1.weight"}


def test_a_large_tensor_is_sampled_evenly_and_counts_in_full() -> None:
    model = nn.Linear(1000, 1000, bias=False)
    small = nn.Linear(10, 10, bias=False)
    moves = Moves(nn.ModuleList([model, small]))
    moves.start()
    with torch.no_grad():
        model.weight.mul_(1.01)
    found = moves.values(moves.end().tolist())
    sizes = [each.weight.detach().square().sum().item() for each in (model, small)]
    expected = 0.01 * math.sqrt(sizes[0] / 1.01**2 / (sizes[0] / 1.01**2 + sizes[1]))
    assert found["doctor/update"] == pytest.approx(expected, rel=1e-2)
    assert max(s.numel() for s in moves._samples()) <= 65536


def test_a_unit_is_dead_that_no_example_wakes() -> None:
    first = nn.Linear(3, 3)
    model = nn.Sequential(first, nn.ReLU(), nn.Tanh())
    with torch.no_grad():
        first.weight.copy_(torch.eye(3))
        first.bias.copy_(torch.tensor([0.0, 9.0, -9.0]))
    activity = Activity(model)
    for sign in (1.0, -1.0):  # the first unit speaks on one batch alone
        activity.listen()
        model(sign * torch.tensor([[1.0, 0, 0], [2.0, 0, 0]]))
        activity.stop(2)
    found = activity.shares()
    assert found["doctor/dead"].item() == pytest.approx(1 / 3)
    assert found["doctor/saturated"].item() == pytest.approx(5 / 12, abs=0.1)
    assert not any(module._forward_hooks for module in model.modules())


def test_entropy_is_compared_with_that_of_chance() -> None:
    counts, rng = [50, 30, 20], np.random.default_rng(0)
    for n in (8, 64):
        draws = [rng.choice(3, n, p=[0.5, 0.3, 0.2]) for _ in range(3000)]
        mean = np.mean([entropy(torch.tensor(d), 3).item() for d in draws])
        assert chance(counts, n) == pytest.approx(mean, rel=0.01)
    assert entropy(torch.zeros(9, dtype=torch.int64), 3).item() == pytest.approx(0, abs=1e-6)


def test_looks_come_at_the_start_and_then_now_and_then() -> None:
    class Task(nn.Module):
        model = nn.Linear(1, 1)

    looks = Looks(Task(), 50, [])  # pyright: ignore[reportArgumentType]
    assert [s for s in range(210) if looks.due(s)] == [0, 1, 2, 4, 8, 16, 32, 49, 99, 149, 199]
    looks.batch = 16
    assert [s for s in range(420) if looks.listens(s)] == [
        *range(16),
        *range(196, 200),
        *range(396, 400),
    ]
    looks.batch = 1
    assert sum(looks.listens(s) for s in range(64 + 1600)) == 64 + 32


def test_unknown_symptoms_and_ranges_are_refused() -> None:
    with pytest.raises(ValueError, match=r"no symptom 'overfiting'; did you mean 'overfitting'"):
        Doctor(disable=["overfiting"])
    with pytest.raises(ValueError, match="every must be at least 1"):
        Doctor(every=0)
    assert Doctor(disable="slow").disable == ["slow"]


def test_a_task_without_a_spec_says_nothing() -> None:
    assert facts_of(nn.Linear(1, 1), None) == {}


PLAIN = [*TINY, "trainer.max_epochs=4", "trainer.log_every_n_steps=2"]
CLASSES = [*PLAIN, "doctor.every=4"]


def trained(folder: str) -> dict[str, torch.Tensor]:
    return torch.load(Path(folder, "checkpoints/last.ckpt"), weights_only=True)["state_dict"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        [],
        ["model.dropout=.3", "regularizer=[mixup,l1]", "model.norm=batch"],
        ["data.form=plane", "trainer.accumulate_grad_batches=2"],
        ["trainer.precision=bf16-mixed", "trainer.limit_val_batches=0", "stages=fit"],
    ],
    ids=["plain", "random", "values", "half"],
)
def test_training_is_the_same_without_it(train: Train, words: list[str]) -> None:
    assert train(*CLASSES, *words, "out=with").code == 0
    assert train(*PLAIN, *words, "doctor=none", "out=without").code == 0
    one, two = trained("with"), trained("without")
    assert all(torch.equal(one[name], two[name]) for name in one.keys() | two.keys())
    curves = own(Path("with/history.csv"))
    for name, plain in own(Path("without/history.csv")).items():
        np.testing.assert_array_equal(curves[name].values, plain.values)
    assert {"doctor/update", "doctor/loss", "doctor/frozen", "doctor/dead"} <= set(curves)
    assert not Path("without/diagnosis.json").exists()
    assert Path("with/diagnosis.json").exists()


@pytest.mark.slow
def test_what_guessing_costs_is_the_entropy_or_the_variance(train: Train) -> None:
    assert train(*CLASSES, "out=classes").code == 0
    facts = json.loads(Path("classes/diagnosis.json").read_text())["facts"]
    shares = np.array(facts["counts"]) / sum(facts["counts"])
    assert facts["base"] == pytest.approx(-(shares * np.log(shares)).sum(), rel=1e-4)
    assert (facts["per_epoch"], facts["total"]) == (3, 12)
    assert train(*CLASSES, "data.form=plane", "out=values").code == 0
    facts = json.loads(Path("values/diagnosis.json").read_text())["facts"]
    assert facts["base"] == pytest.approx(1.0, abs=0.1)  # targets are scaled


@pytest.mark.slow
def test_a_doctor_that_fails_is_switched_off(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Moves) -> None:
        raise RuntimeError("no\nmore")

    monkeypatch.setattr(Moves, "start", broken)
    ended = train(*CLASSES, "out=run")
    assert ended.code == 0
    assert ended.lines() == ["doctor: switched off (RuntimeError: no)"]
    monkeypatch.setattr(Moves, "start", lambda self: None)
    monkeypatch.setattr(doctor, "examine", broken)
    assert "doctor: switched off" in train(*CLASSES, "out=again").err


@pytest.mark.slow
def test_two_processes_and_accumulation(train: Train) -> None:
    from start import run

    words = ["trainer=ddp_cpu", "trainer.devices=2", "trainer.accumulate_grad_batches=2"]
    ended = run(Path.cwd(), *[w for w in CLASSES if w != "trainer=cpu"], *words, "out=run")
    assert ended.code == 0, ended.err
    assert "doctor" not in ended.err
    assert {"doctor/update", "doctor/loss"} <= set(own(Path("run/history.csv")))

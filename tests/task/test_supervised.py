"""What one step of training does, against the same by hand."""

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from quick import trainer
from torch import Tensor, nn

from seedbed.augment.basic import Basic
from seedbed.data.synthetic import Synthetic
from seedbed.logger.csv import CSV, read_rows
from seedbed.param_groups.no_decay import NoDecay
from seedbed.regularizer.l1 import L1
from seedbed.regularizer.l2 import L2
from seedbed.regularizer.label_smoothing import LabelSmoothing
from seedbed.scheduler.cosine import Cosine
from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Clock, Diverged, Regularizer, Spec, Split, Step

SGD = partial(torch.optim.SGD, lr=0.1)
SPEC = Spec((2,), "class", 3, tuple("012"))


def data(**options: Any) -> Synthetic:
    made = Synthetic(**{"size": 100, "batch_size": 16, "noise": 0.5} | options)  # 64 to train
    made.setup()
    return made


def task(**options: Any) -> Supervised:
    torch.manual_seed(0)
    parts: dict[str, Any] = {
        "model": nn.Linear(2, 3),
        "loss": nn.CrossEntropyLoss(),
        "spec": SPEC,
        "optimizer": SGD,
    }
    return Supervised(**parts | options)


def fitted(epochs: int = 1, *, on: dict[str, Any] | None = None, **options: Any) -> Supervised:
    trained = task(**options)
    trainer(max_epochs=epochs).fit(trained, datamodule=data(**on or {}))
    return trained


def weight(trained: Supervised) -> Tensor:
    return trained.model.get_parameter("weight").detach()


def test_training_is_the_plain_loop() -> None:
    model = task().model
    optimizer, source = SGD(model.parameters()), data()
    for epoch in range(3):
        loader = source.train_dataloader()
        loader.sampler.set_epoch(epoch)
        for x, y, _ in loader:
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    torch.testing.assert_close(weight(fitted(3)), model.get_parameter("weight").detach())


def test_penalties_are_in_the_training_loss_only() -> None:
    plain, penalised = task(), task(regularizers={"l1": L1(0.1), "l2": L2(0.2)})
    batch = Batch(torch.randn(5, 2), torch.tensor([0, 1, 2, 0, 1]))
    runner = trainer(max_epochs=0)
    losses = []
    for each in (plain, penalised):
        runner.fit(each, datamodule=data())
        losses.append(each.training_step(batch, 0).item())
        each._evaluate(batch, "val")
    w = weight(plain)
    expected = 0.1 * w.abs().sum() + 0.1 * w.square().sum()
    assert losses[1] - losses[0] == pytest.approx(expected.item(), rel=1e-5)
    means = [each.logs.meters["train"].means(runner) for each in (plain, penalised)]
    assert means[0]["train/loss"] == means[1]["train/loss"]
    assert means[1]["train/l1"] == pytest.approx(0.1 * w.abs().sum().item())
    assert means[1]["train/l2"] == pytest.approx(0.1 * w.square().sum().item())
    validated = [each.logs.meters["val"].means(runner)["val/loss"] for each in (plain, penalised)]
    assert validated[0] == validated[1]


def test_sgd_with_l2_is_sgd_with_weight_decay() -> None:
    penalised = fitted(2, regularizers={"l2": L2(0.3)})
    decayed = fitted(
        2, optimizer=partial(torch.optim.SGD, lr=0.1, weight_decay=0.3), param_groups=NoDecay()
    )
    torch.testing.assert_close(weight(penalised), weight(decayed))
    assert not torch.allclose(weight(penalised), weight(fitted(2)), atol=1e-2)


class Spy(Regularizer):
    """Writes down its verbs in a common list."""

    def __init__(self, name: str, heard: list[str]) -> None:
        super().__init__()
        self.name, self.heard, self.rates = name, heard, list[float]()

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        self.heard.append(f"{self.name}.prepare")

    def on_batch(self, batch: Batch) -> Batch:
        self.heard.append(f"{self.name}.on_batch")
        return batch

    def penalty(self, step: Step) -> None:
        self.heard.append(f"{self.name}.penalty")

    def after_step(self, model: nn.Module, lr: float) -> None:
        self.heard.append(f"{self.name}.after_step")
        self.rates.append(lr)


def test_verbs_run_in_one_order_and_after_step_once_an_update() -> None:
    heard: list[str] = []
    spy = Spy("b", heard)
    watched = task(
        regularizers={"b": spy, "a": Spy("a", heard)},
        augments=[lambda x: heard.append("augment") or x],
        scheduler=Cosine(),
    )
    trainer(max_epochs=1, accumulate_grad_batches=2, limit_val_batches=1).fit(
        watched, datamodule=data()
    )
    forward = ["augment", "b.on_batch", "a.on_batch", "b.penalty", "a.penalty"]
    update = [*forward, *forward, "b.after_step", "a.after_step"]
    assert heard == ["b.prepare", "a.prepare", *update, *update]
    assert spy.rates == pytest.approx([0.1, 0.05])  # the rates of the two updates


def test_evaluation_is_neither_augmented_nor_smoothed() -> None:
    kept: list[Batch] = []

    class Listening(Supervised):
        def forward_step(self, batch: Batch) -> Step:
            if not self.training:
                kept.append(batch)
            return super().forward_step(batch)

    source = data()
    listening = Listening(
        nn.Linear(2, 3),
        nn.CrossEntropyLoss(),
        SPEC,
        SGD,
        regularizers={"smooth": LabelSmoothing(0.3)},
        augments=[lambda x: x + 100],
    )
    runner = trainer(max_epochs=1)
    runner.fit(listening, datamodule=source)
    runner.test(listening, datamodule=source, verbose=False)
    seen = [torch.cat([batch[:2][part] for batch in kept]) for part in (0, 1)]
    for part in (0, 1):
        expected = torch.cat([source.splits["val"][:2][part], source.splits["test"][:2][part]])
        assert torch.equal(seen[part], expected)


def test_augmentation_leaves_the_targets_alone() -> None:
    x, y = torch.rand(6, 1, 4, 4), torch.arange(6) % 3
    batch = task(augments=[Basic(), Basic(flip=1.0)]).prepare_batch(Batch(x, y))
    assert torch.equal(batch.y, y)
    assert batch.x.shape == x.shape
    assert not torch.equal(batch.x, x)


def test_a_step_s_randomness_depends_on_seed_epoch_and_batch() -> None:
    def drawn(seed: int, *, disturbed: bool = False) -> list[float]:
        seen: list[float] = []

        def augment(x: Tensor) -> Tensor:
            seen.append(torch.rand(()).item())
            if disturbed:
                torch.rand(11)
            return x

        fitted(2, seed=seed, augments=[augment])
        return seen

    first = drawn(1)
    assert len(first) == len(set(first)) == 8
    assert drawn(1, disturbed=True) == first
    assert not set(drawn(2)) & set(first)


def test_every_batch_of_every_process_has_its_own_randomness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    places: list[tuple[int, ...]] = []
    monkeypatch.setattr("seedbed.task.supervised.seed_here", lambda _, *at: places.append(at))
    trainer(max_epochs=2, accumulate_grad_batches=2).fit(task(seed=7), datamodule=data())
    assert places == [(7, epoch, batch, 0) for epoch in range(2) for batch in range(4)]
    monkeypatch.setattr(Supervised, "global_rank", 3)
    trainer(max_epochs=1, limit_train_batches=1).fit(task(seed=7), datamodule=data())
    assert places[-1] == (7, 0, 0, 3)


def test_warm_up_counts_updates_not_batches() -> None:
    rates: list[float] = []

    class Watching(Supervised):
        def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
            rates.append(self.learning_rates()[0][1])

    watching = Watching(nn.Linear(2, 3), nn.CrossEntropyLoss(), SPEC, SGD, None, Cosine(warmup=1.0))
    trainer(max_epochs=4, accumulate_grad_batches=2).fit(watching, datamodule=data())
    expected = [0.1 * Cosine(warmup=1.0)(Clock(step, 8, 2)) for step in range(8)]
    assert rates == pytest.approx(expected)
    assert max(rates) == rates[1] == pytest.approx(0.1)  # the epoch's second update


def test_regularizers_are_told_the_first_group_s_rate() -> None:
    def groups(model: nn.Module) -> list[dict[str, Any]]:
        weight, bias = model.parameters()
        return [
            {"name": "weight", "params": [weight]},
            {"name": "bias", "params": [bias], "lr": 0.02},
        ]

    spy = Spy("a", [])
    fitted(1, param_groups=groups, regularizers={"a": spy})
    assert spy.rates == [0.1] * 4


def test_a_proximal_step_uses_the_rate_of_each_weight_s_group() -> None:
    def groups(model: nn.Module) -> list[dict[str, Any]]:
        first, last = model.children()
        return [
            {"name": "first", "params": list(first.parameters())},
            {"name": "last", "params": list(last.parameters()), "lr": 0.02},
        ]

    def model() -> nn.Module:
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 3))

    options = {"param_groups": groups, "scheduler": Cosine()}
    steps = {"limit_train_batches": 1, "max_epochs": 1}
    plain, sparse = (
        task(model=model(), regularizers=r, **options) for r in ({}, {"l1": L1(0.5, proximal=True)})
    )
    for each in (plain, sparse):
        trainer(**steps).fit(each, datamodule=data())
    for layer, rate in (("0", 0.1), ("1", 0.02)):
        w = plain.model.get_parameter(f"{layer}.weight").detach()
        expected = w.sign() * (w.abs() - 0.5 * rate).clamp(min=0)
        torch.testing.assert_close(sparse.model.get_parameter(f"{layer}.weight").detach(), expected)


def test_a_regularizer_that_refuses_is_named() -> None:
    with pytest.raises(ValueError, match=r"^regularizer\.smooth: label_smoothing needs targets"):
        task(spec=Spec((2,), "value", 3), regularizers={"smooth": LabelSmoothing()})


def test_the_schedule_keeps_the_ratios_of_groups() -> None:
    seen: list[list[float]] = []

    class Watching(Supervised):
        def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
            seen.append([rate for _, rate in self.learning_rates()])

    def groups(model: nn.Module) -> list[dict[str, Any]]:
        weight, bias = model.parameters()
        return [
            {"name": "weight", "params": [weight]},
            {"name": "bias", "params": [bias], "lr": 0.02},
        ]

    torch.manual_seed(0)
    watching = Watching(
        nn.Linear(2, 3), nn.CrossEntropyLoss(), SPEC, SGD, groups, Cosine(warmup=0.5)
    )
    trainer(max_epochs=2).fit(watching, datamodule=data())  # 8 steps, 2 of warm-up
    factor = Cosine(warmup=0.5)
    expected = [factor(Clock(step, 8, 4)) for step in range(8)]
    assert [rate for rate, _ in seen] == pytest.approx([0.1 * f for f in expected])
    assert [rate for _, rate in seen] == pytest.approx([0.02 * f for f in expected])
    assert [name for name, _ in watching.learning_rates()] == ["lr/weight", "lr/bias"]


def test_a_gradient_that_is_not_finite_ends_training() -> None:
    class Exploding(nn.CrossEntropyLoss):
        def forward(self, input: Tensor, target: Tensor) -> Tensor:
            return super().forward(input, target) * float("inf")

    broken = task(loss=Exploding())
    before = weight(broken).clone()
    with pytest.raises(Diverged, match="non-finite at step 0"):
        trainer(max_epochs=1).fit(broken, datamodule=data())
    assert torch.equal(weight(broken), before)


def test_what_is_logged(tmp_path: Path) -> None:
    source, log = data(), CSV(str(tmp_path))
    logged = task(scheduler=Cosine())
    runner = trainer(max_epochs=2, logger=log, log_every_n_steps=3)
    runner.fit(logged, datamodule=source)
    runner.test(logged, datamodule=source, verbose=False)
    rows = read_rows(log.path)
    assert [row["step"] for row in rows] == ["3", "4", "6", "8"]
    assert all(row["train/loss_step"] for row in (rows[0], rows[2]))
    assert not rows[0]["train/loss"]
    row, evaluated = rows[3], list[Split](["val", "test"])
    for split in evaluated:
        x, y, *_ = source.splits[split]
        logits = logged.model(x)
        assert float(row[f"{split}/loss"]) == pytest.approx(F.cross_entropy(logits, y).item())
        assert float(row[f"{split}/acc"]) == pytest.approx((logits.argmax(1) == y).float().mean())
    losses = [float(row["train/loss"]) for row in (rows[1], rows[3])]
    assert all(later < earlier for earlier, later in pairwise(losses))
    assert [row["epoch"] for row in rows] == ["1", "1", "2", "2"]


def test_a_number_is_kept_where_the_task_lies() -> None:
    placed = task().to("meta")
    placed.record({"loss": torch.ones((), device="meta"), "number": 3.0})
    placed.logs.meters["train"].take_in()
    [sums] = placed.logs.meters["train"].sums.values()
    assert isinstance(sums.totals, Tensor)
    assert sums.totals.is_meta
    assert sums.totals.shape == (2,)


def test_the_mean_loss_counts_examples() -> None:
    logged = task(optimizer=partial(torch.optim.SGD, lr=0.0))
    source = data(size=85, batch_size=50)  # 54 to train: 50 and 4
    runner = trainer(max_epochs=1)
    runner.fit(logged, datamodule=source)
    x, y, *_ = source.splits["train"]
    expected = F.cross_entropy(logged.model(x), y).item()
    assert len(y) == 54
    assert runner.callback_metrics["train/loss"].item() == pytest.approx(expected, rel=1e-5)


def test_predictions_are_probabilities_for_classes_and_values_otherwise() -> None:
    x = torch.randn(4, 2)
    batch = Batch(x, torch.zeros(4, dtype=torch.int64))
    classes = task()
    torch.testing.assert_close(classes.predict_step(batch, 0), classes(x).softmax(1))
    values = task(spec=Spec((2,), "value", 3), loss=nn.MSELoss())
    torch.testing.assert_close(values.predict_step(batch, 0), values(x))


def test_parameters_of_regularizers_are_trained() -> None:
    class Learned(Regularizer):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(2.0))

        def penalty(self, step: Step) -> Tensor:
            return self.scale.square()

    learned = Learned()
    trained = fitted(1, regularizers={"learned": learned})
    assert learned.scale.item() == pytest.approx(2 * 0.8**4)  # s ← s - .1 · 2s, four times
    assert [name for name, _ in trained.learning_rates()] == ["lr", "lr/regularizers"]


def test_a_checkpoint_says_what_the_data_knew(tmp_path: Path) -> None:
    trained = task()
    runner = trainer(max_epochs=1)
    runner.fit(trained, datamodule=data())
    runner.save_checkpoint(tmp_path / "a.ckpt")
    saved = torch.load(tmp_path / "a.ckpt", weights_only=True)
    assert saved["spec"] == {
        "shape": [2],
        "kind": "class",
        "outputs": 3,
        "classes": ["0", "1", "2"],
        "counts": [],
        "untouched": [],
        "source": "",
        "sizes": [],
        "content": "",
        "masked": False,
        "domains": [],
        "tests": [],
        "oracle": False,
        "codes": [],
        "episode": [],
        "coded": False,
        "unseen": [],
    }
    assert saved["optimizer"] == ["SGD"]


def test_a_single_logit_is_that_of_the_second_of_two_classes() -> None:
    one = task(model=nn.Linear(2, 1), spec=Spec((2,), "class", 1, ("no", "yes")))
    x, y = torch.randn(6, 2), torch.tensor([0, 1, 0, 1, 1, 1])
    z = one(x)
    expected = torch.cat([1 - z.sigmoid(), z.sigmoid()], 1)
    torch.testing.assert_close(one.predict_step(Batch(x, y), 0), expected)
    one.logs.count("val", z, y, {})
    accuracy = one.logs.metrics_of("val").compute()["val/acc"].item()
    assert accuracy == pytest.approx(((z[:, 0] > 0) == (y == 1)).float().mean().item())


def test_the_loss_is_measured_in_scaled_units_and_metrics_in_those_of_the_data() -> None:
    values = Spec((2,), "value", 1)
    halves = task(
        model=nn.Linear(2, 1),
        loss=nn.MSELoss(),
        spec=values,
        target_scaling=lambda y: (y - 10) / 4,
    )
    x, y = torch.randn(5, 2), torch.full((5, 1), 18.0)
    step = halves.forward_step(Batch(x, y))
    assert step.loss.item() == pytest.approx(F.mse_loss(halves(x), y).item() / 16)
    halves.logs.count("val", step.logits, y, {})
    rmse = halves.logs.metrics_of("val").compute()["val/rmse"].item()
    assert rmse == pytest.approx(F.mse_loss(halves(x), y).item() ** 0.5)


def test_regularizers_may_change_the_groups() -> None:
    class Decay(Regularizer):
        def on_groups(self, groups: list[dict[str, Any]]) -> None:
            for group in groups:
                group["weight_decay"] = 0.3

    changed = fitted(2, regularizers={"decay": Decay()})
    decayed = fitted(2, optimizer=partial(torch.optim.SGD, lr=0.1, weight_decay=0.3))
    assert torch.equal(weight(changed), weight(decayed))


def test_the_last_update_of_an_epoch_is_a_mean_however_few_batches_are_left() -> None:
    source = data(size=100, batch_size=16)  # 64 to train: 4 batches, 3 and 1 an update
    model = task().model
    optimizer = SGD(model.parameters())
    batches = list(source.train_dataloader())
    for window in (batches[:3], batches[3:]):
        optimizer.zero_grad()
        for x, y, _ in window:
            (F.cross_entropy(model(x), y) / len(window)).backward()
        optimizer.step()
    trained = task()
    trainer(max_epochs=1, accumulate_grad_batches=3).fit(trained, datamodule=data())
    torch.testing.assert_close(weight(trained), model.get_parameter("weight").detach())


def test_an_update_is_the_mean_of_its_examples_however_they_are_cut_into_batches() -> None:
    pieces, whole = task(), task()
    cut = {"size": 106, "batch_size": 8}  # 67 to train: batches of 8, and 3 at the end
    trainer(max_epochs=2, accumulate_grad_batches=2).fit(pieces, datamodule=data(**cut))
    trainer(max_epochs=2).fit(whole, datamodule=data(**cut | {"batch_size": 16}))
    torch.testing.assert_close(weight(pieces), weight(whole), rtol=0, atol=1e-6)


def test_a_weighted_loss_is_the_weighted_mean_of_an_epoch(tmp_path: Path) -> None:
    from seedbed.loss.cross_entropy import CrossEntropy

    loss = CrossEntropy(class_weight=[1, 5, 0.5])
    loss.prepare(SPEC)
    trained, source = task(loss=loss), data(size=106, batch_size=7)
    runner = trainer(max_epochs=1)
    runner.fit(trained, datamodule=source)
    x, y, *_ = source.splits["val"]
    wanted = F.cross_entropy(trained.model(x), y, weight=torch.tensor([1, 5, 0.5])).item()
    assert runner.callback_metrics["val/loss"].item() == pytest.approx(wanted, rel=1e-6)


def test_the_logged_rate_is_the_one_that_was_used(tmp_path: Path) -> None:
    log = CSV(str(tmp_path))
    logged = task(scheduler=Cosine())
    trainer(max_epochs=1, logger=log, log_every_n_steps=1).fit(logged, datamodule=data())
    rates = [float(row["lr"]) for row in read_rows(log.path) if row["train/loss_step"]]
    assert rates == pytest.approx([0.1 * Cosine()(Clock(step, 4, 4)) for step in range(4)])

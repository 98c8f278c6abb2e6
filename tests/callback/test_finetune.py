"""What is frozen stays bit for bit, what learns does so at its own rate, and when it is time."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from quick import trainer
from torch import Tensor, nn

from seedbed.callback._blocks import blocks
from seedbed.callback.ema import EMA
from seedbed.callback.finetune import Finetune
from seedbed.callback.gradient_clip import GradientClip
from seedbed.callback.swa import SWA
from seedbed.checkpoint.best_and_last import BestAndLast
from seedbed.data._memory import InMemory
from seedbed.model.cnn import CNN
from seedbed.model.inception import Inception
from seedbed.model.linear import Linear
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.optimizer.lion import Lion
from seedbed.optimizer.muon import Muon
from seedbed.optimizer.normalized import Normalized
from seedbed.param_groups.layer_decay import LayerDecay
from seedbed.param_groups.no_decay import NoDecay
from seedbed.regularizer.elastic_net import ElasticNet
from seedbed.regularizer.l1 import L1
from seedbed.regularizer.max_norm import MaxNorm
from seedbed.regularizer.weight_decay import WeightDecay
from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Spec, Unfit

SPEC = Spec((1, 8, 8), "class", 3, tuple("abc"))
State = dict[str, Tensor]

MODELS: dict[str, Callable[..., nn.Module]] = {
    "mlp": partial(MLP, widths=[6, 5]),
    "cnn": partial(CNN, channels=[4, 5], hidden=6),
    "resnet": partial(ResNet, channels=[4, 6], blocks=1),
    "inception": partial(Inception, stem=4, widths=[16, 16]),
}
BLOCKS = {  # beginnings of names, the block at the input first
    "mlp": [("body.1.", "body.2."), ("body.5.", "body.6.")],
    "cnn": [("body.0.0.",), ("body.0.1.",), ("body.2.", "body.3.")],
    "resnet": [("body.0.",), ("body.1.",), ("body.2.",)],
    "inception": [("body.0.", "body.1."), ("body.3.",), ("body.5.",)],
}
HOSTILE: dict[str, Any] = {
    "optimizer": partial(torch.optim.SGD, lr=0.1, momentum=0.9, weight_decay=0.1)
}


class Images(InMemory):
    """Noise of three classes."""

    def read(self) -> tuple[Batch, Batch]:
        draw = torch.Generator().manual_seed(5)
        x = torch.randn(60, 1, 8, 8, generator=draw)
        y = torch.arange(60) % 3
        return Batch(x[:48], y[:48]), Batch(x[48:], y[48:])


class Watch(Callback):
    """Keeps the state of the model at the start and after every epoch, while it trains."""

    def __init__(self) -> None:
        self.seen: list[State] = []

    def look(self, module: LightningModule) -> None:
        self.seen.append(state(module))

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.look(pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.look(pl_module)


def state(task: Any) -> State:
    return {name: value.detach().clone() for name, value in task.model.state_dict().items()}


def model(name: str, **more: Any) -> nn.Module:
    torch.manual_seed(3)
    return MODELS[name](SPEC.shape, 3, **{"norm": "batch", "dropout": 0.3} | more)


def task_of(net: nn.Module, **options: Any) -> Supervised:
    parts: dict[str, Any] = {
        "loss": nn.CrossEntropyLoss(),
        "spec": SPEC,
        "optimizer": partial(torch.optim.SGD, lr=0.1),
    }
    return Supervised(net, **parts | options)


def fitted(
    net: nn.Module,
    finetune: Finetune,
    epochs: int = 2,
    also: Sequence[Callback] = (),
    **options: Any,
) -> tuple[Supervised, list[State]]:
    """Train, and return the task with the states at the start and after every epoch."""
    task, watch = task_of(net, **options), Watch()
    runner = trainer(max_epochs=epochs, callbacks=[watch, finetune, *also])
    runner.fit(task, datamodule=Images(batch_size=10))
    return task, watch.seen


def changed(before: State, after: State, start: tuple[str, ...] = ("",)) -> list[str]:
    assert any(name.startswith(start) for name in before)
    return [n for n in before if n.startswith(start) and not torch.equal(before[n], after[n])]


REGULARIZERS = {
    "none": dict,
    "proximal": lambda: {"l1": L1(0.5, proximal=True)},
    "elastic": lambda: {"elastic_net": ElasticNet(0.5)},
    "max_norm": lambda: {"max_norm": MaxNorm(0.01)},
    "weight_decay": lambda: {"weight_decay": WeightDecay(0.2)},
}
AVERAGES: dict[str, Callable[[], list[Callback]]] = {
    "none": list,
    "ema": lambda: [EMA(0.5)],
    "swa": lambda: [SWA(start=1)],
    "clip": lambda: [GradientClip(0.1)],
}


@pytest.mark.parametrize("name", MODELS)
def test_a_probe_trains_the_head_alone(name: str) -> None:
    task, seen = fitted(model(name), Finetune("probe"), **HOSTILE)
    assert changed(seen[0], state(task)) == ["head.weight", "head.bias"]


@pytest.mark.parametrize("name", MODELS)
def test_full_trains_all_of_it(name: str) -> None:
    task, seen = fitted(model(name), Finetune("full"))
    assert changed(seen[0], state(task)) == list(seen[0])


@pytest.mark.parametrize("every", [1, 2])
@pytest.mark.parametrize("name", MODELS)
def test_gradual_thaws_a_block_at_a_time_from_the_head(name: str, every: int) -> None:
    chain = BLOCKS[name]
    epochs = every * len(chain) + 1
    _, seen = fitted(model(name), Finetune("gradual", every), epochs, **HOSTILE)
    for epoch in range(epochs):
        before, after = seen[epoch], seen[epoch + 1]
        assert len(changed(before, after, ("head.",))) == 2
        for distance, block in enumerate(reversed(chain), 1):
            moved = changed(before, after, block)
            learns = epoch >= every * distance
            every_tensor = [n for n in before if n.startswith(block)]
            assert moved == (every_tensor if learns else []), (epoch, block)
    covered = tuple(start for block in chain for start in block)
    assert all(n.startswith((*covered, "head.")) for n in seen[0])


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("regularizer", REGULARIZERS)
def test_nothing_moves_what_is_frozen(regularizer: str, average: str) -> None:
    decayed = regularizer == "weight_decay"
    optimizer = partial(torch.optim.AdamW, lr=0.05, **({} if decayed else {"weight_decay": 0.3}))
    parts = {"regularizers": REGULARIZERS[regularizer](), "optimizer": optimizer}
    task, seen = fitted(model("cnn"), Finetune("probe"), 3, AVERAGES[average](), **parts)
    assert changed(seen[0], state(task)) == ["head.weight", "head.bias"]
    assert all(p.requires_grad for p in task.model.parameters())  # and can learn afterwards


@pytest.mark.parametrize("optimizer", [Lion, Muon, Normalized, torch.optim.NAdam])
def test_no_optimizer_moves_what_is_frozen(optimizer: Any) -> None:
    make = partial(optimizer, lr=0.01, weight_decay=0.3)
    _, seen = fitted(model("mlp"), Finetune("gradual"), 3, optimizer=make)
    assert changed(seen[0], seen[1]) == ["head.weight", "head.bias"]
    assert changed(seen[1], seen[2], ("body.1.", "body.2.")) == []
    assert "body.1.weight" in changed(seen[2], seen[3])


class Modes(Callback):
    """Keeps which modules are in eval mode in every forward pass of training."""

    def __init__(self) -> None:
        self.resting: list[set[str]] = []
        self.graph: list[bool] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        net: Any = pl_module.model

        def look(module: nn.Module, inputs: Any, output: Tensor) -> None:
            if trainer.training:
                leaves = (n for n, m in net.named_modules() if not m.training)
                self.resting.append({n for n in leaves if n.startswith("body.")})
                self.graph.append(output.requires_grad)

        net.body.register_forward_hook(look)


def test_frozen_blocks_run_in_eval_mode_and_save_the_backward_pass() -> None:
    modes, net = Modes(), model("mlp")
    task = task_of(net)
    runner = trainer(max_epochs=3, callbacks=[Finetune("gradual"), modes])
    runner.fit(task, datamodule=Images(batch_size="full"))
    low = {f"body.{k}" for k in range(5)}
    high = {f"body.{k}" for k in range(5, 9)}
    assert modes.resting == [low | high, low, set()]
    assert modes.graph == [False, True, True]


def test_a_block_that_begins_to_learn_has_a_fresh_state() -> None:
    net = model("mlp")
    task = task_of(net, optimizer=partial(torch.optim.Adam, lr=0.01))
    runner = trainer(max_epochs=3, callbacks=[Finetune("gradual")])
    runner.fit(task, datamodule=Images(batch_size="full"))
    kept = runner.optimizers[0].state
    steps = {name: int(kept[p]["step"]) for name, p in net.named_parameters()}
    assert {steps[n] for n in steps if n.startswith(("body.1.", "body.2."))} == {1}
    assert {steps[n] for n in steps if n.startswith(("body.5.", "body.6."))} == {2}
    assert steps["head.weight"] == 3


@pytest.mark.parametrize("groups", [None, LayerDecay(0.5), NoDecay()])
@pytest.mark.parametrize("rate", [0.25, 3.0, 1.0])
def test_one_step_by_hand(rate: float, groups: Any) -> None:
    net = model("mlp", norm="none", dropout=0.0)
    before = {n: p.detach().clone() for n, p in net.named_parameters()}
    data = Images(batch_size="full")
    data.setup()
    x, y, _ = data.splits["train"]
    F.cross_entropy(net(x), y).backward()
    gradient = {n: p.grad.clone() for n, p in net.named_parameters() if p.grad is not None}
    net.zero_grad()
    # three layers; layer_decay halves the rate from one to the next below it
    shares = {"body.1": 0.25, "body.4": 0.5, "head": 1.0} if isinstance(groups, LayerDecay) else {}
    task = task_of(net, param_groups=groups)
    runner = trainer(max_epochs=1, callbacks=[Finetune("full", backbone_rate=rate)])
    runner.fit(task, datamodule=Images(batch_size="full"))
    for name, p in task.model.named_parameters():
        layer = name.rpartition(".")[0]
        lr = 0.1 * shares.get(layer, 1.0) * (1.0 if layer == "head" else rate)
        torch.testing.assert_close(p.detach(), before[name] - lr * gradient[name])


def test_the_rates_are_logged_by_name() -> None:
    task = task_of(model("mlp"), param_groups=NoDecay())
    runner = trainer(max_epochs=1, callbacks=[Finetune("full", backbone_rate=0.5)])
    runner.fit(task, datamodule=Images(batch_size="full"))
    names = ["decay_body", "decay_head", "no_decay_body", "no_decay_head"]
    expected = zip(names, [0.05, 0.1, 0.05, 0.1], strict=True)
    assert task.learning_rates() == [(f"lr/{name}", pytest.approx(lr)) for name, lr in expected]
    decay = [group["weight_decay"] for group in runner.optimizers[0].param_groups]
    assert decay == [0, 0, 0, 0]


@pytest.mark.parametrize("mode", ["probe", "gradual", "full"])
def test_resumed_is_uninterrupted(mode: Any, tmp_path: Path) -> None:
    def fit(stops: Sequence[int]) -> State:
        last, task = None, None
        for until in stops:
            keep = BestAndLast(str(tmp_path / str(len(stops))), "val/loss")
            callbacks = [Finetune(mode, backbone_rate=0.5), EMA(0.5), Stop(until), keep]
            task = task_of(model("cnn"), **HOSTILE)
            runner = trainer(max_epochs=5, callbacks=callbacks)
            data = Images(batch_size=10)
            runner.fit(task, datamodule=data, ckpt_path=last, weights_only=True)
            last = keep.last
        return state(task)

    whole, parts = fit([5]), fit([1, 3, 5])
    assert changed(whole, parts) == []
    start = state(task_of(model("cnn")))
    frozen = changed(start, parts, tuple(p for block in BLOCKS["cnn"] for p in block))
    assert bool(frozen) == (mode != "probe")


class Stop(Callback):
    """Ends after so many epochs of a training that was to be longer."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        trainer.should_stop = trainer.current_epoch + 1 >= self.epochs


class Backwards(nn.Module):
    """A body that lists its layers in another order than it runs them."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(64))
        self.last, self.first = nn.Linear(5, 4), nn.Linear(64, 5)
        self.norm = nn.BatchNorm1d(5)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.norm(self.first(x.flatten(1) * self.scale)))


class Own(nn.Module):
    """A user's model: a head, and the rest beside it."""

    def __init__(self, body: nn.Module | None = None, width: int = 4) -> None:
        super().__init__()
        self.head = nn.Linear(width, 3)
        self.body = body or Backwards()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.body(x))


def test_blocks_come_in_the_order_of_execution() -> None:
    torch.manual_seed(0)
    _, seen = fitted(Own(), Finetune("gradual"), 3)
    low = ["body.scale", "body.first.weight", "body.norm.weight", "body.norm.running_mean"]
    assert changed(seen[0], seen[1]) == ["head.weight", "head.bias"]
    assert changed(seen[1], seen[2], ("body.",)) == ["body.last.weight", "body.last.bias"]
    assert set(low) < set(changed(seen[2], seen[3]))


def test_weight_norm_is_frozen_whole() -> None:
    _, seen = fitted(model("mlp", norm="weight"), Finetune("gradual"), 3)
    assert changed(seen[0], seen[1]) == ["head.weight", "head.bias"]
    high = [n for n in seen[0] if n.startswith("body.4.")]
    assert len(high) == 3
    assert changed(seen[1], seen[2], ("body.",)) == high


def test_what_was_frozen_before_stays_so() -> None:
    net: Any = model("mlp")
    net.body[5].weight.requires_grad_(False)
    task, seen = fitted(net, Finetune("gradual"), 3)
    assert "body.5.weight" not in changed(seen[0], state(task))
    assert [n for n, p in net.named_parameters() if not p.requires_grad] == ["body.5.weight"]


def test_each_tensor_is_in_one_block() -> None:
    for name in MODELS:
        net: Any = model(name)
        found = blocks(net)
        ids = [id(p) for block in found for p in block.parameters]
        assert len(ids) == len(set(ids))
        assert set(ids) == {id(p) for n, p in net.named_parameters() if not n.startswith("head.")}
        assert len(found) == len(BLOCKS[name])
        assert net.training  # looking changes nothing
        x = torch.randn(2, 1, 8, 8)
        assert [b.modules for b in blocks(net, x)] == [b.modules for b in found]
        assert net.training


def refusal(net: nn.Module, finetune: Finetune, epochs: int = 2, **options: Any) -> str:
    with pytest.raises(Unfit) as raised:
        fitted(net, finetune, epochs, **options)
    return str(raised.value)


def test_what_cannot_be_meant_is_refused() -> None:
    headless = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))
    assert "Sequential has no layer named 'head'" in refusal(headless, Finetune("probe"))
    flat = Linear(SPEC.shape, 3)
    assert refusal(flat, Finetune("full")).endswith("Linear has nothing below its head that learns")
    tied = Own(nn.Sequential(nn.Flatten(), nn.Linear(64, 4), nn.Linear(4, 3)), 3)
    tied.head = nn.Linear(3, 3)
    tied.body[1].bias = nn.Parameter(torch.zeros(4))  # pyright: ignore[reportIndexIssue]
    tied.head.bias = tied.body[2].bias  # pyright: ignore[reportIndexIssue]
    assert "shares a parameter between body and head" in refusal(tied, Finetune("probe"))
    long = refusal(model("cnn"), Finetune("gradual", every=2), 6)
    assert long == (
        "callback.finetune: mode=gradual with every=2 needs 7 epochs until all 3 blocks learn, "
        "the training has 6"
    )


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"mode": "prob"}, "mode must be probe, gradual or full, got 'prob'"),
        ({"every": 0}, "every must be at least 1 epoch, got 0"),
        ({"backbone_rate": 0}, "backbone_rate must be positive and finite, got 0"),
        ({"backbone_rate": float("nan")}, "backbone_rate must be positive and finite, got nan"),
    ],
)
def test_values_outside_their_range_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Finetune(**wrong)

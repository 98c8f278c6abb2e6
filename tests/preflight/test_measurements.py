"""What is measured before training, on toys whose answers are known by hand."""

import math
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from seedbed.data.synthetic import Synthetic
from seedbed.loss.cross_entropy import CrossEntropy
from seedbed.preflight import (
    _chance,
    _gradients,
    _heart,
    _inputs,
    _memory,
    _mix,
    _neighbours,
    _range,
    _repeats,
    _start,
    _train,
)
from seedbed.preflight._double import double, untouched
from seedbed.preflight._supply import Supply
from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Clock, Spec

CPU = torch.device("cpu")
TWO = Spec((2,), "class", 2, ("a", "b"), (1, 1))


def task_of(model: nn.Module, spec: Spec = TWO, loss: nn.Module | None = None) -> Supervised:
    if loss is None:
        loss = nn.MSELoss() if spec.kind == "value" else CrossEntropy()
    return Supervised(model, loss, spec, partial(torch.optim.SGD, lr=0.1))


def filled(layer: nn.Linear, weight: Any, bias: Any = 0.0) -> nn.Linear:
    with torch.no_grad():
        layer.weight.copy_(torch.as_tensor(weight, dtype=torch.float32).expand_as(layer.weight))
        if layer.bias is not None:
            layer.bias.copy_(torch.as_tensor(bias, dtype=torch.float32).expand_as(layer.bias))
    return layer


def points(size: int = 60, **settings: Any) -> Supply:
    data: Any = Synthetic(size=size, **settings)
    data.setup()
    return Supply(data, CPU)


def inputs_of(supply: Supply, split: str) -> Tensor:
    x = supply.data.splits[split].x
    assert isinstance(x, Tensor)
    return x


# -- inputs --------------------------------------------------------------------------------------


def test_the_first_number_that_is_not_finite_is_found() -> None:
    supply = points()
    assert sum(_inputs.finite(supply)["non_finite"].values()) == 0
    inputs_of(supply, "val")[3, 1] = math.inf
    found = _inputs.finite(supply)
    assert found["non_finite"] == {"train": 0, "val": 1, "test": 0}
    assert found["non_finite_at"] == "val example 3, number 1"


def test_ranges_by_hand() -> None:
    x = torch.tensor([[1.0, 3.0], [1.0, 3.0], [math.nan, 0.0]], dtype=torch.float64)
    assert _inputs.ranges(_inputs.sound(Batch(x, torch.zeros(3))).x) == {
        "mean": 2.0,
        "std": 1.0,
        "large": 3.0,
        "most": 3.0,
    }


def test_one_number_in_a_thousand_may_be_large() -> None:
    x = torch.ones(1000, 1)
    x[0] = 50
    assert _inputs.ranges(x)["large"] == 1.0
    x[1] = 50
    assert _inputs.ranges(x)["large"] == 50.0


def test_constants_that_wake_in_validation() -> None:
    train = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 4.0]])
    val = torch.tensor([[1.0, 0.0, 3.0]])
    assert _inputs.constants(train, val) == {"features": 3, "constant": 2, "woken": 1}


def test_how_far_splits_are_apart() -> None:
    g = torch.Generator().manual_seed(0)
    train = torch.randn(1000, 4, generator=g, dtype=torch.float64)
    val = torch.randn(500, 4, generator=g, dtype=torch.float64)
    same = _inputs.alike(train, val)
    assert same["gap"] < 0.1
    assert same["features_apart"] == 0
    val[:, 0] += 6  # the pooled deviation of that feature is √(1 + 36·2/9) = 3
    other = _inputs.alike(train, val)
    assert other["features_apart"] == 0.25
    assert other["worst"] == pytest.approx(2.0, abs=0.1)
    assert other["gap"] == pytest.approx(1.5, abs=0.1)
    assert _inputs.alike(train, 3 * train)["ratio"] == pytest.approx(3)


def test_the_gap_between_labels_is_the_total_variation() -> None:
    one, other = torch.tensor([0, 0, 0, 1, -1]), torch.tensor([0, 1, 1, 1])
    assert _inputs.label_gap(one, other, 3) == pytest.approx(0.5)


# -- copies and order ----------------------------------------------------------------------------


def test_copies_are_counted_within_and_across_splits() -> None:
    hashes = {"train": [b"a", b"b", b"a"], "val": [b"c", b"b"], "test": [b"d", b"c"]}
    y = {split: torch.arange(len(each)) for split, each in hashes.items()}
    found = _repeats.repeats(hashes, y)
    assert found["across"] == {"train-val": 1, "train-test": 0, "val-test": 1}
    assert found["within"] == {"train": 2, "val": 0, "test": 0}
    assert found["duplicates"] == [["train", 1, "val", 1], ["val", 0, "test", 1]]
    assert found["agree"] == 0.5  # 1 and 1; 0 and 1
    assert found["copies"] == "train 1 is val 1, val 0 is test 1"


def test_hashes_are_of_bytes_of_tensors_and_of_files(tmp_path: Path) -> None:
    x = torch.tensor([[1.0, 2.0], [1.0, 2.0], [1.0, 2.5]])
    one, two, three = _repeats.hashes(x)
    assert one == two != three

    class Files:
        files = (tmp_path / "a", tmp_path / "b")

    for file in Files.files:
        file.write_bytes(b"same")
    first, second = _repeats.hashes(Files())
    assert first == second


def test_the_entropy_of_batches_by_hand() -> None:
    windows = torch.tensor([[0, 0, 1, 1], [0, 0, 0, 0], [0, 1, 2, 3]])
    expected = [math.log(2), 0, math.log(4)]
    torch.testing.assert_close(_mix.entropy(windows, 4), torch.tensor(expected))


def test_sorted_labels_stand_out_and_shuffled_ones_do_not() -> None:
    every = torch.arange(640) % 10
    found = _mix.mix(every.sort().values, every, 64)
    assert found["entropy"] == 0
    assert (found["entropy"] - found["chance"]) / found["spread"] < -80
    order = every[torch.randperm(640, generator=torch.Generator().manual_seed(1))]
    found = _mix.mix(order, every, 64)
    assert abs(found["entropy"] - found["chance"]) < 3 * found["spread"]


@pytest.mark.parametrize(("batch", "form"), [(1, "blobs"), (4, "moons"), (64, "plane")])
def test_our_own_loaders_are_shuffled(batch: int, form: Any) -> None:
    order = _mix.facts(points(400, batch_size=batch, form=form))["order"]
    assert order["entropy"] > order["chance"] - 4 * order["spread"]


def test_an_order_by_real_targets_is_found_too() -> None:
    supply = points(400, form="plane", batch_size=32)
    data: Any = supply.data
    split = data.splits["train"]
    data.splits["train"] = split.at(split.y[:, 0].argsort())
    shuffled = _mix.facts(supply)["order"]
    assert shuffled["entropy"] > 0.9 * shuffled["chance"]
    data.train_dataloader = lambda: data.batches("train")
    straight = _mix.facts(supply)["order"]
    assert straight["entropy"] < 0.5 * straight["chance"]


def test_a_batch_of_all_has_no_order() -> None:
    assert isinstance(_mix.facts(points(batch_size="full"))["order"], str)


# -- the first weights ---------------------------------------------------------------------------


def test_knowing_nothing_costs_the_entropy_of_the_classes() -> None:
    y = torch.tensor([0, 0, 0, 1, -1])
    spec = Spec((2,), "class", 2, ("a", "b"), (3, 1), masked=True)
    base, uniform = _chance.chance(task_of(nn.Linear(2, 2), spec), y)
    assert base == pytest.approx(-0.75 * math.log(0.75) - 0.25 * math.log(0.25), abs=1e-6)
    assert uniform == pytest.approx(math.log(2))


def test_knowing_nothing_of_values_costs_their_variance_or_their_spread() -> None:
    y = torch.tensor([[0.0], [0.0], [3.0]])
    spec = Spec((2,), "value", 1)
    assert _chance.chance(task_of(nn.Linear(2, 1), spec), y)[0] == pytest.approx(2.0)
    of_medians = task_of(nn.Linear(2, 1), spec, nn.L1Loss())
    assert _chance.chance(of_medians, y)[0] == pytest.approx(1.0)


def test_a_single_logit_and_class_weights_have_their_own_chance() -> None:
    from seedbed.loss.binary_cross_entropy import BinaryCrossEntropy

    y = torch.tensor([0, 0, 0, 1])
    spec = Spec((2,), "class", 1, ("a", "b"), (3, 1))
    base, _ = _chance.chance(task_of(nn.Linear(2, 1), spec, BinaryCrossEntropy()), y)
    assert base == pytest.approx(0.5623, abs=1e-4)
    weighed = CrossEntropy("balanced")
    spec = Spec((2,), "class", 2, ("a", "b"), (3, 1))
    weighed.prepare(spec)
    assert _chance.chance(task_of(nn.Linear(2, 2), spec, weighed), y)[0] == pytest.approx(
        math.log(2), abs=1e-6
    )


def test_smoothed_labels_never_cost_nothing() -> None:
    y = torch.tensor([0, 1])
    assert _chance.least(task_of(nn.Linear(2, 2)), y) < 1e-6
    smoothed = task_of(nn.Linear(2, 2), loss=CrossEntropy(label_smoothing=0.2))
    entropy = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)
    assert _chance.least(smoothed, y) == pytest.approx(entropy, abs=2e-3)


def test_units_that_say_the_same_of_every_example_are_dead() -> None:
    layer = filled(nn.Linear(2, 4), [[1, 0], [0, 1], [1, 1], [-1, 0]], [0, -99, -99, 0])
    task = task_of(nn.Sequential(layer, nn.ReLU(), nn.Linear(4, 2)))
    probe = Batch(torch.rand(8, 2, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2)
    found = _start.flow(task, probe)
    assert found["dead"] == {"1": 0.75}  # the last one because all inputs are positive
    assert found["outputs"]["last"] == "addmm"
    assert found["outputs"]["K"] == 2


def test_functions_instead_of_modules_are_heard_at_the_next_layer() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = filled(nn.Linear(2, 4), 1.0, [0, -99, -99, -99]), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.b(self.a(x).relu()).softmax(-1)

    found = _start.flow(task_of(Net()), Batch(torch.rand(8, 2), torch.arange(8) % 2))
    assert found["dead"] == {"input of b": 0.75}
    assert found["outputs"]["last"] == "softmax"
    assert found["outputs"]["off"] < 1e-6


def test_saturated_outputs_are_counted() -> None:
    layer = filled(nn.Linear(2, 2, bias=False), [[1000, 0], [0, 0.01]])
    task = task_of(nn.Sequential(layer, nn.Tanh(), nn.Linear(2, 2)))
    x = torch.tensor([[1.0, 1.0], [-1.0, 2.0]])
    found = _start.flow(task, Batch(x, torch.tensor([0, 1])))
    assert found["saturated"] == {"1": 0.5}


def test_channels_of_maps_are_the_units() -> None:
    output = torch.zeros(4, 3, 5, 5)
    output[0, 0, 2, 2] = 1
    assert _start.dead_share(nn.ReLU(), output, conv=False) == pytest.approx(2 / 3)


def test_a_constant_through_which_gradients_pass_is_not_dead() -> None:
    half = torch.full((4, 2), 0.5)
    assert _start.dead_share(nn.Sigmoid(), half, conv=False) == 0
    assert _start.dead_share(nn.ReLU(), half, conv=False) == 0
    assert _start.dead_share(nn.Sigmoid(), torch.ones(4, 2), conv=False) == 1


def test_equal_units_are_copies_and_a_constant_layer_with_a_random_head_is_none() -> None:
    probe = Batch(torch.rand(8, 2, generator=torch.Generator().manual_seed(0)), torch.arange(8) % 2)
    first = filled(nn.Linear(2, 4), 0.5)
    task = task_of(nn.Sequential(first, nn.Tanh(), filled(nn.Linear(4, 2), 0.1)))
    assert _gradients.gradients(task, [probe] * 3)["twins"]["0"] == 0.75
    task = task_of(nn.Sequential(filled(nn.Linear(2, 4), 0.5), nn.Tanh(), nn.Linear(4, 2)))
    assert _gradients.gradients(task, [probe] * 3)["twins"]["0"] == 0
    # all units of all layers alike: the gradients of the classes cancel but for rounding
    g = torch.Generator().manual_seed(1)
    alike = [filled(nn.Linear(n, k), torch.rand(1, n, generator=g)) for n, k in ((2, 8), (8, 10))]
    task = task_of(nn.Sequential(alike[0], nn.ReLU(), alike[1]))
    tenth = Batch(torch.rand(64, 2, generator=g), torch.arange(64) % 10)
    assert _gradients.gradients(task, [tenth] * 3)["twins"]["0"] == 7 / 8
    half = filled(nn.Linear(2, 4), [[1, 2], [1, 2], [3, 4], [5, 6]])
    head = filled(nn.Linear(4, 2), [[1, 1, 1, 1], [-1, -1, -1, -1]])
    task = task_of(nn.Sequential(half, nn.Identity(), head))
    assert _gradients.gradients(task, [probe] * 3)["twins"]["0"] == 0.25


def test_the_ratio_of_gradients_of_a_chain_by_hand() -> None:
    # y = c·b·a·x of one number each, b = .01: dL/da = g·c·b·x, dL/dc = g·b·a·x
    chain = [filled(nn.Linear(1, 1, bias=False), value) for value in (2.0, 0.01, 5.0)]
    spec = Spec((1,), "value", 1)
    task = task_of(nn.Sequential(*chain), spec)
    probe = Batch(torch.ones(4, 1), torch.ones(4, 1))
    found = _gradients.gradients(task, [probe] * 3)
    assert found["gradient_ratio"] == pytest.approx([2.5] * 3)  # c / a
    assert found["moved"] == {f"model.{k}.weight" for k in range(3)}
    filled(chain[-1], 0.0)
    assert "starts at 0" in _gradients.gradients(task, [probe] * 3)["gradient_ratio"]


# -- short trainings -----------------------------------------------------------------------------


def test_the_valley_is_in_the_middle_of_the_descent() -> None:
    rates = [10.0**k for k in range(-6, 6)]
    losses = [9, 9, 9, 8, 6, 4, 2, 1, 3, 9, 20, 40]
    # the longest descent 9 8 6 4 2 1 has 6 members and ends at place 7, so it begins at 1:
    # a third is 2, its place is 1 + 2 + 1 = 4
    assert _range.valley(rates, [float(v) for v in losses]) == rates[4]
    assert _range.valley(rates, [9.0] * 12) is None
    assert _range.valley(rates, [float(v) for v in range(12)]) is None


def test_noise_on_the_plain_is_no_descent() -> None:
    rates = [10.0 ** (-6 + k / 4) for k in range(40)]
    losses = [9 - 1e-3 * k for k in range(20)] + [8, 7, 6, 5, 4, 3, 2, 1] + [2.0] * 12
    valley = _range.valley(rates, losses)
    assert valley is not None
    assert rates[18] <= valley <= rates[27]


def test_the_limit_is_where_the_loss_is_above_its_start() -> None:
    rates = [0.1, 0.2, 0.4, 0.8, 1.6]
    assert _range.limit(rates, [2, 1, 1.5, 2.5, 9], ended=True) == 0.8
    assert _range.limit(rates, [2, 1, 1.5, 1.7, 1.9], ended=True) == 1.6
    assert _range.limit(rates, [2, 1, 1.5, 1.7, 1.9], ended=False) is None


def test_a_range_test_of_a_parabola_stops_where_descent_must_diverge() -> None:
    # every input is 1, every target 3: the loss is (w - 3)², and rates above 1 diverge
    supply = points(40, form="constant", batch_size=8)
    model = filled(nn.Linear(1, 1, bias=False), 0.0)
    task = task_of(model, Spec((1,), "value", 1))
    found = _range.rate_range(task, supply, None, 100, _train.Watch(60).go())["rates"]
    assert found["configured"] == pytest.approx(0.1)
    assert found["suggested"] is not None
    assert 1e-3 < found["suggested"] < 1
    assert found["limit"] is None or found["limit"] > 0.5


def test_a_blind_training_knows_the_classes_only_and_a_seeing_one_more() -> None:
    supply = points(400)
    spec = supply.spec
    torch.manual_seed(0)
    task = task_of(nn.Linear(2, 3), spec)
    how = {"clock": Clock(0, 100, 10), "clip": None}
    probes = supply.probes("val", 8, 8)
    found = _train.compare(partial(make, task), supply, probes, how)
    blind = found["blind"]
    assert blind["steps"] == 100
    assert blind["blind_loss"] == pytest.approx(math.log(3), abs=0.1)
    assert blind["gain"] > 5 * blind["error"] > 0
    assert found["moved"] == {"model.weight", "model.bias"}


def make(task: Supervised, *, plain: bool = False) -> Supervised:
    return double(task, CPU, plain=plain)


def test_blinded_inputs_are_their_mean() -> None:
    batch = Batch(torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([0, 1]))
    assert _train.blinded(batch).x.tolist() == [[2, 4], [2, 4]]


def test_a_schedule_is_gone_through_in_a_short_training() -> None:
    task = task_of(nn.Linear(2, 2))
    task._scheduler = lambda clock: clock.step / clock.total
    optimizer = task.make_optimizer()
    rates = _train.compressed(task, optimizer, Clock(0, 1000, 10))
    rates(50)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.5)


def test_a_handful_to_memorise_is_of_all_classes_and_has_no_copies() -> None:
    supply = points(400)
    batch = _heart.handful(supply, "class")
    assert batch.y.bincount().tolist() == [6, 5, 5]
    inputs_of(supply, "train")[:] = 1.0
    assert len(_heart.handful(supply, "class").y) == 1


def test_what_can_be_told_apart_is_memorised_and_what_cannot_is_not() -> None:
    torch.manual_seed(0)
    task = task_of(nn.Linear(2, 2))
    x = torch.tensor([[1.0, 0.0], [-1.0, 0.0]] * 4)
    fine = Batch(x, torch.arange(8) % 2)
    watch = _train.Watch(30).go()
    found = _heart.memorise(partial(make, task), fine, None, watch)["memory_of"]
    assert found["done"]
    assert found["by"] == "config"
    assert found["base"] == pytest.approx(math.log(2), abs=1e-3)
    assert found["loss"] < 0.07
    random = Batch(torch.ones(8, 2), torch.arange(8) % 2)
    found = _heart.memorise(partial(make, task), random, None, watch)["memory_of"]
    assert not found["done"]
    assert found["loss"] == pytest.approx(math.log(2), abs=0.05)
    assert found["steps"] == 300
    assert found["by"] == "Adam at 0.01"


# -- labels, memory, doubles ---------------------------------------------------------------------


def test_neighbours_find_the_wrong_label() -> None:
    g = torch.Generator().manual_seed(0)
    x = torch.randn(200, 2, generator=g) + torch.tensor([[0.0, 0.0], [50.0, 0.0]]).repeat(100, 1)
    y = torch.arange(200) % 2
    y[10] = 1
    found = _neighbours.facts(Batch(x, y), 1000 + torch.arange(200), "class")["neighbours"]
    assert found["issues"][0] == 1010
    assert found["said"][0] == 0
    assert found["disagree"] == pytest.approx(1 / 200)
    assert found["agreement"] - found["chance"] > 20 * found["spread"]
    shuffled = y[torch.randperm(200, generator=g)]
    found = _neighbours.facts(Batch(x, shuffled), torch.arange(200), "class")["neighbours"]
    assert abs(found["agreement"] - found["chance"]) < 3 * found["spread"]


def test_an_example_among_others_of_one_class_is_disowned() -> None:
    g = torch.Generator().manual_seed(0)
    middles = torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 50.0], [50.0, 50.0]])
    y = torch.arange(200) % 4
    x = middles[y] + torch.randn(200, 2, generator=g)
    y[:8] = (y[:8] + 1) % 4  # two strangers in each cloud of 50
    found = _neighbours.facts(Batch(x, y), torch.arange(200), "class")["neighbours"]
    assert found["disowned"] == found["friendless"] == pytest.approx(8 / 200)
    mixed = torch.arange(200).unflatten(0, (50, 4)).flip(1).flatten() % 5  # of five classes a cloud
    found = _neighbours.facts(Batch(x, mixed), torch.arange(200), "class")["neighbours"]
    assert found["friendless"] > 0.1
    assert found["disowned"] < 0.5 * found["friendless"]


def test_neighbours_of_real_targets_and_hidden_ones() -> None:
    x = torch.linspace(0, 1, 200)[:, None]
    found = _neighbours.facts(Batch(x, 2 * x), torch.arange(200), "value")["neighbours"]
    assert found["agreement"] > -0.01
    # an end of the line, whose ten neighbours are all on one side: 2 · 5.5/199 in the mean
    assert found["issues"][0] in (0, 199)
    assert min(found["said"][:2])[0] == pytest.approx(11 / 199, abs=1e-6)
    assert found["chance"] == pytest.approx(-1.1, abs=0.05)  # 1 + 1/10 of ten neighbours' mean
    y = torch.tensor([-1, 0, 1] * 40)
    batch = Batch(torch.rand(120, 2), y)
    assert _neighbours.facts(batch, torch.arange(120), "class")["neighbours"]["n"] == 80


def test_memory_by_hand() -> None:
    task = task_of(nn.Linear(100, 10), Spec((100,), "class", 10, tuple("abcdefghij")))
    optimizer = torch.optim.Adam(task.parameters())
    batch = Batch(torch.rand(64, 100), torch.arange(64) % 10)
    task.learn(batch).loss.backward()
    optimizer.step()
    # 1,010 gradients and two moments of 4 bytes, and a count of 4 bytes for each of 2 tensors
    assert _memory.of_weights(task, optimizer) == 3 * 1010 * 4 + 2 * 4
    kept = _memory.kept(task, batch)
    assert 64 * 100 * 4 <= kept <= 64 * 100 * 4 + 3 * 64 * 10 * 4 + 64 * 8 + 100
    free = _memory.free(CPU)
    assert free is None or free > 1e6


def test_a_double_changes_nothing_of_the_task_nor_of_chance() -> None:
    task = task_of(nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5)))
    before = {name: p.clone() for name, p in task.named_parameters()}
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    with untouched():
        copy = double(task, CPU, plain=True)
        torch.rand(7)
        with torch.no_grad():
            for p in copy.parameters():
                p.zero_()
    assert torch.equal(torch.rand(2), expected)
    rates = [[m.p for m in each.modules() if isinstance(m, nn.Dropout)] for each in (copy, task)]
    assert rates == [[0.0], [0.5]]
    for name, p in task.named_parameters():
        assert torch.equal(p, before[name])

"""Channels that really go: which, how many, and that nothing else changes."""

import copy
import re
from typing import Any

import pytest
import torch
from shrinking import SHAPE, Net, Tuner, bench_of, examples, lively, net_of, shapes
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from seedbed.compress._cut import staying
from seedbed.compress.structured import Structured
from seedbed.model.linear import Linear

NORMS = [
    (norm, position)
    for norm in ("none", "batch", "layer", "group", "weight")
    for position in ("before", "after")
    if position == "before" or norm not in ("none", "weight")
]


def shrunk(net: nn.Module, seed: int = 0, **choices: Any) -> Any:
    """Return a pruned copy that has not been trained since."""
    net = copy.deepcopy(net)
    Structured(**{"round_to": 1, **choices}).shrink(net, bench_of(net, seed=seed))
    return net


@pytest.mark.parametrize("kind", ["mlp", "cnn", "resnet", "inception"])
@pytest.mark.parametrize(("norm", "position"), NORMS)
def test_half_the_channels_make_the_model_of_half_the_widths(
    kind: str, norm: str, position: str
) -> None:
    net = net_of(kind, scale=2, norm=norm, norm_position=position)
    small = shrunk(net, ratio=0.5)
    half = net_of(kind, scale=1, norm=norm, norm_position=position)
    assert shapes(small) == shapes(half)
    assert str(small) == str(half)  # every field that a layer shows
    x = examples().x
    assert macs(small, x) == macs(half, x)
    assert small(x[:1]).shape == (1, 3)
    assert small.train()(x).isfinite().all()


def macs(net: nn.Module, x: Tensor) -> int:
    with FlopCounterMode(display=False) as counter:
        net(x)
    return counter.get_total_flops()


def layers(net: nn.Module) -> list[Any]:
    return [m for m in net.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


def gone(before: nn.Module, after: nn.Module) -> list[list[int]]:
    """Return which outputs each layer lost, told by their biases, all different."""
    pairs = zip(layers(before), layers(after), strict=True)
    return [lacking(a.bias, b.bias) for a, b in pairs]


def lacking(before: Tensor, after: Tensor) -> list[int]:
    left = after.tolist()
    return [i for i, value in enumerate(before.tolist()) if value not in left]


@torch.no_grad()
def deaf(net: nn.Module, readers: dict[int, list[int]]) -> nn.Module:
    """Return a copy in which some layers do not read some of their inputs."""
    net = copy.deepcopy(net)
    for index, columns in readers.items():
        layers(net)[index].weight[:, columns] = 0
    return net


def same(small: nn.Module, whole: nn.Module) -> None:
    """Compare in double precision, without rounding to hide behind."""
    x = examples().x.double()
    found, expected = (copy.deepcopy(net).double()(x) for net in (small, whole))
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def weakest(scores: Tensor, number: int) -> list[int]:
    return sorted(scores.argsort()[:number].tolist())


def power(*slices: Tensor) -> Tensor:
    """Return Σw² of each row of several matrices or kernels."""
    return torch.stack([s.detach().double().flatten(1).square().sum(1) for s in slices]).sum(0)


def test_an_mlp_loses_the_units_of_the_least_weights_by_hand() -> None:
    net = net_of("mlp")
    small = shrunk(net, ratio=0.25)
    first, second, head = (m.weight for m in layers(net))
    a = weakest(power(first, second.T), 8)
    b = weakest(power(second, head.T), 4)
    assert gone(net, small) == [a, b, []]
    same(small, deaf(net, {1: a, 2: b}))
    x = examples().x
    assert not torch.allclose(small(x), net(x), atol=1e-3)


def test_a_map_takes_all_its_pixels_with_it() -> None:
    net = net_of("cnn")
    small = shrunk(net, ratio=0.25)
    one, two, hidden, head = (m.weight for m in layers(net))
    pixels = hidden.unflatten(1, (24, 4)).transpose(0, 1)  # 2 by 2 of each of 24 maps
    a = weakest(power(one, two.transpose(0, 1)), 4)
    b = weakest(power(two, pixels), 6)
    c = weakest(power(hidden, head.T), 8)
    assert gone(net, small) == [a, b, c, []]
    flat = [4 * channel + pixel for channel in b for pixel in range(4)]
    same(small, deaf(net, {1: a, 2: flat, 3: c}))


def test_what_residual_connections_add_goes_together_by_hand() -> None:
    net = net_of("resnet", norm="none")
    small = shrunk(net, ratio=0.5)
    # 0 stem; stage 1: 1 2, 3 4; stage 2: 5 6, 7 projects, 8 9; 3: 10 11, 12, 13 14; 15 head
    inner = {1: 2, 3: 4, 5: 6, 8: 9, 10: 11, 13: 14}
    streams = [([0, 2, 4], [1, 3, 5, 7]), ([6, 7, 9], [8, 10, 12]), ([11, 12, 14], [13, 15])]
    groups = [([a], [b]) for a, b in inner.items()] + streams
    w = [m.weight for m in layers(net)]
    expected: list[list[int]] = [[] for _ in w]
    readers: dict[int, list[int]] = {}
    for makers, those in groups:
        rows = [w[i] for i in makers] + [w[i].transpose(0, 1) for i in those]
        worst = weakest(power(*rows), len(w[makers[0]]) // 2)
        for i in makers:
            expected[i] = worst
        readers |= dict.fromkeys(those, worst)
    assert gone(net, small) == expected
    same(small, deaf(net, readers))


def test_joined_branches_lose_their_own_channels_by_hand() -> None:
    net = net_of("inception", norm="none")
    small = shrunk(net, ratio=0.5)
    lost = gone(net, small)
    w = [m.weight for m in layers(net)]  # stem, then 1, 3a 3b, 5a 5b, pool of each, head
    assert [len(each) for each in lost] == [len(v) // 2 for v in w[:-1]] + [0]
    after = [w[i] for i in (7, 8, 10, 12)]  # read the first module's maps
    start = 0
    joined = []
    for maker in (1, 3, 5, 6):
        stop = start + len(w[maker])
        reading = [v.transpose(0, 1)[start:stop] for v in after]
        assert lost[maker] == weakest(power(w[maker], *reading), len(w[maker]) // 2)
        joined += [start + i for i in lost[maker]]
        start = stop
    starts = [0, *torch.tensor([len(w[i]) for i in (7, 9, 11)]).cumsum(0).tolist()]
    last = [s + i for s, m in zip(starts, (7, 9, 11, 12), strict=True) for i in lost[m]]
    readers = dict.fromkeys((1, 2, 4, 6), lost[0]) | dict.fromkeys((7, 8, 10, 12), joined)
    readers |= {3: lost[2], 5: lost[4], 9: lost[8], 11: lost[10], 13: last}
    same(small, deaf(net, readers))


@pytest.mark.parametrize("position", ["before", "after"])
def test_under_batch_norm_nothing_changes_but_what_the_channels_gave(position: str) -> None:
    net = net_of("cnn", norm="batch", norm_position=position)
    small = shrunk(net, ratio=0.25)
    norms = [[m for m in n.modules() if hasattr(m, "running_mean")] for n in (net, small)]
    lost = [lacking(a.running_mean, b.running_mean) for a, b in zip(*norms, strict=True)]
    assert [len(each) for each in lost] == [4, 6, 8]
    flat = [4 * channel + pixel for channel in lost[1] for pixel in range(4)]
    same(small, deaf(net, {1: lost[0], 2: flat, 3: lost[2]}))


def test_scales_of_norms_count_as_weights_as_in_torch_pruning() -> None:
    import torch_pruning as tp

    net = net_of("resnet")
    graph: Any = tp.DependencyGraph().build_dependency(net, examples().x[:2])
    root = net.model.body[1][0].branch[0]
    group = graph.get_pruning_group(root, tp.prune_conv_out_channels, list(range(8)))
    importance: Any = tp.importance.GroupMagnitudeImportance
    theirs = importance(normalizer=None)(group)
    small = shrunk(net, ratio=0.5)
    kept = theirs.argsort(descending=True)[:4].sort().values
    before, after = (n.get_submodule("model.body.1.0.branch.0").weight for n in (net, small))
    inputs = shrunk_inputs(net, small)
    torch.testing.assert_close(after, before[kept][:, inputs])


def shrunk_inputs(net: Any, small: Any) -> list[int]:
    """Return what is left of the stem's channels, told by its norm's statistics."""
    means = [n.get_submodule("model.body.0.1").running_mean.tolist() for n in (net, small)]
    return [i for i, mean in enumerate(means[0]) if mean in means[1]]


@pytest.mark.parametrize(
    ("size", "ratio", "round_to", "bins", "least", "kept"),
    [
        (64, 0.5, 16, 1, 1, 32),
        (64, 0.3, 16, 1, 1, 48),  # 44.8
        (64, 0.9, 16, 1, 1, 16),  # 6.4 would be none
        (32, 0.25, 16, 1, 1, 16),  # 24: of two the lower
        (31, 0.5, 16, 1, 1, 15),  # too narrow to be rounded
        (5, 0.7, 16, 1, 1, 1),  # 1.5, in spite of how floats are
        (10, 0.1, 1, 1, 1, 9),
        (3, 0.9, 1, 1, 1, 1),
        (1, 0.5, 1, 1, 1, 1),
        (50, 0.1, 16, 1, 1, 48),
        (64, 0.5, 16, 4, 1, 32),
        (12, 0.5, 1, 4, 1, 4),  # 6: a multiple of 4
        (8, 0.9, 1, 4, 2, 8),
        (48, 0.5, 16, 3, 1, 24),  # 48 is less than twice 48
    ],
)
def test_how_many_stay(
    size: int, ratio: float, round_to: int, bins: int, least: int, kept: int
) -> None:
    assert staying(size, ratio, round_to, bins, least) == kept


def test_constructor() -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"ratio": 1.5}, r"ratio must lie in (0, 1), got 1.5"),
        ({"ratio": 0.0}, "ratio must lie in (0, 1), got 0.0"),
        ({"ratio": float("nan")}, "ratio must lie in (0, 1), got nan"),
        ({"criterion": "l1"}, "criterion must be one of magnitude, fisher, random, got 'l1'"),
        ({"round_to": 0}, "round_to must be at least 1, got 0"),
        ({"examples": 1}, "examples must be at least 2, got 1"),
        ({"epochs": -1}, "epochs must be at least 0, got -1"),
        ({"rate": 0.0}, "rate must be positive, got 0.0"),
        ({"max_drop": -1.0}, "max_drop must be at least 0, got -1.0"),
    ]
    for choices, message in cases:
        with pytest.raises(ValueError, match=re.escape(message)):
            Structured(**choices)


def test_a_model_without_hidden_layers_is_refused() -> None:
    net = lively(Net(Linear(SHAPE, 3)))
    with pytest.raises(ValueError, match="nothing can be pruned: all layers make the model's out"):
        Structured()(net, bench_of(net))


def test_what_is_excluded_stays() -> None:
    net = net_of("resnet", norm="batch")
    small = shrunk(net, exclude=["model.body.0", "model.body.2.1"])
    before, after = shapes(net), shapes(small)
    stem = "model.body.0.0.weight"
    assert before[stem] == after[stem]
    assert after["model.body.1.1.branch.3.weight"] == (8, 4, 3, 3)  # added to the stem's
    assert after["model.body.2.1.branch.0.weight"] == before["model.body.2.1.branch.0.weight"]
    assert after["model.body.3.0.branch.0.weight"] == (12, 16, 3, 3)


def test_excluding_nothing_is_a_slip() -> None:
    net = net_of("cnn")
    with pytest.raises(ValueError, match=r"no layer 'model.bodi'; did you mean 'model.body'"):
        shrunk(net, exclude=["model.bodi"])


def test_rounding_that_leaves_all_is_told() -> None:
    net = net_of("cnn")
    with pytest.raises(ValueError, match=r"ratio=0.01 with round_to=1 removes nothing"):
        shrunk(net, ratio=0.01)


def test_widths_become_multiples() -> None:
    net = net_of("mlp", scale=8)  # 128 and 64 units
    small = shrunk(net, ratio=0.3, round_to=16)
    assert [len(m.weight) for m in layers(small)] == [96, 48, 3]  # 89.6, 44.8


def test_frozen_weights_are_pruned_and_stay_frozen() -> None:
    net = net_of("resnet").requires_grad_(False)
    with torch.inference_mode():
        small = shrunk(net)
    assert shapes(small) == shapes(net_of("resnet", scale=1))
    assert not any(p.requires_grad for p in small.parameters())


def test_what_is_left_is_measured_trained_and_ready() -> None:
    net = net_of("resnet", norm="batch", dropout=0.5)
    data = examples(33)  # the last batch of 32 would have one example
    bench = bench_of(net, data)
    tuner = bench.tune
    assert isinstance(tuner, Tuner)
    living = net_of("resnet", norm="batch", dropout=0.5)
    Structured(round_to=1, examples=32).shrink(living, bench)
    weights = [p.clone() for p in living.parameters()]
    small = Structured(round_to=1, examples=32, epochs=2, rate=0.5)(net, bench)
    assert small is net
    assert tuner.calls == [(None, 2, 0.5)]
    assert not any(m.training for m in small.modules())
    changed = [not torch.equal(a, b) for a, b in zip(weights, small.parameters(), strict=True)]
    assert all(changed)
    optimizer = torch.optim.SGD(small.parameters())
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    assert held == {id(p) for m in small.modules() for p in m._parameters.values() if p is not None}


def test_statistics_are_measured_before_training() -> None:
    net = net_of("cnn", norm="batch")
    norm = net.get_submodule("model.body.0.0.1")
    seen = []
    bench = bench_of(net, tune=lambda *_: seen.append(norm.running_mean.clone()))
    small = Structured(round_to=1, examples=40)(net, bench)
    inputs = small.get_submodule("model.body.0.0.0")(small.get_submodule("scaling")(examples().x))
    torch.testing.assert_close(seen[0], inputs.mean((0, 2, 3)))


def test_pruning_again_goes_on() -> None:
    net = net_of("resnet", scale=4, norm="group")
    bench = bench_of(net)
    for _ in range(2):
        Structured(round_to=1).shrink(net, bench)
    assert shapes(net) == shapes(net_of("resnet", scale=1, norm="group"))

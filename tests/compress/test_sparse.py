"""Which weights are pruned, how many in each step, and what a user is told."""

from copy import deepcopy
from itertools import pairwise
from typing import Any, cast

import pytest
import torch
from bench import Tune, digits, numbers, workbench, zeros
from torch import nn

from seedbed.compress._workbench import Compression, Workbench
from seedbed.compress.magnitude import Magnitude
from seedbed.compress.obd import OBD
from seedbed.model.cnn import CNN
from seedbed.model.inception import Inception
from seedbed.model.linear import Linear
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet

BOTH = pytest.mark.parametrize("kind", [Magnitude, OBD])


def some(told: list[str] | None = None, **given: Any) -> Workbench:
    torch.manual_seed(0)
    return workbench(torch.randn(20, 4), torch.arange(20) % 3, told=told, **given)


def net(*sizes: int) -> Any:
    torch.manual_seed(1)
    return nn.Sequential(*(nn.Linear(a, b) for a, b in pairwise(sizes))).eval()


def calls(bench: Workbench) -> Tune:
    return cast(Tune, bench.tune)


@BOTH
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sparsity": 0.0}, r"sparsity must lie in \(0, 1\), got 0.0"),
        ({"sparsity": 1.0}, r"sparsity must lie in \(0, 1\), got 1.0"),
        ({"sparsity": float("nan")}, r"sparsity must lie in \(0, 1\), got nan"),
        ({"scope": "all"}, "scope must be one of global, layer, got 'all'"),
        ({"steps": 0}, "steps must be at least 1, got 0"),
        ({"epochs": -1}, "epochs must be at least 0, got -1"),
        ({"rate": 0.0}, "rate must be positive and finite, got 0.0"),
        ({"rate": float("inf")}, "rate must be positive and finite, got inf"),
        ({"exclude": "head"}, "exclude must be a list of names, got 'head'"),
        ({"max_drop": -0.1}, "max_drop must be at least 0, got -0.1"),
    ],
)
def test_an_argument_outside_its_range_is_refused(kind: Any, given: Any, said: str) -> None:
    with pytest.raises(ValueError, match=f"^{said}$"):
        kind(**given)


@BOTH
def test_the_zeros_of_each_step_are_those_of_the_cubic_schedule(kind: Any) -> None:
    model, bench = net(4, 50, 14, 3), some([])  # 942 weights
    out = kind(0.9, steps=4, epochs=3, rate=0.5)(model, bench)
    assert out is model
    final = 848  # 847.8
    by_hand = [round(final * (1 - (1 - k / 4) ** 3)) for k in (1, 2, 3, 4)]
    assert by_hand == [490, 742, 835, 848]
    assert [call.zeros for call in calls(bench).calls] == by_hand
    assert {call[:4] for call in calls(bench).calls} == {(model, None, 3, 0.5)}
    assert zeros(model) == final
    assert not model.training


@pytest.mark.parametrize("sparsity", [0.29, 0.5, 0.58, 0.9, 0.95, 0.98])
def test_a_hundred_weights_lose_exactly_their_percentage(sparsity: float) -> None:
    model = net(4, 25)
    Magnitude(sparsity)(model, some())
    assert zeros(model) == round(100 * sparsity)


def test_the_schedule_goes_on_from_the_zeros_that_are_there() -> None:
    model, bench = net(4, 25), some()
    Magnitude(0.5)(model, bench)
    Magnitude(0.9, steps=2)(model, bench)
    # s = s_f + (s_i - s_f) (1 - k/n)³ with s_i = .5: .85, .9
    assert [call.zeros for call in calls(bench).calls] == [50, 85, 90]


@BOTH
def test_what_is_pruned_stays_so_and_counts(kind: Any) -> None:
    model, bench = net(4, 50, 3), some([])
    Magnitude(0.5, scope="layer").randomly()(model, bench)  # large ones, too
    before = [weight == 0 for weight in (model[0].weight, model[1].weight)]
    kind(0.8)(model, bench)
    assert zeros(model) == 280
    assert all((layer.weight[was] == 0).all() for layer, was in zip(model, before, strict=True))


def test_of_equal_weights_the_first_go() -> None:
    model = net(5, 2)
    nn.init.constant_(model[0].weight, -0.5)
    Magnitude(0.7)(model, some())
    assert model[0].weight.flatten().tolist() == [0] * 7 + [-0.5] * 3


@BOTH
def test_biases_and_norm_layers_are_left_alone(kind: Any) -> None:
    model: Any = nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 3)
    ).eval()
    before = deepcopy(model.state_dict())
    kind(0.9)(model, some([]))
    after = model.state_dict()
    for name, value in before.items():
        assert torch.equal(after[name], value) == (name not in ("0.weight", "3.weight")), name
    for name in ("0.weight", "3.weight"):  # what is kept keeps its value
        left = after[name] != 0
        assert torch.equal(after[name][left], before[name][left])


@BOTH
@pytest.mark.parametrize(
    ("exclude", "dense"),
    [
        (["head"], {"head"}),
        (["body.0"], {"body.0"}),
        (["body.*"], {"body.0", "body.2"}),
        (["*d*.2", "hea?"], {"body.2", "head"}),
        (["2"], {"body.2"}),
        ([], set()),
    ],
)
def test_excluded_layers_stay_dense_and_do_not_count(
    kind: Any, exclude: list[str], dense: set[str]
) -> None:
    model = MLP((4,), 3, widths=(10, 20))
    model.body = nn.Sequential(model.body[1], model.body[2], model.body[4])
    whole = nn.ModuleDict({"model": model})
    whole.forward = model.forward
    kind(0.5, scope="layer", exclude=exclude)(whole.eval(), some())
    for name, size in {"body.0": 40, "body.2": 200, "head": 60}.items():
        weight = model.get_submodule(name).get_parameter("weight")
        assert int((weight == 0).sum()) == (0 if name in dense else size // 2), name


@BOTH
def test_a_pattern_that_fits_nothing_is_refused_with_the_nearest_name(kind: Any) -> None:
    model, before = CNN((1, 8, 8), 3).eval(), CNN((1, 8, 8), 3).state_dict()
    before.update(deepcopy(model.state_dict()))
    with pytest.raises(ValueError, match=r"^exclude: 'haed' fits no .* layer; did you mean 'head'"):
        kind(0.5, exclude=["body.*", "haed"])(model, some())
    with pytest.raises(ValueError, match=r"^exclude: 'ead' fits no"):  # no part of a word
        kind(0.5, exclude=["ead"])(model, some())
    with pytest.raises(ValueError, match=r"^exclude leaves no layer to prune$"):
        kind(0.5, exclude=["*"])(model, some())
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@BOTH
def test_a_model_without_layers_to_prune_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"^there is no linear or convolutional layer to prune$"):
        kind()(nn.Sequential(nn.LayerNorm(4)), some())


@BOTH
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_a_model_that_is_as_sparse_already_is_refused(kind: Any, scope: Any) -> None:
    model, bench = net(4, 25), some()
    Magnitude(0.9)(model, bench)
    before = deepcopy(model.state_dict())
    for sparsity in (0.9, 0.5):
        said = f"^sparsity={sparsity} prunes nothing: of 100 weights 90 are 0 already$"
        with pytest.raises(ValueError, match=said):
            kind(sparsity, scope=scope)(model, bench)
    assert len(calls(bench).calls) == 1
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_a_layer_that_is_sparser_than_asked_stays_as_it_is() -> None:
    model, bench = net(4, 25, 4), some()
    Magnitude(0.9, exclude=["1"])(model, bench)
    Magnitude(0.5, scope="layer", steps=3)(model, bench)
    assert [int((layer.weight == 0).sum()) for layer in model] == [90, 50]


def test_no_layer_is_emptied_and_the_user_hears_of_it_once() -> None:
    told: list[str] = []
    model, bench = net(4, 25, 4, 3), some(told)
    with torch.no_grad():
        model[1].weight.mul_(1e-4)
    best = int(model[1].weight.abs().argmax())
    Magnitude(0.8, steps=5)(model, bench)
    assert zeros(model) == round(0.8 * 212)
    assert torch.equal(model[1].weight.flatten().nonzero(), torch.tensor([[best]]))
    assert told == [
        "1 would lose all its weights and keeps its best one; scope=layer prunes all layers "
        "alike, exclude=[1] leaves it whole"
    ]


def test_of_equal_weights_the_last_is_saved() -> None:
    model = net(4, 25, 3)
    nn.init.constant_(model[1].weight, 1e-6)
    Magnitude(0.8)(model, some([]))
    assert model[1].weight.flatten().nonzero().tolist() == [[74]]


def test_saving_one_layer_does_not_empty_the_next() -> None:
    told: list[str] = []
    model = net(1, 1, 2, 1, 10)  # weights: 1, 2, 2, 10
    with torch.no_grad():
        for layer, size in zip(model, (1.0, 2.0, 3.0, 4.0), strict=True):
            layer.weight.fill_(size)
    Magnitude(0.7)(model, workbench(torch.randn(5, 1), torch.arange(5) % 2, told=told))
    assert [int((layer.weight == 0).sum()) for layer in model] == [0, 1, 1, 8]  # 10 or 11 of 15
    assert len(told) == 3


def test_every_layer_keeps_a_weight_however_few_it_has() -> None:
    model, bench = net(4, 1, 1, 3), some()
    Magnitude(0.95, scope="layer")(model, bench)
    assert [int((layer.weight != 0).sum()) for layer in model] == [1, 1, 1]


def test_a_layer_of_zeros_needs_no_saving() -> None:
    model = net(4, 25, 3)
    nn.init.zeros_(model[1].weight)
    Magnitude(0.9)(model, some())
    assert zeros(model) == round(0.9 * 175)


def test_weights_that_two_layers_share_count_once() -> None:
    model = net(4, 4, 4)
    model[1].weight = model[0].weight
    Magnitude(0.5)(model, some())
    assert int((model[0].weight == 0).sum()) == 8
    assert model[1].weight is model[0].weight


@BOTH
def test_weights_that_are_not_finite_are_refused_before_any_is_pruned(kind: Any) -> None:
    model, bench = net(4, 25, 3), some()
    with torch.no_grad():
        model[1].weight[0, 0] = float("nan")
    with pytest.raises(ValueError, match=r"is not finite$"):
        kind(0.5, scope="layer")(model, bench)
    assert zeros(model) == 0


@BOTH
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_the_control_prunes_as_many_by_chance(kind: Any, scope: Any) -> None:
    def pruned(way: Compression, seed: int) -> Any:
        model = net(4, 50, 40, 3)
        way(model, some(seed=seed))
        return model

    way = kind(0.7, scope=scope, steps=3, epochs=0, max_drop=2.5)
    control = way.randomly()
    assert control.max_drop == 2.5
    first, again, other = (pruned(control, seed) for seed in (0, 0, 1))
    chosen, own = first[1].weight == 0, pruned(way, 0)[1].weight == 0
    assert zeros(first) == zeros(other) == round(0.7 * 2320)
    assert torch.equal(chosen, again[1].weight == 0)
    for else_ in (other[1].weight == 0, own):
        both, alone = (chosen & else_).float().mean(), else_.float().mean()
        assert both == pytest.approx(0.7 * alone.item(), abs=0.04)  # independent
    assert chosen.float().mean() == pytest.approx(0.7, abs=0.04)
    large = net(4, 50, 40, 3)[1].weight.abs() > 0.12
    assert chosen[large].float().mean() == pytest.approx(0.7, abs=0.06)


MODELS = {
    "linear": Linear((1, 8, 8), 10),
    "mlp": MLP((1, 8, 8), 10, widths=(16, 8)),
    "cnn": CNN((1, 8, 8), 10, channels=(4, 8), hidden=8, norm="batch", dropout=0.5),
    "resnet": ResNet((1, 8, 8), 10, channels=(4, 8), blocks=1),
    "inception": Inception((1, 8, 8), 10, stem=4, widths=(16,)),
    **{
        f"resnet-{norm}-{where}": ResNet(
            (1, 8, 8), 10, channels=(4, 8), blocks=1, norm=norm, norm_position=where
        )
        for norm in ("none", "batch", "layer", "group")
        for where in ("before", "after")
    },
    **{
        f"mlp-{norm}": MLP((1, 8, 8), 10, widths=(16, 8), norm=norm)
        for norm in ("batch", "layer", "group")
    },
}


@BOTH
@pytest.mark.parametrize("name", MODELS)
def test_every_model_gets_its_zeros_and_loads_again(kind: Any, name: str) -> None:
    model, told = deepcopy(MODELS[name]).eval(), list[str]()
    data = digits()
    bench = workbench(data.x[:40], data.y[:40], told=told, lr=0.01)
    buffers = {k: v.clone() for k, v in model.named_buffers()}
    kind(0.6, steps=2, epochs=0)(model, bench)
    assert zeros(model) == round(0.6 * numbers(model))
    assert not model.training
    assert all(torch.equal(v, buffers[k]) for k, v in model.named_buffers())
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    fresh = deepcopy(MODELS[name])
    fresh.load_state_dict(model.state_dict())
    assert torch.equal(fresh.eval()(data.x[:9]), model(data.x[:9]))

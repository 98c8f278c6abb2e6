"""Models that are not ours: followed rightly, left as wide as they are, or refused by name."""

import copy
import re
from collections.abc import Sequence
from typing import Any

import pytest
import torch
from shrinking import bench_of, examples, lively, net_of
from torch import Tensor, nn

from seedbed.compress import _cut
from seedbed.compress._graph import Graph, Place
from seedbed.compress.structured import Structured
from seedbed.model.mlp import MLP

X = examples().x  # (40, 2, 8, 8)


class Made(nn.Module):
    """Layers by name, and how they are used."""

    one: Any
    two: Any
    three: Any
    middle: Any
    norm: Any
    back: Any
    short: Any
    left: Any
    right: Any
    again: Any

    def __init__(self, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.head = nn.Linear(12, 3)

    def pooled(self, x: Tensor) -> Tensor:
        return self.head(x.mean((2, 3)))


def conv(c_in: int, c_out: int, **choices: Any) -> nn.Conv2d:
    return nn.Conv2d(c_in, c_out, 3, padding=1, **choices)


class Plain(Made):
    def __init__(self, *middle: nn.Module) -> None:
        super().__init__(one=conv(2, 8), middle=nn.Sequential(*middle), two=conv(8, 12))

    def forward(self, x: Tensor) -> Tensor:
        return self.pooled(self.two(self.middle(self.one(x).relu())).relu())


def pruned(net: nn.Module, x: Tensor = X, **choices: Any) -> tuple[Any, list[str]]:
    told: list[str] = []
    net = copy.deepcopy(lively(net))
    bench = bench_of(net, examples()._replace(x=x), tell=told.append)
    Structured(**{"round_to": 1, "epochs": 0, **choices})(net, bench)
    assert net(x[:1]).shape == (1, 3)
    return net, told


def widths(net: nn.Module, *names: str) -> list[tuple[int, ...]]:
    return [tuple(net.get_parameter(f"{name}.weight").shape[:2]) for name in names]


def test_a_depthwise_layer_goes_with_its_channels() -> None:
    net, _ = pruned(Plain(conv(8, 8, groups=8), nn.BatchNorm2d(8), nn.PReLU(8)))
    assert widths(net, "one", "middle.0", "two") == [(4, 2), (4, 1), (6, 4)]
    assert net.get_submodule("middle.0").groups == 4
    assert net.get_submodule("middle.2").num_parameters == 4


def test_groups_of_a_convolution_stay_equally_large() -> None:
    net, _ = pruned(Plain(conv(8, 8, groups=2)))
    assert widths(net, "one", "middle.0", "two") == [(4, 2), (4, 2), (6, 4)]
    layer = net.get_submodule("middle.0")
    assert (layer.in_channels, layer.out_channels, layer.groups) == (4, 4, 2)


def test_a_grouped_convolution_reads_what_is_left_of_its_own_group() -> None:
    net = lively(Plain(conv(8, 8, groups=2)))
    with torch.no_grad():
        net.one.weight[[0, 1, 5, 6]] = 0  # other ones in each group of four
        net.one.bias[[0, 1, 5, 6]] = 0
        net.middle[0].weight[:, 0] *= 1 + 0 * net.middle[0].weight[:, 0]
    small = copy.deepcopy(net)
    Structured(ratio=0.5, round_to=1, exclude=["middle", "two"]).shrink(small, bench_of(net))
    assert torch.equal(small.one.weight, net.one.weight[[2, 3, 4, 7]])
    torch.testing.assert_close(small(X), net(X))


def test_group_norm_keeps_its_groups() -> None:
    net = lively(Plain(nn.GroupNorm(4, 8)))
    with torch.no_grad():
        net.one.weight[:4] *= 100  # one after the other, all of the last groups would go
    small, _ = pruned(net)
    kept = [row.tolist() in small.one.weight.tolist() for row in lively(net).one.weight]
    assert small.middle[0].num_channels == 4
    assert [sum(kept[i : i + 2]) for i in (0, 2, 4, 6)] == [1, 1, 1, 1]


def test_transposed_convolutions() -> None:
    net, _ = pruned(Plain(nn.ConvTranspose2d(8, 8, 2, stride=2), nn.BatchNorm2d(8)))
    assert widths(net, "one", "middle.0", "two") == [(4, 2), (4, 4), (6, 4)]


class Dense(Made):
    """Inputs and features side by side, in the manner of DenseNet."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), norm=nn.BatchNorm2d(10), two=conv(10, 12))

    def forward(self, x: Tensor) -> Tensor:
        return self.pooled(self.two(self.norm(torch.cat([x, self.one(x)], 1))).relu())


def test_inputs_beside_features_stay() -> None:
    net, _ = pruned(Dense())
    assert widths(net, "one", "two", "head") == [(4, 2), (6, 6), (3, 6)]
    assert net.get_submodule("norm").num_features == 6


class Added(Made):
    """Features that are added to the inputs."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), back=conv(8, 2), two=conv(2, 12))

    def forward(self, x: Tensor) -> Tensor:
        return self.pooled(self.two(x + self.back(self.one(x).relu())).relu())


def test_what_is_added_to_the_inputs_stays_and_is_named() -> None:
    net, told = pruned(Added())
    assert widths(net, "one", "back", "two") == [(4, 2), (2, 4), (6, 2)]
    kept = "as wide as before: back is added to the inputs or joined with them"
    assert told == [f"15 of 25 channels are left; {kept}"]


class TwoHeads(Made):
    """Outputs that are a sum, scaled and turned."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 12), short=nn.Linear(128, 3))

    def forward(self, x: Tensor) -> Tensor:
        return (self.pooled(self.one(x).relu()) + 0.5 * self.short(x.flatten(1))).neg()


def test_all_that_makes_the_outputs_stays() -> None:
    net, told = pruned(TwoHeads())
    assert widths(net, "one", "short", "head") == [(6, 2), (3, 128), (3, 6)]
    assert told == ["12 of 18 channels are left"]


class Gated(Made):
    """One half of a layer's outputs switches the other."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), two=conv(4, 12))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.one(x).chunk(2, 1)
        return self.pooled(self.two(a * b.sigmoid()).relu())


def test_channels_that_depend_on_each_other_stay() -> None:
    net, told = pruned(Gated())
    assert widths(net, "two", "head") == [(6, 4), (3, 6)]
    assert "one makes channels that depend on each other" in told[0]


class Parted(Made):
    """Two halves of a layer's outputs go two ways."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), left=conv(4, 12), right=conv(4, 12))

    def forward(self, x: Tensor) -> Tensor:
        a, b = self.one(x).chunk(2, 1)
        return self.pooled(self.left(a).relu() + self.right(b))


class Twice(Made):
    """A layer that is used twice."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), again=conv(8, 8), two=conv(8, 12))

    def forward(self, x: Tensor) -> Tensor:
        return self.pooled(self.two(self.again(self.again(self.one(x)).relu())).relu())


def test_a_layer_used_twice_is_followed() -> None:
    net, _ = pruned(Twice())
    assert widths(net, "one", "again", "two") == [(4, 2), (4, 4), (6, 4)]


class Tokens(nn.Module):
    """Pixels as tokens: layer norm and linear layers over the last dimension."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.norm = nn.Linear(2, 8), nn.LayerNorm(8)
        self.two, self.head = nn.Linear(8, 12), nn.Linear(12, 3)

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        return self.head(self.two(self.norm(self.one(tokens)).relu()).relu().mean(1))


def test_tokens() -> None:
    net, _ = pruned(Tokens())
    assert widths(net, "one", "two", "head") == [(4, 2), (6, 4), (3, 6)]
    assert net.get_submodule("norm").normalized_shape == (4,)


class Shuffled(Made):
    """Channels in another order, which no trace tells."""

    def __init__(self, order: Sequence[int]) -> None:
        super().__init__(one=conv(2, 8), two=conv(8, 12))
        self.order = list(order)

    def forward(self, x: Tensor) -> Tensor:
        return self.pooled(self.two(self.one(x).relu()[:, self.order]).relu())


class Averaged(Made):
    """The mean over all channels counts them."""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), two=conv(8, 12))

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x).relu()
        return self.pooled(self.two(y - y.mean(1, keepdim=True)).relu())


@pytest.mark.parametrize("net", [Shuffled([0, 6, 5, 4, 3, 2, 1, 7]), Averaged(), Parted()])
def test_what_cannot_be_followed_is_refused_by_name_and_can_be_excluded(net: nn.Module) -> None:
    net = lively(net)
    before = copy.deepcopy(net.state_dict())
    with pytest.raises(ValueError, match=re.escape("exclude=[one] leaves them")):
        pruned(net)
    with pytest.raises(ValueError, match="the outputs of one are used"):
        Structured(round_to=1)(net, bench_of(net))
    assert all(torch.equal(v, before[k]) for k, v in net.state_dict().items())
    small, told = pruned(net, exclude=["one"])
    assert widths(small, "one", "head") == [(8, 2), (3, 6)]
    assert "as wide" not in told[0]


def test_a_wrong_removal_would_be_seen() -> None:
    net = net_of("resnet", norm="group")
    go = torch.tensor([0, 2, 4, 6])  # one of each group of two
    places: list[Place] = [("0", "out"), ("1", "out"), ("3", "in")]
    right: dict[Place, Tensor] = {
        (f"model.body.1.0.branch.{layer}", side): go for layer, side in places
    }
    assert _cut.true(net, right, X[:4])
    for place in right:
        other = right | {place: torch.tensor([1, 2, 4, 6])}
        assert not _cut.true(net, other, X[:4])
    made = {place: entries for place, entries in right.items() if place[1] == "out"}
    assert not _cut.true(net, made, X[:4])


class Shared(Made):
    def __init__(self) -> None:
        super().__init__(one=conv(2, 8), two=conv(8, 12), three=conv(8, 12))
        self.three.weight = self.two.weight

    def forward(self, x: Tensor) -> Tensor:
        y = self.one(x).relu()
        return self.pooled(self.two(y).relu() + self.three(y.tanh()))


def test_shared_weights_stay() -> None:
    with pytest.raises(ValueError, match=r"nothing can be pruned: .* shares its weights"):
        pruned(Shared())


@pytest.mark.parametrize(
    "strange",
    [
        nn.LayerNorm([8, 8, 8]),
        nn.InstanceNorm2d(8),
        nn.ConvTranspose2d(8, 8, 1, groups=2),
    ],
    ids=lambda m: type(m).__name__,
)
def test_layers_that_cannot_be_made_narrower_are_named(strange: nn.Module) -> None:
    net, told = pruned(Plain(strange))
    assert widths(net, "one", "two") == [(8, 2), (6, 8)]
    assert f"middle.0 ({type(strange).__name__}), which cannot be made narrower" in told[0]


def test_a_strange_grouping_is_named() -> None:
    net, told = pruned(Plain(conv(8, 4, groups=4), conv(4, 8)))
    assert widths(net, "one", "middle.0") == [(8, 2), (4, 2)]
    assert "middle.0 (Conv2d), which cannot be made narrower" in told[0]


class Blind(Made):
    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            return self.pooled(x.repeat(1, 6, 1, 1))


def test_a_model_without_gradients_cannot_be_traced() -> None:
    with pytest.raises(ValueError, match=r"cannot trace this model .*no tensor with a gradient"):
        pruned(Blind())


class Pair(Made):
    """Two outputs: which of them would be a head?"""

    def __init__(self) -> None:
        super().__init__(one=conv(2, 12))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.pooled(self.one(x)), x


def test_a_model_of_several_outputs_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cannot trace this model .*no tensor with a gradient"):
        Graph(Pair(), X[:2])


def test_an_operation_that_fails_is_told() -> None:
    with pytest.raises(ValueError, match=r"cannot trace this model \(.*shapes cannot"):
        Graph(Plain(nn.Linear(5, 8)), X[:2])


@pytest.mark.parametrize(("norm", "units"), [("group", 8), ("layer", 2)])
def test_no_norm_is_left_with_a_single_value(norm: Any, units: int) -> None:
    net = lively(MLP((2, 8, 8), 3, (units, 64), norm=norm))
    small, _ = pruned(net, ratio=0.9)
    assert widths(small, "body.1", "head") == [(units, 128), (3, 8 if norm == "group" else 6)]

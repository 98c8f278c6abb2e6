"""Domains: what training sees of each, and what it must not see."""

import math
from typing import Any

import pytest
import torch
from conftest import Train
from torch import Tensor

from seedbed.data import domains
from seedbed.data._changes import changed
from seedbed.data._domain import SETS, Domain, cycled, domain, parted
from seedbed.data._memory import few
from seedbed.data.digits import Digits
from seedbed.data.domains import Domains
from seedbed.randomness import permutation
from seedbed.types import HIDDEN, Batch


class Renamed(Digits):
    """The same images; the targets of those that train are another's."""

    def images(self) -> tuple[Batch, Batch]:
        train, test = super().images()
        return train._replace(y=train.y[permutation(len(train.y), 1)]), test


class Half(Digits):
    """Fewer images."""

    def images(self) -> tuple[Batch, Batch]:
        train, test = super().images()
        return train.at(slice(400)), test


@pytest.fixture(autouse=True)
def further_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SETS, "renamed", Renamed)
    monkeypatch.setitem(SETS, "half", Half)


def ready(**arguments: Any) -> Any:
    data = Domains(**{"sources": ["digits"], "target": "digits:invert5", "size": 8} | arguments)
    data.prepare_data()
    data.setup()
    return data


def rows(x: Tensor) -> list[tuple[float, ...]]:
    return [tuple(row) for row in x.flatten(1).tolist()]


def test_what_the_data_knows() -> None:
    data = ready(sources=["digits", "digits:rotate=15"], target="digits:noise2")
    spec = data.spec
    assert spec.domains == ("digits", "digits:rotate15", "digits:noise2")
    assert spec.tests == ("digits", "digits:rotate15")
    assert (spec.masked, spec.oracle) == (True, True)
    assert (spec.shape, spec.outputs, spec.classes) == ((1, 8, 8), 10, tuple("0123456789"))
    train = data.splits["train"]
    assert spec.counts == tuple(train.y[train.y >= 0].bincount().tolist())


def test_domains_fill_equal_shares_of_training() -> None:
    data = ready(sources=["digits", "half"])
    x, _, places = data.splits["train"]
    assert places.bincount().tolist() == [1150] * 3
    for place, own in enumerate((1150, 320, 1150)):
        times = list(counted(rows(x[places == place])).values())
        assert len(times) == own
        assert set(times) <= {1150 // own, math.ceil(1150 / own)}


def counted(things: list[Any]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for thing in things:
        found[thing] = found.get(thing, 0) + 1
    return found


def test_targets_of_the_target_are_hidden_and_those_of_sources_are_not() -> None:
    data, plain = ready(), Digits()
    plain.setup()
    known = {row: y for part in plain.splits.values() for row, y in labelled(part.x / 16, part.y)}
    x, y, places = data.splits["train"]
    assert (y[places == 1] == HIDDEN).all()
    assert all(known[row] == label for row, label in labelled(x[places == 0], y[places == 0]))
    oracle = data.splits["oracle"]
    assert all(known[row] == label for row, label in labelled(1 - oracle.x, oracle.y))
    assert (oracle.domain == 1).all()
    test = data.splits["test"]
    torch.testing.assert_close(test.x, 1 - plain.splits["test"].x / 16)
    assert torch.equal(test.y, plain.splits["test"].y)
    torch.testing.assert_close(data.splits["test/digits"].x, plain.splits["test"].x / 16)
    assert (data.splits["test/digits"].domain == 0).all()


def labelled(x: Tensor, y: Tensor) -> list[tuple[tuple[float, ...], int]]:
    return list(zip(rows(x), y.tolist(), strict=True))


def test_only_sources_validate() -> None:
    data = ready(sources=["digits", "digits:rotate90"], target="digits:contrast1")
    val = data.splits["val"]
    assert val.domain.bincount().tolist() == [287, 287]
    plain = val.at(val.domain == 0)
    turned = val.at(val.domain == 1)
    assert torch.equal(turned.x, torch.rot90(plain.x, 1, (2, 3)))
    assert (val.y >= 0).all()


def test_an_image_that_validates_in_one_domain_trains_in_none() -> None:
    data = ready(sources=["digits", "digits:rotate90"])
    x, _, places = data.splits["train"]
    back = [
        x[places == 0],
        torch.rot90(x[places == 1], -1, (2, 3)),
        1 - x[places == 2],
    ]
    val = data.splits["val"]
    held = {tuple(round(v * 16) for v in row) for row in rows(val.at(val.domain == 0).x)}
    for part in back:
        trained = {tuple(round(v * 16) for v in row) for row in rows(part)}
        assert len(trained) == 1150
        assert not trained & held


def test_hidden_targets_change_nothing_that_training_sees() -> None:
    one = ready(sources=["half"], target="digits")
    two = ready(sources=["half"], target="renamed")
    assert not torch.equal(one.splits["oracle"].y, two.splits["oracle"].y)
    for split in ("train", "val"):
        for a, b in zip(one.splits[split], two.splits[split], strict=True):
            assert torch.equal(a, b)
    assert torch.equal(one.splits["oracle"].x, two.splits["oracle"].x)
    told = [{**each.spec.plain(), "content": "", "domains": [], "oracle": 0} for each in (one, two)]
    assert told[0] == told[1]
    for a, b in zip(one.train_dataloader(), two.train_dataloader(), strict=True):
        assert all(torch.equal(*each) for each in zip(a, b, strict=True))


def test_training_without_the_target_makes_as_many_updates() -> None:
    given = {"sources": ["digits", "half"]}
    data, alone = ready(**given), ready(**given, use_target=False)
    assert len(alone.splits["train"].y) == len(data.splits["train"].y) == 3 * 1150
    assert alone.splits["train"].domain.bincount().tolist() == [1725, 1725]
    assert (alone.splits["train"].y >= 0).all()
    assert (alone.spec.masked, alone.spec.domains) == (False, ("digits", "half"))
    for split in ("test", "oracle", "val", "test/half"):
        assert torch.equal(alone.splits[split].x, data.splits[split].x)
        assert torch.equal(alone.splits[split].y, data.splits[split].y)
    assert alone.splits["test"].domain is None  # it is none of those that training knows


def test_training_without_the_target_sees_none_of_it() -> None:
    data = ready(use_target=False)
    inverted = rows(1 - data.splits["train"].x)
    seen = {tuple(round(v * 16) for v in row) for row in inverted}
    for split in ("oracle", "test"):
        assert not seen & {tuple(round(v * 16) for v in row) for row in rows(data.splits[split].x)}


def test_some_targets_of_the_target_are_shown() -> None:
    data, more = ready(target_labels=3), ready(target_labels=5)
    x, y, places = data.splits["train"]
    assert places.bincount().tolist() == [1150, 1150]
    known = (places == 1) & (y != HIDDEN)
    assert int(known.sum()) == 575  # half of the target's share
    shown, others = set(rows(x[known])), set(rows(x[(places == 1) & (y == HIDDEN)]))
    assert len(shown) == 30
    assert not shown & others
    assert y[known].unique().tolist() == list(range(10))
    first = dict(labelled(x[known], y[known]))
    assert sorted(first.values()) == sorted([*range(10)] * 3)
    plain = Digits()
    plain.setup()
    truth = dict(
        labelled(
            torch.cat([p.x for p in plain.splits.values()]) / 16,
            torch.cat([p.y for p in plain.splits.values()]),
        )
    )
    assert all(truth[tuple(1 - v for v in row)] == label for row, label in first.items())
    also = more.splits["train"]
    assert shown < set(rows(also.x[(also.domain == 1) & (also.y != HIDDEN)]))
    assert data.spec.masked


class Twenty(Digits):
    """Two images of each digit to train and validate with."""

    def images(self) -> tuple[Batch, Batch]:
        train, test = super().images()
        return train.at(few(train.y, 2, 0)), test


def test_a_target_whose_targets_are_all_shown_hides_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(SETS, "twenty", Twenty)
    monkeypatch.setattr(domains, "parted", lambda examples, *_: (examples, examples))
    data = ready(target="twenty", target_labels=2)
    x, y, places = data.splits["train"]
    assert (y >= 0).all()
    assert not data.spec.masked
    assert len(set(rows(x[places == 1]))) == 20
    assert ready(target="twenty", target_labels=1).spec.masked


def test_channels_follow_the_photos() -> None:
    grey = ready()
    assert grey.spec.shape == (1, 8, 8)
    data = ready(target="digits:blend5")
    assert data.spec.shape == (3, 8, 8)
    x, _, places = data.splits["train"]
    assert torch.equal(x[places == 0][:, 0], x[places == 0][:, 2])
    assert not torch.equal(x[places == 1][:, 0], x[places == 1][:, 2])
    assert ready(target="digits:blend5", channels=1).spec.shape == (1, 8, 8)
    assert ready(channels=3).spec.shape == (3, 8, 8)


def test_corruptions_are_made_of_the_target() -> None:
    data = ready(corruptions=["noise", "contrast"], severity=4, seed=2)
    assert data.spec.tests == ("digits", "noise", "contrast")
    test = data.splits["test"]
    expected = changed(test.x, "noise", 4, 2)
    torch.testing.assert_close(data.splits["test/noise"].x, expected)
    assert torch.equal(data.splits["test/noise"].y, test.y)


def test_training_and_test_images_have_noise_of_their_own() -> None:
    """Noise goes by an image's place in the whole set, not in its split."""
    data, plain = ready(target="digits:noise5"), Digits()
    train, test = plain.read()
    whole = changed(torch.cat([train.x, test.x]) / 16, "noise", 5, 0)
    torch.testing.assert_close(data.splits["test"].x, whole[len(train.y) :])
    fit, _ = parted(Batch(whole[: len(train.y)], train.y), 0.2, 1.0, 0)
    x, _, places = data.splits["train"]
    assert set(rows(x[places == 1])) == set(rows(fit.x))


def test_pixels_of_all_sets_lie_between_0_and_1() -> None:
    data = ready(sources=["digits:rotate30"], target="digits", size=16)
    x, _, places = data.splits["train"]
    assert x.min() == 0
    assert [float(x[places == k].max()) for k in (0, 1)] == pytest.approx([1, 1], abs=0.02)


def test_a_fraction_and_a_few_of_each_class() -> None:
    data = ready(fraction=0.1)
    x, _, places = data.splits["train"]
    assert [len(set(rows(x[places == k]))) for k in (0, 1)] == [115, 115]
    three = ready(per_class=2)
    x, _, places = three.splits["train"]
    assert places.bincount().tolist() == [1150, 1150]
    assert len(set(rows(x[places == 0]))) == 20
    assert len(set(rows(x[places == 1]))) == 1150
    assert torch.equal(three.splits["val"].x, ready().splits["val"].x)


def test_parts_are_drawn_without_a_look_at_targets() -> None:
    examples = Batch(torch.arange(10.0)[:, None], torch.tensor([0] * 9 + [1]))
    fit, val = parted(examples, 0.2, 0.5, 3)
    assert (len(fit.y), len(val.y)) == (4, 2)
    assert not set(fit.x.flatten().tolist()) & set(val.x.flatten().tolist())
    again, _ = parted(examples._replace(y=torch.zeros(10, dtype=torch.int64)), 0.2, 0.5, 3)
    assert torch.equal(fit.x, again.x)


def test_cycles() -> None:
    found = cycled(3, 8, 0)
    assert sorted(found.bincount().tolist()) == [2, 3, 3]
    assert cycled(5, 3, 0).unique().numel() == 3
    assert sorted(cycled(4, 4, 1).tolist()) == [0, 1, 2, 3]
    once_more = {int(cycled(3, 4, seed).bincount().argmax()) for seed in range(20)}
    assert once_more == {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("digits", Domain("digits")),
        ("mnist5k:blend5", Domain("mnist5k", "blend", 5)),
        ("digits:rotate=30", Domain("digits", "rotate", 30)),
        ("digits:rotate-15", Domain("digits", "rotate", -15)),
        ("fashion_mnist:noise1", Domain("fashion_mnist", "noise", 1)),
    ],
)
def test_names_of_domains(name: str, expected: Domain) -> None:
    assert domain(name) == expected
    assert str(expected) == name.replace("=", "")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"sources": []}, "sources: at least one domain is expected"),
        ({"sources": ["digit"]}, "sources=digit: there is no set 'digit'; did you mean 'digits'"),
        (
            {"target": "digits:blurr3"},
            "target=digits:blurr3: there is no change 'blurr'; did you mean 'blur'",
        ),
        ({"target": "digits:blur"}, "target=digits:blur: <set> or <set>:<change><strength>"),
        (
            {"target": "digits:noise6"},
            "target=digits:noise6: the severity of noise goes from 1 to 5, got 6",
        ),
        ({"target": "digits:invert0"}, "the severity of invert goes from 1 to 5, got 0"),
        ({"sources": ["digits", "digits"]}, "sources: digits is there twice"),
        ({"target": "digits"}, "target=digits is a source, too"),
        (
            {"sources": ["fashion_mnist"]},
            "domains need the same classes: fashion_mnist has T-shirt",
        ),
        ({"target_labels": -1}, "target_labels must be at least 0"),
        ({"target_labels": 2, "use_target": False}, "target_labels=2 needs use_target=true"),
        ({"channels": 2}, "channels must be 1, 3 or null, got 2"),
        ({"severity": 9}, "severity must be"),
        ({"size": 1}, "size must lie"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Domains(**{"sources": ["digits"], "target": "digits:invert5"} | arguments)


def test_more_targets_than_there_are_is_refused() -> None:
    with pytest.raises(ValueError, match=r"target_labels=500: class 0 has \d+ training"):
        ready(target_labels=500)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["data.target=digits:rotate"], "data: target=digits:rotate: <set> or <set>:<change>"),
        (["data.sources=[fashion_mnist]"], "data: domains need the same classes: fashion_mnist"),
        (["data.target_labels=500"], "data: target_labels=500: class 0 has "),
        (["loss=kl_div"], "loss: it needs a target for every example, and the data hides some"),
        (["loss=mse", "loss._target_=torch.nn.CrossEntropyLoss"], "loss: it needs a target for"),
        (["loss.class_weight=balanced"], "loss: class_weight needs a target for every example"),
        (["regularizer=mixup"], "regularizer.mixup: mixing examples needs a target for each"),
    ],
)
def test_a_slip_is_one_line(train: Train, words: list[str], said: str) -> None:
    first = ["data=domains", "data.sources=[digits]", "data.target=digits:invert5", "trainer=cpu"]
    ended = train(*first, *words)
    assert ended.code == 2
    (line,) = ended.lines()
    assert said in line


@pytest.mark.slow
def test_hidden_targets_leave_training_bit_for_bit_the_same(train: Train) -> None:
    weights = []
    for target in ("digits", "renamed"):
        ended = train(
            *("data=domains", "data.sources=[half]", f"data.target={target}", "data.size=8"),
            *("model=cnn", "model.channels=[4]", "trainer=cpu", "trainer.max_epochs=2"),
        )
        assert ended.code == 0, ended.err
        content = torch.load(ended.folder / "checkpoints/last.ckpt", weights_only=True)
        weights.append(content["state_dict"])
        (ended.folder / "config.yaml").unlink()  # the other run is the newest then
    one, other = weights
    assert one.keys() == other.keys()
    kept = [key for key in one if key.startswith("model.")]
    assert kept
    assert all(torch.equal(one[key], other[key]) for key in kept)

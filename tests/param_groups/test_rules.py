"""Groups by names and types."""

from math import inf, nan
from typing import Any

import pytest
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from seedbed.param_groups.rules import Rules


def network() -> nn.ModuleDict:
    body = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(2, 5))
    return nn.ModuleDict({"body": body, "head": nn.Linear(5, 3)})


def members(model: nn.Module, groups: list[dict[str, Any]]) -> dict[str, list[str]]:
    names = {id(p): name for name, p in model.named_parameters()}
    return {g["name"]: [names[id(p)] for p in g["params"]] for g in groups}


def test_the_first_rule_that_fits_decides() -> None:
    model = network()
    groups = Rules(
        [
            {"match": "^head", "lr": 10, "name": "head"},
            {"type": "BatchNorm2d", "weight_decay": 0},
            {"match": "bias$", "lr": 2, "weight_decay": 0},
        ]
    )(model)
    assert members(model, groups) == {
        "head": ["head.weight", "head.bias"],
        "rule_2": ["body.1.weight", "body.1.bias"],
        "rule_3": ["body.0.bias", "body.2.bias"],
        "rest": ["body.0.weight", "body.2.weight"],
    }
    settings = [{k: v for k, v in g.items() if k not in ("name", "params")} for g in groups]
    assert settings == [
        {"lr_multiplier": 10},
        {"weight_decay": 0},
        {"lr_multiplier": 2, "weight_decay": 0},
        {},
    ]


def test_match_and_type_must_both_fit() -> None:
    model = network()
    groups = Rules([{"match": "weight", "type": "Linear", "lr": 2}])(model)
    assert members(model, groups)["rule_1"] == ["body.2.weight", "head.weight"]


def test_a_type_may_be_a_base_or_further_out() -> None:
    model = network()
    groups = Rules([{"type": "_ConvNd", "lr": 2}, {"type": "Sequential", "lr": 3}])(model)
    named = members(model, groups)
    assert named["rule_1"] == ["body.0.weight", "body.0.bias"]
    assert named["rule_2"] == ["body.1.weight", "body.1.bias", "body.2.weight", "body.2.bias"]


def test_a_type_is_told_under_weight_norm_too() -> None:
    model = nn.Sequential(weight_norm(nn.Linear(2, 3)), nn.LayerNorm(3))
    groups = Rules([{"type": "Linear", "lr": 2}])(model)
    assert [len(g["params"]) for g in groups] == [3, 2]


def test_a_shared_weight_goes_by_any_of_its_names() -> None:
    model = nn.ModuleDict({"a": nn.Linear(2, 2), "b": nn.Linear(2, 2)})
    model["b"].weight = model["a"].weight
    groups = Rules([{"match": "b.weight", "lr": 2}])(model)
    assert [len(g["params"]) for g in groups] == [1, 2]
    assert groups[0]["params"][0] is model["a"].weight


def test_without_rules_all_is_rest_and_without_rest_there_is_none() -> None:
    assert [g["name"] for g in Rules()(network())] == ["rest"]
    assert [g["name"] for g in Rules([{"match": "."}])(network())] == ["rule_1"]


def test_a_rule_that_decides_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"rule 1 \(match=haed\) fits no parameter; names"):
        Rules([{"match": "haed"}])(network())
    with pytest.raises(ValueError, match=r"rule 2 \(type=BatchNorm2d\) fits only what earlier"):
        Rules([{"match": "body"}, {"type": "BatchNorm2d"}])(network())


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ({"match": "a", "rate": 3}, "there is no key rate; a rule has match, type, lr"),
        ({"lr": 3}, "match .* or type .* is needed"),
        ({"match": "("}, r"match=\( is no regular expression"),
        ({"match": 3}, "match must be text"),
        ({"type": ""}, "type must be text"),
        ({"match": "a", "lr": -1}, r"lr must lie in \[0, inf\), got -1"),
        ({"match": "a", "lr": nan}, "lr must lie in"),
        ({"match": "a", "lr": True}, "lr must lie in"),
        ({"match": "a", "weight_decay": inf}, "weight_decay must lie in"),
        ({"match": "a", "weight_decay": "x"}, "weight_decay must lie in"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(rule: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=f"rule 2: {says}"):
        Rules([{"match": "b"}, rule])


def test_groups_need_names_of_their_own() -> None:
    with pytest.raises(ValueError, match="two groups are called 'rest'"):
        Rules([{"match": "a", "name": "rest"}])

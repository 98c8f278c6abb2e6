"""What is judged before training, on both sides of every threshold."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from seedbed.doctor._case import Case, Curve, Finding
from seedbed.doctor._masks import masked
from seedbed.doctor._order import BEFORE, MASKS, before
from seedbed.doctor.bad_init import bad_init
from seedbed.doctor.constant_features import constant_features
from seedbed.doctor.dead_units import dead_units
from seedbed.doctor.frozen import frozen
from seedbed.doctor.imbalance import imbalance
from seedbed.doctor.input_blind import input_blind
from seedbed.doctor.label_issues import label_issues
from seedbed.doctor.leakage import leakage
from seedbed.doctor.memorise import memorise
from seedbed.doctor.memory import memory
from seedbed.doctor.non_finite_input import non_finite_input
from seedbed.doctor.rate_range import rate_range
from seedbed.doctor.softmax_twice import softmax_twice
from seedbed.doctor.split_mismatch import split_mismatch
from seedbed.doctor.symmetry import symmetry
from seedbed.doctor.unnormalised import unnormalised
from seedbed.doctor.unshuffled import unshuffled
from seedbed.doctor.vanishing_gradients import vanishing_gradients

CONFIG: dict[str, Any] = {
    "data": {"batch_size": 64},
    "scaling": None,
    "loss": {"_target_": "seedbed.loss.auto.Auto", "class_weight": None},
    "init": {},
    "model": {"widths": [8], "activation": "relu", "norm": "none"},
    "optimizer": {"lr": 0.01},
    "trainer": {"accumulate_grad_batches": 2},
}


def case(**facts: Any) -> Case:
    return Case({}, facts, CONFIG)


def level(judge: Callable[[Case], Finding], **facts: Any) -> str:
    return judge(case(**facts)).level


@pytest.mark.parametrize("judge", BEFORE, ids=lambda judge: judge.__name__)
def test_what_was_not_measured_is_not_judged_and_says_what_is_missing(
    judge: Callable[[Case], Finding],
) -> None:
    found = judge(Case())
    assert found.symptom == judge.__name__
    assert found.level == "unknown"
    assert len(found.says) > 15
    told = judge(Case({}, {"unmeasured": {found.symptom: "the moon was full"}}))
    named = ("bad_init", "vanishing_gradients", "stale_average")  # these name the fact
    if found.symptom not in named:
        assert told.says == "the moon was full"


def test_one_bad_number_is_too_many() -> None:
    fine = {"looked_at": {"train": 8, "val": 2}, "non_finite": {"train": 0, "val": 0}}
    assert level(non_finite_input, **fine) == "pass"
    found = non_finite_input(case(**fine | {"non_finite": {"train": 0, "val": 1}}))
    assert found.level == "fail"
    assert "1 of 10 examples" in found.says
    assert "1 in val" in found.says


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        ({"mean": 0, "std": 1, "large": 3}, "pass"),
        ({"mean": 0, "std": 1, "large": 20}, "pass"),
        ({"mean": 0, "std": 1, "large": 20.1}, "warn"),
        ({"mean": 0, "std": 1, "large": 101}, "fail"),  # beyond 5 times the limit
        ({"mean": 0, "std": 5, "large": 15}, "pass"),
        ({"mean": 0, "std": 5.1, "large": 15}, "warn"),
        ({"mean": 0, "std": 0.01, "large": 0.03}, "pass"),
        ({"mean": 0, "std": 0.009, "large": 0.03}, "warn"),
        ({"mean": 0, "std": 0.001, "large": 0.003}, "fail"),
        ({"mean": 3, "std": 1, "large": 6}, "pass"),
        ({"mean": -3.1, "std": 1, "large": 6}, "warn"),
        ({"mean": 4882, "std": 6013, "large": 16000}, "fail"),
    ],
)
def test_the_range_of_what_the_net_sees(seen: dict[str, float], expected: str) -> None:
    found = unnormalised(case(seen=seen))
    assert found.level == expected
    if found.ill:
        assert found.remedies[0] == ("scaling=standard",)


def test_a_scaling_that_is_there_is_not_proposed() -> None:
    config = CONFIG | {"scaling": {"_target_": "seedbed.scaling.standard.Standard"}}
    found = unnormalised(Case({}, {"seen": {"mean": 0, "std": 9, "large": 15}}, config))
    assert found.remedies == (("scaling=minmax",),)


def test_dark_borders_are_no_fault_and_empty_inputs_are() -> None:
    assert level(constant_features, features=64, constant=32, woken=3) == "pass"
    assert level(constant_features, features=64, constant=33, woken=0) == "info"
    assert level(constant_features, features=64, constant=64, woken=0) == "fail"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, "pass"),
        ({"gap": 0.5}, "pass"),
        ({"gap": 0.51}, "warn"),
        ({"ratio": 2.0}, "pass"),
        ({"ratio": 2.01}, "warn"),
        ({"ratio": 0.5}, "pass"),
        ({"ratio": 0.49}, "warn"),
        ({"features_apart": 0.1}, "pass"),
        ({"features_apart": 0.11}, "warn"),
        ({"worst": 3.0}, "pass"),
        ({"worst": 3.1}, "warn"),
    ],
)
def test_splits_that_were_made_differently(change: dict[str, float], expected: str) -> None:
    like = {"gap": 0.1, "ratio": 1.0, "features_apart": 0.0, "worst": 0.2, "n": 100}
    assert level(split_mismatch, split=like | change) == expected


def test_labels_of_splits_may_differ_as_far_as_chance_goes() -> None:
    like = {"gap": 0.1, "ratio": 1.0, "features_apart": 0.0, "worst": 0.2, "n": 100}
    # 4 classes, 100 examples: .25 + √(4/100)/2 = .35
    assert level(split_mismatch, split=like, classes=4, label_gap=0.34) == "pass"
    assert level(split_mismatch, split=like, classes=4, label_gap=0.36) == "warn"


def leak(across: int, within: int = 0, *, table: bool = False) -> Finding:
    sizes = {"train": 1000, "val": 200}
    within_all = {"train": within, "val": 0}
    return leakage(
        case(across={"train-val": across}, within=within_all, looked_at_whole=sizes, table=table)
    )


def test_copies_across_splits() -> None:
    assert leak(0).level == "pass"
    assert leak(1).level == "info"  # .5 %, and one pair
    assert leak(2).level == "fail"  # 1 % of 200
    assert "2 examples of val (1.0%) are in train" in leak(2).says


def test_rows_of_a_small_table_repeat_within_training_as_well() -> None:
    assert leak(20, 40, table=True).level == "fail"  # 10 % across, 4 % within
    assert leak(20, 60, table=True).level == "info"  # 6 % within
    assert leak(20, 60).level == "fail"  # images do not repeat by nature


def test_the_mix_of_labels_in_batches() -> None:
    chance = {"chance": 2.0, "spread": 0.05, "batches": 20}
    assert level(unshuffled, order={"entropy": 1.75, **chance}) == "pass"  # z = -5
    assert level(unshuffled, order={"entropy": 1.65, **chance}) == "fail"  # z = -7
    tiny = {"chance": 2.0, "spread": 0.001, "batches": 20}
    assert level(unshuffled, order={"entropy": 1.9, **tiny}) == "pass"  # z = -100, 5 % lost
    assert level(unshuffled, order="every batch is the whole training split") == "pass"
    assert level(unshuffled, order={"entropy": 0, "chance": 0, "spread": 0, "batches": 1}) == (
        "unknown"
    )


def test_the_shares_of_the_classes() -> None:
    assert level(imbalance, counts=[80, 20]) == "pass"  # .8, H = .50 of .69
    found = imbalance(case(counts=[81, 19]))
    assert found.level == "warn"
    assert found.remedies == (("loss.class_weight=balanced",), ("init=[class_prior]",))
    # ten classes, largest .75: H = .56 + .25 ln 9 = 1.11 < .5 ln 10 = 1.15
    assert level(imbalance, counts=[75, *[25 / 9] * 9]) == "warn"
    assert level(imbalance, counts=[70, *[30 / 9] * 9]) == "pass"  # .61 + .66 = 1.27
    assert level(imbalance, counts=[10, 10], classes_absent=["cat"]) == "warn"
    assert level(imbalance, counts=[10, 0]) == "fail"
    assert level(imbalance, kind="value") == "pass"


def test_class_weights_answer_an_imbalance() -> None:
    config = CONFIG | {"loss": {"class_weight": "balanced"}, "init": {"he": {"_target_": "x"}}}
    assert imbalance(Case({}, {"counts": [90, 10]}, config)).level == "info"
    config = config | {"loss": {"_target_": "seedbed.loss.auto.Auto"}}
    found = imbalance(Case({}, {"counts": [90, 10]}, config))
    assert found.remedies[1] == ("init=[he,class_prior]",)


def test_the_loss_of_the_first_weights() -> None:
    ten = {"kind": "class", "classes": 10, "base": 2.3}  # ln 10 = 2.303, and 2 nats
    assert level(bad_init, init_loss=4.30, **ten) == "pass"
    assert level(bad_init, init_loss=4.31, **ten) == "warn"
    assert level(bad_init, init_loss=10.30, **ten) == "warn"
    assert level(bad_init, init_loss=10.31, **ten) == "fail"  # 4 · 2 above
    assert level(bad_init, init_loss=math.nan, **ten) == "fail"
    two = {"kind": "class", "classes": 2, "base": 0.69}  # ln 2 = .693
    assert level(bad_init, init_loss=2.69, **two) == "pass"
    assert level(bad_init, init_loss=2.70, **two) == "warn"


def test_the_first_loss_of_real_targets() -> None:
    assert level(bad_init, kind="value", base=0.5, init_loss=2.0) == "pass"
    found = bad_init(case(kind="value", base=0.5, init_loss=2.1))
    assert found.level == "warn"
    assert found.remedies[0] == ("target_scaling=standard",)
    assert level(bad_init, kind="value", base=0.0, init_loss=2.1) == "unknown"


def test_probabilities_are_no_logits() -> None:
    outputs = {"K": 3, "low": 0.1, "off": 1e-7, "last": "softmax"}
    assert level(softmax_twice, outputs=outputs) == "fail"
    assert level(softmax_twice, outputs=outputs | {"low": -0.1}) == "pass"
    assert level(softmax_twice, outputs=outputs | {"off": 2e-3}) == "pass"
    one = {"K": 1, "low": 0.4, "off": 0.6, "last": "sigmoid"}
    assert level(softmax_twice, outputs=one) == "fail"
    assert level(softmax_twice, outputs=one | {"last": "addmm"}) == "pass"
    assert level(softmax_twice, outputs=outputs, kind="value") == "pass"
    own = CONFIG | {"loss": {"_target_": "mine.Likelihood"}}
    assert softmax_twice(Case({}, {"outputs": outputs}, own)).level == "info"


def test_units_that_copy_one_another() -> None:
    assert level(symmetry, twins={"body.1": 0.0, "head": 0.49}) == "pass"
    found = symmetry(case(twins={"body.1": 0.5, "head": 0.0}))
    assert found.level == "fail"
    assert found.remedies[0] == ("init=he",)
    assert level(symmetry, twins={}) == "pass"


def test_dead_and_saturated_units() -> None:
    assert level(dead_units, dead={"a": 0.5}) == "pass"
    assert level(dead_units, dead={"a": 0.51}) == "warn"
    assert level(dead_units, dead={"a": 0.96}) == "fail"
    assert level(dead_units, dead={"a": 0.0}, saturated={"a": 0.5}) == "pass"
    assert level(dead_units, dead={"a": 0.0}, saturated={"a": 0.51}) == "warn"
    assert level(dead_units, dead={}) == "pass"


def test_weights_that_never_move() -> None:
    facts: dict[str, Any] = {"parameters": 100, "frozen": {}, "frozen_numbers": 0}
    assert level(frozen, **facts) == "pass"
    facts |= {"frozen": {"gradient": ["body.1.weight"]}, "frozen_numbers": 89}
    assert level(frozen, **facts) == "warn"
    assert level(frozen, **facts | {"frozen_numbers": 90}) == "fail"
    meant = CONFIG | {"callback": {"finetune": {"_target_": "x"}}}
    assert frozen(Case({}, facts, meant)).level == "info"


def test_gradients_that_do_not_arrive() -> None:
    assert (
        level(vanishing_gradients, gradient_ratio=[1e-3, 5.0, 1e-9]) == "pass"
    )  # the median is 1e-3
    assert level(vanishing_gradients, gradient_ratio=[9e-4, 5.0, 1e-9]) == "warn"
    assert level(vanishing_gradients, gradient_ratio=[1e-7, 1e-9, 1.0]) == "fail"
    assert level(vanishing_gradients, gradient_ratio=[1e-7, 1e-9]) == "unknown"
    assert level(vanishing_gradients, gradient_ratio="one layer") == "unknown"
    curve = Curve(np.arange(4.0), np.full(4, 1e-5))
    found = vanishing_gradients(Case({"doctor/gradient_ratio": curve}))
    assert (found.level, found.span) == ("warn", (0.0, 3.0))


def test_inputs_must_help() -> None:
    blind = {"loss": 1.0, "blind_loss": 2.0, "gain": 1.0, "error": 0.49, "steps": 100}
    assert level(input_blind, blind=blind) == "pass"
    assert level(input_blind, blind=blind | {"error": 0.5}) == "info"  # not sure: no proof of none
    # 5 % of the blind loss is .1: a gain that is surely less is none
    assert level(input_blind, blind=blind | {"gain": 0.0, "error": 0.04}) == "warn"
    assert level(input_blind, blind=blind | {"gain": 0.0, "error": 0.06}) == "info"
    worse = blind | {"gain": -0.5, "error": 0.1}
    assert level(input_blind, blind=worse) == "warn"
    near = {"agreement": 0.5, "chance": 0.1, "spread": 0.01}
    assert level(input_blind, blind=worse, neighbours=near) == "info"
    assert level(input_blind, blind=worse, neighbours=near | {"agreement": 0.12}) == "warn"
    none = blind | {"gain": 0.0, "error": 0.04}  # neither better nor worse: the net is blind
    assert level(input_blind, blind=none, neighbours=near) == "warn"
    assert level(input_blind, blind=blind | {"error": 0.5, "steps": 19}) == "unknown"


def test_a_few_examples_by_heart() -> None:
    of = {"n": 16, "steps": 30, "loss": 0.22, "base": 2.3, "acc": 1.0, "by": "config"}
    of |= {"parameters": 1000, "needed": 160}
    assert level(memorise, memory_of=of) == "pass"
    assert level(memorise, memory_of=of | {"loss": 0.24}) == "info"
    assert level(memorise, memory_of=of | {"loss": 0.68}) == "info"  # .3 · 2.3 is .69
    assert level(memorise, memory_of=of | {"loss": 0.70}) == "warn"
    assert level(memorise, memory_of=of | {"acc": 15 / 16}) == "warn"
    assert level(memorise, memory_of=of | {"acc": None}) == "pass"
    assert level(memorise, memory_of=of | {"loss": 0.7, "parameters": 159}) == "info"
    assert level(memorise, memory_of=of | {"loss": 0.7, "cut": True}) == "unknown"
    assert level(memorise, memory_of=of | {"base": 0.0}) == "unknown"
    by_adam = memorise(case(memory_of=of | {"by": "Adam at 0.001"}))
    assert by_adam.level == "pass"
    assert "not as configured" in by_adam.says


def test_a_rate_is_judged_by_two_witnesses() -> None:
    rates = {"suggested": 0.01, "limit": 1.0, "configured": 0.01}
    learned, stood = {"start": 2.0, "end": 1.89}, {"start": 2.0, "end": 1.91}  # 5 % is .1
    assert level(rate_range, rates=rates, trial=learned) == "pass"
    assert level(rate_range, rates=rates | {"configured": 5.0}, trial=learned) == "pass"
    assert level(rate_range, rates=rates, trial=stood) == "info"
    slow = rate_range(case(rates=rates | {"configured": 9e-5}, trial=stood))
    assert slow.level == "warn"
    assert slow.remedies[0] == ("optimizer.lr=0.01",)
    assert level(rate_range, rates=rates | {"configured": 1.1e-4}, trial=stood) == "info"
    assert level(rate_range, rates=rates | {"configured": 0.11}, trial=stood) == "warn"
    assert level(rate_range, rates=rates | {"configured": 0.09}, trial=stood) == "info"
    near = rates | {"limit": 0.09}
    assert level(rate_range, rates=near | {"configured": 0.09}, trial=stood) == "warn"
    assert level(rate_range, rates=rates | {"configured": 1.1}, trial=stood) == "fail"
    rose = {"start": 2.0, "end": 2.11}
    assert level(rate_range, rates=rates | {"configured": 0.09}, trial=rose) == "warn"
    assert level(rate_range, rates=rates, trial=rose) == "info"  # as suggested: no rate to blame
    high = rates | {"configured": 0.09}
    assert level(rate_range, rates=high, trial=rose | {"steps": 19}) == "info"
    assert level(rate_range, rates=high, trial={"start": 2.0, "end": 6.1}) == "fail"
    assert level(rate_range, rates=rates | {"suggested": None}, trial=stood) == "info"


def test_a_part_of_the_labels_is_wrong() -> None:
    near = {"n": 100, "agreement": 0.5, "chance": 0.1, "spread": 0.01, "disagree": 0.3}
    near |= {"friendless": 0.17, "disowned": 0.16}  # .55 · .3 = .165
    even = {"counts": [10] * 4}
    assert level(label_issues, neighbours=near, **even) == "warn"
    assert level(label_issues, neighbours=near | {"friendless": 0.16}, **even) == "pass"
    assert level(label_issues, neighbours=near | {"disowned": 0.15}, **even) == "pass"
    assert level(label_issues, neighbours=near, counts=[10] * 3) == "pass"  # chance finds friends
    assert level(label_issues, neighbours=near, counts=[31, 10, 10, 10]) == "pass"  # rare ones
    assert level(label_issues, neighbours=near) == "pass"


def test_labels_that_do_not_go_with_their_inputs() -> None:
    near = {"n": 100, "agreement": 0.131, "chance": 0.1, "spread": 0.01, "disagree": 0.5}
    assert level(label_issues, neighbours=near) == "pass"  # z = 3.1
    assert level(label_issues, neighbours=near | {"agreement": 0.129}) == "warn"
    assert level(label_issues, neighbours=near | {"n": 99}) == "unknown"
    helped = {"gain": 1.0, "error": 0.1}
    assert level(label_issues, neighbours=near | {"agreement": 0.1}, blind=helped) == "info"


def test_a_step_must_fit() -> None:
    of = {"weights": 1e9, "batch": 8e9, "free": 10e9}
    assert level(memory, memory=of, batch_size=64) == "pass"
    assert level(memory, memory=of | {"batch": 8.1e9}, batch_size=64) == "warn"
    found = memory(case(memory=of | {"batch": 32e9}, batch_size=64))
    assert found.level == "fail"
    # 8e9 are left for the batch, .5e9 an example: 16 of them
    assert found.remedies[0] == ("data.batch_size=16", "trainer.accumulate_grad_batches=8")


def ill(symptom: str) -> Finding:
    return Finding(symptom, "warn", "it is ill")


def test_a_cause_mutes_what_follows_and_a_consequence_does_not() -> None:
    names = ("unnormalised", "bad_init", "leakage")
    found = {f.symptom: f for f in masked([ill(name) for name in names], MASKS)}
    assert found["unnormalised"].level == "warn"
    assert found["bad_init"].level == "info"
    assert found["bad_init"].cause == "follows from unnormalised"
    assert found["leakage"].level == "warn"
    assert [f.level for f in masked([ill("bad_init")], MASKS)] == ["warn"]


def test_of_two_that_would_mute_each_other_one_stays() -> None:
    names = [judge.__name__ for judge in BEFORE]
    for cause, others in MASKS.items():
        for other in others:
            found = masked([ill(cause), ill(other)], MASKS)
            assert [f.ill for f in found].count(True) == 1, (cause, other)
        assert {cause, *others} <= set(names)
    assert any(f.ill for f in masked([ill(name) for name in names], MASKS))


def test_a_case_of_which_nothing_is_known_is_judged_all_the_same() -> None:
    assert {f.level for f in before(Case())} == {"unknown"}

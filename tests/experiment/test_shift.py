"""Experiments on domains pass the gate, and their baselines are what they say."""

from seedbed import config
from seedbed.command import Command, compose_all
from seedbed.config import Config


def jobs(name: str) -> list[Config]:
    config.register()
    return [config.check(cfg) for cfg in compose_all(Command.read(["-m", f"experiment={name}"]))]


def test_adaptation_sees_the_target_and_its_baseline_does_not() -> None:
    baseline, *methods = jobs("domain_adaptation")
    assert baseline.regularizer == {}
    assert baseline.data["use_target"] is False
    assert [list(m.regularizer) for m in methods] == [["adabn"], ["coral"], ["dann"], ["mmd"]]
    for method in methods:
        assert method.data == baseline.data | {"use_target": True}
        assert (method.model, method.trainer) == (baseline.model, baseline.trainer)


def test_five_labels_a_class_are_shown_to_all_but_the_baseline() -> None:
    baseline, *methods = jobs("supervised_adaptation")
    assert (baseline.data["use_target"], baseline.data["target_labels"]) == (False, 0)
    assert methods
    for method in methods:
        assert method.data == baseline.data | {"use_target": True, "target_labels": 5}


def test_generalization_never_sees_its_target() -> None:
    baseline, *methods = jobs("domain_generalization")
    assert baseline.data["sources"] == ["mnist5k"]
    assert list(methods[0].regularizer) == ["erm"]
    for method in (baseline, *methods):
        assert method.data["use_target"] is False
        assert method.data["target"] not in method.data["sources"]
        assert method.data["target_labels"] == 0
    assert all(len(m.data["sources"]) == 4 for m in methods)


def test_only_the_test_differs_where_only_the_test_is_to_adapt() -> None:
    source, test_bn, tent = jobs("test_time")
    assert [list(job.callback) for job in (source, test_bn, tent)] == [[], ["test_bn"], ["tent"]]
    assert source.data == test_bn.data == tent.data
    assert len(source.data["corruptions"]) == 4

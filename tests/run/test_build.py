"""From a config to parts."""

import itertools

from option import node

from seedbed.run.build import make_regularizers

NAMES = ["l1", "label_smoothing", "max_norm", "mixup", "noise"]


def test_regularizers_run_in_one_order_whatever_that_of_the_command() -> None:
    orders = set()
    for names in itertools.permutations(NAMES):
        orders.add(tuple(make_regularizers({name: node("regularizer", name) for name in names})))
    [order] = orders
    assert order == ("mixup", "l1", "label_smoothing", "noise", "max_norm")
    assert make_regularizers({"l1": {}}) == {}

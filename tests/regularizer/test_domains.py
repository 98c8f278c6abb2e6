"""What all techniques for several domains ask of the data."""

import pytest
from domains import TWO
from option import build
from torch import nn

from seedbed.types import Spec

NAMES = ("adabn", "coral", "dann", "erm", "mmd", "vrex")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("domains", "said"), [((), "the data names none"), (("here",), "has one only, here")]
)
def test_data_of_one_domain_is_refused(name: str, domains: tuple[str, ...], said: str) -> None:
    spec = Spec((4,), "class", 3, tuple("abc"), domains=domains)
    with pytest.raises(ValueError, match=said):
        build("regularizer", name).prepare(nn.Linear(4, 3), spec)


def test_erm_adds_nothing() -> None:
    from domains import step_of
    from torch import zeros

    erm = build("regularizer", "erm")
    erm.prepare(nn.Linear(4, 3), TWO)
    assert erm.penalty(step_of(zeros(2, 4), [0, 1])) is None
    assert not erm.state_dict()

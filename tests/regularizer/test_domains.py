"""What all techniques for several domains ask of the data."""

import pytest
import torch
from domains import TWO, step_of
from option import build
from torch import nn

from seedbed.types import Spec


class Small(nn.Module):
    """A head alone."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(x)


NAMES = ("adabn", "coral", "dann", "erm", "mmd", "vrex")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("domains", "said"), [((), "the data names none"), (("here",), "has one only, here")]
)
def test_data_of_one_domain_is_refused(name: str, domains: tuple[str, ...], said: str) -> None:
    spec = Spec((4,), "class", 3, tuple("abc"), domains=domains)
    with pytest.raises(ValueError, match=said):
        build("regularizer", name).prepare(nn.Linear(4, 3), spec)


@pytest.mark.parametrize("name", ["coral", "dann", "mmd", "vrex"])
def test_mixed_precision_leaves_a_penalty_as_it_is(name: str) -> None:
    torch.manual_seed(0)
    model = Small()
    penalty = build("regularizer", name)
    penalty.prepare(model, TWO)
    z = torch.randn(32, 4) * 3 + 20
    step = step_of(z, [0, 1] * 16, logits=torch.randn(32, 3) * 5, progress=1.0)
    if name == "dann":  # its classifier may be in half precision, the mean over domains may not
        penalty.classifier = nn.Identity()
        step.features = torch.randn(32, 2) * 5
    exact = penalty.penalty(step).item()
    with torch.autocast("cpu", torch.bfloat16):
        assert penalty.penalty(step).item() == pytest.approx(exact, rel=1e-5)


def test_erm_adds_nothing() -> None:
    erm = build("regularizer", "erm")
    erm.prepare(nn.Linear(4, 3), TWO)
    assert erm.penalty(step_of(torch.zeros(2, 4), [0, 1])) is None
    assert not erm.state_dict()

"""Scores of classes from logits of attributes, against the likelihood by hand."""

import math

import pytest
import torch

from seedbed.model._codes import Codes


def test_the_likelihood_of_a_code_by_hand() -> None:
    head = Codes(((1.0, 0.0), (1.0, 1.0), (0.0, 0.25)))
    p, q = 0.8, 0.3  # of the two attributes
    logits = torch.tensor([[math.log(p / (1 - p)), math.log(q / (1 - q))]])
    expected = [
        math.log(p) + math.log(1 - q),
        math.log(p) + math.log(q),
        math.log(1 - p) + 0.25 * math.log(q) + 0.75 * math.log(1 - q),
    ]
    assert head(logits)[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_large_logits_stay_finite_and_codes_are_saved_but_not_learned() -> None:
    head = Codes(((1.0, 0.0), (0.0, 1.0)))
    assert head(torch.tensor([[1e4, -1e4]])).tolist() == [[0.0, -2e4]]
    assert not list(head.parameters())
    assert [*head.state_dict()] == ["codes"]
    assert head(torch.zeros(1, 2, dtype=torch.float64)).dtype == torch.float64

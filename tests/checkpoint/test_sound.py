"""Numbers that are not finite, and states of another model, are found and named."""

from math import inf, nan
from typing import Any

import pytest
import torch
from torch import Tensor

from seedbed.checkpoint._sound import foreign, lacking, poison


def content(**tensors: Tensor) -> dict[str, Any]:
    return {"state_dict": {"w": torch.ones(3), "mask": torch.tensor([0.0, -inf])} | tensors}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize(("value", "what"), [(nan, "NaN"), (inf, "an infinite"), (-inf, "an inf")])
def test_a_weight_must_be_finite(dtype: torch.dtype, value: float, what: str) -> None:
    weights = torch.ones(1000, dtype=dtype)
    assert poison(content(w=weights), {"w"}) is None
    weights[-1] = value
    assert str(poison(content(w=weights), {"w"})).startswith(f"w holds {what}")


def test_a_buffer_may_be_infinite_but_not_nan() -> None:
    assert poison(content(), {"w"}) is None
    assert poison(content(mask=torch.tensor([nan, -inf])), {"w"}) == "mask holds NaN"


def test_eight_bits_complex_numbers_and_counts_are_looked_at_as_they_are() -> None:
    eight = torch.tensor([1.0, nan]).to(torch.float8_e4m3fn)
    assert poison(content(w=eight), {"w"}) == "w holds NaN"
    assert poison(content(w=torch.tensor([1 + 1j])), {"w"}) is None
    assert poison(content(w=torch.tensor([complex(1, nan)])), {"w"}) == "w holds NaN"
    assert poison(content(n=torch.tensor(3), on=torch.tensor(True)), {"w", "n", "on"}) is None


def test_raw_weights_and_the_memory_of_the_optimizer_are_looked_at_too() -> None:
    bad = torch.tensor([1.0, nan])
    assert poison(content() | {"raw_state_dict": {"w": bad}}, {"w"}) == "w holds NaN"
    memory = [{"state": {0: {"step": torch.tensor(3.0), "exp_avg": bad}}, "param_groups": [{}]}]
    says = "the state of the optimizer holds NaN"
    assert poison(content() | {"optimizer_states": memory}, {"w"}) == says
    memory[0]["state"][0]["exp_avg"] = torch.tensor([inf])  # a second moment may overflow
    assert poison(content() | {"optimizer_states": memory}, {"w"}) is None
    history = [{"state": {0: {"old_dirs": [torch.ones(2), bad]}}}]
    assert poison(content() | {"optimizer_states": history}, {"w"}) == says


def test_what_a_checkpoint_lacks_is_named() -> None:
    whole = {"state_dict": {}, "spec": {}, "epoch": 0}
    assert lacking(whole, ("state_dict", "spec", "epoch")) is None
    assert lacking(whole, ("state_dict", "spec", "loops")) == "it has no 'loops'"
    assert lacking({"state_dict": {}}, ("state_dict", "spec")) == "it has no 'spec'"
    assert lacking(whole | {"spec": None}, ("state_dict", "spec")) == "its 'spec' is no table"


def test_another_model_is_told_by_its_tensors() -> None:
    own = {"a.weight": torch.zeros(2, 3), "a.bias": torch.zeros(2)}
    assert foreign({k: v + 1 for k, v in own.items()}, own) is None
    assert foreign({"a.weight": own["a.weight"]}, own) == "it has no a.bias"
    assert foreign(own | {"b": torch.zeros(1)}, own) == "its b is not in the model"
    for other in (torch.zeros(3, 2), torch.zeros(6), 7):
        assert foreign(own | {"a.weight": other}, own) == "its a.weight is of another shape"

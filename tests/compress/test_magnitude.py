"""Magnitude pruning by hand, and beside torch's own."""

from copy import deepcopy
from typing import Any

import pytest
import torch
from bench import digits, trained, workbench
from torch import nn
from torch.nn.utils import prune

from seedbed.compress.magnitude import Magnitude
from seedbed.model.cnn import CNN
from seedbed.model.mlp import MLP


def model_of() -> nn.Module:
    torch.manual_seed(0)
    model = CNN((1, 8, 8), 10, channels=(4, 8), hidden=20).eval()
    for layer in layers(model):  # alike large, so that none is emptied: torch would
        nn.init.normal_(layer.get_parameter("weight"))
    return model


def layers(model: nn.Module) -> list[Any]:
    return [m for m in model.modules() if isinstance(m, nn.Linear | nn.Conv2d)]


def test_the_smallest_weights_go_whatever_their_sign() -> None:
    model: Any = nn.Sequential(nn.Linear(3, 1, bias=False), nn.Linear(1, 2, bias=False)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([[0.1, -3.0, 0.4]]))
        model[1].weight.copy_(torch.tensor([[-0.2], [0.5]]))
    bench = workbench(torch.randn(4, 3), torch.arange(4) % 2)
    together = Magnitude(0.4)(deepcopy(model), bench)
    each = Magnitude(0.4, scope="layer")(deepcopy(model), bench)
    torch.testing.assert_close(
        [p.tolist() for p in together.parameters()],
        [[[0.0, -3.0, 0.4]], [[0.0], [0.5]]],
        rtol=1e-6,
        atol=0,
    )
    assert [int((p == 0).sum()) for p in each.parameters()] == [1, 1]  # 1.2 and .8


@pytest.mark.parametrize("sparsity", [0.1, 0.5, 0.9, 0.973])
@pytest.mark.parametrize("scope", ["global", "layer"])
def test_it_prunes_what_torch_prunes(sparsity: float, scope: Any) -> None:
    model = model_of()
    reference = deepcopy(model)
    chosen = [(layer, "weight") for layer in layers(reference)]
    if scope == "global":
        prune.global_unstructured(chosen, prune.L1Unstructured, amount=sparsity)
    else:
        for layer, name in chosen:
            prune.l1_unstructured(layer, name, amount=sparsity)
    x, y, _ = digits()
    Magnitude(sparsity, scope=scope)(model, workbench(x[:8], y[:8]))
    for ours, theirs in zip(layers(model), layers(reference), strict=True):
        assert torch.equal(ours.get_parameter("weight"), theirs.weight)


@pytest.mark.slow
def test_a_trained_model_keeps_its_accuracy_where_chance_does_not() -> None:
    torch.manual_seed(0)
    model = trained(MLP((1, 8, 8), 10, widths=(64,)), 15)
    x, y, _ = digits()

    def right(way: Any) -> float:
        pruned = way(deepcopy(model), workbench(x, y))
        return (pruned(x).argmax(1) == y).float().mean().item()

    way = Magnitude(0.7, epochs=0)
    assert right(way) > 0.93
    assert right(way.randomly()) < 0.75


def test_training_between_steps_changes_what_goes_next() -> None:
    """Scores are those of the weights as they are then, and zeros outlive the training."""
    torch.manual_seed(0)
    x, y, _ = digits()
    model = MLP((1, 8, 8), 10, widths=(16,)).eval()
    bench = workbench(x[:256], y[:256], lr=0.01)
    at_once = Magnitude(0.8, steps=1, epochs=0)(deepcopy(model), bench)
    slowly = Magnitude(0.8, steps=4, epochs=2)(deepcopy(model), bench)
    first, second = ([p == 0 for p in net.parameters()] for net in (at_once, slowly))
    assert sum(int(p.sum()) for p in first) == sum(int(p.sum()) for p in second)
    assert any(not torch.equal(a, b) for a, b in zip(first, second, strict=True))

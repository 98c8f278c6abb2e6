"""NAdam against its paper."""

import pytest
import torch
from descent import walk

GRADIENTS = [0.3, -2.0, 0.0, 0.7, 5.0]


def paper(
    gradients: list[float], lr: float, b1: float, b2: float, eps: float, psi: float
) -> list[float]:
    """Return the path of Dozat's algorithm 2 from 0, with his schedule of the momentum."""
    w = m = v = 0.0
    product, path = 1.0, []
    for t, g in enumerate(gradients, 1):
        now, later = (b1 * (1 - 0.5 * 0.96 ** (k * psi)) for k in (t, t + 1))
        product *= now
        m, v = b1 * m + (1 - b1) * g, b2 * v + (1 - b2) * g * g
        mean = later * m / (1 - product * later) + (1 - now) * g / (1 - product)
        w -= lr * mean / ((v / (1 - b2**t)) ** 0.5 + eps)
        path.append(w)
    return path


def test_against_the_paper() -> None:
    options = {"lr": 0.02, "betas": (0.8, 0.95), "eps": 1e-3, "momentum_decay": 0.3}
    assert walk("nadam", GRADIENTS, steps=5, **options) == pytest.approx(
        paper(GRADIENTS, 0.02, 0.8, 0.95, 1e-3, 0.3),
        abs=1e-8,  # torch multiplies the momenta in float32
    )


def test_the_defaults_are_the_author_s() -> None:
    assert walk("nadam", GRADIENTS, steps=5) == pytest.approx(
        paper(GRADIENTS, 0.002, 0.9, 0.999, 1e-8, 0.004), rel=1e-6
    )


def test_the_product_of_the_momenta_survives_a_checkpoint_in_half_precision() -> None:
    from seedbed.optimizer.nadam import NAdam

    w = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
    optimizer, again = NAdam([w]), NAdam([w])
    w.grad = torch.ones_like(w)
    optimizer.step()
    again.load_state_dict(optimizer.state_dict())
    kept, loaded = (o.state[w]["mu_product"] for o in (optimizer, again))
    assert loaded.dtype == kept.dtype == torch.float32
    assert torch.equal(loaded, kept)
    assert loaded is not kept

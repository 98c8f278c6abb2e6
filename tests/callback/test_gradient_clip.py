"""Gradient clipping by hand."""

import math
from collections.abc import Callable
from typing import Any, Literal

import pytest
import torch
from lightning.pytorch.plugins import MixedPrecision
from quick import Batches, Walker, trainer

from seedbed.callback.gradient_clip import GradientClip, clip_norm, clip_value

Clip = Callable[[list[torch.Tensor], float], Any]


def clipped(
    stride: tuple[float, ...], threshold: float, by: Literal["norm", "value"] = "norm"
) -> tuple[list[float], dict[str, float]]:
    """Return the step that is left of `stride`, and what was recorded."""
    task = Walker(stride=stride)
    clip = GradientClip(threshold, by)
    trainer(max_steps=1, callbacks=[clip]).fit(task, Batches(1), Batches(1))
    return task.w.tolist(), task.recorded[0]


def test_a_long_gradient_is_scaled_to_the_threshold() -> None:
    step, recorded = clipped((3, 4, 12), 6.5)
    assert step == pytest.approx([1.5, 2, 6])
    assert recorded == {
        "gradient/norm_before": 13,
        "gradient/clipped": 1,
        "gradient/norm": pytest.approx(6.5),
    }


@pytest.mark.parametrize("threshold", [20.0, 13.0])
def test_a_short_gradient_is_left_alone(threshold: float) -> None:
    step, recorded = clipped((3, 4, 12), threshold)
    assert step == [3, 4, 12]
    assert recorded == {
        "gradient/norm_before": 13,
        "gradient/clipped": 0,
        "gradient/norm": 13,
    }


def test_by_value_each_element_is_cut_and_the_share_is_that_of_elements() -> None:
    step, recorded = clipped((3, -4, 12, 2), 3.5, "value")
    assert step == [3, -3.5, 3.5, 2]
    assert recorded == {"gradient/norm_before": pytest.approx(173**0.5), "gradient/clipped": 0.5}
    assert clipped((3, -4, 12), 12.0, "value") == (
        [3, -4, 12],
        {"gradient/norm_before": 13, "gradient/clipped": 0},
    )


@pytest.mark.parametrize("by", ["norm", "value"])
def test_no_gradient_stays_0(by: Literal["norm", "value"]) -> None:
    step, recorded = clipped((0, 0), 1.0, by)
    assert step == [0, 0]
    left = {"gradient/norm": 0} if by == "norm" else {}
    assert recorded == {"gradient/norm_before": 0, "gradient/clipped": 0} | left


def test_micro_batches_are_clipped_as_one() -> None:
    task = Walker(stride=(3, 4, 12))
    clip = GradientClip(6.5)
    trainer(max_epochs=1, accumulate_grad_batches=2, callbacks=[clip]).fit(
        task, Batches(4), Batches(1)
    )
    assert task.w.tolist() == pytest.approx([3, 4, 12])  # two updates of length 6.5
    assert [each["gradient/norm_before"] for each in task.recorded] == [13, 13]


def test_all_parameters_are_one_vector() -> None:
    gradients = [torch.tensor([[3.0], [4.0]]), torch.tensor(12.0), torch.zeros(2)]
    norm, cut, _ = clip_norm(gradients, 6.5)
    assert (float(norm), float(cut)) == (13, 1)
    assert [g.tolist() for g in gradients] == [[[1.5], [2.0]], 6.0, [0.0, 0.0]]
    norm, share, _ = clip_value(gradients, 1.75)
    assert [g.tolist() for g in gradients] == [[[1.5], [1.75]], 1.75, [0.0, 0.0]]
    assert (float(norm), float(share)) == (6.5, pytest.approx(2 / 5))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_keep_theirs_and_the_norm_does_not_overflow(dtype: torch.dtype) -> None:
    gradients = [torch.full((4,), 60000.0, dtype=dtype)]
    exact = gradients[0].double().norm().item()  # above the largest half
    norm, cut, _ = clip_norm(gradients, 2.0)
    assert (float(norm), float(cut)) == (exact, 1)
    assert gradients[0].dtype == dtype
    assert gradients[0].tolist() == [1, 1, 1, 1]


@pytest.mark.parametrize("clip", [clip_norm, clip_value])
@pytest.mark.parametrize("bad", [math.inf, math.nan, -math.inf])
def test_an_infinite_gradient_is_not_hidden(clip: Clip, bad: float) -> None:
    gradients = [torch.tensor([bad, bad, bad, bad]), torch.ones(2)]
    clip(gradients, 1.0)
    finite = [bool(g.isfinite().any()) for g in gradients]
    assert finite == [False, False]  # none, of any parameter: the task sees that it diverged


def test_what_is_large_but_finite_is_clipped_as_anything_else() -> None:
    gradients = [torch.full((3,), 2e19), torch.ones(2)]
    norm, _, _ = clip_norm(gradients, 1.0)
    assert float(norm) == pytest.approx(2e19 * 3**0.5)
    assert gradients[0].tolist() == pytest.approx([3**-0.5] * 3)
    gradients = [torch.full((3,), -2e38), torch.ones(2)]
    clip_value(gradients, 0.5)
    assert [g.tolist() for g in gradients] == [[-0.5] * 3, [0.5] * 2]
    tiny = [torch.full((4,), 1e-25)]
    clip_norm(tiny, 1e-26)
    assert tiny[0].tolist() == pytest.approx([0.5e-26] * 4)


@pytest.mark.parametrize("fused", [False, True])
def test_scaled_losses_are_clipped_in_their_own_units(fused: bool) -> None:
    class Scaled(Walker):
        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=1.0, fused=fused)

    task = Scaled(stride=(3, 4, 12))
    plugin = MixedPrecision("16-mixed", "cpu", torch.amp.GradScaler("cpu", init_scale=2**12))
    clip = GradientClip(6.5)
    trainer(max_steps=1, plugins=[plugin], callbacks=[clip]).fit(task, Batches(1), Batches(1))
    assert task.w.tolist() == pytest.approx([1.5, 2, 6])
    assert task.recorded[0]["gradient/norm_before"] == pytest.approx(13)


def test_arguments_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold must"):
        GradientClip(0)
    with pytest.raises(ValueError, match="threshold must"):
        GradientClip(math.nan)
    with pytest.raises(ValueError, match="by must"):
        GradientClip(1, "length")  # pyright: ignore[reportArgumentType]

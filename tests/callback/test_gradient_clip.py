"""Gradient clipping by hand."""

from typing import Literal

import pytest
from quick import Batches, Walker, trainer

from seedbed.callback.gradient_clip import GradientClip


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
    assert recorded == {"gradient/norm_before": 13, "gradient/clipped": 1}


@pytest.mark.parametrize("threshold", [20.0, 13.0])
def test_a_short_gradient_is_left_alone(threshold: float) -> None:
    step, recorded = clipped((3, 4, 12), threshold)
    assert step == [3, 4, 12]
    assert recorded == {"gradient/norm_before": 13, "gradient/clipped": 0}


def test_by_value_each_element_is_cut() -> None:
    step, recorded = clipped((3, -4, 12), 3.5, "value")
    assert step == [3, -3.5, 3.5]
    assert recorded == {"gradient/norm_before": 13, "gradient/clipped": 1}
    assert clipped((3, -4, 12), 12.0, "value") == (
        [3, -4, 12],
        {"gradient/norm_before": 13, "gradient/clipped": 0},
    )


@pytest.mark.parametrize("by", ["norm", "value"])
def test_no_gradient_stays_0(by: Literal["norm", "value"]) -> None:
    step, recorded = clipped((0, 0), 1.0, by)
    assert step == [0, 0]
    assert recorded == {"gradient/norm_before": 0, "gradient/clipped": 0}


def test_micro_batches_are_clipped_as_one() -> None:
    task = Walker(stride=(3, 4, 12))
    clip = GradientClip(6.5)
    trainer(max_epochs=1, accumulate_grad_batches=2, callbacks=[clip]).fit(
        task, Batches(4), Batches(1)
    )
    assert task.w.tolist() == pytest.approx([3, 4, 12])  # two updates of length 6.5
    assert [each["gradient/norm_before"] for each in task.recorded] == [13, 13]


def test_arguments_outside_their_range_are_refused() -> None:
    with pytest.raises(ValueError, match="threshold must"):
        GradientClip(0)
    with pytest.raises(ValueError, match="by must"):
        GradientClip(1, "length")  # pyright: ignore[reportArgumentType]

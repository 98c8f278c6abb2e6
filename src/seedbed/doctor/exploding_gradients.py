"""Gradients that grow out of all proportion, over the layers or over the training."""

import numpy as np

from seedbed.doctor._case import Case, Finding
from seedbed.doctor._loss import curve, reference, train, unknown
from seedbed.doctor._remedy import added, chosen, rate
from seedbed.doctor._statistics import recent

LAYERS = 1e3  # RMS of the first layer's gradient by the last one's; healthy nets: .28 to 2.1
GREW = 1e3  # times the median of the first quarter
LEARNS = 0.5  # of the loss of guessing: a net that gets there lives with its gradients
LOOKS = 3


def exploding_gradients(case: Case) -> Finding:
    """Find gradients that grow by 1000 from the last layer to the first, or over time.

    Either alone is no harm where the loss falls all the same; then it is only told.
    """
    ratio = curve(case, "doctor/gradient_ratio")
    norm = curve(case, "gradient/norm_before")
    norm = norm if len(norm) else curve(case, "gradient/norm")
    if len(ratio) < LOOKS and len(norm) < 4 * LOOKS:
        return unknown("exploding_gradients", "no gradients were logged")
    over = float(np.median(ratio.values[: 4 * LOOKS])) if len(ratio) >= LOOKS else 1.0
    grew = growth(norm.values) if len(norm) >= 4 * LOOKS else 1.0
    numbers = {"layers": over, "time": grew}
    if over <= LAYERS and grew <= GREW:
        says = f"gradients grow {over:.2g}-fold to the first layer, {grew:.2g}-fold over time"
        return Finding("exploding_gradients", "pass", says, numbers=numbers)
    base, losses = reference(case)[0], train(case).values
    learns = len(losses) > 0 and recent(losses) < LEARNS * base
    where, found = ("from the last layer to the first", over)
    if over <= LAYERS:
        where, found = "since the first quarter of the training", grew
    seen = norm if over <= LAYERS else ratio
    anew = (("init=he",), *chosen(case, "scaling", "standard")) if case.config else ()
    return Finding(
        "exploding_gradients",
        "info" if learns else "warn",
        f"gradients grow {found:.2g}-fold {where}",
        "first weights or inputs too large" if over > LAYERS else "steps too large",
        (
            *(anew if over > LAYERS else ()),
            *rate(case, 0.1),
            *added(case, "callback", "gradient_clip"),
        ),
        (float(seen.steps[0]), float(seen.steps[-1])),
        numbers,
    )


def growth(values: np.ndarray) -> float:
    """Return by how much the last values exceed those of the first quarter."""
    early = float(np.median(values[: max(1, len(values) // 4)]))
    return recent(values) / early if early > 0 else 1.0

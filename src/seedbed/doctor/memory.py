"""A batch that needs more memory than there is."""

from seedbed.doctor._before import count, facts_of, passed
from seedbed.doctor._case import Case, Finding, Words

FULL = 0.9  # of the memory: allocators need some room


def memory(case: Case) -> Finding:
    """Judge whether a training step fits.

    Facts: `memory`, in bytes: `weights` (with gradients and the optimizer's state), `batch` (what
    a forward pass of a batch keeps for the backward pass) and `free`; `batch_size`.
    """
    found = facts_of(case, "memory", "memory")
    if isinstance(found, Finding):
        return found
    weights, batch, free = (float(found["memory"][k]) for k in ("weights", "batch", "free"))
    size = case.facts.get("batch_size")
    needed = weights + batch
    per = f"a batch of {size}" if size else "a batch"
    says = (
        f"about {nice(needed)} a step of {nice(free)} free: weights and optimizer {nice(weights)}, "
        f"{per} {nice(batch)}"
    )
    numbers = {"weights": weights, "batch": batch, "free": free}
    if needed <= FULL * free:
        return passed("memory", says, numbers)
    level = "fail" if needed > free else "warn"
    cause = "the batch is too large" if weights <= FULL * free else "the model is too large"
    return Finding(
        "memory", level, says, cause, remedies(case, free, weights, batch), None, numbers
    )


def remedies(case: Case, free: float, weights: float, batch: float) -> tuple[Words, ...]:
    """Return the largest power of 2 that fits as a batch, with as many examples an update."""
    size = case.facts.get("batch_size")
    room = FULL * free - weights
    if (
        not isinstance(size, int)
        or room <= 0
        or not isinstance(case.setting("data.batch_size"), int)
    ):
        return ()
    fits = 1
    while 2 * fits < size and 2 * fits * batch / size <= room:
        fits *= 2
    if fits >= size:
        return ()
    accumulated = (case.setting("trainer.accumulate_grad_batches") or 1) * -(-size // fits)
    smaller = f"data.batch_size={fits}"
    return ((smaller, f"trainer.accumulate_grad_batches={accumulated}"), (smaller,))


def nice(size: float) -> str:
    """Return a number of bytes in words."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return count(round(size), "TB").rstrip("s")

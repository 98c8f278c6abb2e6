"""A learning rate far from those at which the loss falls."""

from seedbed.doctor._before import at_rate, facts_of, passed
from seedbed.doctor._case import Case, Finding

LOW = 100.0  # times below the suggestion: rates a few times lower only take longer
BLOWN = 3.0  # times the loss at the start
HIGH = 10.0  # times above it: the steps of a valley reach no further
ENOUGH = 20  # steps of the short training
LEARNED = 0.05  # of the loss at the start: a short training that gains less has not begun


def rate_range(case: Case) -> Finding:
    """Judge the configured rate against a range test, and a short training at it.

    Both must agree before anything is said: a range test alone is coarse.

    Facts: `rates`, of a range test: `suggested` (the valley; None if the loss fell nowhere),
    `limit` (from where on it rose; None if nowhere), `configured`; `trial`, of a short training
    as configured: the loss at its `start` and `end`, over `steps` steps.
    """
    found = facts_of(case, "rate_range", "rates")
    if isinstance(found, Finding):
        return found
    rates, trial = found["rates"], case.facts.get("trial") or {}
    suggested, limit, now = rates["suggested"], rates.get("limit"), rates["configured"]
    start, end = trial.get("start"), trial.get("end")
    numbers = {"configured": now} | ({"suggested": suggested} if suggested else {})
    numbers |= {"limit": limit} if limit else {}
    if suggested is None:
        says = "the loss falls at no rate: something else is wrong"
        return Finding("rate_range", "info", says, numbers=numbers)
    says = f"configured {now:.2g}, the range test suggests {suggested:.2g}"
    if start is None or end is None or trial.get("steps", ENOUGH) < ENOUGH:
        return Finding("rate_range", "info", says, numbers=numbers)
    went = f"; a short training went from {start:.3g} to {end:.3g}"
    fell = start - end > LEARNED * abs(start)
    if fell:
        return passed("rate_range", says + went, numbers)
    rose = not end <= (1 + LEARNED) * start
    if (limit and now >= limit) or now > HIGH * suggested or (rose and now > suggested):
        cause = "steps so large that each overshoots"
        remedies = (at_rate(case, suggested), at_rate(case, suggested / 3))
        level = "fail" if now > LOW * suggested or not end <= BLOWN * start else "warn"
        return Finding("rate_range", level, says + went, cause, remedies, numbers=numbers)
    if now * LOW < suggested:
        cause = "steps too small to get anywhere"
        remedies = (at_rate(case, suggested), at_rate(case, suggested / 3))
        return Finding("rate_range", "warn", says + went, cause, remedies, numbers=numbers)
    return Finding("rate_range", "info", says + went, numbers=numbers)

"""Numbers as a reader wants them: in as many digits as tell something."""

import math


def number(value: float | None) -> str:
    """Return a metric in four decimals, or three digits where those would not show it."""
    if value is None or math.isnan(value):
        return "undefined"
    plain = value == 0 or 1e-3 <= abs(value) < 1e5
    return f"{value:.4f}" if plain else f"{value:.2e}"


def spread(mean: float, half: float | None, sign: str = "") -> str:
    """Return a mean with its interval, in as many decimals as two digits of that need.

    Args:
        mean: of some numbers.
        half: width of the interval to both sides; None or 0: there is none.
        sign: `+` to show it of what is positive, too.
    """
    if not half:
        return f"+{number(mean)}" if sign and mean >= 0 else number(mean)
    decimals = max(0, 1 - math.floor(math.log10(half)))
    if decimals > 6:
        return f"{mean:{sign}.2e} ± {half:.1e}"
    return f"{mean:{sign}.{decimals}f} ± {half:.{decimals}f}"


def duration(seconds: float | None) -> str:
    """Return a time in at most six letters, nothing where it is not known."""
    if seconds is None:
        return ""
    if seconds < 100:
        return f"{seconds:.3g}s"
    minutes = seconds / 60
    return f"{minutes:.0f}min" if minutes < 100 else f"{minutes / 60:.0f}h"

"""What a chart shows: lines and clouds of points, as many as can be told apart."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

COLOURS = 6  # of page.css; they stay apart for the colour-blind
DASHES = ("", "7 4", "2 3")
MOST = 400  # points of a line; of more, the least and the greatest of each piece are drawn


@dataclass(frozen=True)
class Series:
    """A line, or a cloud of points.

    Args:
        name: for the legend.
        x: finite numbers.
        y: as many.
        colour: index of the colour; beyond the last, dashes tell lines apart.
        band: lower and upper ends beside `y`; none: no band.
        dots: whether points are drawn and no line.
    """

    name: str
    x: Sequence[float]
    y: Sequence[float]
    colour: int = 0
    band: tuple[Sequence[float], Sequence[float]] | None = None
    dots: bool = False

    @property
    def dash(self) -> int:
        """Which of the dashes its line has."""
        return self.colour // COLOURS % len(DASHES)


@dataclass(frozen=True)
class Look:
    """How a chart looks beside its series.

    Args:
        xlabel: what is to the right.
        log_x: whether x has a logarithmic axis.
        log_y: whether y has one.
        names: of places on the x axis, in place of numbers.
        spans: steps that are shaded, by what they show.
    """

    xlabel: str = "step"
    log_x: bool = False
    log_y: bool = False
    names: Mapping[float, str] | None = None
    spans: Mapping[str, tuple[float, float]] | None = None


def finite(series: Series, look: Look) -> Series:
    """Return the points that can be shown."""

    def shown(at: int) -> bool:
        x, y = series.x[at], series.y[at]
        right = math.isfinite(x) and math.isfinite(y)
        return right and (x > 0 or not look.log_x) and (y > 0 or not look.log_y)

    return picked(series, [at for at in range(len(series.x)) if shown(at)])


def thinned(series: Series) -> Series:
    """Return at most about `MOST` points, with every peak among them."""
    n = len(series.x)
    if n <= MOST or series.dots:
        return series
    size = math.ceil(2 * n / MOST)
    places = {0, n - 1}
    for first in range(0, n, size):
        piece = range(first, min(n, first + size))
        places |= {min(piece, key=series.y.__getitem__), max(piece, key=series.y.__getitem__)}
    return picked(series, sorted(places))


def picked(series: Series, places: Sequence[int]) -> Series:
    """Return some points of a series."""

    def some(side: Sequence[float]) -> list[float]:
        return [side[at] for at in places]

    band = series.band and (some(series.band[0]), some(series.band[1]))
    return replace(series, x=some(series.x), y=some(series.y), band=band)

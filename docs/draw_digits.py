"""Digits before and after what changes a batch: augmentations, and regularizers that mix."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from draw_option import made, picture
from ink import LIGHT
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from torch import Tensor, nn

from seedbed import help
from seedbed.data.digits import read_digits
from seedbed.types import Batch, Spec

COUNT, DRAWS, FULL = 5, 3, 16.0  # digits in a row, rows of changed ones, the blackest pixel
SEED = 34  # one of those whose shares differ and whose pairs are seldom a digit with itself
WIDE, TALL = 11, 10.5  # from one digit to the next, in pixels of a digit
NAMES = tuple("0123456789")
SPEC = Spec(shape=(1, 8, 8), kind="class", outputs=10, classes=NAMES)
SEEN = {
    "basic": "Digits above; below them the same three times, turned, shifted and zoomed a little.",
    "cutout": "Digits above; below them the same three times, a square of each hidden.",
    "cutmix": "Digits above; below them the same three times, a box of each from another one.",
    "mixup": "Digits above; below them the same three times, each blended with another one.",
    "noise": "Digits above; below them the same three times, their pixels a little darker or not.",
}


def augments() -> dict[str, str]:
    """Return the picture of every option but `none`."""
    return {option: of(option) for option in help.options("augment") if option != "none"}


def of(option: str, **given: Any) -> str:
    """Return the picture of an augmentation with some arguments `given`."""
    change = made("augment", option, **given)
    return shown("augment", option, given, lambda batch: batch._replace(x=change(batch.x)))


def mixtures() -> dict[str, str]:
    """Return the pictures of regularizers that change the inputs."""
    return {
        "cutmix": mixed("cutmix"),
        "mixup": mixed("mixup", alpha=1.0),  # at 0.2 few blends are to be seen
        "noise": mixed("noise", std=0.1 * FULL),  # the digits are not scaled here
    }


def mixed(option: str, **given: Any) -> str:
    """Return the picture of a regularizer with some arguments `given`."""
    regularizer = made("regularizer", option, **given)
    regularizer.prepare(nn.Identity(), SPEC)
    return shown("regularizer", option, given, regularizer.on_batch)


def shown(group: str, option: str, given: dict[str, Any], change: Callable[[Batch], Batch]) -> str:
    """Return the picture of a row of digits and of what `change` makes of it, thrice."""
    table = torch.from_numpy(read_digits()).float()
    batch = Batch(table[:COUNT, :-1].reshape(-1, 1, 8, 8), table[:COUNT, -1].long())
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        rows = [batch, *(change(batch) for _ in range(DRAWS))]
    words = "".join(f" {k}={v:g}" for k, v in given.items())
    draw = partial(plot, f"{group}={option}{words}", rows)
    return picture(SEEN.get(option, help.about(group, option)), draw, height=3.5)


def plot(title: str, rows: Sequence[Batch], figure: Figure) -> None:
    """Draw rows of digits, the first set apart, with the targets that are mixed."""
    axes = figure.subplots()
    for k, row in enumerate(rows):
        colour, top = LIGHT["c0" if k else "ink"], TALL * k + (k > 0)
        for n, (image, y) in enumerate(zip(row.x, row.y, strict=True)):
            squares = halftone(image[0] / FULL, WIDE * n, top)
            axes.add_patch(PathPatch(squares, facecolor=colour, linewidth=0))
            place = (WIDE * n - 0.2, top - 0.2)
            axes.add_patch(Rectangle(place, 8.4, 8.4, fill=False, edgecolor=LIGHT["line"]))
            if k and y.is_floating_point():
                axes.text(WIDE * n + 4, top - 0.5, words(y), fontsize=7, ha="center")
    for name, at in (("before", 4), ("after", 1.5 * TALL + 5)):
        axes.text(-2, at, name, rotation=90, ha="center", va="center")
    axes.set(xlim=(-3, WIDE * COUNT), ylim=(TALL * len(rows), -1), aspect="equal", title=title)
    axes.set_axis_off()


def words(y: Tensor) -> str:
    """Return class probabilities in a few letters."""
    shares, which = y.topk(2)
    pairs = zip(shares.tolist(), which.tolist(), strict=True)
    return ", ".join(f"{s:.0%} {NAMES[k]}" for s, k in pairs if s > 0.005)


def halftone(image: Tensor, left: float, top: float) -> Path:
    """Return pixels `(H, W)` in [0, 1] as squares whose sides are their darkness.

    As lines they take the colour of the page, and a last bit that differs moves a corner a little
    where in a bitmap it would change the file.
    """
    squares = []
    for row, column in (image > 0.05).nonzero().tolist():
        half = image[row, column].clamp(max=1).item() / 2
        x, y = left + column + 0.5, top + row + 0.5
        low, high = y - half, y + half
        corners = [(x - half, low), (x + half, low), (x + half, high), (x - half, high), (0, 0)]
        squares.append(Path(corners, closed=True))
    return Path.make_compound_path(*squares)

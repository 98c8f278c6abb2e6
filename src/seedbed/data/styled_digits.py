"""Styled digits: ten digits in four styles, so that classes share what they are made of.

Source: the setting is that of Lampert, Nickisch & Harmeling 2009, "Learning To Detect Unseen
Object Classes by Between-Class Attribute Transfer", CVPR; the digits are those of `data=digits`.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional as F

from seedbed.data._codes import Codes
from seedbed.data._pictures import Pictures
from seedbed.data.digits import Digits
from seedbed.types import Batch, Split

STYLES = ("plain", "inverted", "thick", "rotated")
HELD = (0, 5, 10, 15, 16, 21, 26, 31, 32, 37)  # 0 plain, 1 inverted, ...: each digit once


class StyledDigits(Pictures):
    """Forty classes: each digit plain, inverted, in thick strokes and turned by 90 degrees.

    Class 4 d + s is digit d in style s, and its code says both: ten numbers for the digit, one of
    which is 1, and four for the style.  Each of 1,797 images is there in all styles, pixels 0 to
    16, all of them in the same split.

    Args:
        size: height and width in pixels.
        unseen: classes by their indices that only the test split has.
        common: see `Pictures`.
    """

    top = Digits.top

    def __init__(self, size: int = 16, unseen: Sequence[int] = HELD, **common: Any) -> None:
        super().__init__(size, unseen=unseen, **common)

    def class_names(self) -> tuple[str, ...]:
        """Return digit and style of each class."""
        return tuple(f"{digit} {style}" for digit in range(10) for style in STYLES)

    def own_codes(self) -> Codes:
        """Return the code of each class, `(40, 14)`."""
        return tuple(
            tuple(float(k in (digit, 10 + style)) for k in range(14))
            for digit in range(10)
            for style in range(len(STYLES))
        )

    def examples(self) -> dict[Split, Any]:
        """Return the splits, each image in all styles that the split may have."""
        assert self.size is not None
        plain = Digits(
            self.size,
            val_fraction=self.val_fraction,
            folds=self.folds,
            fold=self.fold,
            fraction=self.fraction,
            seed=self.seed,
        )
        found = {name: styled(split, self.top) for name, split in plain.examples().items()}
        train, val = self.reduced(self.seen(found["train"])), self.seen(found["val"])
        return self.with_tests({"train": train, "val": val, "test": found["test"]})


def styled(digits: Batch, top: float) -> Batch:
    """Return every image in every style, in the order of `STYLES`, and its class.

    Args:
        digits: N images `(N, 1, S, S)` in [0, `top`], and which digits they are.
        top: the brightest that a pixel can be.
    """
    x = digits.x
    thick = F.max_pool2d(x, 3, stride=1, padding=1)
    made = torch.stack([x, top - x, thick, torch.rot90(x, 1, (2, 3))], 1)  # (N, 4, 1, S, S)
    y = digits.y[:, None] * len(STYLES) + torch.arange(len(STYLES))
    return Batch(made.flatten(0, 1), y.flatten())

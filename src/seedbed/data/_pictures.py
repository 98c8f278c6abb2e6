"""Small images in memory: resized, changed for further tests, classes held out."""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from seedbed.data._changes import changed
from seedbed.data._codes import Asked, Codes, check_unseen, choose
from seedbed.data._memory import InMemory
from seedbed.types import Batch, Split

Corruption = Literal["noise", "blur", "contrast", "invert"]
SMALLEST, LARGEST = 4, 512  # pixels


class Pictures(InMemory):
    """Grey images `(N, 1, size, size)` of known classes.

    Args:
        size: height and width in pixels, smaller ones as means of areas, larger ones bilinear;
            null: as they come.
        corruptions: further test sets, `test/<name>`: the test images so changed.
        severity: of the corruptions, from 1 to 5.
        unseen: classes by their indices that only the test split has; then `test/seen` and
            `test/unseen` test them apart.
        val_unseen: classes by their indices that only the validation split has: they stand for the
            unseen ones where something is to be chosen.
        codes: what the classes are like, a list of numbers for each; `own` are those that the data
            brings, `shuffled` gives each class the code of another.
        common: see `InMemory`.

    Raises:
        ValueError: an argument outside its range, classes that there are not, or codes that do not
            tell classes apart.
    """

    top: float = 1.0  # the brightest that a pixel can be

    def __init__(
        self,
        size: int | None,
        *,
        corruptions: Sequence[Corruption] = (),
        severity: int = 5,
        unseen: Sequence[int] = (),
        val_unseen: Sequence[int] = (),
        codes: Asked = "own",
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if size is not None:
            check_size(size)
        check_severity(severity)
        check_unseen(unseen, self.class_names(), val_unseen)
        if val_unseen and self.folds is not None:
            raise ValueError(f"folds={self.folds} and val_unseen both say what validates")
        self.size, self.severity = size, severity
        self.corruptions = tuple(dict.fromkeys(corruptions))
        self.unseen, self.val_unseen = tuple(sorted(set(unseen))), tuple(sorted(set(val_unseen)))
        self.codes = choose(codes, self.own_codes(), self.class_names(), self.seed)

    def own_codes(self) -> Codes:
        """Return what the classes are like, as far as the data knows."""
        return ()

    def images(self) -> tuple[Batch, Batch]:
        """Return training and test images as they come, `(N, 1, S, S)` in [0, `top`]."""
        raise NotImplementedError

    def read(self) -> tuple[Batch, Batch]:
        """Return training and test images, `(N, 1, size, size)` in [0, `top`]."""
        train, test = self.images()
        return self._sized(self.seen(train)), self._sized(test)

    def seen(self, examples: Batch) -> Batch:
        """Return the examples of classes that training may see."""
        return examples.at(~self._held(examples)) if self.unseen else examples

    def _held(self, examples: Batch) -> Tensor:
        return torch.isin(examples.y, torch.tensor(self.unseen))  # (N,) bool

    def _sized(self, found: Batch) -> Batch:
        return found if self.size is None else found._replace(x=resized(found.x, self.size))

    def examples(self) -> dict[Split, Any]:
        """Return the three splits, and the further test sets."""
        return self.with_tests(super().examples())

    def with_tests(self, found: dict[Any, Batch]) -> dict[Split, Any]:
        """Return the splits, and the further test sets that are made of `test`."""
        if self.val_unseen:
            found = {k: v if k == "val" else without(v, self.val_unseen) for k, v in found.items()}
        test = found["test"]
        if self.unseen:
            held = self._held(test)
            found = {**found, "test/seen": test.at(~held), "test/unseen": test.at(held)}
        return found | corrupted(test, self.corruptions, self.severity, self.seed, self.top)


def without(examples: Batch, labels: Sequence[int]) -> Batch:
    """Return the examples of other classes than these."""
    return examples.at(~torch.isin(examples.y, torch.tensor(labels)))


def corrupted(
    test: Batch, corruptions: Sequence[str], severity: int, seed: int, top: float = 1.0
) -> dict[Any, Batch]:
    """Return the test images under each corruption, `test/<name>`; they lie in [0, `top`]."""
    return {
        f"test/{name}": test._replace(x=changed(test.x / top, name, severity, seed) * top)
        for name in corruptions
    }


def resized(x: Tensor, size: int) -> Tensor:
    """Return images of another size: means of areas if smaller, bilinear if larger.

    Args:
        x: `(N, channels, S, S)` float32.
        size: height and width in pixels.
    """
    if size == x.shape[-1]:
        return x
    if size < x.shape[-1]:
        return F.interpolate(x, (size, size), mode="area")
    return F.interpolate(x, (size, size), mode="bilinear", align_corners=False)


def check_size(size: int) -> None:
    """Refuse a size that no model here takes."""
    if not SMALLEST <= size <= LARGEST:
        raise ValueError(f"size must lie between {SMALLEST} and {LARGEST} pixels, got {size}")


def check_severity(severity: int) -> None:
    """Refuse a severity that does not exist."""
    if not 1 <= severity <= 5:
        raise ValueError(f"severity must be a whole number from 1 to 5, got {severity}")

"""Data that fits in memory: splits, fractions and batches are settled here once."""

from torch import Tensor

from seedbed.data._split import split as share_out
from seedbed.data._splits import Splits
from seedbed.types import Batch, Split


class InMemory(Splits):
    """Splits, shuffles and batches what `read` returns.

    Args:
        common: see `Splits`.
    """

    splits: dict[Split, Batch]

    def read(self) -> tuple[Batch, Batch]:
        """Return the training examples and the test examples."""
        raise NotImplementedError

    def examples(self) -> dict[Split, Batch]:
        """Return the training, validation and test examples."""
        train, test = self.read()
        fit, val = divide(train, self.val_fraction, self.seed, names=self.class_names())
        if self.fraction < 1:
            _, fit = divide(fit, self.fraction, self.seed, names=self.class_names())
        return {"train": fit, "val": val, "test": test}


def divide(
    examples: Batch,
    share: float,
    seed: int,
    *,
    groups: Tensor | None = None,
    names: tuple[str, ...] = (),
) -> tuple[Batch, Batch]:
    """Return the rest and a random `share` of the examples, stratified by class.

    Raises:
        ValueError: one of the two would be empty, or a class is too small to be in both.
    """
    rest, part = share_out(examples.y, share, seed, groups=groups, names=names)
    return examples.at(rest), examples.at(part)

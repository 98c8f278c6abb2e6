"""Data that fits in memory: splits, fractions and batches are settled here once."""

from typing import Literal

import torch
from lightning import LightningDataModule

from seedbed.data._loader import Loader, Order
from seedbed.types import Batch, Kind, Spec, Split


class InMemory(LightningDataModule):
    """Splits, shuffles and batches what `read` returns.

    Args:
        batch_size: examples B per process and step: 1 is online, `full` is full-batch descent,
            32 to 128 is usual.
        val_fraction: share of the training examples that only validates, in (0, 1).
        fraction: share of the training examples to keep, in (0, 1], to see what more data brings.
        seed: of the splits and the order of examples, apart from the run's own.

    Raises:
        ValueError: an argument outside its range, or a split that leaves nothing.
    """

    def __init__(
        self,
        *,
        batch_size: int | Literal["full"] = 64,
        val_fraction: float = 0.2,
        fraction: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if batch_size != "full" if isinstance(batch_size, str) else batch_size < 1:
            raise ValueError(f"batch_size must be at least 1 or 'full', got {batch_size!r}")
        if not 0 < val_fraction < 1:
            raise ValueError(f"val_fraction must lie in (0, 1), got {val_fraction}")
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must lie in (0, 1], got {fraction}")
        self.batch_size, self.val_fraction = batch_size, val_fraction
        self.fraction, self.seed = fraction, seed
        self.targets: Kind = self.kind()
        self.splits: dict[Split, Batch] = {}

    @classmethod
    def kind(cls, **arguments: object) -> Kind:
        """Return what the targets of this class built with `arguments` are, before reading."""
        return "class"

    def read(self) -> tuple[Batch, Batch]:
        """Return the training examples and the test examples."""
        raise NotImplementedError

    @property
    def spec(self) -> Spec:
        """What the data knows; after `setup`."""
        x, y = self.splits["train"]
        if self.targets == "class":
            count = int(max(split.y.max() for split in self.splits.values())) + 1
            names = self.class_names() or tuple(map(str, range(count)))
            counts = tuple(y.bincount(minlength=len(names)).tolist())
            return Spec(tuple(x.shape[1:]), "class", len(names), names, counts)
        return Spec(tuple(x.shape[1:]), "value", y.shape[1])

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, or nothing to number them."""
        return ()

    def setup(self, stage: str | None = None) -> None:
        """Read and split, once; the same in every process."""
        if self.splits:
            return
        train, test = self.read()
        fit, val = divide(train, self.val_fraction, self.seed)
        if self.fraction < 1:
            _, fit = divide(fit, self.fraction, self.seed)
        self.splits = {"train": fit, "val": val, "test": test}

    def batches(self, split: Split, *, shuffle: bool = False) -> Loader:
        """Return the batches of a split for this process, on the device that trains."""
        trainer = self.trainer
        rank, world, device = 0, 1, torch.device("cpu")
        if trainer is not None:
            rank, world = trainer.global_rank, trainer.world_size
            device = trainer.strategy.root_device
        here = Batch(*(part.to(device) for part in self.splits[split]))
        self.splits[split] = here
        size = len(here.y) if isinstance(self.batch_size, str) else self.batch_size
        order = Order(
            len(here.y), size, seed=self.seed if shuffle else None, rank=rank, world=world
        )
        return Loader(here, order)

    def train_dataloader(self) -> Loader:
        """Return shuffled batches, in a new order every epoch."""
        return self.batches("train", shuffle=True)

    def val_dataloader(self) -> Loader:
        """Return the validation split in order."""
        return self.batches("val")

    def test_dataloader(self) -> Loader:
        """Return the test split in order."""
        return self.batches("test")

    def predict_dataloader(self) -> Loader:
        """Return the test split in order."""
        return self.batches("test")


def divide(examples: Batch, share: float, seed: int) -> tuple[Batch, Batch]:
    """Return the rest and a random `share` of the examples, stratified by class.

    Raises:
        ValueError: one of the two would be empty, or a class is too small to be in both.
    """
    from sklearn.model_selection import train_test_split  # slow to import

    by_class = examples.y.numpy() if examples.y.dtype == torch.int64 else None
    n = len(examples.y)
    try:
        rest, part = train_test_split(
            torch.arange(n).numpy(), test_size=share, random_state=seed, stratify=by_class
        )
    except ValueError as error:
        classes = "" if by_class is None else f" of {len(set(by_class.tolist()))} classes"
        shares = f"{1 - share:.4g} and {share:.4g}"
        raise ValueError(f"{n} examples{classes} cannot be split into {shares}") from error
    rest, part = torch.from_numpy(rest), torch.from_numpy(part)
    return Batch(examples.x[rest], examples.y[rest]), Batch(examples.x[part], examples.y[part])

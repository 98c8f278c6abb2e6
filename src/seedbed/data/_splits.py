"""What all data here shares: three splits, what is known of them, and their batches."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, cast

import torch
from lightning import LightningDataModule
from torch import Tensor

from seedbed.data._fold import fold
from seedbed.data._inputs import read_inputs
from seedbed.data._loader import TIMEOUT, Batches, Order, loader
from seedbed.data._split import split
from seedbed.types import HIDDEN, ORACLE, Batch, Inputs, Kind, Spec, Split

ROOM = 2**19  # bytes of inputs in a batch of a validation, where those of training have less


class Splits(LightningDataModule):
    """Shuffles and batches what `examples` returns.

    Args:
        batch_size: examples B per process and step: 1 is online, `full` is full-batch descent,
            32 to 128 is usual; more than there are is one batch of all.
        val_fraction: share of the training examples that only validates, in (0, 1).
        folds: k of cross-validation: the training examples are dealt into k parts, stratified by
            class, one of which validates in place of `val_fraction`; null: none.  The test split
            is the same in all.
        fold: which part validates, from 0 to k - 1.
        fraction: share of the training examples to keep, in (0, 1], to see what more data brings.
        seed: of the splits and the order of examples, apart from the run's own.

    Raises:
        ValueError: an argument outside its range, or a split that leaves nothing.
    """

    untouched: tuple[int, ...] = ()  # features that no scaling changes
    timeout: float = TIMEOUT  # seconds that a worker process may take for a batch
    source: str = ""  # what identifies the content of the files that were read
    content: str = ""  # and that of the splits, as far as they are in memory
    domains: tuple[str, ...] = ()  # names of where examples come from
    masked: bool = False  # whether targets of training examples are hidden
    codes: tuple[tuple[float, ...], ...] = ()  # (C, A) what each class is like
    unseen: tuple[int, ...] = ()  # classes that only the test split has

    def __init__(
        self,
        *,
        batch_size: int | Literal["full"] = 64,
        val_fraction: float = 0.2,
        folds: int | None = None,
        fold: int = 0,
        fraction: float = 1.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        if batch_size != "full" if isinstance(batch_size, str) else batch_size < 1:
            raise ValueError(f"batch_size must be at least 1 or 'full', got {batch_size!r}")
        if not 0 < val_fraction < 1:
            raise ValueError(f"val_fraction must lie in (0, 1), got {val_fraction}")
        check_fold(folds, fold)
        if not 0 < fraction <= 1:
            raise ValueError(f"fraction must lie in (0, 1], got {fraction}")
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be a whole number from 0 to 4294967295, got {seed}")
        self.batch_size, self.val_fraction = batch_size, val_fraction
        self.folds, self.fold = folds, fold
        self.fraction, self.seed = fraction, seed
        self.targets: Kind = self.kind() or "class"
        self.splits: dict[Split, Any] = {}

    @classmethod
    def kind(cls, **arguments: object) -> Kind | None:
        """Return what the targets of this class built with `arguments` are; None: not yet known."""
        return "class"

    def examples(self) -> dict[Split, Any]:
        """Return the training, validation and test examples.

        Beside them there may be further sets: `test/<name>`, and `oracle`, whose targets training
        must not see.  Hidden targets of the training examples are -1.
        """
        raise NotImplementedError

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes, or nothing to number them."""
        return ()

    def notes(self) -> str:
        """Return what a user should see of the data before training; nothing if all is as said."""
        return ""

    def inputs(self, path: Path) -> tuple[Inputs, Tensor | None]:
        """Return the inputs in a file, and their targets where they are known."""
        return read_inputs(path, self.spec.shape), None

    def held_out(
        self, y: Tensor, *, groups: Tensor | None = None, names: tuple[str, ...] = ()
    ) -> tuple[Tensor, Tensor]:
        """Return the indices of the examples that train and of those that validate."""
        if self.folds is None:
            return split(y, self.val_fraction, self.seed, groups=groups, names=names)
        return fold(y, self.folds, self.fold, self.seed, groups=groups, names=names)

    @property
    def spec(self) -> Spec:
        """What the data knows; after `setup`."""
        x, y = self.splits["train"].x, self.splits["train"].y
        shape, common = tuple(x.shape[1:]), self._identity()
        if self.targets == "class":
            count = int(max(split.y.max() for split in self.splits.values())) + 1
            names = self.class_names() or tuple(map(str, range(count)))
            counts = tuple(y[y >= 0].bincount(minlength=len(names)).tolist())
            return Spec(shape, "class", len(names), names, counts, **common)
        return Spec(shape, "value", y.shape[1], **common)

    def _identity(self) -> dict[str, Any]:
        return {
            "untouched": self.untouched,
            "source": self.source,
            "sizes": tuple(len(self.splits[name].y) for name in self.learned()),
            "content": self.content,
            "domains": self.domains,
            "masked": self.masked,
            "codes": self.codes,
            "unseen": self.unseen,
            "tests": tuple(name.partition("/")[2] for name in self.further("test/")),
            "oracle": ORACLE in self.splits,
        }

    def learned(self) -> list[Any]:
        """Return the names of all splits but further test sets, which no training depends on."""
        return [name for name in self.splits if not name.startswith("test/")]

    def further(self, start: str) -> list[Any]:
        """Return the names of the splits beside train, val and test that begin so."""
        return [name for name in self.splits if name.startswith(start)]

    def setup(self, stage: str | None = None) -> None:
        """Read and split, once; the same in every process.

        Raises:
            ValueError: labels that are no class, or one class only.
        """
        if self.splits:
            return
        found = self.examples()
        if self.targets == "class":
            labels = {name: split.y for name, split in found.items()}
            if self.masked:
                labels["train"] = labels["train"][labels["train"] != HIDDEN]
            check_labels(labels, self.class_names())
        first: list[Any] = ["train", "val", "test"]
        self.splits = {name: found[name] for name in [*first, *found]}
        self.content = digest(part for name in self.learned() for part in self.splits[name])

    def batches(self, split: Split, *, shuffle: bool = False) -> Batches:
        """Return the batches of a split for this process, on the device that trains."""
        rank, world, device = self.place()
        here = self.splits[split]
        if isinstance(here.x, Tensor):
            here = here.to(device)
            self.splits[split] = here
        size = len(here.y) if isinstance(self.batch_size, str) else self.batch_size
        if split in ("val", ORACLE):
            size *= roomier(here.x, size)
        order = Order(
            len(here.y), size, seed=self.seed if shuffle else None, rank=rank, world=world
        )
        return loader(here, order, device, self.timeout)

    def place(self) -> tuple[int, int, torch.device]:
        """Return which process this is, of how many, and the device that trains."""
        trainer = self.trainer
        if trainer is None:
            return 0, 1, torch.device("cpu")
        return trainer.global_rank, trainer.world_size, trainer.strategy.root_device

    def sample(self) -> Batch:
        """Return a few training examples, to try the parts of a run on."""
        return Batch(self.splits["train"].x[:2], self.splits["train"].y[:2])

    def chunks(self, split: Split) -> Iterator[Tensor]:
        """Yield all inputs of a split in order, `(n, ...)` each."""
        x = self.splits[split].x
        if isinstance(x, Tensor):
            yield x
        else:
            order = Order(len(x), 256, seed=None)
            batches = loader(self.splits[split], order, torch.device("cpu"), self.timeout)
            yield from (batch.x for batch in batches)

    def train_dataloader(self) -> Batches:
        """Return shuffled batches, in a new order every epoch."""
        return self.batches("train", shuffle=True)

    def val_dataloader(self) -> Batches | list[Batches]:
        """Return the validation split in order; what training must not see beside it, if there."""
        return self._several("val", self.further(ORACLE))

    def test_dataloader(self) -> Batches | list[Batches]:
        """Return the test split in order; where there are further ones, them too."""
        return self._several("test", self.further("test/"))

    def _several(self, first: Split, others: list[Any]) -> Batches | list[Batches]:
        all_of_them = [self.batches(name) for name in (first, *others)]
        return all_of_them if others else all_of_them[0]

    def predict_dataloader(self) -> Batches:
        """Return the test split in order."""
        return self.batches("test")


def roomier(x: Any, size: int) -> int:
    """Return how many training batches of `size` of the inputs `x` make one of a validation.

    Small ones take as long to be handed around as to be computed; those of a convolution that no
    cache holds any more take half as long again.  No numbers depend on it.
    """
    return max(1, ROOM // (size * x[0].nbytes)) if isinstance(x, Tensor) and len(x) else 1


def check_fold(folds: int | None, fold: int) -> None:
    """Refuse a fold that there is not."""
    if folds is None and fold:
        raise ValueError(f"fold={fold} needs folds: how many there are")
    if folds is not None and folds < 2:
        raise ValueError(f"folds must be at least 2, got {folds}")
    if folds is not None and not 0 <= fold < folds:
        raise ValueError(f"fold must be a whole number from 0 to {folds - 1}, got {fold}")


def digest(parts: Iterable[Any]) -> str:
    """Return a SHA-256 of tensors; what is not in memory is known by its files (`source`)."""
    made = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            made.update(f"{part.dtype} {tuple(part.shape)}".encode())
            made.update(cast(bytes, part.contiguous().flatten().view(torch.uint8).numpy()))
    return made.hexdigest()


def check_labels(labels: Mapping[str, Tensor], names: tuple[str, ...]) -> None:
    """Refuse labels that no model could learn.

    Raises:
        ValueError: a label is negative or has no name, or training knows one class only.
    """
    for part, y in labels.items():
        most = len(names) if names else int(y.max()) + 1
        wrong = ((y < 0) | (y >= most)).nonzero()
        if len(wrong):
            place = int(wrong[0])
            raise ValueError(
                f"label {int(y[place])} of example {place} (from 0) of the {part} split lies "
                f"outside the classes 0 to {most - 1}"
            )
    present = labels["train"].unique().tolist()
    if len(present) < 2:
        name = names[present[0]] if names else present[0]
        raise ValueError(f"every training example is of class {name}: there is nothing to learn")

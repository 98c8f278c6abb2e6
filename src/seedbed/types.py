"""The few shapes that every room of the house agrees on.

Letters in shape comments: N examples of a split, B examples of a batch, C classes, D features,
K outputs of the model.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

Kind = Literal["class", "value"]
"""What a target is: one of C classes, or K real numbers."""


Split = Literal["train", "val", "test"]
HIDDEN = -1  # a class that the data does not tell
ORACLE = "oracle"  # the split whose targets training must not see, watched all the same


class Diverged(ArithmeticError):
    """Gradient or weights are no longer finite: going on would only spoil what was learned."""

    status = "diverged"


class Pruned(Exception):
    """Other trials of the search were better at this point: the rest of this one is saved."""

    status = "pruned"


class Unfit(ValueError):
    """A part that does not go with the model or the length of training, known when it starts."""


class Batch(NamedTuple):
    """B examples, or a whole split of N."""

    x: Tensor  # (B, ...) inputs as the data has them; scaling is the model's first layer
    y: Tensor  # (B,) int64 class indices, (B, C) class probabilities or (B, K) values; -1: unknown
    domain: Tensor | None = None  # (B,) int64, which of `Spec.domains` each comes from

    def at(self, index: Any) -> "Batch":
        """Return the examples that a slice or `(B,)` int64 indices choose."""
        domain = None if self.domain is None else chosen(self.domain, index)
        return Batch(chosen(self.x, index), chosen(self.y, index), domain)

    def to(self, device: torch.device) -> "Batch":
        """Return the same on a device."""
        domain = None if self.domain is None else self.domain.to(device)
        return Batch(self.x.to(device), self.y.to(device), domain)


def chosen(tensor: Tensor, index: Any) -> Tensor:
    """Return rows of a tensor; `tensor[index]` takes two to three times as long for whole rows."""
    whole = isinstance(index, Tensor) and isinstance(tensor, Tensor) and index.dtype == torch.int64
    return tensor.index_select(0, index) if whole else tensor[index]


class Inputs(Protocol):
    """N inputs of a split: a tensor in memory, or files that are read when they are indexed."""

    def __len__(self) -> int:
        """Return N."""
        ...

    def __getitem__(self, index: Any, /) -> Tensor:
        """Return the inputs that a slice or `(B,)` int64 indices choose, `(B, ...)`."""
        ...


class Examples(Protocol):
    """A whole split."""

    @property
    def x(self) -> Inputs:
        """Return all N inputs."""
        ...

    @property
    def y(self) -> Tensor:
        """Return all N targets, `(N,)` or `(N, K)`."""
        ...


@dataclass(frozen=True, slots=True)
class Spec:
    """What the data knows and everything else asks for."""

    shape: tuple[int, ...]  # of one input
    kind: Kind
    outputs: int  # K: numbers the model emits an example; C for classes, 1 for a single logit
    classes: tuple[str, ...] = ()  # their names, in the order of their indices
    counts: tuple[int, ...] = ()  # training examples of each class
    untouched: tuple[int, ...] = ()  # features that no scaling changes: one-hot columns
    source: str = ""  # SHA-256 of the files that the data was read from, where there are any
    sizes: tuple[int, ...] = ()  # examples of the training, validation and test split
    content: str = ""  # SHA-256 of what the splits hold in memory
    masked: bool = False  # whether targets of training examples are hidden: -1
    domains: tuple[str, ...] = ()  # names of where examples come from, if from several places
    tests: tuple[str, ...] = ()  # names of the test sets, where there are several
    oracle: bool = False  # whether targets that training must not see are watched all the same
    codes: tuple[tuple[float, ...], ...] = ()  # (C, A) what each class is like, where it is known
    episode: tuple[int, ...] = ()  # ways, shots and queries of a test episode, where it is one
    coded: bool = False  # whether the model emits such codes, which make the scores of classes
    unseen: tuple[int, ...] = ()  # classes that training and validation lack, and the test has

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, for a file."""
        return {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}

    def scores(self, logits: Tensor) -> Tensor:
        """Return logits `(B, C)`; a single logit z of two classes, `(B, 1)`, becomes (0, z)."""
        if self.kind == "class" and self.outputs == 1:
            return torch.cat([torch.zeros_like(logits), logits], 1)
        return logits


@dataclass(slots=True)
class Step:
    """What one forward pass produced, before any backward."""

    model: nn.Module
    batch: Batch  # as the loss sees it: augmented, targets smoothed
    logits: Tensor  # (B, K)
    loss: Tensor  # () data term, mean over B
    terms: dict[str, Tensor] = field(default_factory=dict)  # () each: what regularizers add
    features: Tensor | None = None  # (B, F) what the head sees, where a regularizer asks for it
    progress: float = 0.0  # share of the training's updates that are made, in [0, 1]


@dataclass(frozen=True, slots=True)
class Clock:
    """Where training stands, in optimizer steps."""

    step: int  # updates made so far
    total: float  # updates of the whole training, inf when it has no end
    per_epoch: int  # updates an epoch
    lr: float = 1.0  # of the group that asks, before any schedule


class Schedule(Protocol):
    """The learning rate over time: `Clock -> factor` on every group's own rate."""

    def __call__(self, clock: Clock) -> float:
        """Return the factor at this step, dimensionless, >= 0."""
        ...


@runtime_checkable
class Observing(Protocol):
    """A schedule that looks at a metric after every validation."""

    monitor: str  # its name

    def observe(self, value: float, clock: Clock) -> None:
        """Take in the metric."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """Return what was seen so far as plain data, for the checkpoint."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what was seen."""
        ...


@runtime_checkable
class Weighing(Protocol):
    """A loss that is a weighted mean over its batch, because some classes count more."""

    def weight(self, logits: Tensor, y: Tensor) -> Tensor | None:
        """Return Σ weights of the batch, `()`; None if each example counts 1."""
        ...


class Scaling(Protocol):
    """The first layer of a model: raw inputs to a range that trains well."""

    def fit(self, x: Tensor | Iterable[Tensor]) -> None:
        """Measure the training inputs, `(N, ...)`, in one piece or in several."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Scale `(B, ...)`."""
        ...


class TargetScaling(Protocol):
    """Real targets to a range in which the loss is measured, and back."""

    def fit(self, x: Tensor | Iterable[Tensor]) -> None:
        """Measure the training targets, `(N, K)`."""
        ...

    def __call__(self, x: Tensor) -> Tensor:
        """Scale `(B, K)`."""
        ...

    def inverse(self, x: Tensor) -> Tensor:
        """Undo it: `(B, K)` in the units of the data."""
        ...


class Init(Protocol):
    """Overwrites the weights of a fresh model in place.

    Several run in the order of their attribute `order`, 0 if there is none: what fills all layers
    (and says so by `fills = True`, since two of them make no sense), 1 what is loaded, 2 the head.
    What one puts into its attribute `message` is shown to the user.
    """

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite weights; `spec` tells what the data knows."""
        ...


class Data(Protocol):
    """What every LightningDataModule here can do beside making loaders."""

    timeout: float  # seconds that a worker process may take for a batch

    @property
    def splits(self) -> Mapping[Any, Examples]:
        """Train, val and test, after `setup`."""
        ...

    @property
    def spec(self) -> Spec:
        """What the data knows, after `setup`."""
        ...

    def prepare_data(self) -> None:
        """Fetch what is missing, in one process."""
        ...

    def setup(self, stage: str | None = None) -> None:
        """Read and split, in every process alike."""
        ...

    def sample(self) -> Batch:
        """Return a few training examples as a batch, to try the parts of a run on."""
        ...

    def chunks(self, split: Split) -> Iterator[Tensor]:
        """Yield all inputs of a split in order, `(n, ...)` each."""
        ...

    def inputs(self, path: Path) -> tuple[Inputs, Tensor | None]:
        """Return the inputs in a file, and their targets where they are known."""
        ...

    def notes(self) -> str:
        """Return what a user should see of the data before training; nothing if all is as said."""
        ...


class Recording(Protocol):
    """A task, as callbacks see it."""

    def record(self, values: Mapping[str, float | Tensor]) -> None:
        """Keep single values of this training step for the logs, without waiting for the device."""
        ...


class Regularizer(nn.Module):
    """What prefers some solutions to others.  A technique overrides the verbs that it needs.

    In one training step they run in this order, whatever the order on the command line:
    every `on_batch`, the forward pass (`during`), every `penalty`, the update, every
    `after_step`; in each of them by `order`, then by name.  `during` surrounds the forward pass
    of an evaluation, too; the others are for training alone.
    """

    order: int = 0
    """Lower ones come first."""

    needs_features: bool = False
    """Whether `penalty` looks at what the model's head sees."""

    group_rates: Mapping[int, float] = {}
    """Learning rate of each parameter by its `id` in the update just made, where groups differ."""

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Look at the model and the data once, before the optimizer is made."""

    def on_groups(self, groups: list[dict[str, Any]]) -> None:
        """Change the parameter groups before the optimizer is made of them."""

    def on_batch(self, batch: Batch) -> Batch:
        """Change inputs or targets of a training batch."""
        return batch

    def during(self, batch: Batch) -> AbstractContextManager[Any]:
        """Return the context in which the model sees a batch, of training or of evaluation."""
        return nullcontext()

    def penalty(self, step: Step) -> Tensor | None:
        """Return a term of the training loss, `()`, or None."""
        return None

    def after_step(self, model: nn.Module, lr: float) -> None:
        """Change the weights after an update made at learning rate `lr`."""


Augment = Callable[[Tensor], Tensor]
"""`(B, ...) -> (B, ...)`: fresh randomness every call, labels unchanged."""

ParamGroups = Callable[[nn.Module], list[dict[str, Any]]]
"""`model -> optimizer groups`, each with a `name`; every parameter in exactly one.

A group may carry a `lr_multiplier`: the task multiplies the optimizer's rate for it, once.
"""

Regroup = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]
"""Parameter groups to others of the same parameters, before the optimizer is made of them."""

OptimizerFactory = Callable[[Iterable[dict[str, Any]]], Optimizer]

"""What a symptom looks at, and what it answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal["unknown", "pass", "info", "warn", "fail"]
"""Not to be judged from what is there; healthy; worth a look; unhealthy; cannot go on so."""

Words = tuple[str, ...]
"""Overrides of one command line, as `("optimizer.lr=0.001", "callback.gradient_clip.norm=1")`."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A number over the training."""

    steps: NDArray[np.float64]  # (n,) updates made, ascending
    values: NDArray[np.float64]  # (n,) finite or not

    def __len__(self) -> int:
        return len(self.steps)


@dataclass(frozen=True, slots=True)
class Case:
    """What is known of a training, or of one that is to begin; anything may be missing."""

    curves: Mapping[str, Curve] = field(default_factory=dict)  # by the names of `history.csv`
    facts: Mapping[str, Any] = field(default_factory=dict)  # numbers about data and first weights
    config: Mapping[str, Any] = field(default_factory=dict)  # as `config.yaml` has it

    def setting(self, path: str) -> Any:
        """Return what the config says at a dotted path, None if it says nothing."""
        node: Any = self.config
        for key in path.split("."):
            node = node.get(key) if isinstance(node, Mapping) else None
        return node


@dataclass(frozen=True, slots=True)
class Finding:
    """What one symptom makes of a case."""

    symptom: str
    level: Level
    says: str  # one sentence with its numbers; of `unknown`: what is missing
    cause: str = ""  # the likeliest one, in a few words
    remedies: tuple[Words, ...] = ()  # the most promising first
    span: tuple[float, float] | None = None  # steps that show it
    numbers: Mapping[str, float] = field(default_factory=dict)  # the evidence

    @property
    def ill(self) -> bool:
        """Whether something should be done."""
        return self.level in ("warn", "fail")

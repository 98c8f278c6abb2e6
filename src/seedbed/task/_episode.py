"""What few-shot learning shares: embed an episode, and compare queries with the support.

Letters in shape comments: E episodes of a batch, N ways, K shots, Q queries, M = K + Q, D numbers
of an embedding.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.task.supervised import Supervised
from seedbed.types import Batch, Spec, Step


class Episodic(Supervised):
    """Learns to tell classes apart from a few examples of each.

    The first K images of a class are its support, the others are queries; metrics and losses are
    of queries alone.  The model embeds images; without `dim` the embedding is what its head would
    be given, and there is no head.

    Args:
        dim: D, the numbers of an embedding that a linear head makes, >= 2; null: no head.
        common: see `Supervised`.

    Raises:
        ValueError: a part that does not go with episodes.
    """

    episodic = True

    def __init__(self, dim: int | None = None, **common: Any) -> None:
        super().__init__(**common)
        for name, regularizer in self._named_regularizers():
            if regularizer.needs_features:
                raise ValueError(
                    f"regularizer.{name}: it looks at single examples; an episode has none"
                )
        self.dim = dim

    @classmethod
    def asks(cls, spec: Spec, **arguments: Any) -> Spec:
        """Return the spec with what the model is to emit; no outputs mean no head."""
        dim = arguments.get("dim")
        if not spec.episode:
            raise ValueError("the data has no episodes; use data=episodes")
        if dim is not None and dim < 2:
            raise ValueError(f"dim must be at least 2, or null for no head, got {dim}")
        return replace(spec, outputs=dim or 0)

    @property
    def shots(self) -> int:
        """K."""
        return self.spec.episode[1]

    def scores(self, support: Tensor, query: Tensor) -> Tensor:
        """Return how alike queries and classes are, `(E, N·Q, N)`.

        Args:
            support: embeddings `(E, N, K, D)`.
            query: embeddings `(E, N·Q, D)`.
        """
        raise NotImplementedError

    def episode_loss(self, support: Tensor, query: Tensor, scores: Tensor, y: Tensor) -> Tensor:
        """Return the data term, `()`, of scores `(E, N·Q, N)` and labels `(E, N·Q)`."""
        return self.data_term(scores.flatten(0, 1), y.flatten())

    def forward_step(self, batch: Batch) -> Step:
        """Embed episodes, images `(E, N, M, ...)`, and measure their queries."""
        x, y, shots = batch.x, batch.y, self.shots
        z = self.model(x.flatten(0, 2))
        z = z.to(torch.promote_types(z.dtype, torch.float32)).view(*y.shape, -1)
        support, query = z[:, :, :shots], z[:, :, shots:].flatten(1, 2)
        asked = y[:, :, shots:].flatten(1)
        scores = self.scores(support, query)
        loss = self.episode_loss(support, query, scores, asked)
        queries = Batch(x[:, :, shots:].flatten(0, 2), asked.flatten())
        return Step(self.model, queries, scores.flatten(0, 1), loss)

    def prepare_batch(self, batch: Batch) -> Batch:
        """Augment the images of episodes, each for itself.

        Raises:
            ValueError: a regularizer changes labels, which here only number the classes.
        """
        single = super().prepare_batch(Batch(batch.x.flatten(0, 2), batch.y.flatten()))
        if single.y.is_floating_point():
            raise ValueError(
                "regularizer: mixup, cutmix and label_smoothing change labels, which in an "
                "episode only number its classes; use loss.label_smoothing"
            )
        return Batch(single.x.unflatten(0, batch.y.shape), batch.y)

    def _groups(self) -> list[dict[str, Any]]:
        own = [p for p in self._parameters.values() if p is not None]
        return [*super()._groups(), {"name": "task", "params": own}]


def learned(value: float) -> nn.Parameter:
    """Return a positive number to be learned, as its logarithm, `()`."""
    return nn.Parameter(torch.tensor(value).log())

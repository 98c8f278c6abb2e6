"""Empirical risk minimisation: the mean loss over the examples of all domains, and no penalty.

Formula: loss' = loss = (1/N) Σ ℓ over the examples of all domains together
Source: Vapnik 1998, "Statistical Learning Theory"; Gulrajani & Lopez-Paz 2021, "In Search of Lost
    Domain Generalization" (hard to beat by any penalty), https://arxiv.org/abs/2007.01434
"""

from torch import nn

from seedbed.regularizer._domains import refuse_one_domain
from seedbed.types import Regularizer, Spec


class ERM(Regularizer):
    """Changes nothing: the baseline of generalization over domains, under its name.

    It only makes sure that there are several domains to learn from; `regularizer=[]` trains the
    same weights.

    Raises:
        ValueError: the data has fewer than two domains.
    """

    def prepare(self, model: nn.Module, spec: Spec) -> None:
        """Refuse data of one domain."""
        refuse_one_domain(spec)

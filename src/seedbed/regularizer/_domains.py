"""What the penalties on domains share: who belongs where, and means over pairs of domains.

A batch holds examples of several domains in any proportion.  Sums weighted by membership stand in
for picking out a domain's examples, whose number only the device knows.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from seedbed.regularizer._sums import wide
from seedbed.types import Spec, Step


def refuse_one_domain(spec: Spec) -> None:
    """Raise a ValueError unless the training examples come from several domains."""
    if len(spec.domains) < 2:
        found = f"has one only, {spec.domains[0]}" if spec.domains else "names none"
        raise ValueError(
            f"it needs training examples of two domains at least, the data {found}; "
            "data=domains with data.use_target=true brings several"
        )


def features_of(step: Step) -> Tensor:
    """Return what the head sees, `(B, F)`, in at least single precision."""
    assert step.features is not None, "needs_features asks for them"
    return wide(step.features)


def exactly(like: Tensor) -> torch.autocast:
    """Return a context without autocast: in half precision, differences of sums are noise."""
    return torch.autocast(like.device.type, enabled=False)


def members(step: Step, count: int, like: Tensor) -> Tensor:
    """Return 1 where an example is of a domain, else 0: `(B, D)` on the device of `like`."""
    assert step.batch.domain is not None, "data with domains says which of them in each batch"
    return F.one_hot(step.batch.domain, count).to(like)


def shares(member: Tensor) -> tuple[Tensor, Tensor]:
    """Return weights that make a sum a domain's mean, `(B, D)`, and how many examples it has."""
    counts = member.sum(0)  # (D,)
    return member / counts.clamp(min=1), counts


def mean_over_pairs(apart: Tensor, there: Tensor) -> Tensor:
    """Return the mean over the pairs of domains that are both in the batch; 0 if there is none.

    Args:
        apart: how far each domain is from each other, `(D, D)`.
        there: whether a domain is in the batch, `(D,)`.
    """
    pairs = torch.triu(there.unsqueeze(0) * there.unsqueeze(1), 1).to(apart)
    return (apart * pairs).sum() / pairs.sum().clamp(min=1)

"""The head's bias from the frequencies of the classes: no time is lost on learning those.

Formula: W_head = 0, b_c = log p(c); a single logit has b = log(p₁/p₀)
Source: Karpathy 2019, "A Recipe for Training Neural Networks" ("init well"),
https://karpathy.github.io/2019/04/25/recipe/.
"""

import torch
from torch import nn

from seedbed.types import Spec
from seedbed.weight import set_weight


class ClassPrior:
    """Starts from the entropy of the classes: the first prediction is their share in training.

    The loss then begins at H(p) instead of falling there first.  Goes with one that fills the
    body, and comes after it: `init=[he,class_prior]`.
    """

    order = 2

    def __call__(self, model: nn.Module, spec: Spec) -> None:
        """Overwrite the head of `model` in place.

        Raises:
            ValueError: targets that are no classes, a class without an example, a model without
                a linear head or its bias.
        """
        head = getattr(model, "head", None)
        if spec.kind != "class":
            raise ValueError("the data has real numbers as targets; this one needs classes")
        if not isinstance(head, nn.Linear) or head.bias is None:
            raise ValueError(f"{type(model).__name__} has no linear head with a bias")
        if not spec.counts or 0 in spec.counts:
            empty = [name for name, n in zip(spec.classes, spec.counts, strict=False) if n == 0]
            raise ValueError(f"no training example of {', '.join(empty) or 'any class'}: log 0")
        bias = log_prior(spec.counts, head.out_features)
        set_weight(head, torch.zeros_like(head.weight))
        with torch.no_grad():
            head.bias.copy_(bias)


def log_prior(counts: tuple[int, ...], outputs: int) -> torch.Tensor:
    """Return the logits `(K,)` whose probabilities are the shares of the classes.

    Raises:
        ValueError: K is neither the number of classes nor 1 for two of them.
    """
    logs = torch.tensor(counts, dtype=torch.float64)
    logs = (logs / logs.sum()).log()
    if outputs == len(counts):
        return logs
    if (outputs, len(counts)) == (1, 2):
        return logs[1:] - logs[:1]
    raise ValueError(f"{outputs} logits for {len(counts)} classes have no prior")

"""The usual loss of the data's kind of target.

Formula: classes: cross-entropy -log q_y; real numbers: mean squared error (prediction - target)²
Source: Goodfellow, Bengio & Courville 2016, "Deep Learning", section 6.2.2,
    https://www.deeplearningbook.org
"""

from torch import Tensor, nn

from seedbed.loss._targets import ClassWeight
from seedbed.loss.cross_entropy import CrossEntropy
from seedbed.types import Spec


class Auto(nn.Module):
    """Takes cross_entropy for classes and mse for real numbers, as soon as the data is known.

    Args:
        class_weight: of cross_entropy: null, `balanced` or a number for each class.
        label_smoothing: of cross_entropy, in [0, 1).

    Raises:
        ValueError: an argument outside its range, or one for classes where there are none.
    """

    def __init__(self, class_weight: ClassWeight = None, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.of_classes = CrossEntropy(class_weight, label_smoothing)
        self.chosen: nn.Module | None = None

    def prepare(self, spec: Spec) -> None:
        """Choose."""
        if spec.kind == "class":
            self.of_classes.prepare(spec)
            self.chosen = self.of_classes
            return
        asked = {
            "class_weight": self.of_classes.class_weight,
            "label_smoothing": self.of_classes.label_smoothing or None,
        }
        for name, value in asked.items():
            if value is not None:
                raise ValueError(f"{name} needs targets that are classes, the data has numbers")
        self.chosen = nn.MSELoss()

    @property
    def masked(self) -> bool:
        """Whether the data hides targets, which are left out."""
        return self.of_classes.masked

    def forward(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the mean loss, `()`, of outputs `(B, K)` and targets."""
        if self.chosen is None:
            raise RuntimeError("loss=auto does not know the targets yet: call prepare(spec) first")
        return self.chosen(outputs, y)

    def weight(self, outputs: Tensor, y: Tensor) -> Tensor | None:
        """Return Σ weights of the batch, `()`; None without class weights."""
        return self.of_classes.weight(outputs, y) if self.chosen is self.of_classes else None

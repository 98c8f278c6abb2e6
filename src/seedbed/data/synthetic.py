"""Data made on the spot, for teaching and for tests: blobs, moons, spirals, a plane, a constant.

Source: scikit-learn, `datasets.make_moons` and `datasets.make_blobs`,
https://scikit-learn.org/stable/datasets/sample_generators.html.
"""

import math
from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor

from seedbed.data._memory import InMemory
from seedbed.types import Batch, Kind

Shape = Literal["blobs", "moons", "spirals", "plane", "constant"]


class Synthetic(InMemory):
    """Points in a space of few dimensions; a fifth of them is the test split.

    Args:
        form: `blobs` (C Gaussians), `moons` and `spirals` (two dimensions), or `plane`:
            regression on a linear function of D features, or `constant`: every input is 1 and
            every target is `value`, so that the loss of one weight w is (w - value)².
        size: examples N in all splits together.
        features: dimensions D of blobs and plane; the others have two.
        num_classes: classes C of blobs and spirals; moons have two.
        noise: standard deviation around the blob's centre, the curve or the plane.
        value: target of `constant`, which needs `scaling=none target_scaling=none`.
        shares: of the classes of blobs, moons and spirals, above 0, 1 together; empty: all equal.
            Each class has its share of `size`, to within one example.
        magnitudes: factor of each feature, not 0, after the targets are made; empty: 1.  Of a plane
            with `scaling=none` and `loss=mse`, the weight of a feature of magnitude m then has the
            second derivative 2 m² (the mean over many examples): [10, 1] is a ravine that is 100
            times steeper across than along.
        common: see `InMemory`.

    Raises:
        ValueError: an argument outside its range.
    """

    def __init__(
        self,
        form: Shape = "blobs",
        size: int = 1000,
        features: int = 2,
        num_classes: int = 3,
        noise: float = 0.1,
        value: float = 3.0,
        shares: Sequence[float] = (),
        magnitudes: Sequence[float] = (),
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if not (math.isfinite(noise) and math.isfinite(value)):
            raise ValueError(f"noise and value must be finite, got {noise} and {value}")
        if min(size, features) < 1 or num_classes < 2 or noise < 0:
            raise ValueError(
                "size and features must be at least 1, num_classes at least 2 and noise at least "
                f"0, got {size}, {features}, {num_classes} and {noise}"
            )
        self.form, self.size, self.features = form, size, features
        self.num_classes, self.noise, self.value = num_classes, noise, value
        self.targets = self.kind(form=form)
        self.shares, self.magnitudes = tuple(shares), tuple(magnitudes)
        self._check_lists()

    def _check_lists(self) -> None:
        """Raise a ValueError where there is not one share a class, or one magnitude a feature."""
        classes = 0 if self.targets == "value" else 2 if self.form == "moons" else self.num_classes
        right = min(self.shares, default=1) > 0 and math.isclose(math.fsum(self.shares), 1)
        if self.shares and not (right and len(self.shares) == classes):
            raise ValueError(
                f"shares must be {classes} numbers above 0 that make 1 together (form={self.form} "
                f"has {classes} classes), got {list(self.shares)}"
            )
        width = {"moons": 2, "spirals": 2, "constant": 1}.get(self.form, self.features)
        usable = all(math.isfinite(m) and m != 0 for m in self.magnitudes)
        if self.magnitudes and not (usable and len(self.magnitudes) == width):
            raise ValueError(
                f"magnitudes must be {width} finite numbers other than 0 (form={self.form} has "
                f"{width} features), got {list(self.magnitudes)}"
            )

    @classmethod
    def kind(cls, **arguments: object) -> Kind:
        """Return `value` for the plane and the constant, `class` for every other form."""
        return "value" if arguments.get("form") in ("plane", "constant") else "class"

    def read(self) -> Batch:
        """Draw the points, the same for the same `seed`."""
        g = torch.Generator().manual_seed(self.seed)
        made = {"blobs": self._blobs, "moons": self._moons, "spirals": self._spirals}
        x, y = (made | {"plane": self._plane, "constant": self._constant})[self.form](g)
        if self.magnitudes:
            x = x * torch.tensor(self.magnitudes)  # (N, D)
        return Batch(x, y)

    def _labels(self, classes: int) -> Tensor:
        if not self.shares:
            return torch.arange(self.size) % classes
        ends = torch.tensor(self.shares, dtype=torch.float64).cumsum(0)[:-1]
        places = (torch.arange(self.size, dtype=torch.float64) + 0.5) / self.size  # in (0, 1)
        return torch.bucketize(places, ends)

    def _spread(self, points: Tensor, g: torch.Generator) -> Tensor:
        return points + self.noise * torch.randn(points.shape, generator=g)

    def _blobs(self, g: torch.Generator) -> tuple[Tensor, Tensor]:
        y = self._labels(self.num_classes)
        centres = torch.randn(self.num_classes, self.features, generator=g)  # (C, D)
        return self._spread(centres[y], g), y

    def _moons(self, g: torch.Generator) -> tuple[Tensor, Tensor]:
        y = self._labels(2)
        angle = math.pi * torch.rand(self.size, generator=g)
        upper = torch.stack([angle.cos(), angle.sin()], 1)
        lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], 1)
        return self._spread(torch.where((y == 0)[:, None], upper, lower), g), y

    def _spirals(self, g: torch.Generator) -> tuple[Tensor, Tensor]:
        y = self._labels(self.num_classes)
        radius = torch.rand(self.size, generator=g).sqrt()
        angle = 2 * math.pi * (radius * 1.25 + y / self.num_classes)
        return self._spread(radius[:, None] * torch.stack([angle.cos(), angle.sin()], 1), g), y

    def _plane(self, g: torch.Generator) -> tuple[Tensor, Tensor]:
        x = torch.randn(self.size, self.features, generator=g)  # (N, D)
        slope = torch.arange(1, self.features + 1) / self.features  # (D,), known on purpose
        return x, self._spread((x @ slope + 1).unsqueeze(1), g)

    def _constant(self, g: torch.Generator) -> tuple[Tensor, Tensor]:
        return torch.ones(self.size, 1), torch.full((self.size, 1), float(self.value))

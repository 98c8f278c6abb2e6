"""Domains: images of the same classes that look different, sources and a target.

Source: Ben-David et al. 2010, "A theory of learning from different domains", Machine Learning 79;
the pairs: Ganin et al. 2016, "Domain-Adversarial Training of Neural Networks",
https://arxiv.org/abs/1505.07818.
"""

from collections.abc import Sequence
from typing import Any

import torch

from seedbed.data._domain import (
    SETS,
    Domain,
    check_classes,
    cycled,
    domains,
    joined,
    of,
    parted,
)
from seedbed.data._memory import InMemory, few
from seedbed.data._pictures import Corruption, check_severity, check_size, corrupted
from seedbed.types import HIDDEN, ORACLE, Batch, Split


class Domains(InMemory):
    """Trains on labelled sources and an unlabelled target, and tests on the target.

    A domain is a set (`digits`, `mnist5k`, `fashion_mnist`), or a set and a change of its images:
    `:rotate30` by degrees counter-clockwise, or `:noise3`, `:blur3`, `:contrast3`, `:invert3`,
    `:blend5` with a severity from 1 to 5; blend puts photos behind the images.

    Every domain fills an equal share of training, smaller ones by repeating their examples; where
    some targets of the target are shown, these fill half of its share.  Only sources validate
    (`val`); `oracle` shows what the target's validation examples would say, and `test/<source>`
    tests the sources.

    Args:
        sources: domains to learn from, with all targets.
        target: domain to be good at; its training targets are hidden (-1).
        use_target: whether training sees the target's inputs; else it makes as many updates on the
            sources alone.
        target_labels: targets of each class of the target that training sees, >= 0.
        size: height and width in pixels.
        channels: 3 for colour, 1 for grey; null: colour if a domain is blended with photos.
        corruptions: further test sets, `test/<name>`: the target's test images so changed.
        severity: of the corruptions, from 1 to 5.
        common: see `InMemory`; `per_class` counts targets of each class in each source.

    Raises:
        ValueError: an argument outside its range, or domains that there are not.
    """

    def __init__(
        self,
        sources: Sequence[str] = ("mnist5k",),
        target: str = "digits",
        use_target: bool = True,
        target_labels: int = 0,
        size: int = 16,
        channels: int | None = None,
        corruptions: Sequence[Corruption] = (),
        severity: int = 5,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if self.folds is not None:
            raise ValueError(f"folds={self.folds}: domains are divided by val_fraction alone")
        check_size(size)
        check_severity(severity)
        if channels not in (None, 1, 3):
            raise ValueError(f"channels must be 1, 3 or null, got {channels}")
        if target_labels < 0:
            raise ValueError(f"target_labels must be at least 0, got {target_labels}")
        if target_labels and not use_target:
            raise ValueError(f"target_labels={target_labels} needs use_target=true to show them")
        every = domains(sources, target)
        self.sources, self.target = every[:-1], every[-1]
        self.sets = {name: SETS[name](size=size) for name in dict.fromkeys(d.set for d in every)}
        check_classes({name: made.class_names() for name, made in self.sets.items()})
        colour = 3 if any(each.change == "blend" for each in every) else 1
        self.size, self.channels = size, channels or colour
        self.use_target, self.target_labels = use_target, target_labels
        self.corruptions, self.severity = tuple(dict.fromkeys(corruptions)), severity
        self.domains = tuple(map(str, every if use_target else self.sources))

    def class_names(self) -> tuple[str, ...]:
        """Return the names of the classes that all domains share."""
        return self.sets[self.target.set].class_names()

    def prepare_data(self) -> None:
        """Fetch what is missing, in one process only."""
        for each in self.sets.values():
            each.prepare_data()

    def examples(self) -> dict[Split, Any]:
        """Return the splits: sources validate, `oracle` and `test` are the target's."""
        found = [self._parts(place, each) for place, each in enumerate(self.sources)]
        aim, oracle, test = self._parts(len(self.sources), self.target)
        train = self._balanced([self.reduced(part) for part, _, _ in found], aim)
        self.masked = bool((train.y == HIDDEN).any())
        splits: dict[Any, Batch] = {
            "train": train,
            "val": joined([part for _, part, _ in found]),
            "test": test,
            ORACLE: oracle,
        }
        for source, (_, _, part) in zip(self.sources, found, strict=True):
            splits[f"test/{source}"] = part
        return splits | corrupted(test, self.corruptions, self.severity, self.seed)

    def _parts(self, place: int, each: Domain) -> tuple[Batch, Batch, Batch]:
        """Return the training, validation and test examples of the domain at a place."""
        train, test = each.read(self.sets[each.set], self.channels, self.seed)
        fit, val = parted(train, self.val_fraction, self.fraction, self.seed)
        known = place if place < len(self.domains) else None
        return of(known, fit), of(known, val), of(known, test)

    def _balanced(self, sources: Sequence[Batch], target: Batch) -> Batch:
        """Return the training split: an equal share for every domain, of as many examples in all.

        Without the target it is as long as with it, so that training makes as many updates.
        """
        share = max(len(part.y) for part in (*sources, target))
        whole = share * (len(sources) + 1)
        if self.use_target:
            parts = [(part, share) for part in sources] + self._shown(target, share)
        else:
            ends = [whole * k // len(sources) for k in range(len(sources) + 1)]
            parts = [(part, ends[k + 1] - ends[k]) for k, part in enumerate(sources)]
        return joined(
            [part.at(cycled(len(part.y), n, self.seed, k)) for k, (part, n) in enumerate(parts)]
        )

    def _shown(self, target: Batch, share: int) -> list[tuple[Batch, int]]:
        """Return the target's training examples and what they fill: first those whose target shows.

        What is returned does not depend on hidden targets.
        """
        hidden = torch.ones(len(target.y), dtype=torch.bool)
        if self.target_labels:
            names, what = self.class_names(), "target_labels"
            shown = few(target.y, self.target_labels, self.seed, names=names, what=what)
            hidden[shown] = False
        known, unknown = target.at(~hidden), target.at(hidden)
        unknown = unknown._replace(y=torch.full_like(unknown.y, HIDDEN))
        if not len(known.y) or not len(unknown.y):
            return [(known if len(known.y) else unknown, share)]
        return [(known, share // 2), (unknown, share - share // 2)]

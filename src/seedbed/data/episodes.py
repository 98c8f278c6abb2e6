"""Episodes of few examples: each a task of its own, with classes that training never saw.

Source: Vinyals et al. 2016, "Matching Networks for One Shot Learning", section 2.2,
https://arxiv.org/abs/1606.04080; splits by class as in Ravi & Larochelle 2017, "Optimization as a
Model for Few-Shot Learning", https://openreview.net/forum?id=rJY0-Kcll.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from seedbed.data._episode import Pool, Rounds, check_pool, places
from seedbed.data._loader import Order
from seedbed.data._source import made
from seedbed.data._splits import Splits
from seedbed.types import Batch, Spec, Split

KEYS: dict[Split, str] = {"train": "train_ways", "val": "val_ways", "test": "ways"}


class Episodes(Splits):
    """An example is an episode: N classes, K images of each to learn from and Q to be asked.

    Training episodes are new in every epoch; those of validation and test are fixed, the same in
    every run, whatever its seed and number of processes.  Test classes occur nowhere else.

    Args:
        source: data option that the images come from, held in memory.
        settings: arguments of that option.
        ways: N, classes of a test episode, >= 2.
        shots: K, images of each class to learn from, >= 1.
        queries: Q, further images of each class to be recognised, >= 1.
        train_ways: N in training; null is `ways`.
        val_ways: N in validation; null is `ways`.
        unseen: classes that only test episodes have, by their names or numbers from 0.
        val_unseen: classes that only validation episodes have; none: those of training, with
            images that training lacks.
        episodes: of a training epoch.
        val_episodes: of a validation.
        test_episodes: of the test, over which `test/interval` is measured.
        batch_size: episodes E per process and step, or `full`.
        val_fraction: share of the images of a class that only validates, in (0, 1), where
            `val_unseen` names no class.
        seed: of the training episodes.

    Raises:
        ValueError: an argument outside its range, class lists that overlap, fewer classes than
            ways, or fewer images of a class than K + Q.
    """

    episodic = True

    def __init__(
        self,
        source: str = "digits",
        settings: Mapping[str, Any] | None = None,
        ways: int = 5,
        shots: int = 5,
        queries: int = 15,
        train_ways: int | None = None,
        val_ways: int | None = None,
        unseen: Sequence[int | str] = (5, 6, 7, 8, 9),
        val_unseen: Sequence[int | str] = (),
        episodes: int = 100,
        val_episodes: int = 100,
        test_episodes: int = 600,
        batch_size: Any = 4,
        val_fraction: float = 0.2,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size=batch_size, val_fraction=val_fraction, seed=seed)
        self.ways = {"train": train_ways or ways, "val": val_ways or ways, "test": ways}
        self.numbers = {"train": episodes, "val": val_episodes, "test": test_episodes}
        at_least(2, ways=ways, train_ways=train_ways, val_ways=val_ways)
        at_least(1, shots=shots, queries=queries, episodes=episodes)
        at_least(1, val_episodes=val_episodes, test_episodes=test_episodes)
        if not unseen:
            raise ValueError("unseen is empty: name the classes that only the test has")
        given = {"train_ways": train_ways, "val_ways": val_ways}
        self.own = [key for key, value in given.items() if value is not None]
        self.shots, self.queries = shots, queries
        self.held = {"unseen": tuple(unseen), "val_unseen": tuple(val_unseen)}
        self.base = made(source, dict(settings or {}), val_fraction)
        self.pools: dict[str, Pool] = {}

    def prepare_data(self) -> None:
        """Fetch what is missing, in one process."""
        self.base.prepare_data()

    def class_names(self) -> tuple[str, ...]:
        """Return the names of all classes, seen and unseen."""
        return self.base.spec.classes

    def examples(self) -> dict[Split, Batch]:
        """Return the images of each split, from which its episodes are drawn.

        Raises:
            ValueError: no episode can be drawn of one.
        """
        self.base.setup()
        spec, splits = self.base.spec, self.base.splits
        if spec.kind != "class" or spec.masked or not isinstance(splits["train"].x, Tensor):
            raise ValueError("source: images in memory are needed, and a class of each")
        found = shared_out(splits, spec.classes, **self.held)
        for number, (split, key) in enumerate(KEYS.items()):
            pool = Pool(found[split], self.ways[split], self.shots + self.queries, number)
            check_pool(pool, split, key if key in self.own else "ways", spec.classes)
            self.pools[split] = pool
        return found

    @property
    def spec(self) -> Spec:
        """What the data knows; after `setup`."""
        episode = (self.ways["test"], self.shots, self.queries)
        return replace(super().spec, episode=episode)

    def batches(self, split: Split, *, shuffle: bool = False) -> Any:
        """Return the batches of a split for this process, on the device that trains."""
        rank, world, device = self.place()
        pool = replace(self.pools[split], examples=self.pools[split].examples.to(device))
        self.pools[split] = pool
        n = self.numbers[split]
        size = n if isinstance(self.batch_size, str) else self.batch_size
        order = Order(n, size, seed=None, rank=rank, world=world)
        return Rounds(pool, order, self.seed if shuffle else None)

    def sample(self) -> Batch:
        """Return one training episode, to try the parts of a run on."""
        return Rounds(self.pools["train"], Order(1, 1, seed=None), self.seed).at([0], 0)


def at_least(least: int, **given: int | None) -> None:
    """Raise a ValueError that names the first argument below `least`."""
    for key, value in given.items():
        if value is not None and value < least:
            raise ValueError(f"{key} must be at least {least}, got {value}")


def shared_out(
    splits: Mapping[Any, Batch],
    names: Sequence[str],
    unseen: Sequence[int | str],
    val_unseen: Sequence[int | str],
) -> dict[Split, Batch]:
    """Return the images of each split; no class of the test is in another one.

    Args:
        splits: of the source.
        names: of its classes.
        unseen: classes that only the test has.
        val_unseen: classes that only validation has; none: all but `unseen`, with images that
            training lacks.
    """
    test = places("unseen", unseen, names, {})
    val = places("val_unseen", val_unseen, names, dict.fromkeys(test, "unseen"))
    seen = [label for label in range(len(names)) if label not in (*test, *val)]
    everything = joined([splits[name] for name in ("train", "val", "test")])
    if val:
        return {
            "train": of_classes(everything, seen),
            "val": of_classes(everything, val),
            "test": of_classes(everything, test),
        }
    return {
        "train": of_classes(joined([splits["train"], splits["test"]]), seen),
        "val": of_classes(splits["val"], seen),
        "test": of_classes(everything, test),
    }


def joined(parts: Sequence[Batch]) -> Batch:
    """Return the examples of all parts, in their order."""
    return Batch(torch.cat([part.x for part in parts]), torch.cat([part.y for part in parts]))


def of_classes(examples: Batch, labels: Sequence[int]) -> Batch:
    """Return the examples of some classes."""
    return examples.at(torch.isin(examples.y, torch.tensor(labels, dtype=torch.int64)))

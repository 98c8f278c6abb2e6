"""Techniques for several domains, and for new ones, that do not go together."""

from collections.abc import Mapping
from typing import Any

PENALTIES = ("adabn", "coral", "dann", "mmd", "vrex")
ADAPTATIONS = ("test_bn", "tent")  # callbacks that act on test batches


def chosen(plain: Mapping[str, Any], group: str, names: tuple[str, ...]) -> list[str]:
    """Return those of some options of a group that are chosen."""
    return [name for name in names if plain[group].get(name)]


def nothing_beside_nothing(plain: Mapping[str, Any]) -> str | None:
    """The baseline without a technique, together with one."""
    others = chosen(plain, "regularizer", PENALTIES)
    if others and plain["regularizer"].get("erm"):
        names = ",".join(["erm", *others])
        return f"regularizer=[{names}]: erm is to train without {others[0]}; choose one"
    return None


def statistics_twice(plain: Mapping[str, Any]) -> str | None:
    """Two techniques of which each chooses the statistics of batch norm."""
    if not plain["regularizer"].get("adabn"):
        return None
    others = chosen(plain, "callback", ("swa", *ADAPTATIONS))
    if others:
        return (
            f"regularizer=adabn with callback={others[0]}: both choose the statistics of batch "
            f"norm; remove one with ~regularizer.adabn or ~callback.{others[0]}"
        )
    return None


def mixed_domains(plain: Mapping[str, Any]) -> str | None:
    """Examples that are blends of two domains, and a technique that asks which they are of."""
    mixing = chosen(plain, "regularizer", ("mixup", "cutmix"))
    asking = chosen(plain, "regularizer", PENALTIES)
    if mixing and asking:
        return (
            f"regularizer=[{mixing[0]},{asking[0]}]: {mixing[0]} makes blends of two domains, "
            f"{asking[0]} asks which one an example is of; choose one"
        )
    return None


def two_adaptations(plain: Mapping[str, Any]) -> str | None:
    """Two techniques that adapt to the same test batches."""
    both = chosen(plain, "callback", ADAPTATIONS)
    if len(both) > 1:
        return "callback=[test_bn,tent]: tent takes the batch's statistics, too; choose one"
    return None


def adaptation_without_stage(plain: Mapping[str, Any]) -> str | None:
    """A technique for test batches, and no stage that has any."""
    stages = [plain["stages"]] if isinstance(plain["stages"], str) else plain["stages"]
    used = chosen(plain, "callback", (*ADAPTATIONS, "test_flip"))
    if used and not plain["run"] and not {"test", "predict", "reproduce"} & set(stages):
        words = ",".join(stages)
        return (
            f"callback={used[0]} with stages=[{words}]: it acts in the stages test and predict "
            "alone; add one"
        )
    return None

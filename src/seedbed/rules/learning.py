"""Tasks that ask something of the data, or leave nothing for a stage to do."""

from collections.abc import Mapping
from typing import Any

from seedbed import signature


def episodes_and_task(plain: Mapping[str, Any]) -> str | None:
    """Episodes for a task that takes single examples, or the other way round."""
    data, task = (signature.resolve(plain[key]["_target_"]) for key in ("data", "task"))
    made, taken = (getattr(each, "episodic", False) for each in (data, task))
    if made and not taken:
        return "data=episodes: needs task=prototypical or task=siamese"
    if taken and not made:
        name = plain["task"]["_target_"].split(".")[-2]
        return f"task={name}: learns from episodes; use data=episodes"
    return None


def stages_of_episodes(plain: Mapping[str, Any]) -> str | None:
    """Stages that ask for classes that stay the same."""
    stages = [plain["stages"]] if isinstance(plain["stages"], str) else plain["stages"]
    asked = [stage for stage in stages if stage in ("predict", "compress")]
    if asked and getattr(signature.resolve(plain["task"]["_target_"]), "episodic", False):
        return (
            f"stages=[{','.join(stages)}]: {asked[0]} needs classes that stay the same; those of "
            "an episode are others in the next"
        )
    return None

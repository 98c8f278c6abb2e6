"""Chains of compression that cannot be what is meant."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from seedbed import signature
from seedbed.nearest import nearest
from seedbed.option import described, options


def steps(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return the class of every step, by name, in the order of the command."""
    chosen = {name: node for name, node in plain["compress"].items() if node}
    return {name: signature.resolve(node["_target_"]) for name, node in chosen.items()}


def staged(plain: Mapping[str, Any]) -> bool:
    """Return whether the run compresses."""
    stages = plain["stages"]
    return "compress" in ([stages] if isinstance(stages, str) else stages)


def steps_without_stage(plain: Mapping[str, Any]) -> str | None:
    """Steps of compression, and no stage that makes them."""
    chosen = ",".join(steps(plain))
    if not chosen or staged(plain) or plain["run"]:
        return None
    return (
        f"compress=[{chosen}]: stages does not include compress; say 'stages=[fit,test,compress]'"
    )


def integers_first(plain: Mapping[str, Any]) -> str | None:
    """A step after one that ends in integers, which nothing can train or shrink."""
    chosen = steps(plain)
    ends = [name for name, step in chosen.items() if getattr(step, "integer", False)]
    if ends and list(chosen)[-1] != ends[0]:
        later = list(chosen)[list(chosen).index(ends[0]) + 1]
        return (
            f"compress=[{','.join(chosen)}]: {ends[0]} ends in integers, {later} needs floats; "
            f"write {ends[0]} last"
        )
    return None


def missing_extra(plain: Mapping[str, Any]) -> str | None:
    """A step whose library is not installed: said before anything is trained."""
    for name, step in steps(plain).items() if staged(plain) else ():
        missing = [module for module in getattr(step, "needs", ()) if find_spec(module) is None]
        if missing:
            return f"compress={name} needs {', '.join(missing)}: pip install 'seedbed[compress]'"
    return None


def student_of_no_kind(plain: Mapping[str, Any]) -> str | None:
    """A student that is no model, or whose settings are not that model's."""
    node = plain["compress"].get("distill") or {}
    option = node.get("student")
    if option is None:
        return None
    known = options("model")
    if option not in known:
        return f"compress.distill.student={option}: no such model; {nearest(option, known)}"
    settings = node.get("settings") or {}
    given = described("model", option, settings)
    if getattr(signature.resolve(given["_target_"]), "whole", False):
        return (
            f"compress.distill.student={option}: trained already; a model that learns is expected"
        )
    offered = ("shape", "outputs", "spec", "load")
    if ours := sorted(set(settings) & set(offered)):
        return f"compress.distill.settings.{ours[0]}: seedbed sets it itself"
    return next(signature.misfits("compress.distill.settings", given, "model", offered), None)


def trained_elsewhere(plain: Mapping[str, Any]) -> str | None:
    """A model that is made of finished ones."""
    if staged(plain) and getattr(signature.resolve(plain["model"]["_target_"]), "whole", False):
        name = plain["model"]["_target_"].split(".")[-2]
        return f"model={name}: has nothing of its own to compress; name its run with run=<folder>"
    return None

"""Learning rates and weight decay by rules on the names and types of what is trained."""

import re
from collections.abc import Sequence
from math import inf
from typing import Any

from torch import nn

KEYS = ("match", "type", "lr", "weight_decay", "name")


def slip(rule: dict[str, Any]) -> str | None:
    """Return what is wrong with a rule, None if nothing is."""
    unknown = sorted(map(str, rule.keys() - set(KEYS)))
    if unknown:
        return f"there is no key {', '.join(unknown)}; a rule has {', '.join(KEYS)}"
    if not rule.keys() & {"match", "type"}:
        return "match (a regular expression on names) or type (of a module) is needed"
    for key in rule.keys() & {"match", "type", "name"}:
        if not isinstance(rule[key], str) or not rule[key]:
            return f"{key} must be text, got {rule[key]!r}"
    for key in rule.keys() & {"lr", "weight_decay"}:
        number = isinstance(rule[key], int | float) and not isinstance(rule[key], bool)
        if not number or not 0 <= rule[key] < inf:
            return f"{key} must lie in [0, inf), got {rule[key]}"
    try:
        re.compile(rule.get("match", ""))
    except re.error as error:
        return f"match={rule['match']} is no regular expression ({error})"
    return None


def described(model: nn.Module) -> dict[nn.Parameter, tuple[list[str], set[str]]]:
    """Return the names of every parameter, several if it is shared, and the types it lies in."""
    types = {
        path: {kind.__name__ for kind in type(module).__mro__} - {"Module", "object"}
        for path, module in model.named_modules(remove_duplicate=False)
    }
    found: dict[nn.Parameter, tuple[list[str], set[str]]] = {}
    for name, p in model.named_parameters(remove_duplicate=False):
        names, kinds = found.setdefault(p, ([], set()))
        names.append(name)
        pieces = name.split(".")[:-1]
        for cut in range(len(pieces) + 1):
            kinds |= types[".".join(pieces[:cut])]
    return found


class Rules:
    """Gives parts of the model learning rates and weight decay of their own.

    The first rule that fits a parameter decides; what none fits goes to the group `rest`, with
    the optimizer's own values.

    Args:
        rules: each a mapping with `match`, a regular expression searched in the parameter's
            name (`model.head.weight`), or `type`, the type name of a module that it lies in or
            of a base of it (`Conv2d`, `_BatchNorm`), or both, which must then both fit; and
            what it sets: `lr`, a multiplier >= 0 of the optimizer's rate, `weight_decay`, a
            value >= 0, and the group's `name`, `rule_1` and so on by default.

    Raises:
        ValueError: a rule that cannot be meant; when called, one that decides nothing.
    """

    def __init__(self, rules: Sequence[dict[str, Any]] = ()) -> None:
        self.rules = [{"name": f"rule_{k}"} | dict(rule) for k, rule in enumerate(rules, 1)]
        for k, rule in enumerate(self.rules, 1):
            if problem := slip(rule):
                raise ValueError(f"rule {k}: {problem}")
        names = ["rest", *(rule["name"] for rule in self.rules)]
        for name in names:
            if names.count(name) > 1:
                raise ValueError(f"two groups are called {name!r}; give a rule another name")

    def __call__(self, model: nn.Module) -> list[dict[str, Any]]:
        """Return a group for every rule, in their order, and `rest` last if it is not empty."""
        groups: list[dict[str, Any]] = [self.group(rule) for rule in self.rules]
        rest: dict[str, Any] = {"name": "rest", "params": []}
        everything = described(model)
        for p, (names, kinds) in everything.items():
            fitting = (k for k, r in enumerate(self.rules) if self.fits(r, names, kinds))
            chosen = next(fitting, None)
            (rest if chosen is None else groups[chosen])["params"].append(p)
        for k, (rule, group) in enumerate(zip(self.rules, groups, strict=True), 1):
            if not group["params"]:
                taken = any(self.fits(rule, *each) for each in everything.values())
                said = " ".join(f"{key}={rule[key]}" for key in ("match", "type") if key in rule)
                why = "only what earlier rules took" if taken else "no parameter"
                some = ", ".join(names[0] for names, _ in list(everything.values())[:3])
                raise ValueError(f"rule {k} ({said}) fits {why}; names are like {some}")
        return [*groups, *([rest] if rest["params"] else [])]

    @staticmethod
    def fits(rule: dict[str, Any], names: list[str], kinds: set[str]) -> bool:
        """Return whether a rule fits a parameter of these names in modules of these types."""
        named = "match" not in rule or any(re.search(rule["match"], name) for name in names)
        return named and ("type" not in rule or rule["type"] in kinds)

    @staticmethod
    def group(rule: dict[str, Any]) -> dict[str, Any]:
        """Return the empty group of a rule."""
        group: dict[str, Any] = {"name": rule["name"], "params": []}
        if "lr" in rule:
            group["lr_multiplier"] = float(rule["lr"])
        if "weight_decay" in rule:
            group["weight_decay"] = float(rule["weight_decay"])
        return group

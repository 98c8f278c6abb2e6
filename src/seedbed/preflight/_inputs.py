"""What the inputs are like: finite, scaled, varying, alike in all splits."""

from typing import Any

import torch
from torch import Tensor

from seedbed.preflight._double import single
from seedbed.preflight._supply import Supply
from seedbed.types import HIDDEN, Batch

ROWS = 2_000  # examples of a split whose numbers are looked at
SPLITS = ("train", "val", "test")
SURE = 6.0  # standard errors of a gap between the means of a feature


def finite(supply: Supply) -> dict[str, Any]:
    """Return the facts of `non_finite_input`: all examples in memory, or some of those in files."""
    bad: dict[str, int] = {}
    looked: dict[str, int] = {}
    first = ""
    for split in SPLITS:
        x: Any = supply.data.splits[split].x
        whole = isinstance(x, Tensor)
        places = torch.arange(len(x)) if whole else supply.places(split, ROWS)
        rows = x if whole else supply.at(split, places).x
        looked[split] = len(places)
        if not rows.is_floating_point():
            bad[split] = 0
            continue
        ill = ~torch.isfinite(rows).flatten(1).all(1)
        bad[split] = int(ill.sum())
        if bad[split] and not first:
            at = int(ill.nonzero()[0])
            cell = int((~torch.isfinite(rows[at].flatten())).nonzero()[0])
            first = f"{split} example {int(places[at])}, number {cell}"
    return {"non_finite": bad, "looked_at": looked, "non_finite_at": first}


def seen(supply: Supply, scaling: Any, split: str) -> Batch:
    """Return examples of a split as the net sees them, `(n, ...)` on the CPU."""
    batch = single(supply.rows(split, ROWS))
    module = scaling.cpu() if isinstance(scaling, torch.nn.Module) else scaling
    with torch.no_grad():
        x = module(batch.x)
    return batch._replace(x=x.double() if x.is_floating_point() else x.float())


def sound(batch: Batch) -> Batch:
    """Return the examples whose numbers are all finite."""
    return batch.at(torch.isfinite(batch.x.flatten(1)).all(1))


def ranges(x: Tensor) -> dict[str, float]:
    """Return the facts of `unnormalised` from what the net sees."""
    sizes = x.abs().flatten()
    some = sizes[:: max(1, len(sizes) // 1_000_000)]
    return {
        "mean": float(x.mean()),
        "std": float(x.std(correction=0)),
        "large": float(some.kthvalue(max(1, round(0.999 * len(some)))).values),
        "most": float(sizes.max()),
    }


def constants(train: Tensor, val: Tensor) -> dict[str, Any]:
    """Return the facts of `constant_features`."""
    still = (train == train[:1]).flatten(1).all(0)
    woken = still & ~(val == train[:1]).flatten(1).all(0)
    return {"features": still.numel(), "constant": int(still.sum()), "woken": int(woken.sum())}


def alike(train: Tensor, val: Tensor) -> dict[str, float]:
    """Return the fact `split` of `split_mismatch`, from what the net sees of both."""
    spread = float(train.std(correction=0))
    gap = abs(float(val.mean()) - float(train.mean()))
    a, b = train.flatten(1), val.flatten(1)
    both = torch.cat([a, b]).std(0, correction=0)  # a rare value makes one split's alone too small
    apart = (a.mean(0) - b.mean(0)).abs()
    error = both * (1 / len(a) + 1 / len(b)) ** 0.5
    varies = both > 0
    gaps = torch.where(varies & (apart > SURE * error), apart / both.clamp(min=1e-300), 0)
    return {
        "gap": gap / spread if spread else float(gap > 0) * 1e9,
        "ratio": float(val.std(correction=0)) / spread if spread else 1.0,
        "features_apart": float((gaps > 0.5).sum() / varies.sum().clamp(min=1)),
        "worst": float(gaps.max()),
        "n": len(b),
    }


def label_gap(train: Tensor, val: Tensor, classes: int) -> float:
    """Return the total variation between the shares of the classes in two splits."""
    shares = [y[y >= 0].bincount(minlength=classes).double() for y in (train, val)]
    one, other = (share / share.sum().clamp(min=1) for share in shares)
    return float((one - other).abs().sum() / 2)


def same_domains(train: Batch, val: Batch) -> Batch:
    """Return the training examples of the domains that validation has, too."""
    if train.domain is None or val.domain is None:
        return train
    return train.at(torch.isin(train.domain, val.domain))


def facts(supply: Supply, scaling: Any) -> dict[str, Any]:
    """Return all facts about the range of the inputs and the likeness of the splits."""
    train, val = (sound(seen(supply, scaling, split)) for split in ("train", "val"))
    found: dict[str, Any] = {"seen": ranges(train.x), **constants(train.x, val.x)}
    spec, reason = supply.spec, ""
    labelled = spec.kind == "class"
    if spec.kind == "class":
        known = [set(supply.targets(s).unique().tolist()) - {HIDDEN} for s in ("train", "val")]
        if known[1] - known[0] and supply.new_classes():
            reason = "training and validation have other classes by design"
    if reason:
        return found | {"unmeasured": {"split_mismatch": reason}}
    like = same_domains(train, val)
    if not len(like.y):
        return found | {"unmeasured": {"split_mismatch": "validation has domains of its own"}}
    found["split"] = alike(like.x, val.x)
    if labelled and not spec.domains:
        y = [supply.targets(split) for split in ("train", "val")]
        found["label_gap"] = label_gap(y[0], y[1], len(spec.classes))
    return found

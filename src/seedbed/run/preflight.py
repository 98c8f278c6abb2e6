"""The stage `preflight`: look at data, net and first steps before anything is trained."""

import json
import math
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from lightning import Trainer
from tqdm import tqdm

from seedbed import atomic
from seedbed.callback.gradient_clip import GradientClip, clip_norm, clip_value
from seedbed.config import Config, as_plain
from seedbed.data._loader import Order
from seedbed.doctor import Finding
from seedbed.preflight import pictures, table
from seedbed.preflight._double import untouched
from seedbed.preflight._train import Clip
from seedbed.preflight.check import Bench, Checked, check
from seedbed.run import remedy
from seedbed.run.build import Parts
from seedbed.run.folder import Unsound
from seedbed.run.progress import interactive
from seedbed.types import Clock, Data


def preflight(cfg: Config, parts: Parts) -> Checked | None:
    """Measure, judge, write `preflight/`, and print the table; nothing of the run is changed.

    The first process measures; the others, if they are there already, wait for it where the
    training begins.

    Args:
        cfg: the run's.
        parts: its data, task and trainer.

    Raises:
        Unsound: something failed, and `preflight.strict` asks to stop then.
    """
    trainer = parts.trainer
    if not trainer.is_global_zero:
        return None
    bench = Bench(
        parts.task,
        parts.data,
        trainer.strategy.root_device,
        clock(trainer, parts.data),
        clip_of(trainer),
        as_plain(cfg),
    )
    with showing(bool(cfg.trainer.get("enable_progress_bar", True))) as tell:
        result = check(bench, tell)
    result.findings = [allowed(finding, parts.out) for finding in result.findings]
    write(bench, result, parts.out / "preflight")
    width = shutil.get_terminal_size((100, 24)).columns
    print(table.text(result.findings, result.seconds, width), flush=True)  # noqa: T201
    failed = [finding.symptom for finding in result.findings if finding.level == "fail"]
    if failed and cfg.preflight.strict:
        raise Unsound(f"preflight: {', '.join(failed)}; nothing was trained")
    return result


def allowed(finding: Finding, out: Path) -> Finding:
    """Return a finding with those remedies that the gate lets through for this run."""
    if not finding.ill or not remedy.GATES:
        return finding
    kept = tuple(words for words in finding.remedies if remedy.command(out, words))
    return replace(finding, remedies=kept)


def clock(trainer: Trainer, data: Data) -> Clock:
    """Return the length of the training, as far as it is known before it."""
    size: Any = getattr(data, "batch_size", None)
    spec = data.spec
    n = len(data.splits["train"].y)
    if spec.episode:
        n = getattr(data, "numbers", {}).get("train", n)
    batches = n if size is None else len(Order(n, n if size == "full" else size, seed=None))
    batches = max(1, -(-batches // trainer.world_size))
    most: Any = trainer.limit_train_batches
    if isinstance(most, int):
        batches = min(batches, most)
    elif isinstance(most, float):
        batches = max(1, int(batches * most))
    per_epoch = max(1, math.ceil(batches / trainer.accumulate_grad_batches))
    epochs, steps = trainer.max_epochs, trainer.max_steps
    total = epochs * per_epoch if epochs is not None and epochs > 0 else math.inf
    return Clock(0, min(total, steps) if steps > 0 else total, per_epoch)


def clip_of(trainer: Trainer) -> Clip | None:
    """Return what cuts the gradients of a training, None if nothing does."""
    for each in trainer.callbacks:  # pyright: ignore[reportAttributeAccessIssue]
        if isinstance(each, GradientClip):
            cut: Callable[..., Any] = clip_norm if each.by == "norm" else clip_value
            threshold = each.threshold
            return lambda gradients: cut(gradients, threshold)
    return None


class showing:  # noqa: N801 -- a context, used like a function
    """Shows which measurement goes on: a bar that vanishes, or a line each.

    Args:
        on: whether to show anything.
    """

    def __init__(self, on: bool) -> None:
        self.on = on
        self.bar: tqdm[Any] | None = None

    def __enter__(self) -> Callable[[int, int, str, float], None] | None:
        return self.tell if self.on else None

    def tell(self, at: int, every: int, name: str, seconds: float) -> None:
        """Say that measurement `at` of `every` begins, or that all are made."""
        if not interactive():
            if name:
                print(f"preflight {at + 1}/{every}  {name}", flush=True)  # noqa: T201
            return
        if self.bar is None:
            form = "{desc} |{bar:10}| {n_fmt}/{total_fmt}  {elapsed}"
            self.bar = tqdm(
                total=every, file=sys.stdout, leave=False, dynamic_ncols=True, bar_format=form
            )
        self.bar.n = at
        self.bar.set_description_str(f"preflight: {name}")

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.close()


def write(bench: Bench, result: Checked, folder: Path) -> None:
    """Write the table, the facts and the pictures."""
    with atomic.naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    atomic.write(folder / "table.md", table.markdown(result.findings, result.seconds))
    facts = dict(result.case.facts)
    with untouched():
        failed = pictures.draw(bench, facts, folder)
    facts["unmeasured"] = facts["unmeasured"] | ({"pictures": "; ".join(failed)} if failed else {})
    content = {
        "seconds": round(result.seconds, 2),
        "findings": [asdict(finding) for finding in result.findings],
        "facts": facts,
    }
    atomic.write(folder / "preflight.json", json.dumps(plain(content), indent=2) + "\n")


def plain(value: Any) -> Any:
    """Return plain data in which numbers that JSON does not know are null."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool | None) else str(value)

"""What a run says at its end: the numbers, where they lie, and how to go on."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from seedbed.config import Config
from seedbed.report.number import number
from seedbed.run.project import again


def text(out: Path, cfg: Config, metrics: Mapping[str, float]) -> str:
    """Return the summary of one run."""
    names = shown(metrics, cfg.show)
    width = max([14, *(len(name) + 2 for name in names)])
    lines = ["", *(f"{name:<{width}}{number(metrics[name])}" for name in names)]
    if "fit" in cfg.stages and "best/epoch" in metrics:
        best = metrics.get(cfg.monitor.name)
        why = "" if best is None else f"  ({cfg.monitor.name} {best:.4f})"
        lines.append(f"{'best epoch':<{width}}{metrics['best/epoch']:.0f}{why}")
    lines.append("")
    lines.append(f"{'run folder':<{width}}{out}")
    folder = shlex.quote(str(out))
    if "report" in cfg.stages:
        lines.append(f"{'report':<{width}}{out / 'report.html'}")
    if "compress" in cfg.stages:
        lines.append(f"{'compressed':<{width}}{out / 'compress'}")
    if "predict" in cfg.stages:
        lines.append(f"{'predictions':<{width}}{out / 'predictions.csv'}")
    if cfg.logger.get("tensorboard") and "fit" in cfg.stages:
        lines.append(f"{'TensorBoard':<{width}}tensorboard --logdir {folder}")
    if cfg.checkpoint and "fit" in cfg.stages:
        lines.append(f"{'test again':<{width}}python train.py run={folder} stages=test{again()}")
    return "\n".join(lines)


def shown(metrics: Mapping[str, float], asked: Sequence[str] | None = None) -> list[str]:
    """Return the names that were asked for, else those of the test, validation or training."""
    if asked:
        return [name for name in asked if name in metrics]
    for split in ("test/", "val/", "train/"):
        names = sorted(
            (n for n in metrics if n.startswith(split)), key=lambda n: (n.endswith("/loss"), n)
        )
        if names:
            return names
    return []

"""The stages that only read what a run has written, for which torch is not imported."""

from collections.abc import Callable, Mapping
from pathlib import Path

from seedbed.config import Config
from seedbed.report import page
from seedbed.run import diagnose
from seedbed.run.folder import read_json, write_json


def report(source: Path, out: Path, metrics: Mapping[str, float]) -> None:
    """Write `report.html` of the run in `source` to `out`.

    Args:
        source: the run's folder.
        out: where to write.
        metrics: what was measured since the run wrote its own.
    """
    page.write(source, out, read_json(source / "metrics.json") | dict(metrics))


def judge(source: Path, out: Path, metrics: Mapping[str, float]) -> None:
    """Write `diagnosis.json` of the run in `source` to `out`, and say what it says."""
    diagnose.of_run(source, out)


STAGES: dict[str, Callable[[Path, Path, Mapping[str, float]], None]] = {
    "diagnose": judge,
    "report": report,
}


def run(cfg: Config) -> dict[str, float]:
    """Run stages that only read, and return no metrics: none is measured."""
    assert cfg.run is not None
    assert cfg.out is not None
    for name in cfg.stages:
        STAGES[name](Path(cfg.run), Path(cfg.out), {})
    write_json(Path(cfg.out, "metrics.json"), {})
    return {}

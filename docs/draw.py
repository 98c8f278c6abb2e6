"""Draws docs/pictures from the options themselves.  `make docs`."""

from pathlib import Path

import draw_digits
import draw_inits
import draw_losses
import draw_paths
import draw_schedules
import ink

HOME = Path(__file__).parent / "pictures"


def pictures() -> dict[Path, str]:
    """Return every picture as it should be, by its file."""
    groups = {
        "augment": draw_digits.augments(),
        "init": draw_inits.pictures(),
        "loss": draw_losses.losses(),
        "model": {"activation": draw_losses.activations()},
        "optimizer": draw_paths.pictures(),
        "regularizer": draw_losses.penalties() | draw_digits.mixtures(),
        "scheduler": draw_schedules.pictures(),
    }
    return {
        HOME / group / f"{name}.svg": svg
        for group, drawn in groups.items()
        for name, svg in drawn.items()
    }


def of(group: str) -> list[Path]:
    """Return the pictures of a group that are there."""
    return sorted((HOME / group).glob("*.svg"))


def stale(wanted: dict[Path, str]) -> list[Path]:
    """Return the files that are missing, not as they are `wanted`, or too many."""
    there = {p for p in HOME.rglob("*.svg") if p.parent.name != "experiment"}  # those: make demos
    kept = {p for p in there & wanted.keys() if ink.same(p.read_text(), wanted[p])}
    return sorted((there | wanted.keys()) - kept)


def refresh(wanted: dict[Path, str]) -> None:
    """Write what is stale, and remove what is too many; leave what shows the same already."""
    for path in stale(wanted):
        if path in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[path])
        else:
            path.unlink()


if __name__ == "__main__":
    refresh(pictures())

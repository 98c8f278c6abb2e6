"""A finished run, trained again from its folder, and every number held against the first."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

from seedbed.checkpoint._file import read_checkpoint
from seedbed.config import Config
from seedbed.logger.csv import read_rows
from seedbed.run.changes import of_data
from seedbed.run.environment import differing
from seedbed.run.folder import Differs, newest, read_config, read_json, write_json
from seedbed.types import Spec

SHOWN, KEPT = 5, 1_000  # differences that are printed, and written down
STAGES = ("fit", "test")  # that measure
FREE = {"run", "out", "stages", "strict", "name", "show"}  # in which parts of a run may differ


@dataclass(frozen=True)
class Difference:
    """A number that is another now."""

    where: str  # metrics.json, or the row of history.csv
    name: str
    then: Any
    now: Any

    def __str__(self) -> str:
        then, now = ("undefined" if each is None else each for each in (self.then, self.now))
        return f"{self.where}, {self.name}: {then} then, {now} now"


def again(cfg: Config, out: Path) -> Config:
    """Return the config of a run that trains `cfg.run` once more, from nothing, into `out`."""
    assert cfg.run is not None
    saved = read_config(newest(Path(cfg.run)))["stages"]
    asked = [saved] if isinstance(saved, str) else saved
    stages = [stage for stage in STAGES if stage in asked]
    return replace(cfg, run=None, out=str(out), stages=stages)


def compare(run: Path, out: Path, spec: Spec) -> str:
    """Hold the numbers of a run that was trained again against the first; write and say the result.

    Args:
        run: the folder of the first.
        out: that of the second; `reproduction.json` goes there.
        spec: what the data knows now.

    Raises:
        Differs: they are not equal to the last digit.
    """
    numbers = [read_json(folder / "metrics.json") for folder in (run, out)]
    tables = [read_rows(folder / "history.csv") for folder in (run, out)]
    found = [*in_metrics(*numbers), *in_rows(*tables)]
    causes = [*parts(run), *data(run, spec), *differing(surroundings(run), surroundings(out))]
    causes = list(dict.fromkeys(causes))
    result = {
        "run": str(run),
        "reproduced": not found,
        "metrics": len(numbers[0]),
        "rows": len(tables[0]),
        "different": len(found),
        "differences": [asdict(each) for each in found[:KEPT]],
        "environment": causes,
    }
    write_json(out / "reproduction.json", result)
    counted = f"{count(len(numbers[0]), 'metric')} and {count(len(tables[0]), 'row')}"
    if found:
        raise Differs(report(found, causes, f"{counted} of {run}"))
    return f"reproduced: {counted} equal to the last digit"


def report(found: list[Difference], causes: list[str], what: str) -> str:
    """Return the differences a line each, and below them what may have caused them."""
    more = [f"and {count(len(found) - SHOWN, 'number')} more"] if len(found) > SHOWN else []
    why = [f"not as it was: {cause}" for cause in causes]
    unknown = ["nothing else is known to differ"] if not causes else []
    head = f"not reproduced: {count(len(found), 'number')} differ in {what}"
    return "\n".join([head, *map(str, found[:SHOWN]), *more, *why, *unknown])


def in_metrics(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Difference]:
    """Yield the metrics that differ; what was measured only once does, too."""
    for name in sorted({*then, *now}):
        before, here = then.get(name, "nothing"), now.get(name, "nothing")
        if before != here:
            yield Difference("metrics.json", name, before, here)


def in_rows(then: list[dict[str, str]], now: list[dict[str, str]]) -> Iterator[Difference]:
    """Yield the cells that differ, row by row; a row that is missing is one difference."""
    for place, (before, here) in enumerate(zip_longest(then, now)):
        if before is None or here is None:
            rows = ["no row" if row is None else "a row" for row in (before, here)]
            yield Difference("history.csv", f"row {place + 1}", *rows)
            continue
        for name in dict.fromkeys([*before, *here]):
            cells = before.get(name, ""), here.get(name, "")
            if cells[0] != cells[1]:
                values = (cell or "nothing" for cell in cells)
                yield Difference(f"history.csv, step {before['step']}", name, *values)


def data(run: Path, now: Spec) -> Iterator[str]:
    """Yield how the data differs from what a run saw, as far as its checkpoints can be read."""
    for name in ("last", "best"):
        try:
            then = read_checkpoint(run / f"checkpoints/{name}.ckpt").get("spec", {})
        except (OSError, ValueError):
            continue
        yield from (f"the data: {each}" for each in of_data(then, now))
        return


def parts(run: Path) -> Iterator[str]:
    """Yield in what the parts differ in which a run was trained."""
    later = sorted(file.parent for file in (run / "reruns").glob("*/config.yaml"))
    configs = [(folder, read_config(folder)) for folder in [run, *later]]
    trained = [(folder, cfg) for folder, cfg in configs if folder == run or "fit" in cfg["stages"]]
    asked = [{k: v for k, v in cfg.items() if k not in FREE} for _, cfg in trained]
    if any(each != asked[0] for each in asked):
        yield f"{run} was trained in {len(asked)} parts with other settings, now as the last asks"
    first = surroundings(run)
    for folder, _ in trained[1:]:
        yield from (f"{each}, within that run" for each in differing(first, surroundings(folder)))


def surroundings(folder: Path) -> dict[str, Any]:
    """Return what is known of the environment of a run, with the changes to its code."""
    known = read_json(folder / "environment.json")
    files = {path.name: path.read_text() for path in folder.glob("*.diff")}
    own = {"seedbed": known["seedbed"] | files} if known.get("seedbed") else {}
    return known | files | own


def count(number: int, thing: str) -> str:
    """Return a number of things in words."""
    return f"{number} {thing}{'' if number == 1 else 's'}"

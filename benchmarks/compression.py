"""What compression costs and gives, by the command line itself, held against its bars.

`python benchmarks/compression.py` trains a ResNet of 696k parameters on Fashion-MNIST (on digits
where that is not installed), then

- `int8`: `compress=static`; at most .2 points lost, .3 of the size, twice as fast at 1 and 64;
- `small`: `compress=[structured,distill,static]`; at most 1 point lost, .1 of the size, four times
  as fast at batch 64;
- `obd`: LeNet-300-100 with 95 % zeros in 10 steps, by obd and by magnitude, several seeds;
- `distill`: a student that learns from 2,000 examples, with a teacher and without, several seeds.

Every number is of the test split and of ONNX files as ONNX Runtime runs them on one thread.  Runs
stay in `--folder`; what lies there already is not trained again.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from seedbed.data.fashion_mnist import DEBIAN

SCRIPT = Path(__file__).parents[1] / "train.py"
DATA = "fashion_mnist" if DEBIAN.is_dir() else "digits"
QUIET = ["trainer.enable_progress_bar=false", "trainer=cpu", "num_threads=1", "logger=[]"]
BASE = [f"data={DATA}", "data.batch_size=128", "trainer.max_epochs=4"]
BASE += ["model=resnet", "model.channels=[32,64,128]"]
LENET = [f"data={DATA}", "model=mlp", "model.widths=[300,100]", "trainer.max_epochs=10"]
TRANSFER = 2000  # examples
STUDENT = {"channels": "[8,16]", "hidden": "32"}


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def call(*words: str) -> None:
    """Run a command of this house."""
    subprocess.run([sys.executable, str(SCRIPT), *words], check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def fitted(out: Path, *words: str) -> Path:
    """Return a run, trained if it does not lie there already."""
    if not (out / "checkpoints/best.ckpt").is_file():
        call(*words, *QUIET, f"out={out}", "stages=[fit,test]")
    return out


def compressed(run: Path, *words: str) -> dict[str, dict[str, Any]]:
    """Return the rows of a compression of a run, by name."""
    call(f"run={run}", "stages=compress", *words)
    newest = max((run / "reruns").glob("*/compress/table.json"), key=lambda p: p.stat().st_mtime)
    return {row["name"]: row for row in json.loads(newest.read_text())["rows"]}


def verdict(what: str, value: float, bar: float, *, most: bool) -> str:
    """Return a number beside its bar, and by how much it is missed."""
    met = value <= bar if most else value >= bar
    missed = "" if met else f", MISSED by {abs(value - bar):.2f}"
    return f"  {what:34} {value:7.2f}  (bar: {'at most' if most else 'at least'} {bar:g}{missed})"


def held(rows: dict[str, dict[str, Any]], last: str, bars: dict[str, float]) -> None:
    """Print every model of a chain, and the last one against its bars."""
    for name, row in rows.items():
        gained = f"{row['gained'] or 0:+.2f} ± {row['error']:.2f}"
        times = "  ".join(f"batch {n}: {times:.1f}×" for n, times in row["speed_up"].items())
        say(f"  {name:24} {row['points']:.2f}  {gained:15} {row['bytes'] / 1e3:6.0f} kB  {times}")
    if last not in rows or rows[last]["stopped"]:
        say(f"  MISSED: the chain ended before {last}")
        return
    row, dense = rows[last], rows["dense"]
    say(verdict("points lost", dense["points"] - row["points"], bars["lost"], most=True))
    say(verdict("size, of dense", row["bytes"] / dense["bytes"], bars["size"], most=True))
    for size in bars.keys() - {"lost", "size"}:
        say(verdict(f"times faster at batch {size}", row["speed_up"][size], bars[size], most=False))


def int8(folder: Path, seeds: int) -> None:
    """Integers without training."""
    say("int8: compress=static")
    rows = compressed(fitted(folder / "base", *BASE), "compress=static")
    held(rows, "static", {"lost": 0.2, "size": 0.3, "1": 2, "64": 2})


def small(folder: Path, seeds: int) -> None:
    """Half of the channels, distillation, integers."""
    say("small: compress=[structured,distill,static]")
    base = fitted(folder / "base", *BASE)
    epochs = ["compress.structured.epochs=3", "compress.distill.epochs=4"]
    rows = compressed(base, "compress=[structured,distill,static]", *epochs)
    held(rows, "static", {"lost": 1, "size": 0.1, "64": 4})


def obd(folder: Path, seeds: int) -> None:
    """Curvature beside size."""
    say("obd: 95 % zeros in 10 steps, an epoch of fine-tuning at a tenth of the rate after each")
    found: dict[str, list[float]] = {"dense": [], "magnitude": [], "obd": []}
    for seed in range(seeds):
        run = fitted(folder / f"lenet-{seed}", *LENET, f"seed={seed}")
        for way in ("magnitude", "obd"):
            words = ["sparsity=0.95", "steps=10", "epochs=1", "rate=0.1", "max_drop=100"]
            asked = (f"compress.{way}.{word}" for word in words)
            rows = compressed(run, f"compress={way}", "controls=false", *asked)
            found[way].append(rows[way]["points"])
        found["dense"].append(rows["dense"]["points"])
        say("  " + "  ".join(f"{way} {each[-1]:.2f}" for way, each in found.items()))
    say(ahead("obd - magnitude", found["obd"], found["magnitude"]))


def distill(folder: Path, seeds: int) -> None:
    """A student with a teacher and without."""
    say(f"distill: a student of {TRANSFER} examples, and a teacher that has seen all")
    teacher = fitted(folder / "base", *BASE)
    share = f"data.fraction={TRANSFER / sizes(teacher):.6f}"
    model = [f"model.{key}={value}" for key, value in STUDENT.items()]
    student = [f"compress.distill.settings.{key}={value}" for key, value in STUDENT.items()]
    words = [f"data={DATA}", share, *model, "trainer.max_epochs=40", "callback=[gradient_clip]"]
    found: dict[str, list[float]] = {"plain": [], "distilled": []}
    for seed in range(seeds):
        run = fitted(folder / f"student-{seed}", *words, f"seed={seed}")
        asked = [f"compress.distill.teacher={teacher}", "compress.distill.student=cnn", *student]
        asked += ["compress.distill.epochs=40", "compress.distill.max_drop=100"]
        rows = compressed(run, "compress=distill", *asked)
        found["plain"].append(rows["dense"]["points"])
        found["distilled"].append(rows["distill"]["points"])
        say("  " + "  ".join(f"{way} {each[-1]:.2f}" for way, each in found.items()))
    say(ahead("distilled - plain", found["distilled"], found["plain"]))


def sizes(run: Path) -> int:
    """Return the training examples of a run."""
    import seedbed

    return seedbed.load(run).spec.sizes[0]


def ahead(what: str, ours: list[float], theirs: list[float]) -> str:
    """Return the mean of paired differences against its standard error."""
    gained = [a - b for a, b in zip(ours, theirs, strict=True)]
    error = stdev(gained) / len(gained) ** 0.5 if len(gained) > 1 else float("nan")
    missed = "" if fmean(gained) > error else ", MISSED"
    return f"  {what}: {fmean(gained):+.2f} ± {error:.2f} points (bar: above its error{missed})"


PARTS = {"int8": int8, "small": small, "obd": obd, "distill": distill}


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", default=[*PARTS], help=", ".join(PARTS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the runs stay; default: nowhere")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = (asked.folder or Path(place)).resolve()
        for part in asked.parts:
            PARTS[part](folder, asked.seeds)


if __name__ == "__main__":
    main()

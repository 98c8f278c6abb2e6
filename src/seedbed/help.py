"""What `--help` prints: every group and option with its one line, read as text, without imports."""

import re
from collections.abc import Iterator
from pathlib import Path

from seedbed.option import CONFIGS, options

PACKAGE = Path(__file__).parent
SWEEPING = {  # what only a sweep has, and where it lies
    "sweep": ("What finds the jobs of a sweep; left out: every combination.", "search/optuna.py"),
    "hydra/launcher": ("Who starts the jobs of a sweep.", "launcher/*.py"),
}
WIRING = {
    "target_scaling": "Real-valued targets into a range that trains well, and predictions back.",
    "trainer": "Devices, processes and the length of training.",
    "debug": "Short runs that find bugs; nothing is logged to disk.",
    "experiment": "Whole configurations with a command and an expected result.",
}

HEAD = """\
Train a model: python train.py [group=option] [key=value] ...

  python train.py                                          the default run, under a minute
  python train.py optimizer=sgd optimizer.lr=0.05          another option, another value
  python train.py stages=preflight                         look at the data and the first steps
  python train.py 'callback=[ema]'                         replace a list
  python train.py +regularizer=l1 '~callback.ema'          add to a list, remove from it
  python train.py -m optimizer=sgd,adam seed=0,1           every combination
  python train.py -m sweep=optuna 'optimizer.lr=tag(log,interval(1e-4,1e-1))'   a search
  python train.py run=logs/default/<id> stages=test        test a finished run again
  python train.py run=logs/default/<id> stages=reproduce   train it again: the same numbers?
  python train.py run=logs/default/<id> stages=compress compress=static   int8, for a device
  python train.py stages=report report.of=logs             list all runs and sweeps
  python train.py trainer=ddp_cpu trainer.devices=2        two processes
  python train.py debug=fast                               does it run?
  python train.py --cfg job                                print the config and stop
"""

TAIL = """\
Keys that no group owns: stages, monitor.name, monitor.mode, show, name, seed, num_threads, compile,
channels_last, run, strict, preflight.strict, report.of, report.to, out, source.run, source.by,
predict.path, controls, timeout, trust (packages of your own).
Arguments of an option are those of its class: docs/techniques.md.
"""


def page() -> str:
    """Return the whole of `--help`."""
    blocks = []
    for group in groups():
        lines = [f"{group}: {about_group(group)}"]
        lines += [f"  {option:18} {about(group, option)}" for option in options(group)]
        blocks.append("\n".join(lines))
    for name, (line, files) in SWEEPING.items():
        found = sorted((PACKAGE / "sweep").glob(files))
        known = [f"  {f.stem:18} {docstring(f)}" for f in found if not f.stem.startswith("_")]
        blocks.append("\n".join([f"{name}: {line}", *known]))
    return "\n".join([HEAD, "\n\n".join(blocks), "", TAIL])


def table() -> str:
    """Return the groups and their options in Markdown, what runs by default in bold."""
    lines = ["| group | what it is | options |", "|---|---|---|"]
    for group, chosen in defaults().items():
        names = [f"**{name}**" if name in chosen else name for name in options(group)]
        lines.append(f"| `{group}` | {about_group(group)} | {', '.join(names)} |")
    return "\n".join(lines)


def groups() -> list[str]:
    """Return the config groups in the order of configs/train.yaml."""
    return list(defaults())


def defaults() -> dict[str, list[str]]:
    """Return the options of each group that configs/train.yaml chooses."""
    lines = (CONFIGS / "train.yaml").read_text().splitlines()
    found: dict[str, list[str]] = {}
    for line in lines:
        group, colon, value = line.partition("#")[0].strip("- ").partition(":")
        if line.startswith("  - ") and colon and (CONFIGS / group).is_dir():
            found[group] = value.strip(" []").replace(" ", "").split(",")
    return found


def about_group(group: str) -> str:
    """Return what a group is for: the first sentence of its package."""
    package = PACKAGE / group / "__init__.py"
    return docstring(package) if package.is_file() else WIRING[group]


def about(group: str, option: str) -> str:
    """Return what an option does: the first comment of its YAML, or else its class's first line."""
    file = CONFIGS / group / f"{option}.yaml"
    return next(comments(file), "") or class_line(PACKAGE / group / f"{option}.py", target(file))


def comments(path: Path) -> Iterator[str]:
    """Yield the comment lines at the top of a YAML file."""
    for line in path.read_text().splitlines():
        if not line.startswith("#"):
            return
        if not line.startswith("# @"):
            yield line.lstrip("#").removeprefix(" ")


def docstring(path: Path) -> str:
    """Return the first line of a module's docstring."""
    return first_line(path.read_text())


def target(path: Path) -> str:
    """Return the name of the class or function that a YAML file stands for, "" if there is none."""
    lines = path.read_text().splitlines()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("_target_:"))
    return next(found, "").rpartition(".")[2]


def class_line(path: Path, name: str) -> str:
    """Return the first line of the docstring of a module's class or function."""
    text = path.read_text() if path.is_file() else ""
    header = re.search(rf"^(class|def) {name}\b", text, re.MULTILINE) if name else None
    return first_line(text[header.end() :]) if header else ""


def first_line(text: str) -> str:
    """Return the first line of the first docstring in a text, "" if there is none.

    It is looked for as text: to parse a hundred files takes half of what `--help` does otherwise.
    """
    found = re.search(r'"""(.*?)("""|$)', text, re.MULTILINE)
    return found[1] if found else ""

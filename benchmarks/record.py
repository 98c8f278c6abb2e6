"""All benchmarks of speed and memory, one after the other, and the page that holds what they say.

`make bench` runs them all, and `make bench ARGS="tax startup"` some; the sections of the others
stay as they are in docs/benchmarks.md.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import torch
from tqdm import tqdm

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
SECTIONS = {  # script, without `.py`: title
    "tax": "What the structure costs",
    "startup": "Start-up",
    "accuracy": "Time to accuracy on Fashion-MNIST",
    "memory": "Memory",
    "doctor_cost": "The doctor, and the average of the weights",
    "sweep_overhead": "Sweeps",
    "processes": "Several processes",
    "scale": "Many examples",
}
HEAD = """# Benchmarks

Written by `make bench`.  Everything compared took turns in one run, so that the load of the machine
hits all alike; a figure is the median with its 95 % interval.  Seconds are of one machine and only
there for orientation: the ratios are what counts.
"""


def machine() -> str:
    """Return what was measured on, in one line."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    system = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores{gpu}"
    return (
        f"{date.today()}; {system}; Python {platform.python_version()}, torch {torch.__version__}"
    )


def section(name: str) -> str:
    """Return what a benchmark says, under its title, with the command that makes it.

    Raises:
        CalledProcessError: it failed.
    """
    script = HERE / f"{name}.py"
    done = subprocess.run(  # noqa: S603
        [sys.executable, str(script)], stdout=subprocess.PIPE, text=True, check=True
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith(("|", "## "))]
    said = "\n".join(line if line.startswith("|") else f"\n#{line}\n" for line in lines).strip()
    return f"## {SECTIONS[name]}\n\n`python benchmarks/{name}.py` ({machine()})\n\n{said}\n"


def sections(page: str) -> dict[str, str]:
    """Return the sections of a page by the script that makes each."""
    parts = re.split(r"(?m)^(?=## )", page)[1:]
    return {m[1]: part for part in parts if (m := re.search(r"benchmarks/(\w+)\.py", part))}


def page(found: dict[str, str]) -> str:
    """Return the whole page."""
    return "\n".join([HEAD, *(found[name].strip() + "\n" for name in SECTIONS if name in found)])


def main() -> None:
    """Run what is asked for, and write the page after each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(SECTIONS)}")
    asked = parser.parse_args()
    for name in asked.names:
        if name not in SECTIONS:
            parser.error(f"{name}: no such benchmark; there is {', '.join(SECTIONS)}")
    found = sections(PAGE.read_text()) if PAGE.exists() else {}
    for name in tqdm(asked.names or list(SECTIONS)):
        found[name] = section(name)
        PAGE.write_text(page(found))
        tqdm.write(found[name])


if __name__ == "__main__":
    main()

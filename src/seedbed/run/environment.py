"""What else a number may depend on: code, versions, threads, machine.  No torch here."""

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from seedbed.secret import redacted

VARIABLES = (  # of the environment, that change how numbers are computed
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ATEN_CPU_CAPABILITY"),
    *("ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE"),
    *("CUDA_VISIBLE_DEVICES", "PYTHONHASHSEED"),
)
LONGEST = 1_000_000  # characters of a diff that are kept
MOST = 1_000  # untracked files that are named
SHOWN = 10  # packages whose change is named
FIELDS = re.compile(r"^(Name|Version):(.*)$", re.MULTILINE)
HERE = Path(__file__).parent


def environment() -> dict[str, Any]:
    """Return what is known before torch is imported; `Machine` adds the rest."""
    known = {
        "command": [redacted(word) for word in sys.argv],
        "directory": str(Path.cwd()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": cpu(),
        "cpus": os.cpu_count(),
        "variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "versions": versions(),
        **repository(Path()),
    }
    if own_repository():
        known["seedbed"] = repository(HERE)
    return known


def diffs() -> dict[str, str]:
    """Return changes that are not committed by the name of the file that keeps them."""
    found = {"git.diff": diff(Path())}
    if own_repository():
        found["seedbed.diff"] = diff(HERE)
    return {name: text for name, text in found.items() if text}


def versions() -> dict[str, str]:
    """Return the version of every installed package."""
    heads = map(stated, distributions())
    found = {head["Name"]: head["Version"] for head in heads if len(head) == 2}
    return {name: found[name] for name in sorted(found, key=str.lower)}


def stated(package: Distribution) -> dict[str, str]:
    """Return name and version, if it has them: parsing all its metadata takes eight times as long.

    What a broken installation has left behind has neither.
    """
    texts = map(package.read_text, ("METADATA", "PKG-INFO", ""))  # the last: it is a file itself
    head, _, _ = next(filter(None, texts), "").partition("\n\n")
    return {name: value.strip() for name, value in FIELDS.findall(head)}


def cpu() -> str:
    """Return the model of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def own_repository() -> bool:
    """Return whether seedbed's code lies in another repository than the working directory."""
    own = root(HERE)
    return bool(own) and own != root(Path())


def root(folder: Path) -> str:
    """Return the folder of the repository around `folder`, "" if there is none."""
    return git(folder, "rev-parse", "--show-toplevel").strip()


def repository(folder: Path) -> dict[str, Any]:
    """Return what tells the code around `folder`: where, commit, and files that git does not know.

    Of those, names and sizes in bytes; what runs wrote is left out.
    """
    place = root(folder)
    if not place:
        return {"repository": None, "git": "", "untracked": {}}
    asked = ("ls-files", "--others", "--exclude-standard", "--exclude=logs/", "-z")
    names = [name for name in git(Path(place), *asked).split("\0") if name]
    files = {name: size(Path(place, name)) for name in names[:MOST]}
    more = {"...": f"and {len(names) - MOST} more"} if len(names) > MOST else {}
    commit = git(folder, "rev-parse", "HEAD").strip()
    return {"repository": place, "git": commit, "untracked": files | more}


def size(file: Path) -> int | None:
    """Return the bytes of a file, None where there is none to be seen."""
    try:
        return file.lstat().st_size
    except OSError:
        return None


def diff(folder: Path) -> str:
    """Return what is not committed in the repository around `folder`, cut where it is very long."""
    text = git(folder, "diff", "HEAD", "--no-color", "--no-ext-diff")
    left = len(text) - LONGEST
    return text if left <= 0 else f"{text[:LONGEST]}\n[{left} characters more are not kept here]\n"


def git(folder: Path, *arguments: str) -> str:
    """Return what git prints in a folder, nothing where there is no repository."""
    try:
        done = subprocess.run(  # noqa: S603 -- fixed words
            ["git", "-C", str(folder), *arguments],  # noqa: S607
            capture_output=True,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.decode(errors="replace") if done.returncode == 0 else ""


def differing(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is not as it was, a line each; what was not written down is not compared.

    Args:
        then: an `environment.json`, and under the names of files the diffs.
        now: another.
    """
    for key in ("python", "platform", "cpu", "cpus"):
        yield from pair(key, then.get(key), now.get(key))
    yield from packages(then.get("versions") or {}, now.get("versions") or {})
    for part in ("variables", "torch"):
        before, here = then.get(part), now.get(part)
        if before is not None and here is not None:
            for key in sorted({*before, *here}):
                yield from pair(f"{part}.{key}", before.get(key, "unset"), here.get(key, "unset"))
    owners = [(then, now, "git", "git.diff")]
    if then.get("seedbed") and now.get("seedbed"):
        owners.append((then["seedbed"], now["seedbed"], "seedbed's git", "seedbed.diff"))
    for before, here, name, file in owners:
        yield from pair(f"{name} commit", before.get("git"), here.get("git"))
        if before.get("untracked") != here.get("untracked"):
            yield f"{name}: files that are not tracked"
        if then.get(file, "") != now.get(file, ""):
            yield f"{name}: changes that are not committed ({file})"


def pair(name: str, then: Any, now: Any) -> Iterator[str]:
    """Yield the difference between two values, if both are known."""
    if then is not None and now is not None and then != now:
        yield f"{name} {then} then, {now} now"


def packages(then: Mapping[str, str], now: Mapping[str, str]) -> Iterator[str]:
    """Yield the packages whose version is another; those that numbers come from are first."""
    first = ("torch", "lightning", "torchmetrics", "numpy", "seedbed")
    names = {name for name in {*then, *now} if then.get(name) != now.get(name)}
    order = sorted(names, key=lambda name: (name not in first, name.lower()))
    for name in order[:SHOWN]:
        yield f"{name} {then.get(name, 'not installed')} then, {now.get(name, 'not installed')} now"
    if len(order) > SHOWN:
        yield f"{len(order) - SHOWN} packages more"

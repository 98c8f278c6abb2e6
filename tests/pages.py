"""The commands of README.md and of docs/, and how they are tried: as written, but on less."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from zygote import Forked

from seedbed.data.fashion_mnist import DEBIAN
from seedbed.run.net import COMPILERS

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
ENV = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
SHORT = {  # of what trains for longer: some of its jobs, a little of its data
    "experiment=transfer": "data.per_class=1 init=[default] callback.finetune.mode=full",
    "experiment=few_shot": "task=siamese model.channels=[] data.episodes=4 data.val_episodes=4",
    "experiment=zero_shot": "data.codes=own",
    "experiment=domain_adaptation": "regularizer=[mmd] data.fraction=0.05",
    "experiment=domain_generalization": "regularizer=[] data.fraction=0.05",
    "experiment=supervised_adaptation": "data.fraction=0.2",
    "experiment=test_time": "callback=[test_bn] data.fraction=0.1",
    "experiment=fashion_fast": "data.fraction=0.05",
    "experiment=digits_folds": "model=linear data.fold=0",
    "finetune.mode=gradual": "trainer.max_epochs=4",
    "sweep=optuna": "data.fraction=0.1 sweep.trials=2",
    "-m optimizer=": "data.fraction=0.1",
    "stages=[fit,test,compress": "controls=false",
    "compress=distill": "compress.distill.epochs=1",
}
LACKING = {  # words of a line: what this machine lacks for it
    "fashion": "" if DEBIAN.is_dir() else "the package dataset-fashion-mnist",
    "compile=true": "" if any(map(shutil.which, COMPILERS)) else "a C++ compiler",
}
BASH = shutil.which("bash") or "bash"


def commands(page: Path) -> list[str]:
    """Return the lines of a page that one types, those of several lines as one, uncommented."""
    blocks = re.findall(r"```sh\n(.*?)```", page.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in re.sub(r"\\\n\s*", "", block).splitlines()]
    return [line for each in lines if (line := re.sub(r"(^|\s+)#.*", "", each))]


def shell(line: str, folder: Path, **env: str) -> str:
    """Return what a command prints that ends well."""
    done = subprocess.run(
        [BASH, "-c", line],
        cwd=folder,
        env=ENV | env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{line}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def forked(line: str, folder: Path, **env: str) -> str:
    """Return what `python train.py …` prints that ends well, without the start of an interpreter.

    What the words are is asked of a shell.
    """
    said = f"python() {{ printf '%s\\0' \"$@\"; }}\n{line}"
    script, *words = shell(said, folder).split("\0")[:-1]
    begun = Forked(Path(script), words, folder, ENV | env)
    out, err = begun.communicate(300)
    assert begun.returncode == 0, f"{line}\n{out}\n{err}"
    assert "Traceback" not in err, err
    return out


def tiny(line: str, root: Path = ROOT) -> str:
    """Return the same command with an epoch or two, from another folder."""
    line = line.replace("train.py", shlex.quote(str(root / "train.py")), 1)
    line = re.sub(r"(sweep\.trials|trainer\.max_epochs)=\d+", r"\1=2", line)
    bare = line.replace("'", "")
    for words, more in SHORT.items():
        if words in bare:
            line += "".join(f" {w}" for w in more.split() if w.partition("=")[0] not in bare)
    stages = re.search(r"stages=(\S+)", bare)
    answers = "logs/sweeps/" in line or " -sc " in line
    trains = (stages is None or "fit" in stages[1]) and not answers
    return f"{line} trainer.max_epochs=1" if trains and "trainer.max_epochs" not in line else line


def skip_where_it_lacks(line: str) -> None:
    """Skip a test whose command needs what is not here."""
    lacking = [what for word, what in LACKING.items() if word in line and what]
    if lacking:
        pytest.skip(f"{lacking[0]} is missing")

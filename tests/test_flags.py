"""What flags may stand on a command line, and what Hydra answers to them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT
from pages import shell

from seedbed.flags import parted
from seedbed.lean import remembering
from seedbed.run.folder import Refused

ABOUT = "all, config, defaults, defaults-tree, plugins, searchpath"


@pytest.mark.parametrize(
    ("line", "flags", "others"),
    [
        ("--cfg job optimizer=sgd", "--cfg job", "optimizer=sgd"),
        ("optimizer=sgd --cfg=job -p optimizer", "--cfg job -p optimizer", "optimizer=sgd"),
        ("--info optimizer=sgd", "--info", "optimizer=sgd"),
        ("--info defaults optimizer=sgd", "--info defaults", "optimizer=sgd"),
        ("--info ~callback.ema", "--info", "~callback.ema"),
        ("--cfg all --resolve", "--cfg all --resolve", ""),
        ("-m seed=0,1", "-m", "seed=0,1"),
    ],
)
def test_a_flag_takes_its_value_and_no_override(line: str, flags: str, others: str) -> None:
    assert parted(line.split()) == (flags.split(), others.split())


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--fo", "--fo: no such flag; did you mean '--info'?"),
        ("--info nonsense", f"--info nonsense: expected one of {ABOUT}"),
        ("--info=nonsense", f"--info nonsense: expected one of {ABOUT}"),
        ("--cfg", "--cfg: expected one of job, hydra, all"),
        ("--cfg optimizer=sgd", "--cfg: expected one of job, hydra, all"),
        ("-c jobs", "-c jobs: expected one of job, hydra, all"),
        ("--cfg job -p", "-p: expected the name of a part"),
        ("-m=3", "-m=3: -m stands alone"),
        ("-m --cfg job seed=0,1", "-m --cfg: one at a time"),
        ("--info --cfg job", "--info --cfg: one at a time"),
        ("--resolve", "--resolve: goes with --cfg"),
        ("-p optimizer", "-p: goes with --cfg"),
    ],
)
def test_a_flag_that_cannot_be_meant_is_one_line(line: str, says: str) -> None:
    with pytest.raises(Refused, match=f"^{re.escape(says)}"):
        parted(line.split())


def answer(folder: Path, before: str, *words: str) -> str:
    """Return what a command prints; `before` is run first."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import train; {before}; "
    done = subprocess.run(
        [sys.executable, "-c", f"{code}train.door.enter(train.work)", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout + done.stderr


def test_hydra_says_the_same_when_it_is_asked_once(tmp_path: Path) -> None:
    words = ("--info", "optimizer=sgd", "callback=[ema]")
    forgetful = "import contextlib as c; train.door.lean.remembering = lambda *_: c.nullcontext()"
    said = answer(tmp_path, "pass", *words)
    assert said == answer(tmp_path, forgetful, *words)
    assert all(word in said for word in ("Defaults List", "callback/ema", "torch.optim.SGD"))


def test_a_method_is_asked_once_for_what_is_written_alike() -> None:
    asked: list[tuple[int, str]] = []

    class Oracle:
        def say(self, number: int, word: str = "") -> list[int]:
            asked.append((number, word))
            return [number]

    oracle = Oracle()
    with remembering(Oracle, "say"):
        assert oracle.say(3) is oracle.say(3)
        oracle.say(3, word="x")
        oracle.say(4)
    assert asked == [(3, ""), (3, "x"), (4, "")]
    assert oracle.say(3) == [3]
    assert len(asked) == 4


def test_tab_completes_the_options_there_are(tmp_path: Path) -> None:
    line = "python train.py optimizer=ada"
    said = shell(
        f"python {ROOT / 'train.py'} -sc query=bash",
        tmp_path,
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
        COMP_CWORD="2",
    )
    known = sorted(file.stem for file in (ROOT / "configs" / "optimizer").glob("ada*.yaml"))
    assert len(known) > 1
    assert sorted(said.split()) == [f"optimizer={name}" for name in known]

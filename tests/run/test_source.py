"""A run that others start from is trained first, once; experiments that sweep by themselves."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from conftest import ROOT, TINY, Train

from seedbed import command, source
from seedbed.command import Command, jobs
from seedbed.run.child import SWEEP

QUICK = [*TINY, "logger=csv", "stages=fit", "callback=[]"]
BY = "source.by=[{}]".format(",".join(f"'{word}'" for word in [*QUICK, "seed=7"]))
START = [*QUICK, "init=pretrained", "source.run=first/mlp", BY]
Calls = list[list[str]]


@pytest.fixture
def calls(train: Train, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """The commands that are run first, here in this process."""
    made: Calls = []

    def here(words: list[str], running: object) -> int:
        made.append(words)
        before = sys.argv
        code = train(*words).code
        monkeypatch.setattr(sys, "argv", before)
        return code

    monkeypatch.setattr(source, "child", here)
    return made


def weights(run: str) -> dict[str, torch.Tensor]:
    file = Path(run, "checkpoints/best.ckpt")
    return torch.load(file, weights_only=True)["state_dict"]


@pytest.mark.slow
def test_a_source_is_trained_once_and_loaded(calls: Calls, train: Train) -> None:
    ended = train(*START, "out=a", "optimizer.lr=1e-12")
    assert ended.code == 0, ended.err
    assert [words[-1] for words in calls] == ["out='first/mlp'"]
    assert "init.pretrained: first/mlp/checkpoints/best.ckpt: 4 of 4 tensors loaded" in ended.out
    found, first = weights("a"), weights("first/mlp")
    for name in (name for name in first if ".model." in name):
        torch.testing.assert_close(found[name], first[name])
    saved = yaml.safe_load(Path("a/config.yaml").read_text())
    assert saved["init"]["pretrained"]["run"] == "first/mlp"  # relative, and resolved
    before = Path("first/mlp/checkpoints/best.ckpt").stat().st_mtime_ns
    assert train(*START, "out=b").code == 0
    assert len(calls) == 1
    assert Path("first/mlp/checkpoints/best.ckpt").stat().st_mtime_ns == before


@pytest.mark.slow
def test_a_teacher_is_trained_first(calls: Calls, train: Train) -> None:
    words = [
        *START,
        "init=[default]",
        "controls=false",
        "stages=[fit,compress]",
        "compress=distill",
    ]
    other = train(*words, "compress.distill.teacher=there")
    assert "there is no" in other.err
    assert calls == []
    ended = train(*words, "out=a", "compress.distill.teacher=${source.run}")
    assert ended.code == 0, ended.err
    assert [words[-1] for words in calls] == ["out='first/mlp'"]
    saved = yaml.safe_load(Path("a/config.yaml").read_text())
    assert saved["compress"]["distill"]["teacher"] == "first/mlp"
    again = train("run=a", "stages=compress")
    assert again.code == 0, again.err
    assert len(calls) == 1


@pytest.mark.slow
def test_what_does_not_load_it_needs_no_source(calls: Calls, train: Train) -> None:
    assert train(*START, "init=[default]").code == 0
    other = train(*START, "init.pretrained.run=there")
    assert other.lines() == ["init.pretrained: there/checkpoints/best.ckpt: there is no such file"]
    assert calls == []


@pytest.mark.slow
def test_an_interrupted_source_goes_on(calls: Calls, train: Train) -> None:
    assert train(*START, "out=a").code == 0
    status = Path("first/mlp/status.json")
    content = json.loads(status.read_text())
    status.write_text(json.dumps(content | {"status": "interrupted"}))
    train(*START, "out=b")
    assert [words[0] for words in calls[1:]] == ["run='first/mlp'"]


@pytest.mark.slow
def test_a_run_that_goes_on_needs_no_source(calls: Calls, train: Train) -> None:
    assert train(*START, "out=a").code == 0
    Path("first").rename("elsewhere")
    again = train("run=a", "trainer.max_epochs=2")
    assert again.code == 0, again.err
    assert len(calls) == 1


@pytest.mark.slow
def test_a_source_that_fails_ends_the_command(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(source, "child", lambda words, running: 3)
    ended = train(*START)
    assert ended.code == 1
    assert ended.out.splitlines()[-1] == "failed: source.run=first/mlp (exit code 3)"
    assert not list(tmp_path.glob("logs/*/*"))


@pytest.mark.slow
def test_another_source_in_the_folder_is_refused(calls: Calls, train: Train) -> None:
    assert train(*START, "out=a").code == 0
    other = BY.replace("seed=7", "seed=8")
    ended = train(*START[:-1], other)
    assert ended.code == 2
    assert ended.lines() == [
        "source.run=first/mlp: source.by says seed=8, it was trained with 7; name another folder, "
        "or remove this one to train it anew"
    ]


WRONG = [
    (
        ["source.by=['optimizer=adamm']", "source.run=f"],
        "source.by: optimizer=adamm: no such option; did you mean 'adam'?",
    ),
    (
        ["source.by=['seed=1']"],
        "source.by: name the folder that it makes, too: source.run=<folder>",
    ),
    (["source.by=3", "source.run=f"], "source.by=3: a list of words is expected, such as"),
    (
        ["source.by=['out=x']", "source.run=f"],
        "source.by=['out=x']: a single training is expected, without run= and out=",
    ),
    (
        ["source.by=['-m','seed=1,2']", "source.run=f"],
        "source.by=['-m', 'seed=1,2']: a single training is expected",
    ),
    (
        ["source.by=['trust=os']", "source.run=f"],
        "source.by: trust=os: only the command line can say so",
    ),
    (
        ["source.run=nope"],
        "init.pretrained: nope/checkpoints/best.ckpt: there is no such file",
    ),
    (
        ["source.run=http://x/y"],
        "source.run=http://x/y: a file or folder of this machine is expected, not an address",
    ),
]


@pytest.mark.parametrize(("words", "says"), WRONG)
def test_one_line_and_no_folder(
    words: list[str], says: str, calls: Calls, train: Train, tmp_path: Path
) -> None:
    ended = train(*TINY, "init=pretrained", *words)
    assert ended.code == 2
    assert says in [line[: len(says)] for line in ended.lines()]
    assert calls == []
    assert not list(tmp_path.glob("logs/*/*"))


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Write an experiment called `own` beside those that are there."""

    def write(hydra: str) -> None:
        own = tmp_path / "configs"
        (own / "experiment").mkdir(parents=True)
        for path in command.CONFIGS.iterdir():
            if path.name != "experiment":
                (own / path.name).symlink_to(path)
        text = f"# @package _global_\nname: own\nhydra: {hydra}\n"
        (own / "experiment/own.yaml").write_text(text)
        monkeypatch.setattr(command, "CONFIGS", own)

    return write


def test_an_experiment_can_ask_to_be_swept(experiment: Callable[[str], None]) -> None:
    experiment("{mode: MULTIRUN, sweeper: {params: {seed: '0,1'}}}")
    found = Command.read(["experiment=own"])
    assert found.sweep
    assert [words[0] for words in jobs(found)] == ["seed=0", "seed=1"]
    single = Command.read(["experiment=own", "seed=3"])  # nothing is left to vary
    assert not single.sweep
    assert not Command.read(["experiment=own", "--cfg", "job"]).sweep
    assert Command.read(["-m", "experiment=own"]).flags == ["-m"]
    refused = Command.read(["experiment=own", "out=x"]).problems
    assert refused == ["out=x: not in a sweep, whose jobs have folders of their own"]


def test_one_that_does_not_ask_is_not_swept(experiment: Callable[[str], None]) -> None:
    experiment("{sweeper: {params: {seed: '0,1'}}}")
    assert not Command.read(["experiment=own"]).sweep


@pytest.mark.slow
def test_a_sweep_trains_its_source_once(tmp_path: Path) -> None:
    words = [*START, "init=[default],[pretrained]", "seed=0,1"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "-m", *words],
        cwd=tmp_path,
        env={k: v for k, v in os.environ.items() if k != SWEEP} | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("source: ") == 1
    assert done.stdout.count("4 of 4 tensors loaded") == 2
    assert len(list(tmp_path.glob("logs/sweeps/*/*/metrics.json"))) == 4
    assert len(list(tmp_path.glob("first/mlp/metrics.json"))) == 1

"""seedbed in a notebook: the same words make the same config and the same numbers as a command."""

import asyncio
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, TINY, Train
from test_start import HEAVY

import seedbed
from seedbed import notebook, trust
from seedbed.config import as_plain

OTHERS = ["model.dropout=0.3", "optimizer=momentum", "seed=3", "num_threads=2"]
FROM = [
    "init=pretrained",
    "init.pretrained.run=src",
    "source.run=src",
    "source.by=['data=synthetic','model=mlp']",
]
STOPS = """
import os
import signal

from lightning.pytorch.callbacks import Callback


class Stop(Callback):
    def on_train_batch_end(self, trainer, *rest):
        if trainer.global_step == 4:
            os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(trust, "_trusted", frozenset())


def command(*words: str) -> None:
    """Run `python train.py` in a process of its own."""
    line = [sys.executable, str(ROOT / "train.py"), *words]
    subprocess.run(line, check=True, capture_output=True)


def measured(folder: str) -> dict[str, float]:
    return json.loads(Path(folder, "metrics.json").read_text())


def test_a_config_is_that_of_the_command_line(train: Train) -> None:
    words = [*TINY, *OTHERS, "+regularizer=l2", "~callback.ema"]
    ended = train(*words)
    written = yaml.safe_load((ended.folder / "config.yaml").read_text())
    assert as_plain(seedbed.compose(*words)) == written | {"out": None}


def test_another_class_that_is_typed_has_its_own_defaults_but_for_what_is_typed_beside_it() -> None:
    words = ["optimizer._target_=torch.optim.RAdam", "optimizer.lr=0.5", "trainer.max_epochs=2"]
    cfg = seedbed.compose(*words, "callback.ema._target_=seedbed.callback.swa.SWA")
    assert cfg.optimizer == {"_target_": "torch.optim.RAdam", "lr": 0.5}
    assert cfg.callback["ema"] == {"_target_": "seedbed.callback.swa.SWA"}
    assert seedbed.compose("trainer._target_=lightning.Trainer").trainer["max_epochs"] == 30


@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=admm"],
        ["seed"],
        ["seed=1,2"],
        ["optimizer.lr=-1", "model.dropout=2"],
        ["trainer.max_epochs=0"],
        ["run=nowhere"],
        ["--nonsense"],
        ["model._target_=os.system"],
    ],
)
def test_a_mistake_is_one_exception_with_the_lines_of_the_command_line(
    words: list[str], train: Train, tmp_path: Path
) -> None:
    ended = train(*words)
    assert ended.code == 2
    for ask in (seedbed.compose, seedbed.fit):
        with pytest.raises(seedbed.Refused) as refused:
            ask(*words)
        assert str(refused.value).splitlines() == ended.lines()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["-m", "seed=1,2"], "-m seed=1,2: a sweep is many runs; start it by python train.py -m"),
        (["experiment=digits_folds"], "experiment=digits_folds: a sweep is many runs; start"),
        (["--cfg", "job"], "--cfg job: only the command line has flags"),
        (["stages=report", "report.of=logs"], "stages=report report.of=logs: it is about no run"),
        (["trainer.devices=2", "trainer=ddp_cpu"], "trainer.devices=2: several processes are"),
        ([*TINY, *FROM], "source.run=src: train it first: seedbed.fit('data=synthetic', "),
    ],
)
def test_what_only_a_command_can_do_is_refused_in_one_line(
    words: list[str], says: str, tmp_path: Path
) -> None:
    with pytest.raises(seedbed.Refused) as refused:
        seedbed.fit(*words)
    assert str(refused.value).startswith(says)
    assert len(str(refused.value).splitlines()) == 1
    assert not list(tmp_path.iterdir())


def test_a_config_that_was_changed_by_hand_is_refused_with_the_word_to_say() -> None:
    cfg = seedbed.compose(*TINY)
    cfg.optimizer["lr"], cfg.seed = 0.5, 7
    with pytest.raises(seedbed.Refused) as refused:
        seedbed.fit(cfg)
    says = "the config says so since it was composed; say it in words"
    assert str(refused.value).splitlines() == [f"optimizer.lr=0.5: {says}", f"seed=7: {says}"]


def test_a_run_is_refused_while_another_trains(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notebook, "ONE", threading.Lock())
    with notebook.ONE, pytest.raises(seedbed.Refused, match="training already"):
        seedbed.fit(*TINY)


def test_a_package_that_was_refused_is_not_trusted_afterwards() -> None:
    with pytest.raises(seedbed.Refused):
        seedbed.compose(*TINY, "trust=mine", "seed=-1")
    assert not trust.trusted()


def test_the_package_imports_nothing_heavy() -> None:
    code = f"import sys, seedbed; assert not {HEAVY} & set(sys.modules); seedbed.compose"
    light = f"assert not {HEAVY} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", f"{code}; {light}"], check=True)


def test_there_is_nothing_else_in_the_package() -> None:
    with pytest.raises(AttributeError, match="no attribute 'train'"):
        _ = seedbed.train


@pytest.mark.slow
def test_two_runs_of_a_process_have_the_numbers_of_two_processes() -> None:
    first = seedbed.fit(*TINY, *OTHERS, "out=a")
    second = seedbed.fit(seedbed.compose(*TINY, "out=b"))
    command(*TINY, *OTHERS, "out=c")
    command(*TINY, "out=d")
    assert first.metrics == measured("a") == measured("c")
    assert second.metrics == measured("b") == measured("d")
    assert first.metrics != second.metrics
    assert {first.status, second.status} == {"ok"}
    for mine, theirs in (("a", "c"), ("b", "d")):
        same = [Path(each, "history.csv").read_text() for each in (mine, theirs)]
        assert same[0] == same[1]
        files = [{f.name for f in Path(each).iterdir()} for each in (mine, theirs)]
        assert files[0] == files[1]


@pytest.mark.slow
def test_what_was_trained_is_at_hand() -> None:
    done = seedbed.fit(*TINY, "out=a")
    losses = done.history["val/loss"].dropna()
    assert losses.iloc[-1] == pytest.approx(done.metrics["val/loss"])
    assert done.diagnosis == json.loads(Path("a/diagnosis.json").read_text())
    model, spec = done.load()
    x = torch.randn(5, *spec.shape)
    assert torch.equal(model(x), seedbed.load("a").model(x))
    again = seedbed.fit("run=a", "stages=test")
    assert again.folder.parent == Path("a/reruns")
    assert again.metrics["test/acc"] == done.metrics["test/acc"]
    assert torch.equal(again.load().model(x), model(x))


def state() -> list[Any]:
    handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)]
    torchs = [torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()]
    draws = [random.getstate(), pickle.dumps(np.random.get_state()), torch.get_rng_state().tolist()]  # noqa: NPY002
    return [*handlers, *torchs, *draws, dict(os.environ), mpl.get_backend()]


@pytest.mark.slow
def test_the_process_is_afterwards_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mpl.rcParams, "backend", "svg")
    before = state()
    words = ["num_threads=2", "trainer.deterministic=true", "out=a"]
    seedbed.fit(*TINY, *words)
    assert json.loads(Path("a/environment.json").read_text())["torch"]["threads"] == 2
    assert json.loads(Path("a/environment.json").read_text())["torch"]["deterministic"]
    assert state() == before


@pytest.fixture
def stopping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    (tmp_path / "stopping.py").write_text(STOPS)
    monkeypatch.syspath_prepend(str(tmp_path))
    words = ["+callback.stop._target_=stopping.Stop", "trainer.max_epochs=3"]
    return [*TINY, *words]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_to_the_numbers_of_one_that_never_stopped(
    stopping: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        seedbed.fit(*stopping, "out=a")
    assert signal.getsignal(signal.SIGINT) is before
    assert json.loads(Path("a/status.json").read_text())["status"] == "interrupted"
    said = "interrupted by SIGINT; go on with:\nseedbed.fit('run=a')\n"
    assert capsys.readouterr().err.endswith(said)
    in_thread(lambda: seedbed.fit("run=a"))  # which must not hear the old signal
    assert measured("a") == seedbed.fit(*TINY, "trainer.max_epochs=3", "out=b").metrics


def in_thread(act: Callable[[], Any]) -> Any:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(act()))
    thread.start()
    thread.join()
    return found[0]


@pytest.mark.slow
def test_a_thread_and_a_running_loop_train_alike() -> None:
    async def cell() -> seedbed.Result:
        return seedbed.fit(*TINY, "out=a")

    async def thread() -> seedbed.Result:
        return await asyncio.to_thread(seedbed.fit, *TINY, "out=b")

    here, there = asyncio.run(cell()), asyncio.run(thread())
    assert here.metrics == there.metrics == in_thread(lambda: seedbed.fit(*TINY)).metrics

"""What a run folder says of the circumstances, and that a run can be trained again from it."""

import csv
import json
import os
import subprocess
import sys
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Any

import pytest
import samples
import torch
from conftest import ROOT, TINY, Train

from seedbed.run.environment import LONGEST, MOST, differing, diffs, environment, versions
from seedbed.run.reproduce import in_metrics, in_rows

AGAIN = "stages=[reproduce]"


def git(*words: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def read(file: Path) -> dict[str, Any]:
    return json.loads(file.read_text())


def second(run: Path) -> Path:
    files = (run / "reruns").glob("*/history.csv")
    return max(files, key=lambda file: file.stat().st_mtime_ns).parent


def result(run: Path) -> dict[str, Any]:
    return read(second(run) / "reproduction.json")


def rows(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


# -- what is written down ------------------------------------------------------------------


@pytest.mark.slow
def test_a_run_says_where_its_code_stood(train: Train) -> None:
    git("init", "-q")
    Path("mine.py").write_text("x = 1\n")
    git("add", ".")
    git("commit", "-qm", "one")
    Path("mine.py").write_text("x = 2\n")
    Path("notes").mkdir()
    Path("notes/new.txt").write_bytes(b"12345 a secret")
    ended = train(*TINY, "seed=7", "num_threads=1")
    assert ended.code == 0, ended.err
    known = read(ended.folder / "environment.json")
    assert known["git"] == git("rev-parse", "HEAD")
    assert known["untracked"] == {
        "notes/new.txt": 14
    }  # and not what is in them, nor the run itself
    assert known["repository"] == str(Path.cwd().resolve())
    text = (ended.folder / "git.diff").read_text()
    assert "-x = 1\n+x = 2\n" in text
    assert "secret" not in text
    assert known["command"][1:] == [*TINY, "seed=7", "num_threads=1"]
    assert known["torch"]["threads"] == torch.get_num_threads() == 1
    assert (
        known["torch"] | {"processes": 1, "device": "cpu", "precision": "32-true"} == known["torch"]
    )
    assert known["torch"]["deterministic"] is False
    assert known["versions"] == {each.metadata["Name"]: each.version for each in distributions()}
    assert known["cpu"]
    if (ROOT / ".git").exists():  # the code of seedbed lies elsewhere
        assert known["seedbed"]["git"] == git("-C", str(ROOT), "rev-parse", "HEAD")


def test_packages_are_known_however_they_are_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for file, text in {
        "new-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: New\nVersion: 1\n\nName: no",
        "old-2.egg-info/PKG-INFO": "Metadata-Version: 1.0\nName: old\nVersion: 2\n",
        "older-3.egg-info": "Metadata-Version: 1.0\nVersion: 3\nName: older\n",
        "~broken-4.dist-info/RECORD": "",  # what pip leaves behind where it was interrupted
    }.items():
        (tmp_path / file).parent.mkdir(exist_ok=True)
        (tmp_path / file).write_text(text)
    before = versions()
    monkeypatch.syspath_prepend(tmp_path)
    assert versions() == before | {"New": "1", "old": "2", "older": "3"}


@pytest.mark.slow
def test_outside_of_a_repository_there_is_none(train: Train) -> None:
    ended = train(*TINY)
    known = read(ended.folder / "environment.json")
    assert (known["repository"], known["git"], known["untracked"]) == (None, "", {})
    assert not (ended.folder / "git.diff").exists()


def test_a_huge_diff_and_many_files_are_cut_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    Path("big").write_text("a\n")
    git("add", ".")
    git("commit", "-qm", "one")
    Path("big").write_text("b\n" * LONGEST)
    for k in range(MOST + 3):
        Path(f"f{k}").touch()
    text = diffs()["git.diff"]
    assert LONGEST < len(text) < LONGEST + 100
    assert "more are not kept here" in text.splitlines()[-1]
    untracked = environment()["untracked"]
    assert len(untracked) == MOST + 1
    assert untracked["..."] == "and 3 more"


def test_names_and_texts_that_are_no_utf_8_stop_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    Path("a").write_bytes(b"x\n")
    git("add", ".")
    git("commit", "-qm", "one")
    Path("a").write_bytes(b"caf\xe9\n")
    with open(b"\xff\n name", "wb"):  # noqa: PTH123
        pass
    assert "+caf" in diffs()["git.diff"]
    assert len(environment()["untracked"]) == 1
    json.dumps(environment())


@pytest.mark.slow
def test_two_processes_say_how_many_threads_each_has(tmp_path: Path) -> None:
    words = [w for w in TINY if not w.startswith("trainer=")]
    out = tmp_path / "run"
    free = {k: v for k, v in os.environ.items() if k != "OMP_NUM_THREADS"}
    command = [sys.executable, str(ROOT / "train.py"), *words, f"out={out}", "trainer=ddp_cpu"]
    done = subprocess.run(
        command, cwd=tmp_path, env=free, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    known = read(out / "environment.json")["torch"]
    assert known["processes"] == 2
    assert known["threads"] == max(1, len(os.sched_getaffinity(0)) // 2)
    again = [sys.executable, str(ROOT / "train.py"), f"run={out}", AGAIN]
    done = subprocess.run(
        again, cwd=tmp_path, env=free, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("reproduced: ") == 1


# -- the comparison ------------------------------------------------------------------------


def test_one_digit_is_a_difference() -> None:
    row = {"step": "3", "epoch": "1", "loss": "0.1"}
    assert list(in_rows([row], [dict(row)])) == []
    [found] = in_rows([row], [row | {"loss": "0.10000000000000002"}])
    assert str(found) == "history.csv, step 3, loss: 0.1 then, 0.10000000000000002 now"
    [found] = in_rows([row, row], [row])
    assert str(found) == "history.csv, row 2: a row then, no row now".replace("row 2:", "row 2:")
    [found] = in_rows([row], [row | {"new": "1"}])
    assert (found.then, found.now) == ("nothing", "1")
    [found] = in_metrics({"a": 1.0, "b": None}, {"a": 1.0 + 2**-52, "b": None})
    assert found.name == "a"
    assert [each.name for each in in_metrics({"a": 1.0}, {"b": 1.0})] == ["a", "b"]


def test_what_differs_in_the_circumstances_is_named() -> None:
    then = environment() | {"torch": {"threads": 1}, "git.diff": "x"}
    assert list(differing(then, then)) == []
    now = then | {
        "python": "3.12.1",
        "versions": then["versions"] | {"torch": "9.9", "pytest": "1"},
        "torch": {"threads": 2, "gpu": "H100"},
        "variables": then["variables"] | {"MKL_CBWR": "AVX2"},
        "git": "abc",
        "git.diff": "y",
        "untracked": {"new": 1},
    }
    found = list(differing(then, now))
    assert found == [
        f"python {then['python']} then, 3.12.1 now",
        f"torch {version('torch')} then, 9.9 now",
        f"pytest {version('pytest')} then, 1 now",
        "variables.MKL_CBWR unset then, AVX2 now",
        "torch.gpu unset then, H100 now",
        "torch.threads 1 then, 2 now",
        f"git commit {then['git']} then, abc now",
        "git: files that are not tracked",
        "git: changes that are not committed (git.diff)",
    ]
    old = {"command": [], "python": then["python"], "versions": {"torch": version("torch")}}
    assert not [line for line in differing(old, then) if "threads" in line]


# -- training again ------------------------------------------------------------------------

IMAGES = ["data=image_folder", "data.root=r", "data.size=16", "data.batch_size=8"]
SHORT = ["trainer=cpu", "trainer.enable_progress_bar=false", "trainer.log_every_n_steps=1"]
DIGITS = ["data=digits", "data.fraction=0.2", "data.batch_size=32"]
KINDS = {
    "everything at once": [
        *(*DIGITS, "model=cnn", "augment=[basic]", "optimizer=sgd", "scheduler=one_cycle"),
        *("regularizer=[mixup,dropout,label_smoothing,noise]", "callback=[ema,gradient_clip]"),
        "trainer.accumulate_grad_batches=2",
    ],
    "inception": [*DIGITS, "model=inception", "optimizer=nadam", "callback=[swa]"],
    "muon": [*TINY[:5], "optimizer=muon", "init=[orthogonal]", "scheduler=plateau"],
    "residual": [*DIGITS, "model=resnet", "augment=[basic,cutout]", "regularizer=[cutmix]"],
    "table": ["data=tabular", "data.path=t.csv", "data.target=blood", "model=mlp"],
    "numbers": [*TINY[:5], "data.form=plane", "scaling=none", "regularizer=[l1]"],
    "files": [*IMAGES, "data.num_workers=2", "model=cnn", "augment=[basic]"],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_is_reproduced_to_the_last_digit(kind: str, train: Train) -> None:
    samples.table(Path("t.csv"))
    samples.images(Path("r"))
    first = train(*KINDS[kind], *SHORT, "trainer.max_epochs=2")
    assert first.code == 0, first.err
    before = {p: p.read_bytes() for p in first.folder.rglob("*") if p.is_file()}
    ended = train(f"run={first.folder}", AGAIN)
    assert ended.code == 0, ended.err
    metrics, steps = len(read(first.folder / "metrics.json")), len(rows(first.folder))
    line = f"reproduced: {metrics} metrics and {steps} rows equal to the last digit"
    assert line in ended.out.splitlines()
    assert metrics > 3 < 2 * steps
    said = result(first.folder)
    assert (said["reproduced"], said["differences"], said["environment"]) == (True, [], [])
    assert (said["metrics"], said["rows"]) == (metrics, steps)
    kept = {p: p.read_bytes() for p in before}
    assert kept == before
    assert rows(second(first.folder)) == rows(first.folder)  # it has really been trained
    weights = [
        torch.load(run / "checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for run in (first.folder, second(first.folder))
    ]
    assert all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])


@pytest.mark.slow
def test_it_does_not_look_at_what_was_learned(train: Train) -> None:
    first = train(*TINY)
    for file in (first.folder / "checkpoints").iterdir():
        file.write_bytes(b"nothing")
    assert train(f"run={first.folder}", AGAIN).code == 0


@pytest.mark.slow
def test_other_numbers_are_named_and_the_exit_code_says_so(train: Train) -> None:
    first = train(*TINY, *SHORT[1:], "trainer.max_epochs=2")
    table = (first.folder / "history.csv").read_text().splitlines()
    place = table[0].split(",").index("train/loss_step")
    cells = table[2].split(",")
    cells[place] = before = "0.12345"
    table[2] = ",".join(cells)
    (first.folder / "history.csv").write_text("\n".join(table) + "\n")
    metrics = read(first.folder / "metrics.json")
    (first.folder / "metrics.json").write_text(json.dumps(metrics | {"test/acc": 2.0}))
    known = read(first.folder / "environment.json")
    known["versions"]["torch"] = "1.0"
    (first.folder / "environment.json").write_text(json.dumps(known))
    ended = train(f"run={first.folder}", AGAIN)
    assert ended.code == 1
    lines = ended.lines()
    assert lines[0].startswith("not reproduced: 2 numbers differ in ")
    assert lines[1] == f"metrics.json, test/acc: 2.0 then, {metrics['test/acc']} now"
    now = rows(second(first.folder))[1]["train/loss_step"]
    assert lines[2] == f"history.csv, step 2, train/loss_step: {before} then, {now} now"
    assert lines[3] == f"not as it was: torch 1.0 then, {version('torch')} now"
    assert "Traceback" not in ended.err
    assert "reproduced:" not in ended.out
    said = result(first.folder)
    assert (said["reproduced"], said["different"], len(said["differences"])) == (False, 2, 2)
    assert said["differences"][0] | {"then": 2.0, "name": "test/acc"} == said["differences"][0]
    status = read(second(first.folder) / "status.json")
    assert status["status"] == "failed"
    assert read(first.folder / "status.json")["status"] == "ok"


@pytest.mark.slow
def test_at_most_five_are_shown(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    first = train(*TINY, *SHORT[1:], "trainer.max_epochs=3")
    from seedbed.task import supervised

    monkeypatch.setattr(supervised, "seed_here", lambda *place: None)
    monkeypatch.setattr(supervised.Supervised, "data_term", half(supervised.Supervised.data_term))
    ended = train(f"run={first.folder}", AGAIN)
    assert ended.code == 1
    lines = ended.lines()
    assert sum(" then, " in line for line in lines) == 5
    [more] = [line for line in lines if line.startswith("and ")]
    assert int(more.split()[1]) + 5 == result(first.folder)["different"]
    assert "nothing else is known to differ" in lines


def half(term: Any) -> Any:
    return lambda *given: term(*given) * 0.5


@pytest.mark.slow
def test_a_run_that_was_interrupted_is_reproduced_in_one_piece(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedbed.task.supervised import Supervised

    def crash(self: Supervised) -> None:
        if self.current_epoch == 2:
            raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(Supervised, "on_train_epoch_start", crash)
        assert train(*TINY, *SHORT[1:], "trainer.max_epochs=4").code == 1
    [run] = Path("logs/default").iterdir()
    refused = train(f"run={run}", AGAIN)
    assert refused.code == 2
    assert "has not ended well (status failed)" in refused.err
    assert train(f"run={run}").code == 0
    ended = train(f"run={run}", AGAIN)
    assert ended.code == 0, ended.err
    assert result(run)["rows"] == 12


@pytest.mark.slow
def test_a_run_that_went_on_longer_is_trained_as_it_was_asked_last(train: Train) -> None:
    words = ["scheduler=constant", *SHORT[1:], "stages=fit"]
    first = train(*TINY, *words)
    assert train(f"run={first.folder}", "trainer.max_epochs=3").code == 0
    ended = train(f"run={first.folder}", AGAIN)
    assert ended.code == 0, ended.err
    said = result(first.folder)
    assert said["rows"] == 9
    assert "2 parts with other settings" in said["environment"][0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["stages=[reproduce,test]"], "reproduce stands alone"),
        (["stages=[report,reproduce]"], "reproduce stands alone"),
        ([AGAIN, "optimizer.lr=1", "seed=3"], "leave out optimizer.lr, seed"),
        ([AGAIN, "callback=[]"], "leave out callback"),
        (["stages=reproduced"], "did you mean 'reproduce'?"),
    ],
)
def test_what_cannot_be_meant_is_refused(words: list[str], says: str, train: Train) -> None:
    first = train(*TINY, "stages=fit")
    ended = train(f"run={first.folder}", *words)
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert says in ended.err
    assert not (first.folder / "reruns").exists()


def test_without_a_run_there_is_nothing_to_reproduce(train: Train) -> None:
    ended = train(*TINY, AGAIN)
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert "run=<folder>" in ended.err


@pytest.mark.slow
def test_data_that_has_changed_is_trained_on_and_shows(train: Train) -> None:
    samples.table(Path("t.csv"))
    words = ["data=tabular", "data.path=t.csv", "data.target=blood", "model=mlp", *SHORT]
    first = train(*words, "trainer.max_epochs=1")
    samples.table(Path("t.csv"), edit={3: "1,Rio,A,2"})
    ended = train(f"run={first.folder}", AGAIN)
    assert ended.code == 1
    assert any("the content of its files has changed" in line for line in ended.lines())

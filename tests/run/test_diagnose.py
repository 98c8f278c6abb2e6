"""The doctor by the command line: sick runs, healthy ones, and folders and tables afterwards."""

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, Train

from seedbed import doctor
from seedbed.run import remedy

DIGITS = [
    *("model=mlp", "trainer=cpu", "trainer.enable_progress_bar=false", "callback=[ema]"),
    *("stages=fit", "logger=csv"),
]
THEIRS = "epoch,train_loss,valid_loss\n" + "".join(
    f"{n + 1},{2.0 * 0.6**n:.4f},{1 + 0.1 * abs(n - 4):.2f}\n" for n in range(14)
)


def diagnosis(folder: str | Path) -> dict[str, Any]:
    return json.loads(Path(folder, "diagnosis.json").read_text())


def ill(folder: str | Path) -> list[str]:
    return [f["symptom"] for f in diagnosis(folder)["findings"] if f["level"] in ("warn", "fail")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "symptoms", "word"),
    [
        (["optimizer.lr=1"], {"dead_units", "divergence"}, "optimizer.lr=0.001"),
        (["optimizer.lr=1e-6"], {"slow", "not_learning"}, "optimizer.lr=0.001"),
        (
            [
                *("data.fraction=.035", "optimizer.lr=0.005", "trainer.max_epochs=60"),
                "scheduler=constant",
            ],
            {"overfitting"},
            "data.fraction=1",
        ),
    ],
    ids=["too fast", "too slow", "50 examples"],
)
def test_sick_runs_are_told_of_and_the_command_passes_the_gate(
    train: Train, words: list[str], symptoms: set[str], word: str
) -> None:
    ended = train(*DIGITS, "trainer.max_epochs=15", *words, "out=run")
    assert ended.code == 0
    [symptom] = ill("run")
    assert symptom in symptoms
    said = ended.lines()
    assert said[0].startswith(f"doctor: {symptom}: ")
    assert len(said) == 3
    command = shlex.split(said[2].removeprefix("  try: "))
    assert command[:2] == ["python", "train.py"]
    assert word in command
    assert train(*command[2:], "out=healed").code == 0
    assert ill("healed") == []


@pytest.mark.slow
def test_a_healthy_run_is_silent_and_its_report_says_why(train: Train) -> None:
    ended = train("trainer.enable_progress_bar=false", "trainer=cpu", "trainer.max_epochs=12")
    assert (ended.code, ended.err) == (0, "")
    why = diagnosis(ended.folder)["healthy"]
    assert why.startswith("healthy, because training loss")
    assert "<h2>Diagnosis</h2><p>healthy, because" in (ended.folder / "report.html").read_text()
    again = train(f"run={ended.folder}", "stages=diagnose")
    assert again.code == 0
    assert why in again.out
    [rerun] = (ended.folder / "reruns").iterdir()
    assert diagnosis(rerun) == diagnosis(ended.folder)


@pytest.mark.slow
def test_a_diverged_run_says_where_and_stays_diverged(train: Train) -> None:
    words = ["optimizer=sgd", "optimizer.lr=1e30", "callback=[]", "model.widths=[64,64,64]"]
    ended = train(*TINY, *words, "out=run")
    assert ended.code == 1
    assert ended.lines()[0].startswith("doctor: nan: the gradient became non-finite at step")
    assert ended.lines()[-1].startswith("diverged: ")
    assert ill("run") == ["nan"]
    assert json.loads(Path("run/status.json").read_text())["status"] == "diverged"
    again = train("run=run", "stages=diagnose")
    assert "nan      fail" in " ".join(again.out.split("\n")) or "nan" in again.out


@pytest.mark.slow
def test_what_is_disabled_is_not_looked_for(train: Train) -> None:
    words = [*DIGITS, "trainer.max_epochs=12", "optimizer.lr=1e-6"]
    ended = train(*words, "doctor.disable=[slow,not_learning]", "out=run")
    assert (ended.code, ended.err) == (0, "")
    assert not {"slow", "not_learning"} & {f["symptom"] for f in diagnosis("run")["findings"]}


def test_reading_a_run_imports_no_torch(train: Train) -> None:
    assert train(*TINY, "stages=fit", "logger=[csv]", "out=run").code == 0
    script = Path(__file__).parents[2] / "train.py"
    command = [sys.executable, "-X", "importtime", script, "run=run", "stages=[diagnose,report]"]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    imported = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "yaml" in imported
    assert not {"torch", "lightning"} & imported
    assert "judged: nan" in ended.stdout
    assert list(Path("run/reruns").glob("*/report.html"))


def test_their_table_is_judged_by_its_curves(train: Train, tmp_path: Path) -> None:
    Path("their.csv").write_text(THEIRS)
    ended = train("stages=diagnose", "diagnose.history=their.csv", "out=found")
    assert (ended.code, ended.err) == (0, "")
    assert "overfitting  warn   the validation loss rose by" in ended.out
    assert "try: more data; augmentation" in ended.out
    assert "dead_units: no activations were looked at" in ended.out
    assert ill("found") == ["overfitting"]
    assert not Path("logs").exists()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("epoch,loss\n1,2.0\n2,1.0\n", "nothing ill is seen, but the training is short"),
        ("loss\n2.0\nnan\nnan\n", "nan      fail   train/loss is not finite from step 2 on"),
        ("step,loss,val_loss\n10,2.0,\n20,,1.9\n30,1.0,\n", "overfitting: 1 validations; 5 are"),
        ("loss,what\n1,x\n", "not read: what"),
    ],
)
def test_tables_with_little_in_them(train: Train, text: str, said: str) -> None:
    Path("their.csv").write_text(text)
    ended = train("stages=diagnose", "diagnose.history=their.csv")
    assert (ended.code, ended.err) == (0, "")
    assert said in ended.out


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ("stages=diagnose diagnose.history=no.csv", "diagnose.history=no.csv: there is no such"),
        ("diagnose.history=x.csv", "diagnose.history=x.csv: it is looked at alone; say stages="),
        ("stages=diagnose diagnose.history=x.csv seed=1", "seed=1: diagnose.history is looked at"),
        (
            "stages=diagnose diagnose.history=x.csv",
            "diagnose.history: x.csv: no column with a loss",
        ),
        ("stages=diagnose", "stages=diagnose: nothing is trained yet; name a finished run"),
        ("doctor.disable=[overfiting]", "doctor: disable: there is no symptom 'overfiting'; did"),
        ("doctor.every=0", "doctor: every must be at least 1 update, got 0"),
        ("doctor.memory=1", "doctor.memory: seedbed sets it itself"),
        ("doctor=defualt", "doctor=defualt: no such option; did you mean 'default'?"),
    ],
)
def test_wrong_commands(train: Train, words: str, line: str) -> None:
    Path("x.csv").write_text("a,b\n1,2\n")
    ended = train(*words.split())
    assert ended.code == 2
    assert ended.err.startswith(line)
    assert not Path("logs").exists()


def test_a_remedy_that_the_gate_refuses_is_no_command(train: Train, tmp_path: Path) -> None:
    (tmp_path / "overrides.txt").write_text("model=mlp\noptimizer.lr=0.1\nout=x\n")
    (tmp_path / "config.yaml").write_text("model: {}\n")
    train("--help")  # which opens the door
    assert remedy.command(tmp_path, ("optimizer.lr=0.01",)) == (
        "python train.py model=mlp optimizer.lr=0.01"
    )
    assert remedy.command(tmp_path, ("optimizer.lrr=0.01",)) == ""
    assert remedy.command(tmp_path, ("model.channels=[3]",)) == ""


def test_every_symptom_has_advice_where_no_command_is_known() -> None:
    from seedbed.doctor._record import ADVICE

    assert set(ADVICE) == set(doctor.NAMES)

"""A run folder: what it holds, that it tells the truth, and that it is enough to go on from."""

import csv
import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from conftest import REPORTED, TINY, Ended, Train

import seedbed
from seedbed.checkpoint._file import read_checkpoint
from seedbed.run import folder
from seedbed.run.status import recorded

UNUSUAL = ["model.widths=[7,5]", "model.activation=tanh", "scaling=minmax", "optimizer.lr=0.02"]


def metrics_of(ended: Ended) -> dict[str, float]:
    return json.loads((ended.folder / "metrics.json").read_text())


@pytest.mark.slow
def test_a_run_leaves_everything_under_its_documented_name(train: Train) -> None:
    ended = train(*REPORTED)
    assert ended.code == 0, ended.err
    names = "config.yaml overrides.txt environment.json status.json metrics.json history.csv "
    names += "report.html plots/curves.png checkpoints/best.ckpt checkpoints/last.ckpt tensorboard"
    assert [n for n in names.split() if not (ended.folder / n).exists()] == []
    assert set(metrics_of(ended)) >= {"train/loss", "val/loss", "val/acc", "test/loss", "test/acc"}
    status = json.loads((ended.folder / "status.json").read_text())
    assert status["status"] == "ok"
    assert "model.widths=[8]" in (ended.folder / "overrides.txt").read_text()
    assert not list(ended.folder.rglob("*.part"))


@pytest.mark.slow
def test_the_summary_names_the_numbers_and_how_to_go_on(train: Train) -> None:
    ended = train(*TINY)
    test_acc = metrics_of(ended)["test/acc"]
    lines = ended.out.strip().splitlines()
    assert lines[0].split() == ["test/acc", f"{test_acc:.4f}"]
    assert f"python train.py run={ended.folder} stages=test" in ended.out
    assert f"tensorboard --logdir {ended.folder}" in ended.out


@pytest.mark.slow
def test_testing_a_folder_again_gives_the_same_numbers_to_the_last_digit(train: Train) -> None:
    first = train(*TINY, *UNUSUAL)
    record = {p.name: p.read_bytes() for p in first.folder.iterdir() if p.is_file()}
    again = train(f"run={first.folder}", "stages=test")
    assert again.code == 0, again.err
    [rerun] = (first.folder / "reruns").iterdir()
    measured = json.loads((rerun / "metrics.json").read_text())
    assert measured == {k: v for k, v in metrics_of(first).items() if k.startswith("test/")}
    assert record == {p.name: p.read_bytes() for p in first.folder.iterdir() if p.is_file()}


@pytest.mark.slow
def test_load_gives_model_and_spec_and_the_same_predictions(train: Train) -> None:
    # `fit` leaves the model in training mode, in which its dropout would speak here
    ended = train(*TINY, *UNUSUAL, "model.dropout=0.5", "stages=[fit,predict,test]")
    model, spec = seedbed.load(ended.folder)
    assert (spec.shape, spec.kind, spec.outputs) == ((2,), "class", 3)
    assert not model.training
    with (ended.folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["index", "target", "prediction", "p(0)", "p(1)", "p(2)"]
    hits = sum(row["target"] == row["prediction"] for row in rows)
    assert hits / len(rows) == pytest.approx(metrics_of(ended)["test/acc"], abs=1e-6)

    from seedbed.data.synthetic import Synthetic

    data = Synthetic(size=60)
    data.setup()
    probabilities = model(data.splits["test"].x).softmax(1)
    written = torch.tensor([[float(row[f"p({k})"]) for k in range(3)] for row in rows])
    torch.testing.assert_close(probabilities.detach(), written)


@pytest.mark.slow
def test_predict_takes_a_file_of_inputs(train: Train, tmp_path: Path) -> None:
    first = train(*TINY)
    x = np.random.default_rng(1).normal(size=(4, 2)).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    np.savetxt(tmp_path / "x.csv", x, delimiter=",")
    model, _ = seedbed.load(first.folder)
    expected = model(torch.from_numpy(x)).argmax(1).tolist()
    for name in ("x.npy", "x.csv"):
        ended = train(f"run={first.folder}", "stages=predict", f"predict.path={name}")
        assert ended.code == 0, ended.err
        newest = max((first.folder / "reruns").iterdir(), key=lambda p: p.stat().st_mtime_ns)
        with (newest / "predictions.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert [int(row["prediction"]) for row in rows] == expected
        assert "target" not in rows[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gone.npy", "there is no such file"),
        ("x.npy", "inputs of shape (5,)"),
        ("empty.npy", "there are no inputs in it"),
        ("nan.npy", "input 1 (from 0) is not finite"),
    ],
)
def test_inputs_that_cannot_be_predicted_are_refused(
    name: str, says: str, train: Train, tmp_path: Path
) -> None:
    first = train(*TINY)
    np.save(tmp_path / "x.npy", np.zeros((3, 5)))
    np.save(tmp_path / "empty.npy", np.zeros((0, 2)))
    np.save(tmp_path / "nan.npy", [[0, 0], [0, np.nan]])
    ended = train(f"run={first.folder}", "stages=predict", f"predict.path={name}")
    assert ended.code == 2
    assert says in ended.err
    assert len(ended.lines()) == 1


@pytest.mark.slow
def test_checkpoints_are_plain_data(train: Train) -> None:
    ended = train(*TINY, "regularizer=[l1]")
    for name in ("best", "last"):
        checkpoint = read_checkpoint(ended.folder / f"checkpoints/{name}.ckpt")
        assert checkpoint["spec"]["classes"] == ["0", "1", "2"]


@pytest.mark.slow
def test_a_finished_run_goes_on_with_more_epochs(train: Train) -> None:
    first = train(*TINY)
    refused = train(f"run={first.folder}")
    assert refused.code == 2
    assert "finished already" in refused.err
    longer = train(f"run={first.folder}", "trainer.max_epochs=3")
    assert longer.code == 0, longer.err
    with (first.folder / "history.csv").open() as file:
        epochs = [row["epoch"] for row in csv.DictReader(file) if row["val/loss"]]
    assert epochs == ["1", "2", "3"]


@pytest.mark.slow
def test_what_the_weights_cannot_follow_is_refused(train: Train) -> None:
    first = train(*TINY)
    ended = train(f"run={first.folder}", "stages=test", "model.widths=[9]", "data.noise=0.2")
    assert ended.code == 2
    assert [line.partition(":")[0] for line in ended.lines()] == [
        "data.noise=0.2",
        "model.widths=[9]",
    ]
    assert "was trained with [8]" in ended.err


@pytest.mark.slow
def test_another_option_can_replace_a_part_of_a_finished_run(train: Train) -> None:
    first = train(*TINY)
    ended = train(f"run={first.folder}", "stages=test", "trainer=auto", "logger=csv")
    assert ended.code == 0, ended.err


@pytest.mark.slow
def test_a_refusal_after_training_keeps_what_was_learned(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedbed.run.pipeline import Run

    def refuse(self: Run) -> dict[str, float]:
        raise folder.Refused("too late")

    monkeypatch.setattr(Run, "test", refuse)
    ended = train(*TINY)
    assert (ended.code, ended.err) == (2, "too late\n")
    assert (ended.folder / "checkpoints/best.ckpt").is_file()


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["trainer.max_steps=2"],
        ["trainer.limit_val_batches=0"],
        ["trainer.check_val_every_n_epoch=5"],
        ["trainer.max_epochs=-1", "trainer.max_steps=7"],
        ["trainer.num_sanity_val_steps=2"],
        ["trainer.val_check_interval=0.5"],
        ["trainer.accumulate_grad_batches=3"],
        ["trainer.precision=64-true", "scaling=none", "stages=[fit,test,predict]"],
    ],
    ids=" ".join,
)
def test_what_lightning_offers_works(words: list[str], train: Train) -> None:
    ended = train(*TINY, *words)
    assert ended.code == 0, ended.err
    assert "test/loss" in metrics_of(ended)


@pytest.mark.slow
def test_a_metric_says_itself_which_way_is_better(train: Train) -> None:
    words = ["trainer.max_epochs=12", "optimizer.lr=0.02", "callback=[]"]
    ended = train(*TINY, *words, "monitor.name=val/acc")
    with (ended.folder / "history.csv").open() as file:
        curve = [float(row["val/acc"]) for row in csv.DictReader(file) if row["val/acc"]]
    assert metrics_of(ended)["val/acc"] == max(curve) > curve[0]


@pytest.mark.slow
def test_a_sanity_check_leaves_no_trace_in_the_numbers(train: Train) -> None:
    plain = train(*TINY, "stages=fit")
    checked = train(*TINY, "stages=fit", "trainer.num_sanity_val_steps=2")
    assert metrics_of(checked) == metrics_of(plain)


@pytest.mark.slow
def test_a_refused_continuation_leaves_the_run_as_it_is(train: Train) -> None:
    first = train(*TINY, "trainer.max_epochs=2", "optimizer=momentum")
    record = {p.name: p.read_bytes() for p in first.folder.iterdir() if p.is_file()}
    wrong = [["trainer.max_epochs=1"], ["trainer.max_epochs=3", "optimizer=sgd"]]
    wrong += [["trainer.max_epochs=3", "callback=[]"], ["stages=fit"], ["stages=test", "out=x"]]
    for words in wrong:
        ended = train(f"run={first.folder}", *words)
        assert (ended.code, len(ended.lines())) == (2, 1 + 2 * (words[-1] == "callback=[]"))
    for name in ("last", "best"):
        (first.folder / f"checkpoints/{name}.ckpt").write_bytes(b"PK broken")
    ended = train(f"run={first.folder}", "trainer.max_epochs=3")
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert "last.ckpt: damaged" in ended.err
    assert "best.ckpt: damaged" in ended.err
    assert record == {p.name: p.read_bytes() for p in first.folder.iterdir() if p.is_file()}


@pytest.mark.slow
def test_an_extended_run_follows_its_new_end_from_the_first_update(train: Train) -> None:
    words = ["optimizer=sgd", "optimizer.lr=1", "scheduler=cosine", "trainer.log_every_n_steps=1"]
    first = train(*TINY, *words, "trainer.max_epochs=1")
    longer = train(f"run={first.folder}", "trainer.max_epochs=2")
    assert longer.code == 0, longer.err
    whole = train(*TINY, *words, "trainer.max_epochs=2")

    def rates(run: Path) -> dict[str, str]:
        with (run / "history.csv").open() as file:
            return {row["step"]: row["lr"] for row in csv.DictReader(file) if row["lr"]}

    second_epoch = {"4", "5", "6"}
    got, wanted = rates(first.folder), rates(whole.folder)
    assert {s: got[s] for s in second_epoch} == {s: wanted[s] for s in second_epoch}


@pytest.mark.slow
def test_an_interrupted_continuation_goes_on_to_its_own_end(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedbed.task.supervised import Supervised

    first = train(*TINY)

    def crash(self: Supervised) -> None:
        if self.current_epoch == 2:
            raise RuntimeError("power cut")

    with monkeypatch.context() as patched:
        patched.setattr(Supervised, "on_train_epoch_start", crash)
        assert train(f"run={first.folder}", "trainer.max_epochs=4").code == 1
    ended = train(f"run={first.folder}")
    assert ended.code == 0, ended.err
    with (first.folder / "history.csv").open() as file:
        epochs = [row["epoch"] for row in csv.DictReader(file) if row["val/loss"]]
    assert epochs == ["1", "2", "3", "4"]


@pytest.mark.slow
def test_out_chooses_the_folder_and_never_overwrites_a_run(train: Train) -> None:
    assert train(*TINY, "stages=fit", "out=here").code == 0
    assert Path("here/checkpoints/best.ckpt").is_file()
    again = train(*TINY, "stages=fit", "out=here")
    assert again.code == 2
    assert again.err.startswith("out=here: holds a run already")
    Path("mine").mkdir()
    Path("mine/thesis.txt").write_text("three years of work")
    refused = train(*TINY, "out=mine")
    assert (refused.code, refused.err) == (2, "out=mine: exists and is not empty\n")
    assert train(*TINY, "model.dropout=2", "out=mine").code == 2  # refused before it is looked at
    assert Path("mine/thesis.txt").exists()


@pytest.mark.slow
def test_a_diverged_run_says_so(train: Train) -> None:
    ended = train(
        *TINY, "optimizer=sgd", "optimizer.lr=1e30", "callback=[]", "trainer.max_epochs=9"
    )
    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("diverged: the gradient became non-finite")
    assert "Traceback" not in ended.err
    status = json.loads((ended.folder / "status.json").read_text())
    assert status["status"] == "diverged"


@pytest.mark.slow
def test_a_crash_leaves_its_status_and_the_last_checkpoint(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    from seedbed.task.supervised import Supervised

    whole = Supervised.on_train_batch_end

    def crash(self: Supervised, outputs: object, batch: object, batch_idx: int) -> None:
        whole(self, outputs, batch, batch_idx)  # pyright: ignore[reportArgumentType]
        if self.current_epoch == 1:
            raise RuntimeError("the cat pulled the plug")

    monkeypatch.setattr(Supervised, "on_train_batch_end", crash)
    ended = train(*TINY, "trainer.max_epochs=3")
    assert ended.code == 1
    assert "Traceback" in ended.err
    status = json.loads((ended.folder / "status.json").read_text())
    assert (status["status"], status["error"]) == (
        "failed",
        "RuntimeError: the cat pulled the plug",
    )
    assert (ended.folder / "checkpoints/last.ckpt").is_file()


@pytest.mark.slow
def test_an_interrupted_run_says_so(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    from seedbed.task.supervised import Supervised

    def interrupt(self: Supervised) -> None:
        if self.current_epoch == 1:
            os.kill(os.getpid(), signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(Supervised, "on_train_epoch_start", interrupt)
    ended = train(*TINY, "trainer.max_epochs=3")
    assert signal.getsignal(signal.SIGINT) is before
    assert ended.code == 130
    assert ended.lines() == [
        "interrupted by SIGINT; go on with:",
        f"python train.py run={ended.folder}",
    ]
    status = json.loads((ended.folder / "status.json").read_text())
    assert status["status"] == "interrupted"


@pytest.mark.slow
@pytest.mark.parametrize("run", ["https://localhost:1/run", "s3://bucket/run", "file:///tmp/run"])
def test_a_run_lies_on_this_machine(train: Train, run: str) -> None:
    ended = train(f"run='{run}'", "stages=test")
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert ended.err == f"run={run}: a folder of this machine is expected, not an address\n"
    with pytest.raises(ValueError, match="a local file is expected"):
        seedbed.load(run)


@pytest.mark.parametrize("content", ["", "{", "[1]", "\x00\x00"])
def test_a_damaged_table_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert folder.read_json(tmp_path / "status.json") == {}


def test_the_end_of_a_run_is_told_where_no_new_file_can_be_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    def fail() -> None:
        with recorded(tmp_path):
            monkeypatch.setattr(folder, "write", full)
            raise ValueError("lost")

    with pytest.raises(ValueError, match="lost"):
        fail()
    status = folder.read_json(tmp_path / "status.json")
    assert (status["status"], status["error"]) == ("failed", "ValueError: lost")


def test_ids_never_collide() -> None:
    ids = [folder.new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert not any("=" in i for i in ids)


@pytest.mark.slow
def test_the_saved_config_is_plain_and_resolved(train: Train) -> None:
    ended = train(*REPORTED)
    text = (ended.folder / "config.yaml").read_text()
    config = yaml.safe_load(text)
    assert "${" not in text
    assert config["optimizer"]["eps"] == 1e-8
    assert config["stages"] == ["fit", "test", "report"]


@pytest.mark.slow
def test_values_are_learned_in_scaled_units_and_told_in_their_own(train: Train) -> None:
    words = ["data.form=plane", "model=linear", "~model.widths", "loss=mse", "data.noise=0.01"]
    ended = train(*TINY, *words, "trainer.max_epochs=60", "optimizer.lr=0.05")
    assert ended.code == 0, ended.err
    assert metrics_of(ended)["test/rmse"] < 0.05
    assert metrics_of(ended)["test/r2"] > 0.99
    model, _ = seedbed.load(ended.folder)
    slope = model(torch.eye(2)) - model(torch.zeros(2, 2))
    torch.testing.assert_close(slope, torch.tensor([[0.5], [1.0]]), atol=0.05, rtol=0)
    plain = train(*TINY, *words, "target_scaling=none")
    scaled = train(*TINY, *words, "target_scaling=minmax")
    assert plain.code == scaled.code == 0
    assert metrics_of(plain)["val/loss"] == pytest.approx(metrics_of(plain)["val/rmse"] ** 2)
    assert metrics_of(scaled)["val/loss"] < metrics_of(plain)["val/loss"]


@pytest.mark.slow
def test_a_number_that_is_undefined_is_null(train: Train) -> None:
    words = ["data.form=plane", "data.size=8", "model=linear", "~model.widths", "callback=[]"]
    ended = train(*TINY, *words, "data.val_fraction=0.1")  # one example validates
    text = (ended.folder / "metrics.json").read_text()
    assert '"val/r2": null' in text
    assert "NaN" not in text
    again = train(f"run={ended.folder}", "stages=report")
    assert again.code == 0, again.err

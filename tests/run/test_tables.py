"""Tables and folders of images, from a command to its files; wrong ones leave nothing behind."""

import csv
import json
from pathlib import Path

import pytest
import samples
from conftest import Ended, Train

BASE = ["model=mlp", "model.widths=[16]", "trainer=cpu", "trainer.enable_progress_bar=false"]
TABLE = [*BASE, "data=tabular", "data.path=t.csv"]
FAST = ["callback=[]", "optimizer.lr=0.01", "data.batch_size=32"]  # no average that lags behind
FOLDER = [*BASE, "data=image_folder", "data.root=r", "data.size=8", "data.num_workers=0"]


def numbers(ended: Ended) -> dict[str, float]:
    assert ended.code == 0, ended.err
    return json.loads((ended.folder / "metrics.json").read_text())


def predictions(folder: Path) -> list[dict[str, str]]:
    with (folder / "predictions.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "loss", "metric", "least"),
    [
        ("diabetes", "mse", "r2", 0.3),
        ("breast_cancer", "cross_entropy", "acc", 0.93),
        ("iris", "cross_entropy", "acc", 0.83),
        ("wine", "cross_entropy", "acc", 0.9),
    ],
)
def test_real_tables_are_learned(
    name: str, loss: str, metric: str, least: float, train: Train
) -> None:
    from sklearn import datasets

    getattr(datasets, f"load_{name}")(as_frame=True).frame.to_csv("t.csv", index=False)
    ended = train(*TABLE, "data.target=target", f"loss={loss}", *FAST, "trainer.max_epochs=30")
    assert numbers(ended)[f"test/{metric}"] > least
    assert "target 'target'" in ended.out


@pytest.mark.slow
def test_errors_of_a_regression_are_in_the_units_of_the_data(train: Train) -> None:
    samples.table(Path("t.csv"), 100)
    epochs = ["trainer.max_epochs=2", "stages=[fit,test,predict]"]
    ended = train(*TABLE, "data.target=price", "loss=mse", *epochs)
    rows = predictions(ended.folder)
    errors = [abs(float(row["target"]) - float(row["prediction"])) for row in rows]
    assert numbers(ended)["test/mae"] == pytest.approx(sum(errors) / len(errors), rel=1e-4)
    assert max(float(row["target"]) for row in rows) > 100


@pytest.mark.slow
def test_new_rows_are_predicted_from_the_run_folder(train: Train) -> None:
    samples.table(Path("t.csv"))
    first = train(*TABLE, "data.target=blood", "trainer.max_epochs=1")
    assert first.code == 0, first.err
    Path("new.csv").write_text("city,age,price\nRio,30,60\nOslo,,\n")
    again = train(f"run={first.folder}", "stages=predict", "predict.path=new.csv")
    assert again.code == 0, again.err
    [rerun] = (first.folder / "reruns").iterdir()
    assert [row["prediction"] in ("A", "B") for row in predictions(rerun)] == [True, True]
    Path("new.csv").write_text("city,age\nRio,30\n")
    again = train(f"run={first.folder}", "stages=predict", "predict.path=new.csv")
    assert again.code == 2
    assert again.err.startswith("predict.path: new.csv: there is no column 'price'")
    samples.table(Path("t.csv"), edit={3: "1,Rio,A,2"})
    again = train(f"run={first.folder}", "stages=test")
    assert again.code == 2
    assert "the content of its files has changed" in again.err
    Path("t.csv").unlink()
    again = train(f"run={first.folder}", "stages=test")
    assert (again.code, again.lines()) == (2, ["data: t.csv: there is no such file"])


@pytest.mark.slow
def test_images_are_predicted_from_a_folder(train: Train) -> None:
    samples.images(Path("r"))
    ended = train(*FOLDER, *FAST, "stages=[fit,test,predict]", "trainer.max_epochs=15")
    assert numbers(ended)["test/acc"] == 1
    assert len(predictions(ended.folder)) == 6
    samples.images(Path("new"), ("what",), 4)
    again = train(f"run={ended.folder}", "stages=predict", "predict.path=new")
    assert again.code == 0, again.err
    [rerun] = (ended.folder / "reruns").iterdir()
    assert [row["prediction"] for row in predictions(rerun)] == ["dark"] * 4


@pytest.mark.slow
def test_a_constant_is_a_parabola_of_one_weight(train: Train) -> None:
    words = ["data=synthetic", "data.form=constant", "data.size=50", "data.batch_size=full"]
    words += ["scaling=none", "target_scaling=none", "model=linear", "loss=mse", "trainer=cpu"]
    ended = train(*words, "trainer.max_epochs=1", "trainer.enable_progress_bar=false")
    values = numbers(ended)
    assert values["test/loss"] == pytest.approx(values["test/mae"] ** 2, rel=1e-5)


WRONG_TABLES = [
    ({3: "x,Rio,A,1"}, "blood", "data: t.csv: row 3: column 'age' holds numbers, here it says 'x'"),
    ({3: "inf,Rio,A,1"}, "blood", "data: t.csv: row 3: column 'age' is not a finite number"),
    ({3: "3,Rio,,1"}, "blood", "data: t.csv: row 3: the target 'blood' is empty"),
    ({3: "3,Rio,O,1"}, "blood", "data: 60 examples of 3 classes cannot be split"),
    (
        {k: f"{k},Rio,A,7.5" for k in range(1, 61)},
        "price",
        "data: t.csv: every value",
    ),
    ({}, "blud", "data: t.csv: there is no column 'blud' (data.target); did you mean 'blood'?"),
]


@pytest.mark.parametrize(("edit", "target", "says"), WRONG_TABLES, ids=[w[2] for w in WRONG_TABLES])
def test_a_wrong_table_is_one_line(
    edit: dict[int, str], target: str, says: str, train: Train
) -> None:
    samples.table(Path("t.csv"), edit=edit)
    ended = train(*TABLE, f"data.target={target}")
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert ended.err.startswith(says)
    assert not Path("logs").exists()


def test_a_loss_that_does_not_fit_the_table_is_one_line(train: Train) -> None:
    samples.table(Path("t.csv"))
    ended = train(*TABLE, "data.target=price", "loss=cross_entropy")
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert "needs classes as targets, the data has real numbers; use loss=" in ended.err
    assert not Path("logs").exists()


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 1])
def test_an_image_that_does_not_decode_is_one_line(workers: int, train: Train) -> None:
    samples.images(Path("r"))
    for file in Path("r/dark").iterdir():
        file.write_bytes(file.read_bytes()[:-40])
    for scaling in ("standard", "none"):
        ended = train(*FOLDER, f"data.num_workers={workers}", f"scaling={scaling}")
        assert (ended.code, len(ended.lines())) == (2, 1)
        assert ended.err.startswith("data: r/dark/")
        assert "does not decode as an image" in ended.err
        assert not Path("logs").exists()


def test_no_path_is_said_by_its_key(train: Train) -> None:
    ended = train(*BASE, "data=tabular")
    assert ended.code == 2
    assert [line.partition(":")[0] for line in ended.lines()] == ["data.path", "data.target"]
    ended = train(*BASE, "data=image_folder", "data.root=nowhere")
    assert (ended.code, ended.lines()) == (2, ["data: nowhere: there is no such folder"])

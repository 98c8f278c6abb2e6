"""The stage `compress` from the command line: what it writes is what it measured."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import TINY, Train
from torch import Tensor

import seedbed
from seedbed.compress.distill import Distillation
from seedbed.data.synthetic import Synthetic
from seedbed.rules import compression as rules
from seedbed.run import artefact
from seedbed.run.stop import WISH
from seedbed.types import Step

pytestmark = pytest.mark.slow

WORDS = [*TINY, "data.size=300", "trainer.max_epochs=4", "logger=[]", "optimizer.lr=0.05"]
CHAIN = [
    "compress=[distill,static]",
    "compress.distill.max_drop=100",
    "compress.static.max_drop=100",
]


def table(folder: Path) -> dict[str, dict[str, Any]]:
    rows = json.loads((folder / "compress/table.json").read_text())["rows"]
    return {row["name"]: row for row in rows}


def files(folder: Path) -> dict[str, str]:
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
        if "reruns" not in path.parts
    }


def session(file: Path) -> Any:
    ort = pytest.importorskip("onnxruntime")
    return ort.InferenceSession(file.read_bytes(), providers=["CPUExecutionProvider"])


def answers(file: Path, x: Tensor) -> Tensor:
    return torch.from_numpy(session(file).run(None, {"input": x.numpy()})[0])


def split() -> tuple[Tensor, Tensor]:
    data = Synthetic(size=300)
    data.setup()
    return data.splits["test"].x[:], data.splits["test"].y


def test_a_chain_writes_what_it_measured(train: Train) -> None:
    pytest.importorskip("onnxruntime")
    stages = "stages=[fit,test,compress,report]"
    ended = train(*WORDS, stages, *CHAIN, "compress.distill.epochs=1")
    assert ended.code == 0, ended.err
    folder = ended.folder / "compress"
    names = {*(f"{name}.onnx" for name in ("dense", "distill", "static", "model")), "distill.ckpt"}
    written = {path.name for path in folder.iterdir()}
    assert written == names | {"model.pt2", "table.json", "table.md", "pareto.png", "pareto.svg"}
    rows, (x, y) = table(ended.folder), split()
    assert rows["dense"]["points"] > 90
    assert list(rows) == ["dense", "distill", "static"]
    for name, row in rows.items():
        right = (answers(folder / f"{name}.onnx", x).argmax(1) == y).double().mean().item()
        assert row["points"] == pytest.approx(100 * right)
        assert row["bytes"] == (folder / f"{name}.onnx").stat().st_size
    weights = 2 * 8 + 8 + 8 * 3 + 3
    assert rows["dense"]["parameters"] == rows["static"]["parameters"] == weights
    assert rows["dense"]["macs"] == 2 * 8 + 8 * 3
    assert (folder / "model.onnx").read_bytes() == (folder / "static.onnx").read_bytes()

    torch.testing.assert_close(
        seedbed.load(folder / "distill.ckpt").model(x), answers(folder / "distill.onnx", x)
    )
    dense = seedbed.load(ended.folder).model
    torch.testing.assert_close(dense(x), answers(folder / "dense.onnx", x))
    measured = json.loads((ended.folder / "metrics.json").read_text())
    assert measured["test/acc"] * 100 == pytest.approx(rows["dense"]["points"])
    assert measured["compress/points"] == rows["static"]["points"]
    assert measured["compress/size"] == rows["static"]["bytes"] / rows["dense"]["bytes"]
    page = (ended.folder / "report.html").read_text()
    assert "<h2>Compression</h2>" in page
    assert page.count("data:image/png") == 1  # no curves: nothing was logged
    assert not (ended.folder / "tuning").exists()


def test_a_finished_run_is_compressed_beside_itself(train: Train) -> None:
    run = train(*WORDS, "stages=fit").folder
    before = files(run)
    ended = train(f"run={run}", "stages=compress", "compress=static", "compress.static.max_drop=99")
    assert ended.code == 0, ended.err
    assert files(run) == before
    [again] = (run / "reruns").iterdir()
    assert list(table(again)) == ["dense", "static"]
    assert (again / "compress/model.onnx").is_file()


def test_a_student_of_another_kind_loads_by_its_checkpoint(train: Train) -> None:
    student = ["student=linear", "epochs=3", "rate=5", "max_drop=99"]
    words = (f"compress.distill.{word}" for word in student)
    ended = train(*WORDS, "stages=[fit,compress]", "compress=distill", *words)
    assert ended.code == 0, ended.err
    x, y = split()
    model = seedbed.load(ended.folder / "compress/distill.ckpt").model
    assert sum(p.numel() for p in model.parameters()) == 2 * 3 + 3
    right = 100 * (model(x).argmax(1) == y).double().mean().item()
    assert table(ended.folder)["distill"]["points"] == pytest.approx(right)
    again = train(
        *WORDS, "stages=[fit,compress]", "compress=distill", "compress.distill.epochs=1",
        f"compress.distill.teacher={ended.folder}", "seed=3", "compress.distill.max_drop=99",
    )  # fmt: skip
    assert again.code == 0, again.err


def test_a_step_that_loses_too_much_ends_the_chain(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Distillation, "loss", lambda self, step: -step.loss)
    words = ["compress=[distill,static]", "compress.distill.rate=10"]
    ended = train(*WORDS, "stages=[fit,compress]", *words)
    assert ended.code == 0, ended.err
    folder, rows = ended.folder / "compress", table(ended.folder)
    assert list(rows) == ["dense", "distill"]
    assert rows["distill"]["stopped"]
    lost = rows["dense"]["val_points"] - rows["distill"]["val_points"]
    assert f"compress.distill: loses {lost:.2f} points on validation, more than " in ended.out
    assert not (folder / "distill.ckpt").exists()
    assert (folder / "model.onnx").read_bytes() == (folder / "dense.onnx").read_bytes()
    assert json.loads((ended.folder / "metrics.json").read_text())["compress/gained"] == 0


def test_a_model_that_disagrees_with_its_file_leaves_nothing(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = train(*WORDS, "stages=fit").folder
    before = files(run)

    def unequal(*_: object) -> None:
        raise ValueError("the exported model disagrees with the original: by 3")

    monkeypatch.setattr(artefact, "verified", unequal)
    ended = train(f"run={run}", "stages=compress", "compress=static")
    assert ended.code == 2
    assert ended.lines() == ["compress: the exported model disagrees with the original: by 3"]
    assert files(run) == before
    assert not (run / "reruns").exists()


def without(monkeypatch: pytest.MonkeyPatch, *missing: str) -> None:
    for module in (artefact, rules):
        monkeypatch.setattr(module, "find_spec", lambda name: None if name in missing else name)


def test_an_interrupted_chain_goes_on_to_the_last_bit(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "onnx")
    run = train(*WORDS, "stages=fit").folder
    asked = [f"run={run}", "stages=compress", "compress=distill", "compress.distill.max_drop=99"]
    asked.append("compress.distill.epochs=2")
    assert train(*asked).code == 0
    own, left = Distillation.loss, [17]

    def interrupting(self: Distillation, step: Step) -> Tensor:
        left[0] -= 1
        if not left[0]:
            WISH.note(15, None)
        return own(self, step)

    monkeypatch.setattr(Distillation, "loss", interrupting)
    ended = train(*asked)
    assert ended.code == 143
    monkeypatch.setattr(Distillation, "loss", own)
    again = train(*asked)
    assert again.code == 0, again.err
    assert "compress.distill: going on from epoch" in again.out
    made = [seedbed.load(path).model for path in run.glob("reruns/*/compress/distill.ckpt")]
    assert len(made) == 2
    for a, b in zip(made[0].parameters(), made[1].parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=0, rtol=0)


def test_without_the_extra_there_is_pt2_and_no_integers(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    without(monkeypatch, "onnx", "onnxruntime", "torchao", "torch_pruning")
    stages = "stages=[fit,compress]"
    ended = train(*WORDS, stages, "compress=static")
    assert ended.code == 2
    assert ended.lines() == [
        "compress=static needs torchao, onnx, onnxruntime: pip install 'seedbed[compress]'"
    ]
    ended = train(*WORDS, stages, "compress=distill", "compress.distill.max_drop=99")
    assert ended.code == 0, ended.err
    folder = ended.folder / "compress"
    assert not list(folder.glob("*.onnx"))
    x, _ = split()
    program = torch.export.load(folder / "model.pt2").module()
    torch.testing.assert_close(program(x), seedbed.load(folder / "distill.ckpt").model(x))
    assert table(ended.folder)["distill"]["bytes"] == (folder / "model.pt2").stat().st_size


DIGITS = ["data=digits", "data.fraction=0.3", "trainer.max_epochs=1", "trainer=cpu", "logger=[]"]
TABLE = ["data=tabular", "data.path=table.csv", "model=mlp", "model.widths=[8]"]
GOING_TOGETHER = {
    "residual, mixed, sparse": [
        *("model=resnet", "model.channels=[16,32]", "model.blocks=1", "regularizer=[mixup,l1]"),
        *("augment=basic", "optimizer=muon", "compress=[structured,distill,static]"),
    ],
    "branches, averaged": [
        *("model=inception", "model.stem=16", "model.widths=[32]", "regularizer=[cutmix,max_norm]"),
        *("scheduler=one_cycle", "param_groups=no_decay", "callback=[gradient_clip]"),
        "compress=[structured,qat]",
    ],
    "weight norm, plateau": [
        *("model=mlp", "model.widths=[32]", "model.norm=weight", "regularizer=[dropout,l2]"),
        *("scheduler=plateau", "param_groups=layer_decay", "compress=[magnitude,dynamic]"),
    ],
    "real numbers in double precision": [
        *(*TABLE, "data.target=price", "trainer.precision=64-true", "regularizer=[noise]"),
        "compress=[obd,distill,static]",
    ],
    "a single logit": [
        *TABLE,
        "data.target=kind",
        "loss=binary_cross_entropy",
        "compress=[distill,qat]",
    ],
}


@pytest.mark.parametrize("words", GOING_TOGETHER.values(), ids=GOING_TOGETHER)
def test_however_a_run_was_trained_its_model_can_be_compressed(
    words: list[str], train: Train, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime")
    rows = [f"{k % 7},{'ab'[k % 2]},{2 * (k % 7)}" for k in range(80)]
    (tmp_path / "table.csv").write_text("\n".join(["size,kind,price", *rows, ""]))
    own = {word.partition("=")[0] for word in words}
    common = [word for word in DIGITS if word.partition("=")[0] not in own]
    if "data=tabular" in words:
        common.remove("data.fraction=0.3")
    chain = next(word for word in words if word.startswith("compress=")).partition("=")[2]
    steps = chain.strip("[]").split(",")
    free = [f"compress.{step}.max_drop=1e9" for step in steps]
    short = {"structured", "magnitude", "obd", "distill"} & {*steps}
    free += [f"compress.{step}.epochs=1" for step in sorted(short)]
    free += ["compress.obd.steps=2"] * ("obd" in steps)
    ended = train(*common, *words, *free, "controls=false", "stages=[fit,compress]")
    assert ended.code == 0, ended.err
    assert list(table(ended.folder)) == ["dense", *steps]
    assert (ended.folder / "compress/model.onnx").is_file()

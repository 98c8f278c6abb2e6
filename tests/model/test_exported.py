"""A model that runs from a file, by itself; from the command line: tests/run/test_exported.py."""

import copy
import io
import json
import os
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.model.exported import KEY, Exported, Session, text_of
from seedbed.types import Spec

onnx = pytest.importorskip("onnx")
ort = pytest.importorskip("onnxruntime")
helper: Any = pytest.importorskip("onnx.helper")
FLOAT = 1  # of ONNX' types

ABC = Spec((3,), "class", 3, ("a", "b", "c"))
PAIR = Spec((3,), "class", 2, ("no", "yes"))
LOGIT = Spec((3,), "class", 1, ("no", "yes"))


def graph_of(weight: torch.Tensor, *, external: str = "") -> Any:
    """Return an ONNX model that multiplies by a matrix."""
    d_in, d_out = weight.shape
    matrix = helper.make_tensor("w", FLOAT, [d_in, d_out], weight.flatten().tolist())
    if external:
        matrix = onnx.TensorProto(name="w", data_type=1, dims=[d_in, d_out], data_location=1)
        for key, value in (("location", external), ("offset", "0"), ("length", "36")):
            matrix.external_data.add(key=key, value=value)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["input", "w"], ["output"])],
        "g",
        [helper.make_tensor_value_info("input", FLOAT, ["batch", d_in])],
        [helper.make_tensor_value_info("output", FLOAT, ["batch", d_out])],
        [matrix],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    made.ir_version = 10
    return made


def written(path: Path, spec: Spec | str | None, weight: torch.Tensor) -> str:
    """Write a file with the metadata that ours have; a text stands there as it is."""
    made = graph_of(weight)
    if spec is not None:
        text = spec if isinstance(spec, str) else text_of(spec)
        made.metadata_props.add(key=KEY, value=text)
    path.write_bytes(made.SerializeToString())
    return str(path)


def test_it_multiplies_as_the_file_says(tmp_path: Path) -> None:
    weight = torch.randn(3, 3)
    model = Exported(ABC, written(tmp_path / "m.onnx", ABC, weight)).train()
    assert not model.training
    assert list(model.parameters()) == []
    for size in (1, 2, 65):
        x = torch.randn(size, 3)
        torch.testing.assert_close(model(x), x @ weight)
    strided = torch.randn(3, 8).T
    torch.testing.assert_close(model(strided), strided @ weight)
    wide = torch.randn(4, 3, dtype=torch.float64)
    torch.testing.assert_close(model(wide), wide.float() @ weight)


def test_copies_and_pickles_run(tmp_path: Path) -> None:
    model = Exported(ABC, written(tmp_path / "m.onnx", ABC, torch.eye(3)))
    (tmp_path / "m.onnx").unlink()
    x = torch.randn(2, 3)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):  # noqa: S301 -- ours
        assert torch.equal(other(x), x)
        assert other.state_dict() == {}


def test_it_uses_as_many_threads_as_torch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file, asked = written(tmp_path / "m.onnx", ABC, torch.eye(3)), []
    start = ort.InferenceSession

    def session(content: bytes, options: Any, **more: Any) -> Any:
        asked.append((options.intra_op_num_threads, options.inter_op_num_threads))
        return start(content, options, **more)

    monkeypatch.setattr(ort, "InferenceSession", session)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        model = Exported(ABC, file)
        model(torch.ones(1, 3))
        torch.set_num_threads(2)
        model(torch.ones(1, 3))
        model(torch.ones(1, 3))
    finally:
        torch.set_num_threads(before)
    assert asked == [(1, 1), (2, 1)]


def test_one_logit_serves_two_outputs_and_the_other_way(tmp_path: Path) -> None:
    x = torch.randn(5, 3)
    one = written(tmp_path / "one.onnx", LOGIT, torch.tensor([[1.0], [-2.0], [0.5]]))
    z = Exported(LOGIT, one)(x)
    assert z.shape == (5, 1)
    torch.testing.assert_close(Exported(PAIR, one)(x).softmax(-1)[:, 1:], z.sigmoid())
    two = written(tmp_path / "two.onnx", PAIR, torch.randn(3, 2))
    probability = Exported(PAIR, two)(x).softmax(-1)[:, 1:]
    torch.testing.assert_close(Exported(LOGIT, two)(x).sigmoid(), probability)


@pytest.mark.parametrize(
    ("known", "says"),
    [
        (Spec((4,), "class", 3, ("a", "b", "c")), r"takes inputs of shape \(4,\), the data has"),
        (Spec((3,), "value", 3), "predicts a value, the data has a class as target"),
        (Spec((3,), "class", 3, ("a", "c", "b")), "knows the classes a, c, b, the data has a, b"),
        (None, "is not a model that was exported here"),
        ("nonsense", "is not a model that was exported here"),
        ("[1]", "is not a model that was exported here"),
        (json.dumps({"shape": 3}), "is not a model that was exported here"),
        (json.dumps({"shape": [3], "kind": "class", "outputs": "x", "classes": []}), "is not a m"),
    ],
)
def test_a_file_of_other_data_is_one_line(
    tmp_path: Path, known: Spec | str | None, says: str
) -> None:
    file = written(tmp_path / "m.onnx", known, torch.eye(3))
    with pytest.raises(ValueError, match=rf"^file: {file} {says}") as refused:
        Exported(ABC, file)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("shape", "says"), [((4, 3), "does not take what it says"), ((3, 4), "does not give what it")]
)
def test_a_file_that_lies_is_one_line(tmp_path: Path, shape: tuple[int, int], says: str) -> None:
    file = written(tmp_path / "m.onnx", ABC, torch.ones(shape))
    with pytest.raises(ValueError, match=rf"^file: {file} {says}"):
        Exported(ABC, file)


@pytest.mark.parametrize("content", [b"", b"nonsense", b"PK\x03\x04", b"\x08\x0a" * 900])
def test_what_is_no_model_is_one_line(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "m.onnx"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=rf"^file: {file}: not a model that ONNX Runtime") as said:
        Exported(ABC, str(file))
    assert len(str(said.value).splitlines()) == 1


def test_a_missing_file_a_folder_and_no_name(tmp_path: Path) -> None:
    for file, says in (
        (f"{tmp_path}/nope.onnx", "No such file"),
        (str(tmp_path), "Is a directory"),
        ("", "file must name an exported model"),
    ):
        with pytest.raises(ValueError, match=says):
            Exported(ABC, file)


class Trap:
    """Makes a file when it is unpickled."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (self.file,)


def trapped(mark: str) -> bytes:
    """Return a .pt2 whose weights are pickles that do something."""
    source, target = io.BytesIO(), io.BytesIO()
    torch.export.save(torch.export.export(nn.Linear(3, 3), (torch.ones(2, 3),)), source)
    with zipfile.ZipFile(source) as plain, zipfile.ZipFile(target, "w") as changed:
        for name in plain.namelist():
            content = plain.read(name)
            if name.endswith("model_weights_config.json"):
                content = content.replace(b'"use_pickle": false', b'"use_pickle": true')
            if "weights/weight_" in name:
                pickled = io.BytesIO()
                torch.save(Trap(mark), pickled)
                content = pickled.getvalue()
            changed.writestr(name, content)
    return target.getvalue()


def test_a_pt2_is_refused_because_reading_it_runs_what_is_in_it(tmp_path: Path) -> None:
    file, mark = tmp_path / "m.pt2", tmp_path / "done"
    file.write_bytes(trapped(str(mark)))
    with pytest.raises(ValueError, match=r"reading a \.pt2 can run code that is hidden in it"):
        Exported(ABC, str(file))
    file.rename(tmp_path / "m.onnx")  # another name does not help
    with pytest.raises(ValueError, match="not a model that ONNX Runtime can run"):
        Exported(ABC, str(tmp_path / "m.onnx"))
    assert not mark.exists()
    with pytest.raises(Exception, match=r"."):  # whatever comes after it
        torch.export.load(io.BytesIO((tmp_path / "m.onnx").read_bytes()))
    assert mark.exists()  # so the refusal is still needed


@pytest.mark.parametrize(
    "place", ["secret.bin", "../secret.bin", "sub/../secret.bin", "/etc/hostname"]
)
def test_a_file_cannot_read_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    Path("secret.bin").write_bytes(bytes(36))
    content = graph_of(torch.eye(3), external=place).SerializeToString()
    with pytest.raises(ValueError, match="not a model that ONNX Runtime can run"):
        Session(content)

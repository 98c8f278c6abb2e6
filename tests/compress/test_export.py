"""Exported files: the same numbers from raw inputs, small, for any batch, held against eager."""

import io
import json
import subprocess
import sys
import zipfile
from typing import Any

import pytest
import torch
from integers import SPEC, Scaled, digits
from torch import Tensor, nn

pytest.importorskip("onnxruntime")

from seedbed.compress import _extra
from seedbed.compress._export import difference, to_onnx, to_pt2, verified
from seedbed.compress._extra import extra
from seedbed.model.cnn import CNN
from seedbed.model.exported import Session
from seedbed.model.mlp import MLP
from seedbed.scaling.l2 import L2
from seedbed.scaling.minmax import MinMax
from seedbed.scaling.standard import Standard
from seedbed.types import Spec

pytestmark = pytest.mark.slow
TABLE = Spec((5,), "value", 2)


class Priced(nn.Module):
    """A table's model, from raw inputs to the units of the targets."""

    def __init__(self, scaling: nn.Module, back: Standard | MinMax) -> None:
        super().__init__()
        self.scaling, self.model, self.back = scaling, MLP((5,), 2, (8,), activation="tanh"), back

    def forward(self, x: Tensor) -> Tensor:
        return self.back.inverse(self.model(self.scaling(x)))


def table() -> Tensor:
    torch.manual_seed(0)
    x = torch.randn(300, 5) * torch.tensor([1.0, 1e3, 1e-3, 1.0, 5.0]) + 7
    x[:, 3] = (x[:, 3] > 7).float()
    return x


SCALINGS: dict[str, Any] = {
    "standard": lambda: Standard((5,), untouched=[3]),
    "minmax": lambda: MinMax((5,), (-1.0, 1.0), untouched=[3]),
    "l2": lambda: L2((5,), untouched=[3]),
    "none": nn.Identity,
}


@pytest.mark.parametrize("scaling", SCALINGS)
def test_raw_tables_go_in_and_prices_come_out(scaling: str) -> None:
    x = table()
    part, back = SCALINGS[scaling](), (Standard((2,)) if scaling == "l2" else MinMax((2,)))
    if scaling != "none":
        part.fit(x)
    back.fit(torch.randn(100, 2) * 1e4 + 3e5)
    net = Priced(part, back).eval()
    file = to_onnx(net, x[:2], TABLE)
    run = Session(file)
    found = verified(net, run, x, TABLE)
    assert found.examples == 300
    assert found.scale > 1e5
    assert found.changed == 0
    for size in (1, 2, 64):
        torch.testing.assert_close(run(x[:size]), net(x[:size]).detach(), rtol=1e-5, atol=1e-2)
    loaded = torch.export.load(io.BytesIO(to_pt2(net, x[:2], TABLE))).module()
    for size in (1, 64):
        torch.testing.assert_close(loaded(x[:size]), net(x[:size]))


@pytest.fixture(scope="module")
def made() -> tuple[nn.Module, bytes, bytes]:
    """Return a net with norms and dropout, and its files, made in training mode."""
    torch.manual_seed(0)
    net = Scaled(CNN(SPEC.shape, 10, (8,), hidden=16, norm="batch", dropout=0.5))
    net(digits()[0].x[:64])
    x = digits()[0].x.expand(-1, -1, -1, -1)[:2]
    return net, to_onnx(net.train(), x, SPEC), to_pt2(net.train(), x, SPEC)


def test_a_file_says_what_it_is(made: tuple[nn.Module, bytes, bytes]) -> None:
    run = Session(made[1])
    (given,), (got,) = run.session().get_inputs(), run.session().get_outputs()
    assert (given.name, got.name) == ("input", "output")
    assert given.shape[1:] == [1, 8, 8]
    assert isinstance(given.shape[0], str)
    known = {"shape": [1, 8, 8], "kind": "class", "outputs": 10, "classes": list("0123456789")}
    assert json.loads(run.metadata["seedbed"]) == known
    loaded: dict[str, str] = {"seedbed.json": ""}
    torch.export.load(io.BytesIO(made[2]), extra_files=loaded)
    assert json.loads(loaded["seedbed.json"]) == known


def test_it_is_the_net_as_it_evaluates(made: tuple[nn.Module, bytes, bytes]) -> None:
    x = digits()[1].x
    verified(made[0].eval(), Session(made[1]), x, SPEC)
    verified(made[0], torch.export.load(io.BytesIO(made[2])).module(), x, SPEC)


def test_files_hold_the_weights_and_little_else(made: tuple[nn.Module, bytes, bytes]) -> None:
    weights = sum(4 * t.numel() for t in made[0].state_dict().values())
    assert weights < len(made[1]) < weights + 8_000
    assert len(made[2]) < weights + 60_000
    with zipfile.ZipFile(io.BytesIO(made[2])) as archive:
        names = [name for name in archive.namelist() if "sample_inputs" in name]
        assert all(archive.getinfo(name).file_size < 1_000 for name in names)


def test_an_example_does_not_bring_its_storage(made: tuple[nn.Module, bytes, bytes]) -> None:
    big = torch.randn(20_000, 1, 8, 8)
    assert abs(len(to_pt2(made[0], big[:2], SPEC)) - len(made[2])) < 2_000


def test_nothing_is_printed(
    made: tuple[nn.Module, bytes, bytes], capfd: pytest.CaptureFixture[str]
) -> None:
    x = digits()[0].x[:2]
    to_onnx(made[0], x, SPEC)
    to_pt2(made[0], x, SPEC)
    Session(made[1])(x)
    assert capfd.readouterr() == ("", "")


def biased(run: Any, by: float, rows: slice = slice(None)) -> Any:
    def off(x: Tensor) -> Tensor:
        out = run(x).clone()
        out[rows, 3] += by
        return out

    return off


def test_a_disagreement_is_one_line(made: tuple[nn.Module, bytes, bytes]) -> None:
    net, x = made[0].eval(), digits()[1].x
    scale = net(x).abs().max().item()
    verified(net, biased(net, 0.5e-4 * scale), x, SPEC)
    for wrong in (2e-4 * scale, -scale, float("nan")):
        with pytest.raises(ValueError, match="the exported model disagrees with the orig") as said:
            verified(net, biased(net, wrong, slice(3, 4)), x, SPEC)
        assert len(str(said.value).splitlines()) == 1


def test_a_difference_by_hand() -> None:
    spec = Spec((2,), "class", 1, ("no", "yes"))  # one logit
    x = torch.tensor([[1.0], [-4.0], [0.1], [2.0]])
    found = difference(nn.Identity(), lambda z: z - 0.25, [x[:3], x[3:]], spec)
    assert found == (pytest.approx(0.25), 4.0, 0.25, 4)  # .1 becomes -.15
    assert str(found) == "outputs of up to 4 differ by up to 0.25, 25.0% of 4 predictions change"
    value = difference(nn.Identity(), lambda z: z - 0.25, [x], Spec((1,), "value", 1))
    assert value.changed == 0


def test_a_net_that_cannot_be_exported_is_one_line() -> None:
    class Asks(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum() > 0 else -x

    for export in (to_onnx, to_pt2):
        with pytest.raises(ValueError, match="the model cannot be exported") as said:
            export(Asks(), torch.ones(2, 3), TABLE)
        assert len(str(said.value).splitlines()) == 1


def test_a_missing_library_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert extra("json", "x") is json
    monkeypatch.setitem(sys.modules, "torchao", None)

    def missing(name: str) -> None:
        raise ModuleNotFoundError(f"No module named {name!r}", name=name.partition(".")[0])

    monkeypatch.setattr(_extra, "import_module", missing)
    with pytest.raises(ImportError, match=r"^compress=qat needs torchao: pip install 'seedbed\[c"):
        extra("torchao.quantization", "compress=qat")
    monkeypatch.setattr(
        _extra, "import_module", lambda _: (_ for _ in ()).throw(ModuleNotFoundError(name="other"))
    )
    with pytest.raises(ModuleNotFoundError) as said:
        extra("torchao", "compress=qat")
    assert "seedbed" not in str(said.value)


def test_without_the_extra_steps_are_made_and_models_exported_by_torch() -> None:
    code = """
import sys
for name in ("onnx", "onnxscript", "onnxruntime", "torchao"):
    sys.modules[name] = None
import torch
from seedbed.compress._export import to_onnx, to_pt2
from seedbed.compress.static import Static
from seedbed.compress.qat import QAT
from seedbed.compress.dynamic import Dynamic
from seedbed.types import Batch, Spec
from integers import bench
net, x, spec = torch.nn.Sequential(torch.nn.Linear(2, 2)), torch.ones(4, 2), Spec((2,), "value", 2)
assert len(to_pt2(net, x, spec)) > 100
tools = bench(net, Batch(x, x), spec=spec)
for made in (Static(), QAT(), Dynamic(), lambda *_: to_onnx(net, x, spec)):
    try:
        made(net, tools)
    except ImportError as error:
        print(error)
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd="tests"
    )
    assert ended.stdout.splitlines() == [
        "compress=static needs torchao: pip install 'seedbed[compress]'",
        "compress=qat needs torchao: pip install 'seedbed[compress]'",
        "compress=dynamic needs onnxruntime: pip install 'seedbed[compress]'",
        "the export to ONNX needs onnx: pip install 'seedbed[compress]'",
    ], ended.stderr

"""Weights that were learned before."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from seedbed.init.pretrained import SHOWN, Pretrained
from seedbed.model.linear import Linear
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.types import Spec

SPEC = Spec((3,), "class", 2, ("a", "b"), (4, 4))


def source(outputs: int = 2) -> MLP:
    torch.manual_seed(11)
    return MLP((3,), outputs, widths=[4], norm="batch")


def target(outputs: int = 2, **more: Any) -> MLP:
    torch.manual_seed(12)
    return MLP((3,), outputs, **({"widths": [4], "norm": "batch"} | more))


def saved(folder: Path, content: Any, name: str = "weights.pt") -> str:
    torch.save(content, folder / name)
    return str(folder / name)


@pytest.mark.parametrize("wrap", ["", "module.", "_orig_mod.", "model.", "model.model."])
@pytest.mark.parametrize("key", [None, "state_dict", "model"])
def test_every_tensor_is_loaded_whatever_wraps_it(
    wrap: str, key: str | None, tmp_path: Path
) -> None:
    model = source()
    model(torch.randn(9, 3))  # moves the running statistics
    state = {f"{wrap}{k}": v for k, v in model.state_dict().items()}
    init = Pretrained(path=saved(tmp_path, {key: state, "epoch": 3} if key else state))
    other = target()
    init(other, SPEC)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    assert init.message.endswith(": 8 of 8 tensors loaded")


def test_a_run_gives_its_model_and_not_its_scaling(tmp_path: Path) -> None:
    model = source()
    state = {f"model.model.{k}": v for k, v in model.state_dict().items()}
    state |= {"model.scaling.mean": torch.ones(3), "regularizers.x.head.weight": torch.ones(2, 4)}
    (tmp_path / "checkpoints").mkdir()
    saved(tmp_path / "checkpoints", {"state_dict": state}, "best.ckpt")
    other, init = target(), Pretrained(run=str(tmp_path))
    init(other, SPEC)
    assert torch.equal(other.head.weight, model.head.weight)
    assert init.message.endswith(": 8 of 8 tensors loaded")


def test_what_does_not_match_stays_and_is_listed(tmp_path: Path) -> None:
    state = source(outputs=5).state_dict() | {"extra": torch.ones(1)}
    del state["body.1.weight"]
    other = target()
    before = {k: v.clone() for k, v in other.state_dict().items()}
    init = Pretrained(path=saved(tmp_path, state))
    init(other, SPEC)
    stays = ("head.weight", "head.bias", "body.1.weight")
    for name, value in other.state_dict().items():
        assert torch.equal(value, before[name] if name in stays else state[name]), name
    assert init.message.endswith(
        ": 5 of 8 tensors loaded; of another shape: head.weight, head.bias; "
        "missing in the file: body.1.weight; not in the model: extra"
    )


def test_long_lists_are_cut(tmp_path: Path) -> None:
    state = source().state_dict() | {f"x{i}": torch.ones(1) for i in range(SHOWN + 3)}
    init = Pretrained(path=saved(tmp_path, state))
    init(target(), SPEC)
    assert init.message.endswith(f"x{SHOWN - 1} and 3 more")


def test_other_precisions_are_cast(tmp_path: Path) -> None:
    model = source().double()
    other = target()
    Pretrained(path=saved(tmp_path, model.state_dict()))(other, SPEC)
    assert other.head.weight.dtype is torch.float32
    torch.testing.assert_close(other.head.weight.double(), model.head.weight)


def test_a_safetensors_file(tmp_path: Path) -> None:
    torch_format = pytest.importorskip("safetensors.torch")
    model, other = source(), target()
    torch_format.save_file(model.state_dict(), tmp_path / "weights.safetensors")
    Pretrained(path=str(tmp_path / "weights.safetensors"))(other, SPEC)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    (tmp_path / "weights.safetensors").write_bytes(b"\x08")
    with pytest.raises(ValueError, match="damaged, or no safetensors file"):
        Pretrained(path=str(tmp_path / "weights.safetensors"))(other, SPEC)


class Evil:
    def __reduce__(self) -> Any:
        return (Path.touch, (Path("pwned"),))


@pytest.mark.parametrize("content", [b"", b"hello", b"root:x:0:0:\n", b"PK\x03\x04 cut off"])
def test_a_damaged_file_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(ValueError, match=r"weights\.pt: damaged, or not plain tensors"):
        Pretrained(path=str(tmp_path / "weights.pt"))(target(), SPEC)


def test_a_flipped_bit_is_refused_which_torch_loads(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"head.weight": torch.arange(40.0)}, path)
    content = bytearray(path.read_bytes())
    content[content.index(torch.arange(40.0).numpy().tobytes()) + 17] ^= 8
    path.write_bytes(content)
    torch.load(path, weights_only=True)
    with pytest.raises(ValueError, match=r"weights\.pt: damaged, or not plain .*does not fit"):
        Pretrained(path=str(path))(target(), SPEC)


def test_code_in_a_file_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    file = saved(tmp_path, {"head.weight": Evil()})
    with pytest.raises(ValueError, match="not plain tensors"):
        Pretrained(path=file)(target(), SPEC)
    assert not Path("pwned").exists()


@pytest.mark.parametrize("content", [{}, [1, 2], {"epoch": 3}, torch.ones(3)], ids=str)
def test_a_file_without_named_tensors_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="holds no tensors by name"):
        Pretrained(path=saved(tmp_path, content))(target(), SPEC)


def test_a_file_of_which_nothing_fits_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    model: nn.Module = ResNet((1, 8, 8), 2)
    before = {k: v.clone() for k, v in model.state_dict().items()}
    with pytest.raises(ValueError, match=r"no tensor fits ResNet; of another shape: head\.weight"):
        Pretrained(path=saved(tmp_path, {"head.weight": torch.ones(7, 7)}))(model, SPEC)
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())


def test_a_head_without_its_body_is_refused_and_alone_it_is_a_model(tmp_path: Path) -> None:
    other = target()
    before = {k: v.clone() for k, v in other.state_dict().items()}
    head = {"head.weight": torch.ones(2, 4), "head.bias": torch.ones(2)}
    with pytest.raises(ValueError, match="only the head fits MLP; missing in the file: body"):
        Pretrained(path=saved(tmp_path, head))(other, SPEC)
    assert all(torch.equal(v, before[k]) for k, v in other.state_dict().items())
    flat = Linear((4,), 2)
    Pretrained(path=saved(tmp_path, head))(flat, SPEC)
    assert torch.equal(flat.head.weight, torch.ones(2, 4))


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for init in (Pretrained(path=str(tmp_path / "no.pt")), Pretrained(run=str(tmp_path))):
        with pytest.raises(ValueError, match="there is no such file"):
            init(target(), SPEC)


def test_exactly_one_source_is_named() -> None:
    wrongs: list[dict[str, Any]] = [{}, {"run": "a", "path": "b"}]
    for wrong in wrongs:
        with pytest.raises(ValueError, match="either run=<folder> or path=<file>"):
            Pretrained(**wrong)


@pytest.mark.parametrize("norms", [("none", "weight"), ("weight", "none"), ("weight", "weight")])
def test_weight_norm_on_one_side_only(norms: tuple[Any, Any], tmp_path: Path) -> None:
    torch.manual_seed(3)
    learned, other = (MLP((3,), 2, widths=[4, 5], norm=norm) for norm in norms)
    with torch.no_grad():  # length and direction of no fresh layer
        for parameter in learned.parameters():
            parameter.mul_(1 + torch.rand_like(parameter))
    init = Pretrained(path=saved(tmp_path, learned.state_dict()))
    init(other, SPEC)
    x = torch.randn(6, 3)
    torch.testing.assert_close(other(x), learned(x))
    assert "tensors loaded" in init.message
    assert ";" not in init.message


def test_a_unit_of_zeros_stays_one_under_weight_norm(tmp_path: Path) -> None:
    learned, other = MLP((3,), 2, widths=[4]), MLP((3,), 2, widths=[4], norm="weight")
    nn.init.zeros_(learned.get_parameter("body.1.weight")[1])
    Pretrained(path=saved(tmp_path, learned.state_dict()))(other, SPEC)
    x = torch.randn(6, 3)
    torch.testing.assert_close(other(x), learned(x))


def test_names_can_begin_otherwise(tmp_path: Path) -> None:
    model, other = source(), target()
    state = {k.removeprefix("body."): v for k, v in model.state_dict().items()}
    state = {k.replace("head.", "fc."): v for k, v in state.items()}
    file = saved(tmp_path, state)
    Pretrained(path=file, rename={"body.": "", "head.": "fc."})(other, SPEC)
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value), name
    with pytest.raises(ValueError, match="rename: no name begins with 'layer'; names are like 1"):
        Pretrained(path=file, rename={"body": "layer"})(other, SPEC)
    with pytest.raises(ValueError, match=r"rename: two tensors would be called 'x\.weight'"):
        Pretrained(path=file, rename={"x.": "1.", "x.w": "fc.w"})(other, SPEC)

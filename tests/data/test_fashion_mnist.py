"""Fashion-MNIST and its IDX files."""

import gzip
import hashlib
from pathlib import Path

import pytest
import torch

from seedbed.data.fashion_mnist import DEBIAN, FashionMNIST, fetch, read_idx

needs_files = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="the package dataset-fashion-mnist is missing"
)


def idx(path: Path, shape: tuple[int, ...], values: bytes, magic: bytes = b"\0\0\x08") -> Path:
    sides = b"".join(side.to_bytes(4, "big") for side in shape)
    path.write_bytes(gzip.compress(magic + bytes([len(shape)]) + sides + values))
    return path


def test_an_idx_file_by_hand(tmp_path: Path) -> None:
    values = read_idx(idx(tmp_path / "a.gz", (2, 1, 3), bytes([0, 7, 255, 1, 2, 128])))
    assert values.tolist() == [[[0, 7, 255]], [[1, 2, 128]]]
    assert values.dtype == torch.uint8


def test_a_long_side_is_read_in_its_byte_order(tmp_path: Path) -> None:
    assert read_idx(idx(tmp_path / "a.gz", (300,), bytes(300))).shape == (300,)


def test_broken_idx_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="promises 6 bytes, found 5"):
        read_idx(idx(tmp_path / "a.gz", (2, 3), bytes(5)))
    with pytest.raises(ValueError, match="not an IDX file"):
        read_idx(idx(tmp_path / "b.gz", (2, 3), bytes(6), magic=b"\0\0\x0d"))


def test_files_in_the_root_come_first(tmp_path: Path) -> None:
    for split, count in (("train", 10), ("t10k", 3)):
        pixels = bytes([51, 0, 0, 255] * count)
        idx(tmp_path / f"{split}-images-idx3-ubyte.gz", (count, 2, 2), pixels)
        labels = bytes(n % 2 for n in range(count))
        idx(tmp_path / f"{split}-labels-idx1-ubyte.gz", (count,), labels)
    data = FashionMNIST(root=str(tmp_path), val_fraction=0.4)
    data.prepare_data()
    data.setup()
    assert [len(data.splits[s].y) for s in ("train", "val", "test")] == [6, 4, 3]
    torch.testing.assert_close(data.splits["test"].x[1], torch.tensor([[[0.2, 0.0], [0.0, 1.0]]]))
    assert data.splits["test"].y.tolist() == [0, 1, 0]
    assert data.splits["train"].y.dtype == torch.int64


def test_a_download_is_checked(tmp_path: Path) -> None:
    source, target = tmp_path / "a.gz", tmp_path / "new" / "a.gz"
    source.write_bytes(gzip.compress(b"clothes"))
    with pytest.raises(ValueError, match="checksum"):
        fetch(source.as_uri(), target, hashlib.sha256(b"shoes").hexdigest())
    assert not target.exists()
    fetch(source.as_uri(), target, hashlib.sha256(b"clothes").hexdigest())
    assert gzip.decompress(target.read_bytes()) == b"clothes"


def test_a_download_of_something_else_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<p>Please log in</p>")
    with pytest.raises(ValueError, match="not gzip"):
        fetch(page.as_uri(), tmp_path / "a.gz", "")
    with pytest.raises(FileNotFoundError, match="dataset-fashion-mnist"):
        fetch((tmp_path / "nothing.gz").as_uri(), tmp_path / "a.gz", "")


@needs_files
@pytest.mark.slow
def test_the_published_files() -> None:
    data = FashionMNIST(root="nowhere")
    data.setup()
    assert data.splits["train"].y.bincount().tolist() == [4800] * 10
    assert data.splits["val"].y.bincount().tolist() == [1200] * 10
    assert data.splits["test"].y.bincount().tolist() == [1000] * 10
    assert data.splits["test"].x.shape == (10_000, 1, 28, 28)
    assert (data.splits["test"].x.min(), data.splits["test"].x.max()) == (0, 1)
    assert data.spec.classes[9] == "Boot"
    assert data.splits["test"].y[:5].tolist() == [9, 2, 1, 1, 6]  # boot, pullover, trousers, …

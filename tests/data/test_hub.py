"""Hugging Face data sets from local files, offline."""

from pathlib import Path
from typing import Any

import pytest
import torch
from samples import images, parquet

datasets = pytest.importorskip("datasets")
from seedbed.data.hub import Hub  # noqa: E402
from seedbed.data.image_folder import ImageFolder  # noqa: E402
from seedbed.data.tabular import Tabular  # noqa: E402


@pytest.fixture(autouse=True)
def _offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def ready(**options: Any) -> Hub:
    data = Hub(**options)
    data.setup()
    return data


def test_parquet_is_read_as_the_csv_file_of_the_same_table(tmp_path: Path) -> None:
    file = parquet(tmp_path / "t.parquet")
    hub = ready(path="parquet", data_files=str(file), target="price", seed=3)
    table = Tabular(str(file.with_suffix(".csv")), "price", seed=3)
    table.setup()
    assert hub.spec.shape == table.spec.shape == (6,)
    assert hub.spec.untouched == (1, 2, 3, 4, 5)
    for split in ("train", "val", "test"):
        assert torch.equal(hub.splits[split].x, table.splits[split].x)
        assert torch.equal(hub.splits[split].y, table.splits[split].y)


def test_columns_and_splits_can_be_chosen(tmp_path: Path) -> None:
    file = parquet(tmp_path / "t.parquet")
    both = {"train": str(file), "test": str(file)}
    hub = ready(path="parquet", data_files=both, target="blood", x=["age"])
    assert hub.spec.shape == (1,)
    assert hub.spec.classes == ("A", "B")
    assert [len(s.y) for s in hub.splits.values()] == [48, 12, 60]


def test_a_folder_of_images_is_decoded_as_by_image_folder(tmp_path: Path) -> None:
    root = images(tmp_path / "r")
    hub = ready(path="imagefolder", data_dir=str(root), target="label", size=8)
    folder = ImageFolder(str(root), size=8, num_workers=0)
    folder.setup()
    assert hub.spec.classes == folder.spec.classes == ("dark", "light")
    assert hub.spec.shape == folder.spec.shape
    for split in ("train", "val", "test"):
        assert torch.equal(hub.splits[split].x, folder.splits[split].x[:])
        assert torch.equal(hub.splits[split].y, folder.splits[split].y)


def test_bad_files_are_named(tmp_path: Path) -> None:
    nowhere = str(tmp_path / "nope.parquet")
    with pytest.raises(ValueError, match=r"nope\.parquet: cannot be loaded"):
        ready(path="parquet", data_files=nowhere, target="y")
    (tmp_path / "bad.parquet").write_text("bad")
    with pytest.raises(ValueError, match=r"bad\.parquet: cannot be loaded"):
        ready(path="parquet", data_files=str(tmp_path / "bad.parquet"), target="y")
    file = str(parquet(tmp_path / "t.parquet"))
    with pytest.raises(ValueError, match="no column 'blod'"):
        ready(path="parquet", data_files=file, target="blod")
    with pytest.raises(ValueError, match=r"no split 'tset' \(data\.test\)"):
        ready(path="parquet", data_files=file, target="blood", test="tset")
    root = images(tmp_path / "r")
    broken = root / "dark/03.png"
    broken.write_bytes(broken.read_bytes()[:60])
    with pytest.raises(ValueError, match=r"03\.png.: does not decode"):
        ready(path="imagefolder", data_dir=str(root), target="label")


def test_nothing_is_asked_of_the_network(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nobody/nothing: cannot be loaded"):
        ready(path="nobody/nothing", target="y")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(ValueError, match=r"pip install 'seedbed\[hub\]'"):
        ready(path="parquet", target="y")

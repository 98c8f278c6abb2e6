"""Kept pictures: the same batches, never a stale one, never a damaged one."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image
from samples import images

from seedbed.atomic import Unwritable
from seedbed.command import STATEFUL, unlearned
from seedbed.data import _cache, _image
from seedbed.data._cache import CHECK, Cache
from seedbed.data.image_folder import ImageFolder
from seedbed.types import Batch

SHAPE = (3, 4, 4)


def epochs(root: Path, count: int = 2, **options: Any) -> list[Batch]:
    data = ImageFolder(str(root), **{"size": 8, "num_workers": 0, "batch_size": 5, **options})
    data.setup()
    loaders = [data.train_dataloader(), data.val_dataloader(), data.test_dataloader()]
    found: list[Batch] = []
    for epoch in range(count):
        for loader in loaders:
            assert not isinstance(loader, list)
            loader.sampler.set_epoch(epoch)
            found += loader
    return found


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    pairs = list(zip(ours, theirs, strict=True))
    return all(torch.equal(a.x, b.x) and torch.equal(a.y, b.y) for a, b in pairs)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that this process decodes from now on."""
    names: list[str] = []
    plain = _image.decode

    def listening(file: Path, size: int, channels: int) -> np.ndarray:
        names.append(file.name)
        return plain(file, size, channels)

    monkeypatch.setattr(_image, "decode", listening)
    return names


@pytest.mark.parametrize("kind", ["memory", "disk"])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_are_the_same_with_and_without_a_cache(
    kind: str, workers: int, channels: int, tmp_path: Path
) -> None:
    root = images(tmp_path / "r", count=12)
    plain = epochs(root, 3, channels=channels)
    settings: dict[str, Any] = {"cache": kind, "cache_folder": str(tmp_path / "c")}
    settings |= {"num_workers": workers, "channels": channels}
    for _ in range(2):  # of a disk, the second reads what the first has left
        assert same(epochs(root, 3, **settings), plain)


@pytest.mark.parametrize("kind", ["memory", "disk"])
def test_each_file_is_decoded_once(kind: str, tmp_path: Path, decoded: list[str]) -> None:
    root = images(tmp_path / "r", count=12)
    settings: dict[str, Any] = {"cache": kind, "cache_folder": str(tmp_path / "c")}
    epochs(root, 3, **settings)
    assert len(decoded) == 24
    epochs(root, 1, **settings)
    assert len(decoded) == (24 if kind == "disk" else 48)
    epochs(root, 1, **settings, seed=1, fold=1, folds=3)  # other splits of the same files
    assert len(decoded) == (24 if kind == "disk" else 72)


def test_workers_fill_the_cache_of_their_parent(tmp_path: Path, decoded: list[str]) -> None:
    data = ImageFolder(str(images(tmp_path / "r")), num_workers=2, cache="memory")
    data.setup()
    assert not data.splits["train"].x.kept_all()
    list(data.train_dataloader())
    assert data.splits["train"].x.kept_all()
    assert not data.splits["val"].x.kept_all()
    assert not decoded


def changed_pixels(file: Path) -> None:
    """Write another picture of the same size in bytes and with the same time of change."""
    before = file.stat()
    bare = np.asarray(Image.open(file))
    Image.fromarray(255 - bare).save(file.with_suffix(".bmp"))
    file.with_suffix(".bmp").replace(file)
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert file.stat().st_size == before.st_size
    assert file.stat().st_mtime_ns == before.st_mtime_ns


@pytest.mark.parametrize(
    "change",
    [
        lambda root: changed_pixels(root / "dark/03.bmp"),
        lambda root: (root / "dark/03.bmp").rename(root / "dark/99.bmp"),
        lambda root: (root / "dark/03.bmp").unlink(),
        lambda root: (root / "dark/03.bmp").replace(root / "light/03.bmp"),
    ],
    ids=["pixels", "name", "gone", "replaced"],
)
def test_what_has_changed_is_never_served_as_it_was(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    root = images(tmp_path / "r", count=12)
    for file in list(root.rglob("*.png")):
        Image.open(file).save(file.with_suffix(".bmp"))
        file.unlink()
    settings: dict[str, Any] = {"cache": "disk", "cache_folder": str(tmp_path / "c")}
    before = epochs(root, **settings)
    change(root)
    after = epochs(root, **settings)
    assert len(after) != len(before) or not same(after, before)
    assert same(after, epochs(root))


def test_other_settings_have_a_cache_of_their_own(tmp_path: Path) -> None:
    root = images(tmp_path / "r", count=12)
    settings: dict[str, Any] = {"cache": "disk", "cache_folder": str(tmp_path / "c")}
    for other in ({}, {"size": 9}, {"channels": 1}):
        assert same(epochs(root, **settings, **other), epochs(root, **other))
    assert len(list((tmp_path / "c").iterdir())) == 3


def test_a_run_may_go_on_with_another_cache() -> None:
    data = {"_target_": "seedbed.data.image_folder.ImageFolder", "root": "r", "size": 8}
    now = data | {"cache": "disk", "cache_folder": "c", "num_workers": 2, "channels": 1}
    then = data | {"cache": "none", "cache_folder": "d", "num_workers": 4, "channels": 3}
    rest: dict[str, Any] = dict.fromkeys(STATEFUL)
    cfg = OmegaConf.create(rest | {"data": now, "stages": ["fit"], "run": "r"})
    assert list(unlearned(rest | {"data": then}, cfg)) == ["data.channels=1: r was trained with 3"]


@pytest.mark.parametrize("zeros", [True, False])
def test_a_picture_is_there_only_as_it_was_put(zeros: bool, tmp_path: Path) -> None:
    cache = Cache(3, SHAPE, tmp_path / "c/p")
    picture = np.zeros(SHAPE, np.uint8) if zeros else np.arange(48, dtype=np.uint8).reshape(SHAPE)
    cache.put(1, picture)
    assert [cache.has(k) for k in range(3)] == [False, True, False]
    assert cache.get(0) is None  # a hole of the file, all zeros
    assert cache.get(2) is None  # beyond its end
    there = cache.get(1)
    assert there is not None
    assert np.array_equal(there, picture)
    other = pickle.loads(pickle.dumps(cache))  # noqa: S301 -- as a process that is not forked gets it
    assert np.array_equal(other.get(1), picture)


@pytest.mark.parametrize("at", [0, CHECK, CHECK + 47])
def test_a_damaged_picture_is_decoded_again(at: int, tmp_path: Path) -> None:
    cache = Cache(1, SHAPE, tmp_path / "p")
    cache.put(0, np.full(SHAPE, 7, np.uint8))
    content = bytearray((tmp_path / "p").read_bytes())
    content[at] ^= 1
    (tmp_path / "p").write_bytes(content)
    assert cache.get(0) is None
    (tmp_path / "p").write_bytes(content[:at])  # cut short by a kill
    assert cache.get(0) is None


def test_what_a_damaged_cache_gives_is_what_the_files_hold(tmp_path: Path) -> None:
    root = images(tmp_path / "r", count=12)
    settings: dict[str, Any] = {"cache": "disk", "cache_folder": str(tmp_path / "c")}
    plain = epochs(root, **settings)
    [file] = (tmp_path / "c").iterdir()
    content = bytearray(file.read_bytes())
    content[100::501] = bytes(len(content[100::501]))
    file.write_bytes(content[:-99])
    assert same(epochs(root, **settings), plain)


def test_a_disk_without_room_is_said_in_one_line_before_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = _cache.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(_cache.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(Unwritable, match=r"p: cannot be written \(6 MB of pictures, 1 MB free\)"):
        Cache(100_000, SHAPE, tmp_path / "p")
    assert "data.cache=none" in str(_cache.full(tmp_path, "why"))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_is_said_in_one_line(tmp_path: Path) -> None:
    cache = Cache(1, SHAPE, tmp_path / "p")
    os.dup2(os.open("/dev/full", os.O_RDWR), cache._file)
    with pytest.raises(Unwritable, match=r"p: cannot be written .No space left") as refused:
        cache.put(0, np.zeros(SHAPE, np.uint8))
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize("workers", [0, 1])
def test_a_full_disk_reaches_the_trainer_from_a_worker(
    workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Cache, place: int, picture: np.ndarray) -> None:
        raise _cache.full(Path("p"), "No space left on device")

    monkeypatch.setattr(Cache, "put", refuse)
    with pytest.raises(Unwritable, match=r"p: cannot be written .No space left on device.; data.c"):
        epochs(images(tmp_path / "r", count=12), cache="memory", num_workers=workers)


def test_more_than_the_memory_of_the_machine_is_refused() -> None:
    with pytest.raises(ValueError, match=r"cache=memory: .* MB of pictures, this machine has"):
        Cache(10**9, (3, 512, 512), None)

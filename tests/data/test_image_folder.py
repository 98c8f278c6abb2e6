"""Folders of images: their splits, their pixels, their workers, and files that are none."""

import gc
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from quick import Walker, trainer
from samples import images

from seedbed.data._image import Unreadable, floats
from seedbed.data._image import decode as raw
from seedbed.data.image_folder import ImageFolder
from seedbed.scaling.standard import Standard


def ready(root: Path, **options: Any) -> ImageFolder:
    data = ImageFolder(str(root), **{"size": 8, "num_workers": 0, **options})
    data.setup()
    return data


def decode(file: Path, size: int, channels: int) -> torch.Tensor:
    return floats(torch.from_numpy(raw(file, size, channels).copy()))


def names(data: ImageFolder, split: Any) -> list[str]:
    return [f"{f.parent.name}/{f.name}" for f in data.splits[split].x.files]


def save(path: Path, values: Any, mode: str | None = None) -> Path:
    image = Image.fromarray(np.array(values, np.uint8))
    (image.convert(mode) if mode else image).save(path)
    return path


def test_a_folder_is_a_class_and_splits_are_stratified(tmp_path: Path) -> None:
    data = ready(images(tmp_path / "r", ("dog", "cat", "ant"), 25))
    assert data.spec.classes == ("ant", "cat", "dog")
    assert data.spec.shape == (3, 8, 8)
    assert data.spec.counts == (16, 16, 16)
    assert [s.y.bincount().tolist() for s in data.splits.values()] == [[16] * 3, [4] * 3, [5] * 3]
    every = [name for split in ("train", "val", "test") for name in names(data, split)]
    assert len(set(every)) == len(every) == 75
    for split in ("train", "val", "test"):
        folders = [name.partition("/")[0] for name in names(data, split)]
        assert [data.spec.classes[k] for k in data.splits[split].y] == folders


def test_folders_of_splits_are_respected(tmp_path: Path) -> None:
    images(tmp_path / "r/train")
    images(tmp_path / "r/test", count=3)
    data = ready(tmp_path / "r")
    assert [len(s.y) for s in data.splits.values()] == [24, 3 * 2, 6]
    assert {f.parts[-3] for f in data.splits["test"].x.files} == {"test"}
    images(tmp_path / "r/val", count=4)
    data = ready(tmp_path / "r", fraction=0.5)
    assert {name: len(s.y) for name, s in data.splits.items()} == {"train": 15, "val": 8, "test": 6}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert ready(images(tmp_path / "r", ("train", "plane"))).spec.classes == ("plane", "train")


def test_pixels_by_hand(tmp_path: Path) -> None:
    file = save(tmp_path / "a.png", [[[255, 0, 51], [0, 102, 0]], [[0, 0, 0], [255, 255, 255]]])
    red = torch.tensor([[1.0, 0], [0, 1]])
    blue = torch.tensor([[0.2, 0], [0, 1]])
    found = decode(file, 2, 3)
    assert torch.equal(found[0], red)
    torch.testing.assert_close(found[2], blue)
    grey = (0.299 * 255 + 0.114 * 51) / 255
    assert decode(file, 2, 1)[0, 0, 0].item() == pytest.approx(grey, abs=1 / 255)


def test_an_image_is_cut_to_its_middle(tmp_path: Path) -> None:
    wide = np.zeros((4, 12), np.uint8)
    wide[:, 4:8] = 200  # the middle third
    assert (decode(save(tmp_path / "w.png", wide), 4, 1) == 200 / 255).all()
    assert (decode(save(tmp_path / "t.png", wide.T), 4, 1) == 200 / 255).all()


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "CMYK", "LA"])
@pytest.mark.parametrize("channels", [1, 3])
def test_every_kind_of_image_becomes_the_same(mode: str, channels: int, tmp_path: Path) -> None:
    file = tmp_path / ("a.tiff" if mode == "CMYK" else "a.png")
    save(file, np.full((9, 9, 3), 255), mode)
    assert torch.equal(decode(file, 4, channels), torch.ones(channels, 4, 4))


def test_16_bits_are_not_cut_off(tmp_path: Path) -> None:
    Image.fromarray(np.full((5, 5), 65535 // 5, np.uint16)).save(tmp_path / "a.png")
    torch.testing.assert_close(decode(tmp_path / "a.png", 5, 1), torch.full((1, 5, 5), 0.2))


def test_a_photograph_is_turned_as_the_camera_was(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    image = Image.fromarray(np.array([[0, 0], [255, 255]], np.uint8))
    image.save(tmp_path / "a.png", exif=exif)
    assert decode(tmp_path / "a.png", 2, 1)[0].tolist() == [[1, 1], [0, 0]]


class Listener(Walker):
    """Writes down the mean of every image that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[list[float]] = []

    def on_train_epoch_start(self) -> None:
        self.heard.append([])

    def training_step(self, batch: Any, batch_idx: int) -> torch.Tensor:
        self.heard[-1] += batch.x.mean((1, 2, 3)).tolist()
        return super().training_step(batch, batch_idx)


@pytest.mark.parametrize("limit", [1.0, 2])
def test_workers_change_nothing_and_every_epoch_has_its_own_order(
    limit: float, tmp_path: Path
) -> None:
    root = images(tmp_path / "r", count=25)

    def listen(workers: int) -> list[list[float]]:
        listener = Listener()
        data = ImageFolder(str(root), size=4, num_workers=workers, batch_size=7)
        trainer(max_epochs=3, limit_train_batches=limit).fit(listener, datamodule=data)
        return listener.heard

    first, second, third = listen(0)
    assert len({tuple(first), tuple(second), tuple(third)}) == 3
    if limit == 1.0:
        assert sorted(first) == sorted(second) == sorted(third)
        assert len(first) == 32
    assert listen(2) == [first, second, third]


def test_workers_end_with_the_training(tmp_path: Path) -> None:
    before = set(active_children())
    data = ImageFolder(str(images(tmp_path / "r")), size=4, num_workers=2, batch_size=4)
    during: list[int] = []

    class Counts(Listener):
        def on_train_epoch_end(self) -> None:
            during.append(len({*active_children()} - before))

    gc.disable()  # it would end them, too: some time
    try:
        trainer(max_epochs=2).fit(Counts(), datamodule=data)
        assert set(active_children()) <= before
    finally:
        gc.enable()
    assert min(during) > 0


def test_making_batches_leaves_the_randomness_of_the_run_alone(tmp_path: Path) -> None:
    data = ready(images(tmp_path / "r"), num_workers=1)
    before = torch.get_rng_state()
    list(data.train_dataloader())
    assert torch.equal(torch.get_rng_state(), before)


def test_a_scaling_is_fitted_on_files_as_on_tensors(tmp_path: Path) -> None:
    data = ready(images(tmp_path / "r", count=20), num_workers=2)
    lazy, eager = Standard((3, 8, 8)), Standard((3, 8, 8))
    lazy.fit(data.chunks("train"))
    eager.fit(data.splits["train"].x[:])
    assert torch.equal(lazy.mean, eager.mean)
    assert torch.equal(lazy.std, eager.std)


def test_files_that_are_no_images_are_all_named(tmp_path: Path) -> None:
    root = images(tmp_path / "r")
    for k in range(12):
        (root / "dark" / f"broken{k:02}.png").write_text("no image")
    (root / "dark/notes.txt").write_text("left out")
    with pytest.raises(ValueError, match="no images that can be read: ") as refused:
        ready(root)
    said = str(refused.value)
    assert [f"broken{k:02}.png" in said for k in range(12)] == [True] * 10 + [False] * 2
    assert said.endswith("and 2 more")


@pytest.mark.parametrize("workers", [0, 1])
def test_a_file_cut_short_is_named_when_it_is_decoded(workers: int, tmp_path: Path) -> None:
    root = images(tmp_path / "r", count=10)
    for file in root.rglob("*.png"):
        file.write_bytes(file.read_bytes()[:-40])
    data = ready(root, num_workers=workers)
    before = set(active_children())
    with pytest.raises(Unreadable, match=r"\.png: does not decode as an image") as refused:
        list(data.train_dataloader())
    assert refused.traceback  # holds on to the loader
    assert set(active_children()) <= before


def test_new_images_are_found_in_order_of_their_names(tmp_path: Path) -> None:
    data = ready(images(tmp_path / "r"))
    folder = images(tmp_path / "new", ("only",), 3)
    x, y = data.inputs(folder)
    assert y is None
    files = sorted((folder / "only").iterdir())
    assert torch.equal(x[:], torch.stack([decode(file, 8, 3) for file in files]))
    one, _ = data.inputs(files[1])
    assert torch.equal(one[:], x[1:2])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda r: None, "there is no such folder"),
        (lambda r: r.mkdir(), "there is no folder in it; one a class"),
        (lambda r: (images(r), (r / "empty").mkdir()), "empty: there is no image in it"),
        (lambda r: images(r, ("one",)), "every training example is of class one"),
        (lambda r: (images(r), images(r, ("rare",), 1)), "all there is of class rare"),
        (
            lambda r: (images(r / "train"), images(r / "val", ("cow",), 2)),
            "cow: no such class among the training images",
        ),
    ],
)
def test_folders_that_hold_nothing_to_learn(make: Any, says: str, tmp_path: Path) -> None:
    make(tmp_path / "r")
    with pytest.raises((ValueError, OSError), match=says):
        ready(tmp_path / "r")


@pytest.mark.parametrize(
    ("name", "value"),
    [("size", 0), ("channels", 2), ("num_workers", -1), ("test_fraction", 0.0)],
)
def test_arguments_outside_their_range_are_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must"):
        ImageFolder("r", **{name: value})

"""No changed byte of a sealed checkpoint goes unnoticed, and every reader still opens it."""

import errno
import io
import zipfile
from pathlib import Path

import pytest
import torch

from seedbed import seal
from seedbed.seal import Sealing, damage


def sealed(path: Path, content: object) -> bytes:
    with path.open("wb") as file:
        sealing = Sealing(file)
        torch.save(content, sealing)  # pyright: ignore[reportArgumentType]
        sealing.close()
    return path.read_bytes()


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, bytes]:
    path = tmp_path / "a.ckpt"
    return path, sealed(path, {"w": torch.arange(40.0), "step": 7, "empty": torch.zeros(0)})


def test_every_reader_opens_it(whole: tuple[Path, bytes]) -> None:
    path, content = whole
    assert damage(path) is None
    assert torch.load(path, weights_only=True)["step"] == 7
    assert torch.load(path, weights_only=True, mmap=True)["w"].sum() == 780
    assert torch.load(io.BytesIO(content), weights_only=True)["w"].sum() == 780
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.comment.startswith(b"seedbed sha256 ")


def test_a_flip_of_one_bit_anywhere_is_noticed(whole: tuple[Path, bytes]) -> None:
    path, content = whole
    for place in range(len(content)):
        path.write_bytes(flipped(content, place, place % 8))
        assert damage(path), f"bit {place % 8} of byte {place} of {len(content)}"


def flipped(content: bytes, place: int, bit: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]


def test_a_file_of_another_length_is_noticed(whole: tuple[Path, bytes]) -> None:
    path, content = whole
    for size in range(len(content)):
        path.write_bytes(content[:size])
        assert damage(path), f"{size} of {len(content)} bytes"
    for more in (b"\0", b"x" * 79, content):
        path.write_bytes(content + more)
        assert damage(path), f"{len(more)} bytes more"
    path.write_bytes(content[:1000] + bytes(100) + content[1100:])  # a hole in the disk
    assert damage(path) == "its checksum does not fit"


def test_the_checksum_of_another_file_does_not_fit(whole: tuple[Path, bytes]) -> None:
    path, content = whole
    other = sealed(path.with_name("b.ckpt"), {"w": torch.arange(40.0) + 1})
    path.write_bytes(content[: -seal.NOTE] + other[-seal.NOTE :])
    assert damage(path) == "its checksum does not fit"


def test_a_long_file_is_read_in_blocks(
    whole: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, content = whole
    for block in (1, 7, len(content) - seal.NOTE - 2, len(content) - seal.NOTE - 1):
        monkeypatch.setattr(seal, "BLOCK", block)
        path.write_bytes(content)
        assert damage(path) is None
        path.write_bytes(flipped(content, 8, 0))
        assert damage(path) == "its checksum does not fit"


def test_a_file_without_our_checksum_is_judged_by_the_archives_own(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"w": torch.arange(40.0)}, path)
    assert damage(path) is None
    content = path.read_bytes()
    place = content.index(torch.arange(40.0).numpy().tobytes()) + 17
    path.write_bytes(flipped(content, place, 3))
    assert torch.load(path, weights_only=True)["w"].sum() != 780  # torch itself says nothing
    assert "does not fit" in str(damage(path))
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", "b")
        archive.comment = b"seedbed md5 0123456789"
    assert damage(path) == "its end is missing or changed"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "it is empty"),
        (b"PK", "it does not begin like a checkpoint"),
        (b"epoch,loss\n1,2\n", "it does not begin like a checkpoint"),
        (b"\x80\x02}q\x00.", "it does not begin like a checkpoint"),
        (b"PK\x03\x04" + bytes(200), "its end is missing or changed"),
        (b"PK\x03\x04" + bytes(5), "its end is missing or changed"),
    ],
)
def test_what_is_no_checkpoint_is_told(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    assert damage(path) == why


class Small(io.BytesIO):
    """A disk that is full after `room` bytes."""

    def __init__(self, room: int) -> None:
        super().__init__()
        self.room = room

    def write(self, data: bytes | memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        if self.tell() + len(data) > self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data)


def test_a_full_disk_is_an_error_of_the_disk_wherever_it_strikes() -> None:
    content = {f"w{k}": torch.zeros(50) for k in range(20)}
    enough = Small(10**9)
    sealing = Sealing(enough)
    torch.save(content, sealing)  # pyright: ignore[reportArgumentType]
    sealing.close()
    size = len(enough.getvalue())
    for room in [*range(0, size - 1, 97), size - 1]:
        sealing = Sealing(Small(room))
        torch.save(content, sealing)  # pyright: ignore[reportArgumentType]
        with pytest.raises(OSError, match="No space left"):
            sealing.close()

"""The old file or the new one, on the disk, and one line where it takes neither."""

import errno
import os
from pathlib import Path

import pytest

from seedbed import atomic
from seedbed.atomic import Unwritable, appended, full, overwrite, replaced, write


def test_the_content_is_on_the_disk_before_it_takes_the_name_and_the_name_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, did = tmp_path / "a", []
    sync, rename = os.fsync, Path.replace

    def synced(handle: int) -> None:
        here = Path(f"/proc/self/fd/{handle}").readlink()
        did.append(("sync", here.name, here.stat().st_size if here.is_file() else None))
        sync(handle)

    def renamed(self: Path, to: Path) -> Path:
        assert self.parent == to.parent  # a rename over file systems is a copy
        did.append(("rename", to.name, None))
        return rename(self, to)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "replace", renamed)
    with replaced(target) as file:
        file.write(b"12345")
    part = f"a.{os.getpid()}.part"
    assert did == [("sync", part, 5), ("rename", "a", None), ("sync", tmp_path.name, None)]
    assert target.read_bytes() == b"12345"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError, SystemExit])
def test_what_interrupts_a_write_leaves_the_old_file_alone(
    tmp_path: Path, error: type[BaseException]
) -> None:
    target = tmp_path / "a"
    write(target, "old")

    def interrupted() -> None:
        with replaced(target) as file:
            file.write(b"n")
            file.flush()
            assert len(list(tmp_path.iterdir())) == 2
            raise error

    with pytest.raises(error):
        interrupted()
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize("call", ["fsync", "replace", "open"])
def test_a_disk_that_refuses_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EDQUOT, "Disk quota exceeded")

    target = tmp_path / "a"
    for left in ("", "; the file of before is intact"):
        with monkeypatch.context() as patch:
            patch.setattr(os if call == "fsync" else Path, call, refuse)
            with pytest.raises(Unwritable) as caught:
                write(target, "new")
        assert caught.value.errno == errno.EDQUOT
        assert str(caught.value) == f"{target}: cannot be written (Disk quota exceeded){left}"
        assert full(caught.value) == str(caught.value)
        assert [each.name for each in tmp_path.iterdir()] == (["a"] if left else [])
        write(target, "old")
        assert target.read_text() == "old"


def test_an_appended_row_is_there_as_a_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "a"
    target.write_text("1\n")
    with appended(target) as file:
        file.write("2\n")

    def torn() -> None:
        with appended(target) as file:
            file.write("3,")
            file.flush()
            assert target.read_text() == "1\n2\n3,"
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(Unwritable, match="a: cannot be written"):
        torn()
    assert target.read_text() == "1\n2\n"


def test_a_text_is_written_over_another(tmp_path: Path) -> None:
    target = tmp_path / "a"
    target.write_text("a long text")
    overwrite(target, "short")
    assert target.read_text() == "short"
    with pytest.raises(Unwritable, match="No such file"):
        overwrite(tmp_path / "none", "short")


def test_only_a_full_disk_is_told_in_one_line() -> None:
    assert full(ValueError("no space left on device")) is None
    assert full(OSError(errno.ECONNRESET, "Connection reset by peer")) is None
    assert full(FileNotFoundError(errno.ENOENT, "No such file", "a")) is None
    space = OSError(errno.ENOSPC, "No space left on device")
    assert full(space) == "a file of the run: cannot be written (No space left on device)"
    named = OSError(errno.EFBIG, "File too large", "b")
    assert full(named) == "b: cannot be written (File too large)"
    with pytest.raises(OSError, match="No space") as caught:
        raise space
    assert (
        full(caught.value)
        == f"a file of {__name__.partition('.')[0]}: " + str(full(space)).partition(": ")[2]
    )


def test_a_system_that_opens_no_folders_writes_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(atomic.os, "open", refuse)
    write(tmp_path / "a", "text")
    assert (tmp_path / "a").read_text() == "text"

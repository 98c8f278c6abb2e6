"""What is written down about a sweep, and what may not be."""

from pathlib import Path

import pytest
import yaml

from seedbed.run.folder import Refused
from seedbed.sweep.record import FILE, Sweep, read, write

SWEEP = Sweep(
    words=["++optimizer.lr=0.1,0.2", "trust=mine"],
    argv=["-m", "optimizer.lr=0.1,0.2", "trust=mine", "hydra/launcher=joblib"],
    jobs=[["++optimizer.lr=0.1", "trust=mine"], ["++optimizer.lr=0.2", "trust=mine"]],
    monitor={"name": "val/acc", "mode": "max"},
    code={"git": "1234", "changes": "5678"},
)


def test_it_is_read_as_it_was_typed_and_trusts_nobody(tmp_path: Path) -> None:
    write(tmp_path, SWEEP)
    found = read(tmp_path)
    assert found.words == ["optimizer.lr=0.1,0.2"]
    assert found.jobs == [["optimizer.lr=0.1"], ["optimizer.lr=0.2"]]
    assert found.argv == SWEEP.argv
    assert (found.monitor, found.search, found.code) == (SWEEP.monitor, {}, SWEEP.code)
    assert [file.name for file in tmp_path.iterdir()] == [FILE]  # nothing half written beside it


@pytest.mark.parametrize(
    "job",
    [
        ["trust=evil"],
        ["+trust=evil"],
        ["out=/etc"],
        ["run=logs/other"],
        ["--cfg"],
        [3],
        "seed=0",
        None,
    ],
    ids=str,
)
def test_a_job_cannot_say_where_it_writes_or_whom_to_trust(tmp_path: Path, job: object) -> None:
    write(tmp_path, SWEEP)
    plain = yaml.safe_load((tmp_path / FILE).read_text())
    (tmp_path / FILE).write_text(yaml.safe_dump(plain | {"jobs": [["seed=0"], job]}))
    with pytest.raises(Refused, match=rf"^run={tmp_path}: {tmp_path}/{FILE} is damaged$"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "jobs: [", "jobs: []", "[]", "words: []\nmore: 1", "\0"])
def test_a_damaged_file_is_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text)
    with pytest.raises(Refused, match=r"is damaged$"):
        read(tmp_path)

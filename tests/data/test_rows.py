"""A table read in pieces is the table read whole, with the same words about what is wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from samples import table

from seedbed.data import _rows
from seedbed.data._rows import File, Rows
from seedbed.data._table import Table
from seedbed.data.tabular import Tabular

ROWS = 60


class Frame(Table):
    """A table that is in memory, its cells as the file has them."""

    def __init__(self, path: Path, target: str, **options: Any) -> None:
        super().__init__(target, **options)
        self.path = path

    def frames(self) -> tuple[Rows, Rows | None]:
        whole = pd.read_csv(self.path, dtype=str, skipinitialspace=True, index_col=False)
        return Rows(whole, str(self.path)), None


def write(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def mixed(path: Path) -> Path:
    """Write columns whose type changes on the way, at row 40 of 60."""
    random = np.random.default_rng(0)
    n = np.arange(ROWS)
    gaps = np.where(n % 7 == 3, np.nan, random.normal(size=ROWS).round(4))
    return write(
        path,
        plain=random.normal(size=ROWS),
        gaps=gaps,
        whole_then_real=[str(k) if k < 40 else f"{k}.25" for k in n],
        late=["a"] * 40 + ["b"] * 10 + ["c"] * 10,  # categories first seen late
        digits_then_text=[f"0{k % 3}" if k < 25 else "xyz"[k % 3] for k in n],
        empty_then_text=[None] * 40 + ["u", "v"] * 10,
        flags=["true" if k % 2 else "FALSE" for k in n],
        long=[1_600_000_000 + 3 * int(k) for k in n],
        large_id=[20_000_000 + int(k) for k in n],  # no two are the same, beyond 2 ** 24
        one=["7"] * ROWS,
        none=[None] * ROWS,
        y=random.choice(["p", "q"], ROWS),
    )


@pytest.mark.parametrize("cells", [1, 13 * 7, 13 * 25, 10**6])
@pytest.mark.parametrize("target", ["y", "plain", "whole_then_real", "late"])
@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_pieces_give_what_the_whole_gives(
    cells: int, target: str, fraction: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "CELLS", cells)
    path = mixed(tmp_path / "t.csv")
    options: dict[str, Any] = {"categorical": ["one"], "fraction": fraction, "seed": 3}
    ours, theirs = Tabular(str(path), target, **options), Frame(path, target, **options)
    for data in (ours, theirs):
        data.setup()
    assert ours.encoder == theirs.encoder
    assert ours.notes() == theirs.notes()
    for split in ("train", "val", "test"):
        assert torch.equal(ours.splits[split].x, theirs.splits[split].x)
        assert torch.equal(ours.splits[split].y, theirs.splits[split].y)
    new, _ = ours.inputs(path)
    everything = torch.cat([split.x for split in theirs.splits.values()])
    assert new[:].shape[1:] == everything.shape[1:]
    found = {tuple(row) for row in new[:].tolist()}
    assert {tuple(row) for row in everything.tolist()} <= found


def test_inputs_by_another_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One-hot columns by pandas' get_dummies, gaps by the median, in the order of the file."""
    monkeypatch.setattr(_rows, "CELLS", 13 * 7)
    path = mixed(tmp_path / "t.csv")
    data = Tabular(str(path), "y")
    data.setup()
    x, _ = data.inputs(path)
    cells = pd.read_csv(path, dtype=str)
    for column in data.encoder.columns:
        if column.name == "late":
            assert column.categories == ("a", "b", "c")
        if column.name == "digits_then_text":
            assert column.categories == ("00", "01", "02", "x", "y", "z")
        if column.name == "flags":
            assert column.categories == ("FALSE", "true")  # as they are written
    numbers = [c for c in data.encoder.columns if c.kind == "number"]
    assert [c.name for c in numbers] == ["plain", "gaps", "whole_then_real", "long", "large_id"]
    wanted = [cells[c.name].astype(float).fillna(c.median) for c in numbers]
    wanted += [
        (cells[c.name].fillna("gap") == (label or "gap")).astype(float)
        for c in data.encoder.columns
        if c.kind == "category"
        for label in c.categories
    ]
    assert np.array_equal(x[:].numpy(), np.stack(wanted, 1).astype(np.float32))
    notes = {c.name: c.note for c in data.encoder.columns}
    assert "row number" in notes["large_id"]
    assert not notes["long"]


@pytest.mark.parametrize("cells", [4, 40, 10**6])
@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ({43: "x,Rio,A,3.5"}, "row 43: column 'age' holds numbers, here it says 'x'; data.categ"),
        ({11: "inf,Rio,A,3.5"}, "row 11: column 'age' is not a finite number"),
        ({4: "34,Rio,,3.5", 50: "34,Rio,,3.5"}, r"row 4 \(and 1 more rows\): the target 'blood'"),
        ({2: "1,Rio,A,3,5"}, "not a table .Expected 4 fields in line 3, saw 5, the header is"),
        ({11: "1,Rio,A,3,5"}, "not a table .Expected 4 fields in line 12, saw 5, the header is"),
        ({31: "1,Rio,A,3,5"}, "not a table .Expected 4 fields in line 32, saw 5, the header is"),
        ({41: 'a,"Rio,A,3'}, "not a table .EOF inside string"),
        ({60: "34,,A,3.5"}, "row 60: column 'city' is empty"),
    ],
)
def test_what_is_wrong_is_named_by_its_row_in_the_file(
    edit: dict[int, str],
    says: str,
    cells: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_rows, "CELLS", cells)
    data = Tabular(str(table(tmp_path / "t.csv", edit=edit)), "blood", missing="refuse")
    with pytest.raises(ValueError, match=says) as refused:
        data.setup()
    assert len(str(refused.value).splitlines()) == 1
    with pytest.raises(ValueError, match="line 9"):
        len(File(table(tmp_path / "u.csv", edit={8: "1,Rio,A,3,5"})))


def test_text_beyond_the_first_piece_must_be_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "CELLS", 40)
    path = table(tmp_path / "t.csv")
    path.write_bytes(path.read_bytes() + b"\xff\xfe,1,2,3\n")
    with pytest.raises(ValueError, match="not UTF-8 text"):
        Tabular(str(path), "blood").setup()


@pytest.mark.parametrize("cells", [1, 40, 10**6])
def test_pieces_cover_the_file_in_order(
    cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "CELLS", cells)
    path = table(tmp_path / "t.csv")
    rows = File(path)
    for _ in range(2):  # the first pass reads all columns, the second one alone
        found = pd.concat(list(rows.pieces(["price"])))
        assert found.equals(pd.read_csv(path, usecols=["price"]))
        assert found.index.tolist() == list(range(ROWS))
    assert len(rows) == ROWS
    assert max(map(len, rows.pieces(["price"]))) == min(ROWS, max(1, cells // 4))
    assert rows.whole("age").tolist() == pd.read_csv(path, dtype=str)["age"].tolist()


def test_medians_are_of_what_the_model_sees(tmp_path: Path) -> None:
    n = np.random.default_rng(0).normal(size=101) * 1e4
    n[::5] = np.nan
    data = Tabular(str(write(tmp_path / "t.csv", n=n, y=np.arange(101) + 0.5)), "y")
    data.setup()
    at = (data.splits["train"].y[:, 0] - 0.5).long().numpy()
    assert data.encoder.columns[0].median == np.nanmedian(n[at].astype(np.float32).astype(float))
    assert data.encoder.columns[0].median == pytest.approx(np.nanmedian(n[at]), rel=2e-7)

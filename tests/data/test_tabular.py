"""CSV files: what is inferred, how it is encoded, and what is refused in which words."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from samples import table

from seedbed.data.tabular import Tabular
from seedbed.types import Split


def ready(path: Path, target: str, **options: Any) -> Tabular:
    data = Tabular(str(path), target, **options)
    data.setup()
    return data


def everything(data: Tabular) -> torch.Tensor:
    return torch.cat([split.x for split in data.splits.values()])


def write(path: Path, **columns: Any) -> Path:
    pd.DataFrame(columns).to_csv(path, index=False)
    return path


def test_numbers_come_first_then_a_column_for_each_category(tmp_path: Path) -> None:
    cells = {"city": ["b", "a", "c", "a"] * 20, "n": np.arange(80) % 7 + 0.5}
    data = ready(write(tmp_path / "t.csv", **cells, y=np.arange(80) * 0.1), "y")
    assert data.spec.shape == (4,)
    assert data.spec.untouched == (1, 2, 3)
    x, y, *_ = data.splits["train"]
    row = (y[:, 0] * 10).round().long()
    assert torch.equal(x[:, 0], row % 7 + 0.5)
    assert torch.equal(x[:, 1:], torch.eye(3)[torch.tensor([1, 0, 2, 0])[row % 4]])


def test_medians_and_categories_come_from_the_training_split_alone(tmp_path: Path) -> None:
    n = np.arange(100.0) ** 2
    n[::9] = np.nan
    kept = ["a", "b"] * 49 + ["x", "y"]  # the last two are seen once: in one split each
    data = ready(write(tmp_path / "t.csv", n=n, k=kept, y=np.arange(100) + 0.5), "y")
    train = (data.splits["train"].y[:, 0] - 0.5).long()
    expected = np.nanmedian(n[train])
    assert expected != np.nanmedian(n)
    rows: dict[Split, torch.Tensor] = {
        s: (split.y[:, 0] - 0.5).long() for s, split in data.splits.items()
    }
    for split, at in rows.items():
        gaps = torch.from_numpy(np.isnan(n[at.numpy()]))
        filled = data.splits[split].x[gaps, 0]
        assert torch.equal(filled, torch.full_like(filled, float(expected)))
    known = sorted({kept[i] for i in train})
    assert data.encoder.columns[1].categories == tuple(known)
    for split, at in rows.items():
        sums = data.splits[split].x[:, 1:].sum(1)
        assert sums.tolist() == [float(kept[i] in known) for i in at]


def test_empty_categories_have_a_column_of_their_own(tmp_path: Path) -> None:
    cells = {"k": ["a", None, "b", None] * 15, "y": [0, 1] * 30}
    data = ready(write(tmp_path / "t.csv", **cells), "y")
    assert data.encoder.columns[0].categories == ("a", "b", None)
    x, y, *_ = data.splits["train"]
    assert torch.equal(x[:, 2], y.float())


def test_a_column_of_one_value_is_left_out_and_shown(tmp_path: Path) -> None:
    cells = {"one": [3] * 40, "a": np.arange(40) + 0.5, "none": [None] * 40, "y": [0, 1] * 20}
    data = ready(write(tmp_path / "t.csv", **cells), "y")
    assert data.spec.shape == (1,)
    lines = {line.split()[0]: line for line in data.notes().splitlines() if line}
    assert lines["one"].endswith("one value only")
    assert lines["none"].endswith("empty")
    assert "number" in lines["a"]


@pytest.mark.parametrize(
    ("cells", "options", "expected"),
    [
        (["yes", "no"], {}, ("no", "yes")),
        ([True, False], {}, ("False", "True")),
        ([10, 9], {}, ("9", "10")),  # by size, not as text
        (["1.0", "0.0"], {}, ("0", "1")),
        ([0.5, 1.5], {}, ()),
        ([0.5, 1.5], {"kind": "class"}, ("0.5", "1.5")),
        ([10, 9], {"kind": "value"}, ()),
        (list(range(25)), {}, ()),
        (list(range(20)), {}, tuple(map(str, range(20)))),
        (list(range(25)), {"max_classes": 25}, tuple(map(str, range(25)))),
    ],
)
def test_the_kind_of_target(
    cells: list[Any], options: dict[str, Any], expected: tuple[str, ...], tmp_path: Path
) -> None:
    y = cells * 300
    data = ready(write(tmp_path / "t.csv", a=np.arange(len(y)) % 99, y=y), "y", **options)
    assert data.spec.kind == ("class" if expected else "value")
    assert data.spec.classes == expected
    if expected:
        counts = data.splits["train"].y.bincount().tolist()
        assert data.spec.counts == tuple(counts)


def test_groups_never_share_a_split_and_are_no_input(tmp_path: Path) -> None:
    people = [f"p{k // 5}" for k in range(200)]
    cells = {"who": people, "a": np.arange(200) + 0.5, "y": [0, 1] * 100}
    data = ready(write(tmp_path / "t.csv", **cells), "y", group="who")
    assert data.spec.shape == (1,)
    seen = [{people[int(i)] for i in split.x[:, 0]} for split in data.splits.values()]
    assert [len(groups) for groups in seen] == [26, 6, 8]  # of 40; a fifth is 8, of 32 it is 6.4
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_a_test_file_tests(tmp_path: Path) -> None:
    train, test = table(tmp_path / "a.csv"), table(tmp_path / "b.csv", 7)
    data = ready(train, "blood", test_path=str(test))
    assert [len(split.y) for split in data.splits.values()] == [48, 12, 7]
    assert data.splits["test"].x[:, 0].tolist() == pd.read_csv(test)["age"].tolist()


def test_new_rows_are_encoded_alike_with_or_without_targets(tmp_path: Path) -> None:
    data = ready(table(tmp_path / "a.csv"), "blood")
    new = tmp_path / "new.csv"
    new.write_text("note,price,age,city\nhello,10,3,Faro\n,,4,Atlantis\n")
    x, y = data.inputs(new)
    assert y is None
    names = [c.name for c in data.encoder.columns]
    assert names == ["age", "city", "price"]
    median = data.encoder.columns[2].median
    cities = [[1.0, 0, 0], [0, 0, 0]]  # Faro, Porto, Rio
    assert torch.equal(x[:], torch.tensor([[3.0, 10.0, *cities[0]], [4.0, median, *cities[1]]]))
    x, y = data.inputs(tmp_path / "a.csv")
    assert y is not None
    assert y.tolist() == [cell == "B" for cell in pd.read_csv(tmp_path / "a.csv")["blood"]]


def test_the_content_identifies_the_data(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    one = ready(path, "blood").spec.source
    assert len(one) == 64
    assert ready(path, "blood").spec.source == one
    table(path, edit={5: "1,Rio,A,3"})
    assert ready(path, "blood").spec.source != one


def test_the_fraction_and_the_seed_hold_for_tables(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", 100)
    assert len(ready(path, "price", fraction=0.25).splits["train"].y) == 16
    assert sorted(everything(ready(path, "price"))[:, 0].tolist()) == sorted(
        pd.read_csv(path)["age"].tolist()
    )


ROW = "34,Rio,A,3.5"
REFUSED = [
    ({3: "x,Rio,A,3.5"}, {}, "row 3: column 'age' holds numbers, here it says 'x'; data.categ"),
    ({9: "inf,Rio,A,3.5"}, {}, "row 9: column 'age' is not a finite number"),
    ({9: "1e300,Rio,A,3.5"}, {}, "row 9: column 'age' is not a finite number"),
    ({4: "34,Rio,,3.5"}, {}, "row 4: the target 'blood' is empty"),
    ({4: "34,,A,3.5"}, {"missing": "refuse"}, "row 4: column 'city' is empty"),
    ({7: "34,Rio,C,3.5"}, {}, "60 examples of 3 classes .* all there is of class C"),
    ({2: "1,Rio,A,3,5"}, {}, "not a table .* line 3"),
    ({0: "age,age,blood,price"}, {}, "two columns are named 'age'"),
    ({}, {"target": "blod"}, "no column 'blod' .data.target.; did you mean 'blood'"),
    ({}, {"drop": ["agee"]}, "no column 'agee' .data.drop."),
    ({}, {"group": "town"}, "no column 'town' .data.group."),
    ({}, {"max_categories": 2}, "'city' has 3 different texts .* data.drop=.city."),
    ({}, {"drop": ["age", "city", "price"]}, "no column is left"),
    ({}, {"kind": "value"}, "row 1: column 'blood' holds numbers"),
]


@pytest.mark.parametrize(("edit", "options", "says"), REFUSED, ids=[r[2][:30] for r in REFUSED])
def test_bad_tables_are_refused_by_row_and_column(
    edit: dict[int, str], options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    path = table(tmp_path / "t.csv", edit=edit)
    with pytest.raises(ValueError, match=says) as refused:
        ready(path, **{"target": "blood", **options})
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "the file is empty"),
        (b"a,b\n", "no rows below the header"),
        (b"a,b\n\xff\xfe,1\n", "not UTF-8 text"),
        (b"a,b\n1,x\n2,x\n3,x\n4,x\n5,x\n6,x\n", "every training example is of class x"),
    ],
)
def test_files_that_hold_nothing_to_learn(content: bytes, says: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(ValueError, match=says):
        ready(tmp_path / "t.csv", "b")


def test_strangers_in_the_test_file_are_refused(tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv")
    other = table(tmp_path / "b.csv", 6, edit={2: "34,Rio,Z,3.5"})
    with pytest.raises(ValueError, match=r"b.csv: row 2: column 'blood' says 'Z', .* none of the"):
        ready(path, "blood", test_path=str(other))
    with pytest.raises(ValueError, match=r"b.csv: city 'Faro' is also in .*a.csv"):
        ready(path, "blood", test_path=str(table(other, 6)), group="city")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"test_fraction": 1.0}, "test_fraction must lie in"),
        ({"test_fraction": float("nan")}, "test_fraction must lie in"),
        ({"max_classes": 1}, "max_classes and max_categories must be at least 2"),
        ({"separator": "::"}, "separator must be one character"),
        ({"drop": ["y"]}, "'y' is named twice"),
        ({"group": "y"}, "'y' is named twice"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_arguments_outside_their_range_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Tabular("t.csv", "y", **wrong)


@pytest.mark.parametrize(
    ("name", "rows", "columns", "names"),
    [
        ("diabetes", 442, 10, ()),
        ("breast_cancer", 569, 30, ("benign", "malignant")),
        ("wine", 178, 13, ("class_0", "class_1", "class_2")),
        ("iris", 150, 4, ("setosa", "versicolor", "virginica")),
    ],
)
def test_a_table_of_scikit_learn_needs_no_file(
    name: str, rows: int, columns: int, names: tuple[str, ...]
) -> None:
    data = Tabular(f"sklearn:{name}", "target")
    data.setup()
    assert everything(data).shape == (rows, columns)
    assert data.class_names() == names


def test_the_table_of_scikit_learn_is_in_its_own_units() -> None:
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True, scaled=False)
    data = Tabular("sklearn:diabetes", "target")
    data.setup()
    found = torch.cat([torch.cat([s.x, s.y], 1) for s in data.splits.values()]).numpy()
    expected = np.column_stack([x, y]).astype(np.float32)
    assert np.array_equal(found[np.lexsort(found.T)], expected[np.lexsort(expected.T)])


def test_there_are_not_more_tables_than_scikit_learn_has() -> None:
    with pytest.raises(ValueError, match="path=sklearn:diabete: no such table; did you mean"):
        Tabular("sklearn:diabete", "target").setup()
    with pytest.raises(ValueError, match="test_path: sklearn:wine is split as it is"):
        Tabular("sklearn:wine", "target", test_path="more.csv")

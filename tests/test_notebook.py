"""The notebook of docs/: its cells, run again, give the outputs that it shows."""

import re
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT

nbformat: Any = pytest.importorskip("nbformat")
nbclient: Any = pytest.importorskip("nbclient")
pytest.importorskip("ipykernel")
FILE = ROOT / "docs/notebooks/first_run.ipynb"
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
HOME = re.compile(r"(?<!\w)/(home|root|tmp|work|Users)\b")


def shown(cell: Any) -> str:
    """Return what a cell prints to the standard output."""
    return "".join(o.text for o in cell.outputs if o.get("name") == "stdout")


def code() -> list[Any]:
    return [cell for cell in nbformat.read(FILE, 4).cells if cell.cell_type == "code"]


def test_the_stored_notebook_is_executed_small_and_of_no_machine() -> None:
    text = FILE.read_text()
    assert [cell.execution_count for cell in code()] == list(range(1, len(code()) + 1))
    assert all(cell.metadata == {} for cell in code())  # nor times
    assert not HOME.search(text)
    assert 10_000 < len(text) < 100_000  # a picture, and no more than that
    assert sum("image/png" in o.get("data", {}) for cell in code() for o in cell.outputs) == 1


@pytest.mark.slow
@pytest.mark.filterwarnings("default")  # of zmq and asyncio, which the client brings
def test_the_notebook_gives_the_numbers_that_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))
    notebook = nbformat.read(FILE, 4)
    stored = [shown(cell) for cell in code()]
    where = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=300, resources=where).execute()
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert any("image/png" in o.get("data", {}) for cell in cells for o in cell.outputs)
    for old, cell in zip(stored, cells, strict=True):
        new = shown(cell)
        assert NUMBER.sub("", new) == NUMBER.sub("", old)
        numbers = [[float(n) for n in NUMBER.findall(text)] for text in (new, old)]
        assert numbers[0] == pytest.approx(numbers[1], rel=0.05, abs=0.02)

"""`test.json`: what the model answered on the test split."""

import csv
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import torch
from conftest import REPORTED, ROOT, TINY, Train
from torch import nn

from seedbed.run.answers import histograms, png

pytestmark = pytest.mark.slow


def test_the_matrix_counts_the_predictions_and_the_worst_are_the_least_likely(train: Train) -> None:
    ended = train(*TINY, "data.noise=2", "stages=[fit,test,predict]")
    known = json.loads((ended.folder / "test.json").read_text())
    with (ended.folder / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    counted = Counter((row["target"], row["prediction"]) for row in rows)
    names = known["classes"]
    assert known["confusion"] == [[counted[a, b] for b in names] for a in names]
    wrong = [row for row in rows if row["target"] != row["prediction"]]
    wrong.sort(key=lambda row: float(row[f"p({row['target']})"]))
    assert len(wrong) > 2
    assert [str(each["index"]) for each in known["worst"]] == [row["index"] for row in wrong[:16]]
    first = known["worst"][0]
    assert first["score"] == pytest.approx(float(wrong[0][f"p({first['target']})"]), rel=1e-4)


def test_two_processes_count_together(tmp_path: Path) -> None:
    words = [*TINY, "trainer=ddp_cpu", "trainer.devices=2", "out=run"]
    command = [sys.executable, str(ROOT / "train.py"), *(w for w in words if w != "trainer=cpu")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    known = json.loads((tmp_path / "run/test.json").read_text())
    assert sum(map(sum, known["confusion"])) == 12  # a fifth of 60
    assert "worst" not in known


def test_values_are_told_as_pairs_and_by_their_errors(train: Train) -> None:
    ended = train(*REPORTED, "data.form=plane")
    known = json.loads((ended.folder / "test.json").read_text())
    targets, answers = known["pairs"]
    errors = sorted((abs(a - b) for a, b in zip(targets, answers, strict=True)), reverse=True)
    assert [each["score"] for each in known["worst"]] == pytest.approx(errors[:16], rel=1e-3)
    text = (ended.folder / "report.html").read_text()
    assert "prediction over target" in text
    assert "Confusion" not in text


def test_weights_are_counted_by_layer_and_biases_left_out(tmp_path: Path) -> None:
    layer = nn.Linear(2, 2)
    layer.weight.data = torch.tensor([[0.0, 1.0], [1.0, 1.0]])
    [known] = histograms(layer)
    assert (known["name"], known["low"], known["high"]) == ("weight", 0, 1)
    assert (known["counts"][0], known["counts"][-1], sum(known["counts"])) == (1, 3, 4)


def test_only_images_make_pictures() -> None:
    assert png(torch.rand(1, 8, 8)).startswith("iVBOR")
    assert png(torch.rand(3, 8, 8)).startswith("iVBOR")
    assert png(torch.rand(5)) == ""
    assert png(torch.rand(2, 8, 8)) == ""

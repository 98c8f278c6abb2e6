"""The stage `preflight` from the command line: what it prints, writes, stops and leaves alone."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import TINY, Ended, Train
from same import differences

from seedbed import config, door
from seedbed.command import Command
from seedbed.doctor import Case, Finding, merged
from seedbed.doctor._order import before
from seedbed.preflight import _heart, table
from seedbed.report import preflight as section
from seedbed.rules.value import stage_slips

FAULTS = """
import torch
from torch import nn
from seedbed.data.digits import Digits
from seedbed.model.mlp import MLP


class Huge(Digits):
    def examples(self):
        return {k: b._replace(x=b.x * 1000) for k, b in super().examples().items()}


class Holes(Digits):
    def examples(self):
        found = super().examples()
        found["train"].x[7, 0, 3, 3] = float("nan")
        return found


class Copies(Digits):
    def examples(self):
        found = super().examples()
        found["val"].x[:20] = found["train"].x[:20]
        return found


class Sorted(Digits):
    def examples(self):
        found = super().examples()
        return found | {"train": found["train"].at(found["train"].y.argsort())}

    def train_dataloader(self):
        return self.batches("train")


class Mislabelled(Digits):
    def examples(self):
        g = torch.Generator().manual_seed(0)
        return {
            k: b._replace(y=b.y[torch.randperm(len(b.y), generator=g)])
            for k, b in super().examples().items()
        }


class Unlike(Digits):
    def examples(self):
        found = super().examples()
        found["val"].x.mul_(3)
        return found


class Net(MLP):
    def __init__(self, shape, outputs, fault="none"):
        super().__init__(shape, outputs, widths=[64, 64])
        self.fault = fault
        with torch.no_grad():
            if fault == "head":
                self.head.weight.mul_(100)
            elif fault == "zeros":
                for p in self.parameters():
                    p.zero_()
            elif fault == "dead":
                self.body[1].bias.fill_(-10)
        if fault == "frozen":
            self.body.requires_grad_(False)

    def forward(self, x):
        z = self.body(x)
        z = self.head(z.detach() if self.fault == "detached" else z)
        return z.softmax(-1) if self.fault == "softmax" else z
"""
QUICK = ["stages=preflight", "trainer=cpu", "trainer.enable_progress_bar=false"]


@pytest.fixture
def faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    name = "seedbed_test_faults"
    (tmp_path / f"{name}.py").write_text(FAULTS)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(name, None)
    return name


def levels(ended: Ended) -> dict[str, str]:
    content = json.loads((ended.folder / "preflight/preflight.json").read_text())
    return {each["symptom"]: each["level"] for each in content["findings"]}


def ill(ended: Ended) -> list[str]:
    return [name for name, level in levels(ended).items() if level in ("warn", "fail")]


# -- the table -----------------------------------------------------------------------------------

FOUND = [
    Finding("memory", "pass", "it fits " * 12),
    Finding("imbalance", "warn", "uneven", "few", (("loss.class_weight=balanced", "init=[a,b]"),)),
    Finding("leakage", "unknown", "not measured"),
    Finding("unnormalised", "fail", "large"),
]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_table_fits_the_terminal_and_begins_with_the_worst(width: int) -> None:
    lines = table.text(FOUND, 1.25, width).splitlines()
    assert lines[0] == "preflight: 1 fail, 1 warn, 1 unknown, 1 pass (1.2 s)"
    assert lines[1].split()[:2] == ["fail", "unnormalised"]
    assert max(len(line) for line in lines if "try: " not in line) <= width  # to be copied whole
    assert any("try: loss.class_weight=balanced 'init=[a,b]'" in line for line in lines)


def test_the_table_in_markdown_has_a_row_a_finding() -> None:
    rows = table.markdown([*FOUND, Finding("x", "info", "a | b")], 1.0).splitlines()
    assert len([row for row in rows if row.startswith("| ")]) == 6
    assert "a \\| b" in rows[-3]
    assert "`loss.class_weight=balanced 'init=[a,b]'`" in "\n".join(rows)


def test_a_report_shows_what_is_there_and_nothing_of_what_is_damaged(tmp_path: Path) -> None:
    assert section.read(tmp_path) == []
    (tmp_path / "preflight").mkdir()
    file = tmp_path / "preflight/preflight.json"
    file.write_text("{")
    assert section.read(tmp_path) == []
    finding = {"symptom": "a", "level": "warn", "says": "<b>", "remedies": [["x=1", "y=2"]]}
    file.write_text(json.dumps({"findings": [{"symptom": "b", "level": "pass"}, finding]}))
    page = section.page(section.read(tmp_path))
    assert page.index("warn") < page.index("pass")
    assert "&lt;b&gt;" in page
    assert "<code>x=1 y=2</code>" in page


# -- commands ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stages", "says"),
    [
        (["preflight", "fit", "test"], []),
        (["preflight"], []),
        (["fit", "preflight"], ["stages=[fit,preflight]: preflight comes first"]),
        (["preflight", "test", "fit"], ["fit comes first, after preflight"]),
        (["preflight", "test"], ["nothing is trained yet"]),
        ("preflite", ["did you mean 'preflight'?"]),
    ],
)
def test_where_the_stage_stands(stages: list[str] | str, says: list[str]) -> None:
    found = list(stage_slips(stages, None))
    assert len(found) == len(says)
    assert all(words in line for words, line in zip(says, found, strict=True))


def test_a_model_that_is_trained_already_is_not_examined() -> None:
    [line] = stage_slips(["preflight"], None, ("model=exported: trained", "[test]"))
    assert line == "model=exported: trained; say stages=[test]"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["preflight.strickt=true"], "strict"),
        (["preflight.strict=maybe"], "preflight.strict"),
    ],
)
def test_what_cannot_be_meant_is_refused_in_a_line(
    words: list[str], says: str, train: Train
) -> None:
    ended = train(*TINY, *words)
    assert ended.code == 2
    assert says in ended.err
    assert "Traceback" not in ended.err
    assert len(ended.lines()) == 1


def test_a_healthy_run_passes_and_everything_is_written(train: Train) -> None:
    ended = train(*TINY, "data.size=400", "stages=preflight", "preflight.strict=true")
    assert ended.code == 0, ended.err
    assert ill(ended) == []
    assert len(levels(ended)) == 19
    folder = ended.folder / "preflight"
    assert {file.name for file in folder.iterdir()} == {
        *("table.md", "preflight.json", "inputs.png", "rate_range.png", "label_issues.png")
    }
    assert "pass" in (folder / "table.md").read_text()
    assert not (ended.folder / "checkpoints").exists()
    assert json.loads((ended.folder / "metrics.json").read_text()) == {}


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["model.dropout=0.3", "regularizer=[mixup,noise]", "model.norm=batch"],
        ["optimizer=momentum", "scheduler=one_cycle", "callback=[ema,gradient_clip]"],
    ],
    ids=" ".join,
)
def test_the_training_that_follows_is_the_same_to_the_last_bit(
    words: list[str], train: Train
) -> None:
    words = [*TINY, *words, "trainer.max_epochs=2"]
    assert train(*words, "stages=fit", "out=without").code == 0
    assert train(*words, "stages=[preflight,fit]", "out=with").code == 0
    assert Path("with/preflight/table.md").is_file()
    assert differences(Path("without"), Path("with")) == []


CASES = {
    "data._target_={}.Huge scaling=none": ["unnormalised"],
    "data._target_={}.Holes scaling=none": ["non_finite_input"],
    "data._target_={}.Copies": ["leakage"],
    "data._target_={}.Sorted": ["unshuffled"],
    "data._target_={}.Mislabelled": ["label_issues"],
    "data._target_={}.Unlike": ["split_mismatch"],
    "model.fault=head": ["bad_init"],
    "model.fault=zeros": ["symmetry"],
    "model.fault=dead": ["dead_units"],
    "model.fault=frozen": ["frozen"],
    "model.fault=detached": ["frozen"],
    "model.fault=softmax": ["softmax_twice"],
    "optimizer.lr=1e-8": ["rate_range"],
    "optimizer.lr=30": ["rate_range"],
    "model.fault=none": [],
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", CASES)
def test_a_fault_is_named_and_its_consequences_are_not(
    fault: str, faults: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_heart, "STEPS", 60)
    words = fault.format(faults).split()
    own = [f"model._target_={faults}.Net", "model=linear", "~model.bias"]
    ended = train(*QUICK, *own, *words, f"trust=[{faults}]")
    assert ended.code == 0, ended.err
    assert ill(ended) == CASES[fault]


@pytest.mark.slow
def test_a_deep_net_of_sigmoids_loses_its_gradient_and_strict_stops_it(train: Train) -> None:
    deep = ["model=mlp", f"model.widths={[16] * 10}".replace(" ", ""), "model.activation=sigmoid"]
    ended = train(*QUICK[1:], *deep, "stages=[preflight,fit,test]", "preflight.strict=true")
    assert ended.code == 1
    assert ill(ended) == ["vanishing_gradients"]
    assert ended.lines()[0] == "preflight: vanishing_gradients; nothing was trained"
    assert not (ended.folder / "checkpoints").exists()
    assert json.loads((ended.folder / "status.json").read_text())["status"] == "failed"


@pytest.mark.slow
def test_a_run_that_goes_on_is_not_examined_again_and_a_finished_one_can_be(train: Train) -> None:
    first = train(*TINY, "stages=[preflight,fit,report]", "out=run")
    assert first.code == 0, first.err
    assert "<h2>Before training</h2>" in Path("run/report.html").read_text()
    longer = train("run=run", "trainer.max_epochs=2")
    assert longer.code == 0, longer.err
    assert "left out, the training has begun" in longer.err
    again = train("run=run", "stages=preflight")
    assert again.code == 0, again.err
    [file] = Path("run/reruns").glob("*/preflight/preflight.json")
    one, two = (
        json.loads(f.read_text())["facts"] for f in (Path("run/preflight") / file.name, file)
    )
    assert one["init_loss"] == two["init_loss"]


FACTS: list[dict[str, Any]] = [
    {"seen": {"mean": 0, "std": 99, "large": 300}},
    {"counts": [90, 10]},
    {"kind": "class", "classes": 10, "base": 2.3, "init_loss": 99.0},
    {"twins": {"a": 0.9}},
    {"dead": {"a": 0.9}},
    {"parameters": 10, "frozen": {"rate": ["a"]}, "frozen_numbers": 9},
    {"gradient_ratio": [1e-9] * 3},
    {"rates": {"suggested": 1 / 3, "configured": 1e-7}, "trial": {"start": 1.0, "end": 1.0}},
    {"memory": {"weights": 1e6, "batch": 1e9, "free": 1e8}, "batch_size": 64},
    {
        "memory_of": {
            "n": 16,
            "steps": 300,
            "loss": 2.0,
            "base": 2.3,
            "acc": 0.5,
            "by": "config",
            "parameters": 1000,
            "needed": 160,
        }
    },
]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["scaling=none", "param_groups=layer_decay", "init=he"],
        ["model=mlp", "model.activation=sigmoid", "init=[gaussian,class_prior]"],
    ],
    ids=" ".join,
)
def test_every_remedy_passes_the_gate(words: list[str]) -> None:
    config.register()
    [cfg] = door.checked(Command.read(words))
    tried = 0
    for facts in FACTS:
        for finding in before(Case({}, facts, config.as_plain(cfg))):
            for remedy in finding.remedies if finding.ill else ():
                door.checked(Command.read(merged(words, remedy)))
                tried += 1
    assert tried >= 12

"""Every experiment is ready to run and says what comes of it, in a form that is compared."""

import math
from pathlib import Path

import gallery
import kept
import pytest
from expected import Bound, Claim, Header, Unreadable, bound, claim, read
from kept import Ended

from seedbed import config
from seedbed.command import Command, compose_all, jobs
from seedbed.config import Config
from seedbed.sweep.runs import Run

NAMES = sorted(path.stem for path in gallery.EXPERIMENTS.glob("*.yaml"))
PARADIGMS = ("domain", "few_shot", "supervised_", "test_time", "transfer", "zero_shot")
READY = [name for name in NAMES if not name.startswith(("demo_", *PARADIGMS))]
BELONGS = {"weight": "weights", "signal": "signals"}  # metric's first word, callback that logs it
TOLD = ("loss", "acc", "f1", "auroc", "confidence", "mae", "rmse", "r2", "seen", "unseen")


def header_of(name: str) -> Header:
    return read((gallery.EXPERIMENTS / f"{name}.yaml").read_text())


def bare(words: list[str]) -> list[str]:
    return [word.removeprefix("++") for word in words]


def logged(metric: str, cfg: Config) -> bool:
    split, _, name = metric.partition("/")
    if split in BELONGS:
        return BELONGS[split] in cfg.callback
    if split == "compress":
        return "compress" in cfg.stages
    told = name in TOLD or name.rpartition("/")[2] in (*TOLD, "harmonic", "uncalibrated")
    return told and ("test" in cfg.stages if split == "test" else split in ("train", "val"))


def test_the_gallery_has_ten_experiments_to_start_from() -> None:
    assert len(READY) >= 10


@pytest.mark.parametrize("name", NAMES)
def test_it_passes_the_gate_and_every_job_has_its_promise(name: str) -> None:
    header = header_of(name)
    command = Command.read(list(header.command))
    assert f"experiment={name}" in header.command
    config.register()
    configs = [config.check(cfg) for cfg in compose_all(command)]
    every = [bare(words) for words in jobs(command)]
    assert {cfg.name for cfg in configs} == {name}
    assert len(configs) == len(every) >= 1
    for claimed in header.claims:
        covered = [c for c, words in zip(configs, every, strict=True) if claimed.covers(words)]
        assert covered, f"{claimed.words} are no words of a job"
        for metric in (b.metric for b in claimed.bounds):
            assert all(logged(metric, cfg) for cfg in covered), metric
    for words in every:
        assert any(claimed.covers(words) for claimed in header.claims), words


def text(expected: str, time: str = "20 s", command: str = "python train.py experiment=x") -> str:
    head = "# @package _global_\n# What it shows.\n"
    return f"{head}# Command:  {command}\n# Expected: {expected}\n# Time:     {time}\nname: x\n"


def test_a_header_is_read() -> None:
    two = "callback=[]: diverged\n#           callback=[ema] seed=0: test/acc 0.92 ± 0.04"
    header = read(text(two, "2.5 min", "python train.py -m experiment=x 'init=[he]'"))
    assert header.command == ("-m", "experiment=x", "init=[he]")
    assert header.seconds == 150
    around = Bound("test/acc", 0.92 - 0.04, 0.92 + 0.04, "0.92 ± 0.04")
    diverged, other = header.claims
    assert diverged == Claim(("callback=[]",), (), diverged=True)
    assert other == Claim(("callback=[ema]", "seed=0"), (around,))


def test_what_teaches_may_stand_between() -> None:
    header = read(text("test/acc > 0.9\n# It is the mean that counts.\n#     not this: diverged"))
    assert [b.metric for b in header.claims[0].bounds] == ["test/acc"]
    assert len(header.claims) == 1


@pytest.mark.parametrize(
    ("written", "inside", "outside"),
    [
        ("a/b 0.9 ± 0.05", (0.86, 0.9, 0.94), (0.84, 0.96, math.inf)),
        ("a/b 6e-9 ± 50 %", (3.1e-9, 8.9e-9), (2.9e-9, 9.1e-9, 0.0)),
        ("a/b -2 ± 10 %", (-2.1, -1.9), (-2.3, -1.7, 2)),
        ("a/b < 0.1", (0.09, -5), (0.1, 0.2)),
        ("a/b > 3", (3.1, 1e9), (3, -3)),
    ],
)
def test_a_bound_holds_within(
    written: str, inside: tuple[float, ...], outside: tuple[float, ...]
) -> None:
    found = bound(written)
    assert found.metric == "a/b"
    assert all(map(found.holds, inside))
    assert not any(map(found.holds, outside))
    assert not found.holds(math.nan)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("# Expected: test/acc 0.9 ± 0.1\n", "there is no line '# Command: …'"),
        ("# Command: python train.py experiment=x\n", "there is no line '# Expected: …'"),
        (text("test/acc .98 (three seeds)"), "'test/acc .98 .three seeds.': 'metric value ±"),
        (text("test/acc 0.9 ± 0"), "a tolerance must be positive"),
        (text("test/acc 0.9 ± 0.1, val/acc"), "'val/acc': 'metric value ±"),
        (text("seed=0: divergedd"), "'divergedd': 'metric value ±"),
        (text("test/acc 0.9 ± 0.1", time="long"), "Time: 'long': '20 s' or '2.5 min'"),
        (text("diverged", command="train.py"), "Command: 'python train.py …' is expected"),
        (text("diverged\n# Expected: diverged"), "Expected: stands there twice"),
    ],
)
def test_another_form_is_refused_by_name(broken: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why.replace("…", ".")):
        read(broken)


def run(words: str, status: str = "ok", **metrics: float) -> Run:
    named = {name.replace("_", "/"): value for name, value in metrics.items()}
    return Run(Path("x"), status, tuple(words.split()), named)


def verdicts(line: str, *found: Run) -> list[tuple[str, str]]:
    header = Header((), (claim(line),), 1)
    rows = kept.judged("x", header, Ended(0, "", 3.0, found))
    return [(row.measured, row.verdict) for row in rows]


def test_a_number_is_compared_with_its_bound() -> None:
    assert verdicts("test/acc 0.9 ± 0.02", run("", test_acc=0.91)) == [("0.9100", "ok")]
    assert verdicts("test/acc 0.9 ± 0.02", run("", test_acc=0.93)) == [("0.9300", "OFF")]
    both = verdicts("a=1: test/acc > 0.8, val/acc < 0.8", run("a=1", test_acc=0.9, val_acc=0.9))
    assert both == [("0.9000", "ok"), ("0.9000", "OFF")]


def test_a_claim_holds_for_the_mean_of_the_runs_that_have_its_words() -> None:
    found = [run(f"a=1 seed={s}", test_acc=acc) for s, acc in enumerate((0.85, 0.89, 0.93))]
    other = run("a=2 seed=0", test_acc=0.1)
    assert verdicts("a=1: test/acc 0.89 ± 0.001", *found, other) == [("0.8900", "ok")]
    assert verdicts("test/acc 0.89 ± 0.001", *found, other) == [("0.6925", "OFF")]


def test_how_a_run_ends_is_compared_too() -> None:
    lost = run("a=1", "diverged")
    assert verdicts("a=1: diverged", lost) == [("diverged", "ok")]
    assert verdicts("a=1: diverged", run("a=1", test_acc=0.9)) == [("ok", "OFF")]
    assert verdicts("a=1: diverged", lost, run("a=1")) == [("diverged, ok", "OFF")]
    assert verdicts("test/acc > 0.1", lost) == [("diverged", "OFF")]
    assert verdicts("a=2: test/acc > 0.1", lost) == [("not run", "OFF")]
    assert verdicts("a=2: diverged", lost) == [("not run", "OFF")]


def test_some_seeds_may_diverge_and_others_learn_nothing() -> None:
    either, lost, idle = "diverged or test/acc < 0.3", run("", "diverged"), run("", test_acc=0.1)
    assert verdicts(either, lost) == [("diverged", "ok")]
    assert verdicts(either, lost, idle) == [("0.1000", "ok")]
    assert verdicts(either, run("", test_acc=0.9)) == [("0.9000", "OFF")]
    assert verdicts(either, lost, run("", "failed")) == [("failed", "OFF")]
    assert verdicts(f"a=1: {either}", run("a=2")) == [("not run", "OFF")]


def test_a_metric_that_one_run_lacks_is_off() -> None:
    found = run("", test_acc=0.9), run("")
    assert verdicts("test/acc > 0.1", *found) == [("not logged", "OFF")]


@pytest.mark.parametrize(
    ("code", "said", "verdict"),
    [
        (2, "data: mnist5k needs an extra: pip install 'seedbed[paradigms]'", "skipped"),
        (2, "optimizer.lrr: no such argument", "OFF"),
        (1, "pip install failed", "OFF"),
        (None, "given up after 300 s", "OFF"),
    ],
)
def test_only_what_is_not_installed_is_skipped(code: int | None, said: str, verdict: str) -> None:
    (row,) = kept.judged("x", Header((), (claim("diverged"),), 1), Ended(code, said, 1.0, ()))
    assert (row.measured, row.verdict) == (said, verdict)


def test_the_table_names_an_experiment_and_its_time_once() -> None:
    header = Header((), (claim("test/acc 0.9 ± 0.02, test/loss < 0.1"),), 1)
    rows = kept.judged("x", header, Ended(0, "", 3.0, [run("", test_acc=0.9, test_loss=0.2)]))
    head, first, second, _, last = kept.table(rows).strip().splitlines()
    assert head.split() == ["experiment", "of", "it", "metric", "expected", "measured", "time"]
    assert first.split() == ["x", "test/acc", "0.9", "±", "0.02", "0.9000", "ok", "3", "s"]
    assert second.split() == ["test/loss", "<", "0.1", "0.2000", "OFF"]
    assert last == "1 ok, 1 OFF; 0.1 minutes"


def test_a_name_that_is_none_and_a_header_that_is_none_are_one_line_and_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gallery.main(["demo_clippin"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("demo_clippin: no such experiment; did you mean 'demo_clipping'?")
    assert said.count("\n") == 1
    (tmp_path / "x.yaml").write_text(text("about the same"))
    assert gallery.main(["--experiments", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path / 'x.yaml'}: Expected: 'about the same': 'metric value ±")
    assert said.count("\n") == 1


def test_runs_that_are_kept_are_not_mixed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "digits_mlp").mkdir()
    assert gallery.main(["digits_mlp", "--keep", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"{tmp_path / 'digits_mlp'}: is there already")


@pytest.mark.slow
def test_a_command_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gallery, "PATIENCE", (3.0, 0))
    header = Header(("data=synthetic", "model=linear", "trainer.max_epochs=100000"), (), 1)
    ended = gallery.run("default", header, tmp_path, None)
    assert (ended.code, ended.said) == (None, "given up after 3 s")
    assert ended.seconds < 120


@pytest.mark.slow
def test_quick_experiments_are_as_they_promise(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert gallery.main(["demo_learning_rate", "spirals_mlp", "--figures", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "[2/2] spirals_mlp" in said.err
    assert "OFF" not in said.out
    assert said.out.count("ok") >= 5
    assert "optimizer.lr=1.1<" in (tmp_path / "demo_learning_rate.svg").read_text()


@pytest.mark.slow
def test_a_promise_that_is_not_kept_is_off_and_code_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = "demo_learning_rate"
    header = (gallery.EXPERIMENTS / f"{name}.yaml").read_text()
    right = "optimizer.lr=0.01: train/loss 2.79 "
    assert right in header
    (tmp_path / f"{name}.yaml").write_text(header.replace(right, right.replace("2.79", "2.6")))
    assert gallery.main([name, "--experiments", str(tmp_path), "--keep", str(tmp_path)]) == 1
    said = capsys.readouterr()
    (off,) = [line for line in said.out.splitlines() if "OFF" in line and "optimizer" in line]
    assert "2.6 ± 0.01" in off
    assert f" {9 * 0.98**58:.4f} " in off  # (w - 3)² after 29 steps at that rate
    assert list(tmp_path.glob(f"{name}/logs/sweeps/*/0/metrics.json"))

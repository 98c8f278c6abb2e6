"""What MLflow, Weights & Biases and TensorBoard's HPARAMS show of a run, read back by hand."""

import csv
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import offline
import pytest
from conftest import ROOT, TINY, Train
from fault import install
from tensorboard.backend.event_processing.data_provider import MultiplexerDataProvider
from tensorboard.backend.event_processing.plugin_event_multiplexer import EventMultiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins.base_plugin import TBContext
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams.backend_context import Context
from tensorboard.plugins.hparams.list_session_groups import Handler

api: Any = api_pb2  # classes made while importing
MISSING = [name for name in ("mlflow", "sqlalchemy", "wandb") if find_spec(name) is None]
extras = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

WORDS = [*TINY, "trainer.max_epochs=3", "trainer.log_every_n_steps=2"]
BOTH = "logger=[mlflow,wandb]"

Points = dict[tuple[str, int], float]


def told(folder: Path) -> Points:
    """Return what history.csv says, by name and step."""
    with (folder / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    return {
        (name, int(row["step"])): float(value)
        for row in rows
        for name, value in row.items()
        if value and name != "step"
    }


def final(folder: Path) -> dict[str, float]:
    metrics = json.loads((folder / "metrics.json").read_text())
    return {f"final/{name}": value for name, value in metrics.items()}


def client() -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(f"sqlite:///{Path.cwd()}/logs/mlflow.db")


def in_mlflow() -> list[Any]:
    store = client()
    return store.search_runs([each.experiment_id for each in store.search_experiments()])


def points_of(run: Any) -> list[tuple[tuple[str, int], float]]:
    """Return every point of every curve, repeated ones too."""
    store = client()
    return [
        ((name, each.step), each.value)
        for name in run.data.metrics
        if not name.startswith("final/")
        for each in store.get_metric_history(run.info.run_id, name)
    ]


def points_of_parts(parts: Sequence[dict[str, Any]]) -> list[tuple[tuple[str, int], float]]:
    return [
        ((name, row["_step"]), value)
        for part in parts
        for row in part["history"]
        for name, value in row.items()
        if not name.startswith("_")
    ]


def in_wandb(folder: Path) -> list[dict[str, Any]]:
    return [offline.read(file) for file in offline.parts(folder)]


def interrupted(train: Train, monkeypatch: pytest.MonkeyPatch, step: int, *words: str) -> None:
    """Train until a SIGTERM at an update."""
    fault = {"where": "batch", "step": step, "what": "SIGTERM", "mark": f"{Path.cwd()}/{step}"}
    with monkeypatch.context() as patch:
        install(fault, patch.setattr)
        assert train(*words).code == 143


@extras
@pytest.mark.slow
def test_both_hold_what_the_folder_holds(train: Train) -> None:
    tags = ["+logger.mlflow.tags={team: blue}", "logger.wandb.tags=[blue]"]
    ended = train(*WORDS, BOTH, *tags, "name=trial", "logger.wandb.entity=us")
    assert (ended.code, ended.err) == (0, "")
    folder, history = ended.folder, told(ended.folder)
    assert len(history) > 30
    [run] = in_mlflow()
    points = points_of(run)
    assert sorted(points) == sorted(history.items())
    assert {k: v for k, v in run.data.metrics.items() if k.startswith("final/")} == final(folder)
    assert (run.info.status, run.info.run_name) == ("FINISHED", folder.name)
    assert client().get_experiment(run.info.experiment_id).name == "trial"
    expected = {"team": "blue", "status": "ok", "folder": str(folder)}
    assert expected.items() <= run.data.tags.items()
    settings = {"optimizer": "Adam", "optimizer.lr": "0.001", "model": "MLP", "seed": "0"}
    assert settings.items() <= run.data.params.items()
    assert client().list_artifacts(run.info.run_id) == []
    [part] = in_wandb(folder)
    assert sorted(points_of_parts([part])) == sorted(history.items())
    assert final(folder).items() <= part["summary"].items()
    assert (part["summary"]["status"], part["exit"]) == ("ok", 0)
    said = part["run"]
    assert (said.project, said.display_name, said.entity) == ("trial", folder.name, "us")
    assert list(said.tags) == ["blue"]
    assert part["config"]["optimizer.lr"] == 0.001
    assert not [path for path in folder.rglob("*") if path.is_symlink()]


@extras
@pytest.mark.slow
def test_a_run_that_goes_on_is_the_same_one_and_has_every_step_once(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(train, monkeypatch, 4, *WORDS, "logger=[tensorboard,mlflow,wandb]", "out=it")
    [run] = in_mlflow()
    assert (run.info.status, run.data.tags["status"]) == ("KILLED", "interrupted")
    [part] = in_wandb(Path("it"))
    assert (part["summary"]["status"], part["exit"]) == ("interrupted", 1)
    assert session_groups(Path("it"))[0].sessions[0].status == api.STATUS_FAILURE
    ended = train("run=it", "trainer.max_epochs=4")
    assert (ended.code, ended.err) == (0, "")
    history = told(Path("it"))
    [again] = in_mlflow()
    assert again.info.run_id == run.info.run_id
    assert again.info.status == "FINISHED"
    assert sorted(points_of(again)) == sorted(history.items())
    assert again.data.params["trainer.max_epochs"] == "3"  # MLflow keeps what was said first
    assert again.data.tags["trainer.max_epochs"] == "4"
    parts = in_wandb(Path("it"))
    assert len({part["run"].run_id for part in parts}) == 1
    assert len(parts) == 2
    assert sorted(points_of_parts(parts)) == sorted(history.items())
    [group] = session_groups(Path("it"))
    [session] = group.sessions
    assert session.status == api.STATUS_SUCCESS
    assert group.hparams["trainer.max_epochs"].number_value == 4
    values = {each.name.tag: each.value for each in group.metric_values}
    assert final(Path("it")) == pytest.approx({k: values[k] for k in final(Path("it"))})


@extras
@pytest.mark.slow
def test_what_was_told_beyond_the_checkpoint_is_not_told_again(
    train: Train, tmp_path: Path
) -> None:
    every = "trainer.log_every_n_steps=1"
    assert train(*WORDS, every, "out=whole", "logger=csv").code == 0
    fault = {"where": "batch", "step": 5, "what": "SIGKILL", "mark": str(tmp_path / "mark")}
    told_at_once = (  # the store hears of every step before the kill, though none is saved
        "import sys; from seedbed.logger import _tracker; _tracker.EVERY = -1; _tracker.LATE = 0; "
        "import runpy; sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    script = str(ROOT / "tests/faults/fault.py")
    done = subprocess.run(
        [sys.executable, "-c", told_at_once, script, *WORDS, every, BOTH, "out=it"],
        env=os.environ | {"OMP_NUM_THREADS": "1", "FAULT": json.dumps(fault)},
        capture_output=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == -9, done.stderr
    [run] = in_mlflow()
    assert max(step for (_, step), _ in points_of(run)) > 3  # beyond the epoch that is saved
    assert run.info.status == "RUNNING"
    ended = train("run=it")
    assert ended.code == 0, ended.err
    assert told(Path("it")) == told(Path("whole"))
    [again] = in_mlflow()
    assert sorted(points_of(again)) == sorted(told(Path("whole")).items())
    parts = points_of_parts(in_wandb(Path("it")))
    assert sorted(parts) == sorted(told(Path("whole")).items())


@extras
@pytest.mark.slow
def test_two_processes_are_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = [*(w for w in WORDS if w != "trainer=cpu"), "trainer.devices=2", "out=it"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "train.py"), "trainer=ddp_cpu", *words, BOTH],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    [run] = in_mlflow()
    assert sorted(points_of(run)) == sorted(told(Path("it")).items())
    [part] = in_wandb(Path("it"))
    assert sorted(points_of_parts([part])) == sorted(told(Path("it")).items())


@extras
@pytest.mark.slow
def test_a_store_that_cannot_be_reached_costs_a_line_and_not_the_run(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("WANDB_MODE", "online")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", "none")
    ended = train(*WORDS, BOTH)
    assert ended.code == 0
    said = ended.lines()
    assert len(said) == 3
    assert sum(line.startswith("logger.mlflow: ") for line in said) == 2
    assert "training goes on" in said[0]
    [keyless] = [line for line in said if line.startswith("logger.wandb: ")]
    assert keyless.startswith("logger.wandb: no API key; set WANDB_API_KEY or run wandb login")
    written = [path for path in ended.folder.rglob("*") if path.is_file()]
    assert not [path for path in written if b"secret" in path.read_bytes()]
    [part] = in_wandb(ended.folder)
    assert sorted(points_of_parts([part])) == sorted(told(ended.folder).items())


@extras
@pytest.mark.slow
def test_jobs_of_a_sweep_are_grouped_and_compared(train: Train, tmp_path: Path) -> None:
    words = ["logger=[tensorboard,mlflow,wandb]", "optimizer=sgd,adam", "optimizer.lr=0.1"]
    assert train("-m", *WORDS, *words, "trainer.max_epochs=1").code == 0
    [sweep] = Path("logs/sweeps").iterdir()
    runs = {run.info.run_name: run for run in in_mlflow()}
    assert set(runs) == {f"{sweep.name}/0", f"{sweep.name}/1"}
    assert {run.data.tags["sweep"] for run in runs.values()} == {sweep.name}
    parts = [part for job in ("0", "1") for part in in_wandb(sweep / job)]
    assert [part["run"].run_group for part in parts] == [sweep.name] * 2
    groups = {g.name: g for g in session_groups(sweep)}
    chosen = {n.split("/")[0]: g.hparams["optimizer"].string_value for n, g in groups.items()}
    assert chosen == {"0": "SGD", "1": "Adam"}
    for name, group in groups.items():
        values = {each.name.tag: each.value for each in group.metric_values}
        wanted = final(sweep / name.split("/")[0])
        assert {k: values[k] for k in wanted} == pytest.approx(wanted)
    differ = {info.name for info in experiment(sweep).hparam_infos if info.differs}
    assert differ == {"optimizer"}
    names = {info.name for info in experiment(sweep).hparam_infos}
    assert "optimizer.betas" in names  # which the first job does not have


def context(folder: Path) -> Context:
    events = EventMultiplexer().AddRunsFromDirectory(str(folder))
    events.Reload()
    provider = MultiplexerDataProvider(events, str(folder))
    return Context(TBContext(logdir=str(folder), multiplexer=events, data_provider=provider))


def experiment(folder: Path) -> Any:
    """Return the columns of TensorBoard's tab HPARAMS."""
    board, asked = context(folder), RequestContext()
    known = board.hparams_metadata(asked, "")
    return board.experiment_from_metadata(
        asked, "", True, known, board.hparams_from_data_provider(asked, "", limit=None)
    )


def session_groups(folder: Path) -> list[Any]:
    """Return the rows of TensorBoard's tab HPARAMS."""
    request = api.ListSessionGroupsRequest(
        allowed_statuses=[api.STATUS_UNKNOWN, api.STATUS_SUCCESS, api.STATUS_FAILURE],
        start_index=0,
        slice_size=100,
        include_metrics=True,
    )
    found = experiment(folder)
    for info in found.metric_infos:
        request.col_params.add().metric.CopyFrom(info.name)
    for info in found.hparam_infos:
        request.col_params.add(hparam=info.name)
    return list(Handler(RequestContext(), context(folder), "", request).run().session_groups)


def test_a_logger_whose_extra_is_missing_is_refused_before_a_folder_is_made(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from seedbed.rules import logger

    without: Callable[[str], None] = lambda module: None  # noqa: E731
    monkeypatch.setattr(logger, "find_spec", without)
    ended = train(*TINY, "logger=wandb")
    assert (ended.code, ended.err) == (
        2,
        "logger=wandb needs wandb: pip install 'seedbed[wandb]'\n",
    )
    ended = train(*TINY, "logger=[csv,mlflow]")
    assert ended.err.endswith("pip install 'seedbed[mlflow]'\n")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("logger.wandb.mode=on", "logger.wandb.mode=on: seedbed.logger.wandb.WandB expects"),
        ("logger.wandb.api_key=abc", "logger.wandb.api_key"),
        ("logger.mlflow.uri=x", "logger.mlflow.uri"),
        (
            "logger.mlflow.tracking_uri='http://me:secret@host'",
            "logger.mlflow.tracking_uri: the address holds a login",
        ),
    ],
)
def test_a_slip_is_one_line(word: str, says: str, train: Train, tmp_path: Path) -> None:
    ended = train(*TINY, BOTH, word)
    assert ended.code == 2
    assert ended.err.startswith(says)
    assert len(ended.lines()) == 1
    assert list(tmp_path.iterdir()) == []

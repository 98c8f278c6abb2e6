"""What a stranger's folder, a name or an address may try.  Each attack works when done by hand."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import attacks
import pytest
import torch
import yaml
from attacks import ATTACKS, MODULE, Touch, appeared, by_hand
from conftest import REPORTED, ROOT, TINY, Ended, Train
from omegaconf import OmegaConf

import seedbed
from seedbed import door, trust
from seedbed.rules.value import trust_slips
from seedbed.run import pipeline
from seedbed.run.folder import Refused

pytestmark = pytest.mark.slow

SECRET = "hunter2-8f41c0"  # noqa: S105 -- what must not be found on disk
TOKEN = "${oc.env:SEEDBED_TEST_TOKEN}"  # noqa: S105

MINE = """
import os
from pathlib import Path
from torch import nn


class Net(nn.Module):
    def __init__(self, shape, outputs, token="", nested=None):
        super().__init__()
        self.body = nn.Linear(shape[0], outputs)
        assert token == os.environ["SEEDBED_TEST_TOKEN"], token
        assert nested in (None, {"key": "Bearer " + token, "n": 7}), nested

    def forward(self, x):
        return self.body(x)
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run that nobody has tampered with."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        words = [str(ROOT / "train.py"), *REPORTED, "logger=csv", "out=run"]
        patch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as ended:
            door.enter(pipeline.run)
        assert not ended.value.code
    return home / "run"


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """Return a copy of it to tamper with."""
    shutil.copytree(trained, tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file that must not come into being, and prepare what attacks need."""
    attacks.prepare(tmp_path, tmp_path / "touched")
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(MODULE, None)
    return tmp_path / "touched"


def tamper(folder: Path, **changes: Any) -> None:
    """Write keys, `__` for a dot, into the config of the run in a folder."""
    file = folder / "config.yaml"
    config = yaml.safe_load(file.read_text())
    for path, value in changes.items():
        *above, last = path.split("__")
        node = config
        for key in above:
            node = node.setdefault(key, {})
        node[last] = value
    file.write_text(yaml.safe_dump(config))


def refused(ended: Ended, says: str) -> None:
    assert ended.code == 2, ended.out + ended.err
    assert says in ended.err
    assert "Traceback" not in ended.err


WAYS = {
    "a test": ["run=run", "stages=test"],
    "more training": ["run=run", "trainer.max_epochs=2"],
    "a prediction": ["run=run", "stages=predict"],
    "an ensemble": [*TINY, "model=ensemble", "model.runs=[run]", "stages=test", "~model.widths"],
    "pretrained weights of a run": [*TINY, "init=pretrained", "init.pretrained.run=run"],
    "pretrained weights of a file": [
        *(*TINY, "init=pretrained", "init.pretrained.path=run/checkpoints/best.ckpt")
    ],
}


# Checkpoints


@pytest.mark.parametrize("forced", [False, True], ids=["", "and the environment asks for it"])
@pytest.mark.parametrize("way", WAYS)
def test_a_pickle_in_a_checkpoint_is_not_run(
    way: str, forced: bool, run: Path, marker: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("best", "last"):
        file = run / f"checkpoints/{name}.ckpt"
        content = torch.load(file, weights_only=True)
        torch.save({**content, "harmless": Touch(marker)}, file)
    if forced:
        monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    ended = train(*WAYS[way])
    assert ended.code in (1, 2), ended.out
    assert "Traceback" not in ended.err
    assert len(ended.lines()) == 1, ended.err
    with pytest.raises(ValueError, match=r"best\.ckpt"):
        seedbed.load(run)
    assert not marker.exists()
    torch.load(run / "checkpoints/best.ckpt", weights_only=False)
    assert marker.exists()


@pytest.mark.parametrize("scheme", ["http", "https", "file", "s3"])
@pytest.mark.parametrize(
    "words",
    [
        "run={}",
        "init=pretrained init.pretrained.run={}",
        "init=pretrained init.pretrained.path={}",
        "model=ensemble model.runs=[{}] stages=test ~model.widths",
        "predict.path={}",
        "out={}",
    ],
)
def test_an_address_is_refused_and_not_fetched(
    words: str, scheme: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    def unexpected(*args: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", unexpected)
    ended = train(*TINY, *words.format(f"'{scheme}://127.0.0.1/x'").split())
    refused(ended, "not an address")
    assert f"{scheme}://127.0.0.1/x" in ended.err
    assert not list(Path.cwd().iterdir())


# Targets of a run folder

CHOSEN = [
    *("a shell", "a class that starts a program", "an allowed prefix", "a class of a stranger"),
    *("inside a list of it", "a module seen from here", "Hydra itself", "exec"),
]
SPOTS = {
    "as the model": "model",
    "as a callback": "callback__x",
    "as an init": "init__x",
    "inside the trainer": "trainer__profiler",
    "as an argument of the data": "data__noise",
    "as the loss": "loss",
}


@pytest.mark.parametrize("spot", SPOTS)
@pytest.mark.parametrize("name", CHOSEN)
def test_a_target_in_a_run_folder_is_not_called(
    name: str, spot: str, run: Path, marker: Path, train: Train
) -> None:
    node = ATTACKS[name](Path(), Path(marker.name))  # absolute paths are refused for themselves
    tamper(run, **{SPOTS[spot]: node})
    refused(train("run=run", "stages=test"), "_target_=")
    refused(train("run=run", "trainer.max_epochs=2"), "_target_=")
    with pytest.raises(Refused, match="_target_="):
        seedbed.load(run)
    ensemble = train(*WAYS["an ensemble"])
    refused(ensemble, "_target_=")
    assert not appeared(marker, 0.1)
    assert MODULE not in sys.modules
    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        by_hand(node)
    assert appeared(marker)


def test_nor_is_it_by_a_rank_that_is_pointed_to_it(
    run: Path, marker: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(run, model=ATTACKS["a shell"](marker.parent, marker))
    monkeypatch.setenv("SEEDBED_CONFIG", str(run / "config.yaml"))
    assert train(*TINY).code == 2
    assert not marker.exists()


def test_a_run_folder_cannot_name_what_is_trusted(
    run: Path, marker: Path, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    tamper(run, model={"_target_": f"{MODULE}.Net"}, trust=[MODULE])
    says = f"model._target_={MODULE}.Net: '{MODULE}' is not trusted; add trust=[{MODULE}]"
    refused(train("run=run", "stages=test"), says)
    (run / "pyproject.toml").write_text(f'[tool.seedbed]\ntrust = ["{MODULE}"]\n')
    refused(train("run=run", "stages=test"), says)
    monkeypatch.chdir(run)
    for folder in (".", "checkpoints"):
        monkeypatch.chdir(run / folder)
        shutil.copy(run / "pyproject.toml", run / "checkpoints")
        with pytest.raises(Refused, match="run folder, which cannot name what is trusted"):
            seedbed.load(run)
    assert not marker.exists()


def test_the_command_line_and_the_project_can(
    run: Path, marker: Path, train: Train, tmp_path: Path
) -> None:
    tamper(run, model={"_target_": f"{MODULE}.Net"})
    train("run=run", "stages=test", f"trust={MODULE}")
    assert marker.exists()  # the attack above was real
    marker.unlink()
    sys.modules.pop(MODULE)
    train("run=run", "stages=test")
    assert not marker.exists()  # it was for one command
    (tmp_path / "pyproject.toml").write_text(f'[tool.seedbed]\ntrust = ["{MODULE}"]\n')
    train("run=run", "stages=test")
    assert marker.exists()


def test_an_option_file_cannot_name_what_is_trusted() -> None:
    (problem,) = trust_slips(["mine"])
    assert problem == "trust=[mine]: only the command line or pyproject.toml can say so"
    with trust.trusting(["mine"]):
        assert not list(trust_slips(["mine"]))


# What else a run folder may try


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"out": "elsewhere", "name": "../../elsewhere"},
            "name=../../elsewhere: a place to write to",
        ),
        ({"logger__csv__folder": "elsewhere"}, "logger.csv.folder=elsewhere: a place to write to"),
        ({"checkpoint__folder": "elsewhere"}, "checkpoint.folder=elsewhere: a place to write to"),
        ({"trainer__default_root_dir": "elsewhere"}, "trainer.default_root_dir=elsewhere: a place"),
        ({"trainer__x": {"filename": "../elsewhere"}}, "trainer.x.filename=../elsewhere: a place"),
        ({"callback__x": {"a": ["/elsewhere"]}}, "callback.x.a[0]=/elsewhere: a place to write to"),
        ({"logger__x": {"uri": "http://elsewhere"}}, "logger.x.uri=http://elsewhere: an address"),
        ({"data__path": "http://elsewhere"}, "data.path=http://elsewhere: an address"),
        ({"defaults": ["elsewhere"]}, "defaults: not a key of a run"),
        ({"hydra": {"searchpath": ["elsewhere"]}}, "hydra: not a key of a run"),
        ({"optimizer@hydra.launcher": "adam"}, "optimizer@hydra.launcher: not a key of a run"),
        ({"optimizer__lr": "${elsewhere:touch}"}, "only ${oc.env:NAME} may be looked up"),
        ({"optimizer__lr": "${oc.create:{a: 1}}"}, "only ${oc.env:NAME} may be looked up"),
        ({"optimizer__lr": "${oc.decode:${elsewhere:1}}"}, "only ${oc.env:NAME} may be looked up"),
        ({"optimizer__lr": "${${name}:1}"}, "only ${oc.env:NAME} may be looked up"),
        ({"optimizer__lr": "${oc.${name}:1}"}, "only ${oc.env:NAME} may be looked up"),
        ({"optimizer__lr": "\\\\${elsewhere:touch}"}, "only ${oc.env:NAME} may be looked up"),
        ({"optimizer__lr": "${oc.env:A,${elsewhere:1}}"}, "only ${oc.env:NAME} may be looked up"),
    ],
    ids=str,
)
def test_a_saved_config_only_describes_a_training(
    changes: dict[str, Any], says: str, run: Path, train: Train, tmp_path: Path
) -> None:
    called: list[Any] = []
    OmegaConf.register_new_resolver("elsewhere", called.append, replace=True)
    tamper(run, **changes)
    before = set(tmp_path.rglob("*"))
    try:
        refused(train("run=run", "stages=test"), says)
        refused(train("run=run", "trainer.max_epochs=2"), says)
        with pytest.raises(Refused, match=re.escape(says)):
            seedbed.load("run")
    finally:
        OmegaConf.clear_resolver("elsewhere")
    assert not called
    assert set(tmp_path.rglob("*")) == before


def test_out_and_run_of_a_saved_config_do_not_redirect_what_is_written(
    run: Path, train: Train, tmp_path: Path
) -> None:
    tamper(run, out=str(tmp_path / "elsewhere"), run=str(tmp_path / "elsewhere"))
    ended = train("run=run", "stages=test")
    assert ended.code == 0, ended.err
    assert not (tmp_path / "elsewhere").exists()
    assert list((run / "reruns").glob("*/metrics.json"))


@pytest.mark.parametrize("name", ["history.csv", "report.html", "reruns", "checkpoints/best.ckpt"])
def test_a_link_out_of_a_run_folder_is_not_followed(
    name: str, run: Path, train: Train, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    if name == "reruns":
        outside.mkdir()
    else:
        outside.write_text("precious")
        (run / name).unlink()
    (run / name).symlink_to(outside)
    refused(train("run=run", "trainer.max_epochs=2"), "a link that leads out of the folder")
    refused(train("run=run", "stages=[test,report]"), "a link that leads out of the folder")
    assert outside.is_dir() or outside.read_text() == "precious"
    assert not outside.is_dir() or not list(outside.iterdir())


def test_what_the_user_says_again_is_the_user_s(run: Path, train: Train) -> None:
    tamper(run, optimizer__lr="${elsewhere:1}")
    assert train("run=run", "stages=test", "optimizer.lr=0.001").code == 0


# Names


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "a//x", "..", ".x", "a/.git", "~"])
def test_a_name_stays_in_logs(name: str, train: Train, tmp_path: Path) -> None:
    refused(train(*TINY, f"name='{name}'"), "a folder inside logs/ is expected")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["away", "away/deeper"])
def test_a_link_in_logs_is_no_way_out_of_them(name: str, train: Train, tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "outside").mkdir()
    (tmp_path / "logs/away").symlink_to(tmp_path / "outside")
    refused(train(*TINY, f"name={name}"), f"name={name}: leads out of logs/ to")
    assert not list((tmp_path / "outside").iterdir())
    ended = train(*TINY, "stages=fit", "out=outside/mine")
    assert ended.code == 0, ended.err


def test_logs_may_be_a_link_as_a_whole(train: Train, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "logs").symlink_to(tmp_path / "disk")
    assert train(*TINY, "stages=fit").code == 0
    assert list((tmp_path / "disk/default").iterdir())


@pytest.mark.parametrize(
    "word",
    [
        *("hydra.run.dir=/tmp/x", "hydra.sweep.dir=/tmp/x", "hydra.sweep.subdir=../../x"),
        *("hydra.output_subdir=x", "hydra.searchpath=[/tmp]", "hydra/job_logging=x"),
        "hydra/sweeper=basic",
        *("hydra/launcher@hydra.callbacks.x=basic", "+hydra/launcher=basic"),
        *("+hydra.callbacks.x._target_=os.system", "hydra.launcher._target_=os.system"),
        *("hydra.sweeper._target_=os.system", "hydra.job.env_set.X=1", "hydra.mode=MULTIRUN"),
    ],
)
@pytest.mark.parametrize("flag", [[], ["-m"], ["--cfg", "job"]], ids=str)
def test_hydra_itself_is_not_for_setting(
    word: str, flag: list[str], train: Train, tmp_path: Path
) -> None:
    refused(train(*flag, *TINY, word), "Hydra has no settings here")
    assert not list(tmp_path.iterdir())


def test_a_group_is_not_put_elsewhere(train: Train) -> None:
    refused(train(*TINY, "+optimizer@hydra.callbacks.x=adam"), "write optimizer=<option>")


# Secrets


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the words for a model that is told a secret, and sees that it is the right one."""
    (tmp_path / "seedbed_test_net.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("seedbed_test_net", None)
    monkeypatch.setenv("SEEDBED_TEST_TOKEN", SECRET)
    return [
        *(*TINY, "model=linear", "~model.widths", "~model.bias"),
        *("model._target_=seedbed_test_net.Net", f"model.token={TOKEN}"),
        f"model.nested={{key: 'Bearer {TOKEN}', n: 7}}",
    ]


def told(folder: Path) -> list[Path]:
    """Return the files that hold the secret, in their content or name."""
    files = [p for p in folder.rglob("*") if p.is_file()]
    return [p for p in files if SECRET.encode() in p.read_bytes() or SECRET in p.name]


def test_a_secret_is_used_and_not_written(
    token: list[str], train: Train, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = train(*token, "stages=[fit,test,predict,report]")
    assert ended.code == 0, ended.err
    assert (ended.folder / "report.html").is_file()
    assert list((ended.folder / "tensorboard").iterdir())
    assert not told(tmp_path)
    assert SECRET not in ended.out + ended.err
    saved = yaml.safe_load((ended.folder / "config.yaml").read_text())
    assert saved["model"]["token"] == TOKEN
    assert saved["model"]["nested"] == {"key": f"Bearer {TOKEN}", "n": 7}

    run = f"run={ended.folder}"
    again = train(run, "stages=test", "trust=seedbed_test_net")
    assert again.code == 0, again.err
    longer = train(run, "trainer.max_epochs=2", "trust=seedbed_test_net")
    assert longer.code == 0, longer.err
    assert not told(tmp_path)
    model, _ = seedbed.load(ended.folder, trust=["seedbed_test_net"])
    assert sum(p.numel() for p in model.parameters()) == 9

    monkeypatch.delenv("SEEDBED_TEST_TOKEN")
    missing = train(run, "stages=test", "trust=seedbed_test_net")
    refused(missing, "model.token: the environment variable SEEDBED_TEST_TOKEN is not set")
    assert len(missing.lines()) == 1


def test_a_text_that_only_looks_like_an_interpolation_stays_as_it_is(
    token: list[str], train: Train
) -> None:
    ended = train(*token, "stages=fit", r"+optimizer.x='\${oc.env:HOME}'")
    refused(ended, "optimizer.x=${oc.env:HOME}")


def test_a_number_from_the_environment_is_part_of_the_record(
    train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEEDBED_TEST_LR", "0.25")
    ended = train(*TINY, "stages=fit", "optimizer.lr='${oc.decode:${oc.env:SEEDBED_TEST_LR}}'")
    assert ended.code == 0, ended.err
    assert yaml.safe_load((ended.folder / "config.yaml").read_text())["optimizer"]["lr"] == 0.25


def test_a_secret_is_in_no_message(
    train: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEEDBED_TEST_TOKEN", SECRET)
    ended = train(*TINY, f"optimizer.lr={TOKEN}")
    refused(ended, f"optimizer.lr={TOKEN}")
    assert SECRET not in ended.err

    from seedbed.data.synthetic import Synthetic

    def setup(self: Synthetic, stage: str | None = None) -> None:
        raise ZeroDivisionError(f"{self.form} {os.environ['SEEDBED_TEST_TOKEN']}")

    monkeypatch.setattr(Synthetic, "setup", setup)
    words = [f"+init=pretrained init.pretrained.path={TOKEN}"]
    failed = train(*TINY, *words[0].split())
    assert failed.code == 1
    assert "ZeroDivisionError" in (failed.folder / "status.json").read_text()
    assert not told(tmp_path)


@pytest.mark.parametrize(
    "words",
    [["-m", "seed=0,1"], ["trainer=ddp_cpu", "trainer.devices=2"]],
    ids=["in a sweep", "by two processes"],
)
def test_a_secret_is_written_by_no_process(
    words: list[str], token: list[str], tmp_path: Path
) -> None:
    command = [sys.executable, str(ROOT / "train.py"), *token, *words]
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list(tmp_path.rglob("metrics.json"))) == (2 if "-m" in words else 1)
    assert not told(tmp_path)
    assert SECRET not in done.stdout + done.stderr


# The report


def test_the_report_shows_what_it_is_told_as_text(train: Train, tmp_path: Path) -> None:
    script = "<script>alert(1)</script>"
    ended = train(*REPORTED, f"out='{tmp_path}/<b onclick=1>'", f"show=['{script}']")
    assert ended.code == 0, ended.err
    page = (tmp_path / "<b onclick=1>/report.html").read_text()
    assert "&lt;script&gt;" in page
    assert "&lt;b onclick=1&gt;" in page
    for wrong in ("<script>alert", "<b "):
        assert wrong not in page


def test_a_student_in_a_run_folder_is_an_option_and_no_path(run: Path, tmp_path: Path) -> None:
    (tmp_path / "evil.yaml").write_text(f"_target_: {MODULE}.Net\n")
    node = {"_target_": "seedbed.compress.distill.Distill", "settings": {}}
    depth = "../" * len((ROOT / "configs/model").parts)
    tamper(run, compress={"distill": node | {"student": f"{depth}{tmp_path}/evil"}})
    (run / "compress").mkdir()
    shutil.copy(run / "checkpoints/best.ckpt", run / "compress/distill.ckpt")
    with pytest.raises(ValueError, match="there is no model="):
        seedbed.load(run / "compress/distill.ckpt")

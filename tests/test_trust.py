"""What may be called: every attack is refused untouched, and works when it is done by hand."""

import contextlib
import sys
import warnings
from pathlib import Path
from typing import Any

import attacks
import pytest
from attacks import ATTACKS, MODULE, appeared, by_hand

from seedbed import trust
from seedbed.config import LISTS, SINGLES
from seedbed.target import construct, examine, resolve
from seedbed.trust import Untrusted


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """Return a folder that can be imported from, with all that attacks need, and the marker."""
    marker = tmp_path / "touched"
    attacks.prepare(tmp_path, marker)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop(MODULE, None)
    return tmp_path, marker


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_refused_in_every_group_before_anything_happens(
    name: str, scene: tuple[Path, Path]
) -> None:
    folder, marker = scene
    node = ATTACKS[name](folder, marker)
    for group in (*SINGLES, *LISTS):
        path = f"{group}.x" if group in LISTS else group
        with pytest.raises((Untrusted, ImportError)):
            examine(path, node)
        with pytest.raises((Untrusted, ImportError)):
            examine(path, {"_target_": "torch.nn.Linear", "bias": [{"deep": node}]})
    assert not appeared(marker, 0.1)
    assert MODULE not in sys.modules

    with warnings.catch_warnings(), contextlib.suppress(Exception):
        warnings.simplefilter("ignore")
        by_hand(node)
    assert appeared(marker), "an attack that does nothing proves nothing"


@pytest.mark.parametrize("name", ATTACKS)
def test_trusting_other_packages_does_not_let_an_attack_through(
    name: str, scene: tuple[Path, Path]
) -> None:
    folder, marker = scene
    node = ATTACKS[name](folder, marker)
    names = ["pandas", "joblib", "numpy", "hydra", "omegaconf"]
    with trust.trusting(names), pytest.raises((Untrusted, ImportError)):
        examine("model", node)
    assert not appeared(marker, 0.1)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("model", "torch.nn.Sequential"),
        ("loss", "torch.nn.MSELoss"),
        ("loss", "torch.nn.modules.loss.MSELoss"),
        ("optimizer", "torch.optim.Adam"),
        ("optimizer", "torch.optim.Muon"),
        ("trainer", "lightning.Trainer"),
        ("trainer", "lightning.pytorch.Trainer"),
        ("callback.x", "lightning.pytorch.callbacks.LearningRateMonitor"),
        ("logger.x", "lightning.pytorch.loggers.CSVLogger"),
        ("checkpoint", "lightning.pytorch.callbacks.ModelCheckpoint"),
        ("init.x", "seedbed.init.he.He"),
        ("scheduler", "seedbed.scheduler.cosine.Cosine"),
        ("data", "seedbed.data.digits.Digits"),
    ],
)
def test_what_a_training_is_made_of_is_let_through(path: str, name: str) -> None:
    examine(path, {"_target_": name})


@pytest.mark.parametrize(
    "name",
    [
        "lightning.pytorch.profilers.SimpleProfiler",
        "lightning.pytorch.strategies.DDPStrategy",
        "lightning.pytorch.plugins.precision.MixedPrecision",
        "lightning.pytorch.plugins.environments.SLURMEnvironment",
        "torch.nn.ReLU",
    ],
)
def test_so_is_what_stands_inside_a_part(name: str) -> None:
    examine("trainer", {"_target_": "lightning.Trainer", "x": [{"_target_": name}]})


@pytest.mark.parametrize(
    ("path", "name", "says"),
    [
        ("model", "torch.optim.Adam", "a subclass of Module is expected"),
        ("optimizer", "torch.nn.Linear", "a subclass of Optimizer is expected"),
        ("data", "torch.nn.Linear", "a subclass of LightningDataModule is expected"),
        ("trainer", "lightning.pytorch.callbacks.Timer", "a subclass of Trainer is expected"),
        ("callback.x", "torch.nn.Linear", "a subclass of Callback is expected"),
        ("scheduler", "torch.optim.lr_scheduler.StepLR", "objects can be called is expected"),
        ("model", "seedbed.run.pipeline.Run", "has no 'run'|is not a part of a training"),
        ("model", "seedbed.types.Regularizer", "seedbed.types.Regularizer is not a part"),
        ("model", "torch.fx.GraphModule", "is not a part of a training"),
        ("model", "torch.nn.Module.eval", "it is torch.nn.modules.module.Module.eval"),
        ("model", "torch.nn.Linear.from_float", "has no 'from_float'|it is"),
        ("model", "torch.nn.modules.linear.Any", "it is typing.Any|a class"),
        ("model", "torch.nn.functional.relu", "and a class is expected"),
        ("model", "torch.optim", "a class or a function is expected"),
        ("model", "torch", "there is no module"),
        ("model", "", "dotted name"),
        ("model", ".os.system", "dotted name"),
        ("model", "os..system", "dotted name"),
        ("model", "os.system()", "dotted name"),
        ("model", "${oc.env:X}", "dotted name"),
        ("model", None, "dotted name"),
        ("model", {"_target_": "os.system"}, "dotted name"),
    ],
)
def test_the_wrong_kind_is_refused_with_a_reason(path: str, name: Any, says: str) -> None:
    with pytest.raises((Untrusted, ImportError), match=says):
        examine(path, {"_target_": name})


MINE = """
from os import system as shell
from subprocess import Popen
from torch import nn
from torch.hub import load


class Net(nn.Module):
    def __init__(self, size=3):
        super().__init__()
        self.size = size

    @classmethod
    def make(cls):
        return cls()


class Other:
    pass


def net(size=4):
    return Net(size)


made = net()
small = lambda: Net(1)
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a package of the user's own."""
    (tmp_path / "seedbed_test_mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("seedbed_test_mine", None)
    return "seedbed_test_mine"


def test_a_package_of_ones_own_is_imported_only_when_it_is_trusted(mine: str) -> None:
    with pytest.raises(Untrusted, match=rf"'{mine}' is not trusted; add trust=\[{mine}\] to the"):
        resolve(f"{mine}.Net")
    assert mine not in sys.modules
    with trust.trusting([mine]):
        assert construct({"_target_": f"{mine}.Net", "size": 5}).size == 5
        examine("model", {"_target_": f"{mine}.Net"})
        examine("model", {"_target_": f"{mine}.Net", "size": {"_target_": f"{mine}.Other"}})
    with pytest.raises(Untrusted):
        resolve(f"{mine}.Net")


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("shell", "it is posix.system"),
        ("Popen", "it is subprocess.Popen; 'subprocess' is part of Python"),
        ("load", "it is torch.hub.load"),
        ("Net.make", "it is seedbed_test_mine.Net.make"),
        ("small", "<lambda>, and a class is expected"),
        ("made", "and a class is expected"),
        ("net", r"to call it, trust=\[seedbed_test_mine.net\]"),
        ("Other", "a subclass of Module is expected"),
        ("nn.functional.relu", "it is torch.nn.functional.relu"),
    ],
)
def test_a_trusted_package_gives_its_own_classes_and_nothing_else(
    name: str, says: str, mine: str
) -> None:
    with trust.trusting([mine]), pytest.raises(Untrusted, match=says):
        examine("model", {"_target_": f"{mine}.{name}"})


def test_a_function_is_called_when_it_is_trusted_by_its_own_name(mine: str) -> None:
    with trust.trusting([f"{mine}.net"]):
        examine("model", {"_target_": f"{mine}.net"})
        assert construct({"_target_": f"{mine}.net", "size": 7}).size == 7
        with pytest.raises(Untrusted, match="not trusted"):
            resolve(f"{mine}.Net")


@pytest.mark.parametrize("name", ["shell", "load", "small", "Net.make"])
def test_what_only_lies_in_a_package_is_not_trusted_by_its_name_there(name: str, mine: str) -> None:
    with trust.trusting([f"{mine}.{name}"]), pytest.raises(Untrusted):
        resolve(f"{mine}.{name}")


def test_a_prefix_of_a_name_is_not_the_package(mine: str) -> None:
    with trust.trusting([mine[:-1]]), pytest.raises(Untrusted, match="not trusted"):
        resolve(f"{mine}.Net")


@pytest.mark.parametrize("name", ["os", "torch", "torch.hub.load", "seedbed", "a b", "", "os.path"])
def test_what_cannot_be_trusted(name: str) -> None:
    with pytest.raises(Untrusted, match="the name of a package of your own"):
        trust.trust([name])
    assert trust.trusted() == frozenset()


def test_nodes_are_built_from_the_inside_and_partials_are_not_called() -> None:
    layer = {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 3}
    net = construct({"_target_": "torch.nn.Sequential", "_args_": [layer, layer]})
    assert [tuple(each.weight.shape) for each in net] == [(3, 2), (3, 2)]
    kept = construct(
        {"_target_": "torch.nn.ModuleDict", "modules": {"a": layer}},
    )
    assert tuple(kept["a"].weight.shape) == (3, 2)
    from seedbed.target import _built

    later = _built({**layer, "_partial_": True, "out_features": 4})
    assert tuple(later().weight.shape) == (4, 2)

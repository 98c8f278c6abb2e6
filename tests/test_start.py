"""What a command imports before it answers: nothing heavy that its answer does not need."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ROOT, TINY, Train

from seedbed import config, help, signature
from seedbed.command import Command, compose_all

HEAVY = {"torch", "numpy", "lightning", "matplotlib", "pandas", "scipy", "sklearn", "tensorboard"}
BESIDE_TORCH = HEAVY - {"torch", "numpy"} | {"torchmetrics", "torch._dynamo", "optuna", "mlflow"}
TELLS = """
import atexit, json, pathlib, runpy, sys
atexit.register(lambda: pathlib.Path("modules.json").write_text(json.dumps(sorted(sys.modules))))
sys.argv[0] = {script!r}
runpy.run_path({script!r}, run_name="__main__")
"""


def loaded(folder: Path, *words: str) -> tuple[int, str, set[str]]:
    """Return exit code, standard error and modules of a command in a process of its own."""
    code = TELLS.format(script=str(ROOT / "train.py"))
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        check=False,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr, set(json.loads((folder / "modules.json").read_text()))


@pytest.mark.parametrize(
    "words", ["--help", "--cfg job", "--info config", "stages=report report.of=."]
)
def test_what_runs_nothing_imports_nothing_heavy(words: str, tmp_path: Path) -> None:
    code, err, modules = loaded(tmp_path, *words.split())
    assert code == 0, err
    assert "hydra" in modules  # the list is one
    assert not modules & HEAVY


@pytest.mark.parametrize(
    ("word", "says"),
    [
        ("optimizer=admm", "optimizer=admm: no such option; did you mean 'adam'?"),
        ("callback=[emaa]", "callback=emaa: no such option; did you mean 'ema'?"),
        ("stages=index", "stages: there is no stage 'index'"),
        ("seed=abc", "seed=abc: a whole number is expected"),
        ("seed=-1", "seed=-1: a whole number from 0"),
        ("modle.dropout=0.5", "modle.dropout=0.5: no such group or key 'modle'"),
        ("callback.swa.lr=1", "callback.swa.lr: callback does not include 'swa'"),
        ("-m optimizer=adam,admm", "optimizer=admm: no such option"),
    ],
)
def test_a_wrong_name_is_refused_without_any_part(word: str, says: str, tmp_path: Path) -> None:
    code, err, modules = loaded(tmp_path, *word.split())
    assert code == 2
    assert err.startswith(says)
    assert not modules & HEAVY


OF_LIGHTNING = {"lightning", "torchmetrics", "scipy"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says", "needs"),
    [
        ("optimizer.lrr=1", "optimizer.lrr=1: torch.optim.Adam has no argument 'lrr'", set()),
        ("optimizer.lr=abc", "optimizer.lr=abc: torch.optim.Adam expects a number", set()),
        ("-m optimizer.lr=1e-3,-1", "optimizer.lr=-1: Invalid learning rate: -1", set()),
        ("model.dropout=1.5", "model: dropout must lie in [0, 1), got 1.5", set()),
        ("scheduler.warmup=-1", "scheduler: warmup must be at least 0 epochs, got -1", set()),
        ("+callback=swa", "callback=[ema,swa]: each would be the model", set()),
        (
            "+regularizer=l2 optimizer.weight_decay=0.1",
            "regularizer=l2 with optimizer.weight",
            set(),
        ),
        ("data.batch_size=0", "data: batch_size must be at least 1 or 'full'", OF_LIGHTNING),
        ("callback.ema.decay=2", "callback.ema: decay must lie in [0, 1), got 2", OF_LIGHTNING),
        ("loss=mse", "loss: MSELoss needs real numbers", OF_LIGHTNING | {"tensorboard"}),
        ("trainer.max_epoch=3", "trainer.max_epoch=3: lightning.Trainer has no", OF_LIGHTNING),
    ],
)
def test_a_wrong_value_is_refused_by_torch_and_no_more_of_lightning_than_it_needs(
    words: str, says: str, needs: set[str], tmp_path: Path
) -> None:
    code, err, modules = loaded(tmp_path, *words.split())
    assert code == 2
    assert err.startswith(says)
    assert "torch.optim" in modules
    assert modules & BESIDE_TORCH == needs


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["data.batch_size=0", "optimizer.lr=-1"], {"data", "optimizer.lr=-1"}),
        (["callback.ema.decay=2", "optimizer=admm"], {"callback.ema", "optimizer=admm"}),
    ],
)
def test_what_was_typed_is_judged_at_once_whatever_it_costs(
    words: list[str], says: set[str], train: Train
) -> None:
    ended = train(*words)
    assert ended.code == 2
    assert {line.partition(":")[0] for line in ended.lines()} == says


def test_an_optimizer_that_refuses_only_when_it_has_parameters_is_refused_too(train: Train) -> None:
    ended = train(*TINY, "optimizer.fused=true", "optimizer.differentiable=true")
    assert ended.code == 2
    assert ended.lines() == ["optimizer: `fused` does not support `differentiable`"]


def test_a_config_of_which_nothing_was_typed_is_judged_before_its_parts_are_combined() -> None:
    wrong = ["optimizer._target_=torch.optim.Adm", "trainer.max_epochs=0"]
    config.register()
    [cfg] = compose_all(Command.read(wrong))
    with pytest.raises(config.ConfigError, match=r"^optimizer\._target_=torch\.optim\.Adm: cannot"):
        config.check(cfg)


def test_a_docstring_that_is_found_as_text_is_the_one_that_python_reads() -> None:
    count = 0
    for file in sorted(help.PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text())
        said = [(help.docstring(file), tree)]
        said += [
            (help.class_line(file, node.name), node)
            for node in tree.body
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node)
        ]
        for text, node in said:
            assert text == (ast.get_docstring(node) or "").partition("\n")[0], file
        count += len(said)
    assert count > 1000


class Patches:
    """Stands for a model whose arguments must fit the shape of the data."""

    def __init__(self, shape: tuple[int, ...], outputs: int, patch: int = 4, depth: int = 1):
        if depth < 1:
            raise ValueError(f"depth must be at least 1, got {depth}")
        if len(shape) != 3:
            raise ValueError("images are expected")
        if shape[-1] % patch:
            raise ValueError(f"patch must divide the width, got {patch}")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"depth": 0}, "depth must be at least 1, got 0"),
        ({"patch": 7}, None),  # of 28
        ({"patch": 13}, None),  # of none that is tried, which proves nothing
        ({"patch": 13, "depth": 0}, "depth must be at least 1, got 0"),
    ],
)
def test_a_model_is_refused_before_its_data_only_for_what_no_data_would_mend(
    given: dict[str, Any], said: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signature, "resolve", lambda name: Patches)
    assert signature.stubborn({"_target_": "any", **given}) == said


def test_a_model_is_tried_without_memory() -> None:
    node = {"_target_": "seedbed.model.mlp.MLP", "widths": [10**6, 10**6]}  # 4 TB
    assert signature.stubborn(node) is None


def python(code: str) -> None:
    subprocess.run([sys.executable, "-c", "from seedbed import lean\n" + code], check=True)


@pytest.mark.slow
def test_lightning_comes_without_what_it_does_not_use() -> None:
    python(
        "import sys; lean.lightning()\n"
        "heavy = {'torch._dynamo', 'matplotlib', 'scipy.signal', 'scipy.stats', 'sympy'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "assert {'torchmetrics', 'lightning'} <= set(sys.modules)"
    )


@pytest.mark.slow
def test_what_was_left_out_is_there_once_it_is_asked_for() -> None:
    python(
        "lean.lightning()\n"
        "import scipy.signal\n"
        "assert scipy.signal.convolve([1, 2], [1, 3]).tolist() == [1, 5, 6]\n"
        "assert not hasattr(scipy.signal, 'hamming')\n"
        "import torch\n"
        "from torchmetrics.regression import MeanSquaredError\n"
        "metric = MeanSquaredError(); metric.update(torch.ones(2), torch.zeros(2))\n"
        "figure, axes = metric.plot()\n"
        "[line] = axes.get_lines()\n"
        "assert line.get_ydata() == [1.0]\n"
        "import matplotlib.pyplot as plt\n"
        "assert isinstance(figure, plt.Figure)"
    )


@pytest.mark.slow
def test_what_a_stand_in_does_not_know_is_asked_of_the_real_module() -> None:
    python(
        "import sys\n"
        "from importlib.util import find_spec\n"
        "with lean.standing_in([lean.Later('colorsys', ONE_THIRD='a name')]):\n"
        "    from colorsys import ONE_THIRD\n"
        "    assert ONE_THIRD == 'a name' and find_spec('colorsys') is not None\n"
        "    import colorsys\n"
        "    assert colorsys.rgb_to_hsv(0.5, 0.5, 0.5) == (0.0, 0.0, 0.5)\n"
        "    assert sys.modules['colorsys'] is not colorsys\n"
        "assert colorsys.ONE_THIRD == 1 / 3\n"
        "import colorsys\n"
        "assert not isinstance(colorsys, lean.Later)"
    )


@pytest.mark.slow
def test_lightning_knows_what_torch_has_compiled() -> None:
    python(
        "lean.lightning()\n"
        "import torch\n"
        "from lightning.pytorch.demos.boring_classes import BoringModel\n"
        "from lightning.pytorch.utilities.compile import OptimizedModule, from_compiled\n"
        "model = BoringModel()\n"
        "assert not isinstance(model, OptimizedModule)\n"
        "compiled = torch.compile(model, backend='eager')\n"
        "assert isinstance(compiled, OptimizedModule)\n"
        "assert from_compiled(compiled)._compiler_ctx['compiler'] == 'dynamo'\n"
        "ran = []\n"
        "left_alone = lean.uncompiled(lambda: ran.append(torch.compiler.is_compiling()))\n"
        "torch.compile(lambda: left_alone(), backend='eager')()\n"
        "assert ran == [False]"
    )


@pytest.mark.slow
@pytest.mark.parametrize("optimizer", ["adam", "momentum", "muon"])
def test_a_training_that_compiles_nothing_imports_no_compiler(
    optimizer: str, tmp_path: Path
) -> None:
    code, err, modules = loaded(tmp_path, *TINY, f"optimizer={optimizer}", "stages=[fit,test]")
    assert code == 0, err
    assert "torch.optim" in modules
    assert not modules & {"torch._dynamo", "sympy"}


DESCENDS = """
import sys, torch
from torch import optim

def problem(name):
    torch.manual_seed(0)
    net = torch.nn.Linear(3, 2, bias=name != "Muon")
    made = getattr(optim, name)(net.parameters(), **OPTIONS.get(name, {}))
    x, y = torch.randn(8, 3), torch.randn(8, 2)
    def loss():
        made.zero_grad()
        value = (net(x) - y).square().mean()
        value.backward()
        return value
    return net, made, loss

OPTIONS = {"RMSprop": {"momentum": 0.9}, "SGD": {"lr": 0.1, "momentum": 0.9}}
IDLE = {"Optimizer", "SparseAdam"}  # the base, and one for gradients of another kind
NAMES = [name for name in optim.__all__ if isinstance(getattr(optim, name), type)]
NAMES = [name for name in NAMES if name not in IDLE]
"""


@pytest.mark.slow
def test_optimizers_spared_the_compiler_descend_as_torch_s_own(tmp_path: Path) -> None:
    for spared in (False, True):
        python(
            f"{DESCENDS}\nends = {{}}\n"
            "for name in NAMES:\n"
            f"    lean.spare(getattr(optim, name)) if {spared} else None\n"
            "    net, made, loss = problem(name)\n"
            "    values = [made.step(loss).item() for _ in range(5)]\n"
            "    assert values[-1] < values[0], name\n"
            "    assert torch.is_grad_enabled()\n"
            "    made.load_state_dict(made.state_dict())\n"
            "    made.step(loss)\n"
            "    ends[name] = [values, *map(torch.clone, net.parameters())]\n"
            f"assert ('torch._dynamo' in sys.modules) is not {spared}\n"
            f"torch.save(ends, {str(tmp_path / f'{spared}.pt')!r})"
        )
    theirs, ours = (torch.load(tmp_path / f"{spared}.pt") for spared in (False, True))
    assert len(ours) > 10
    for name, (values, *weights) in theirs.items():
        assert ours[name][0] == values, name
        assert all(map(torch.equal, ours[name][1:], weights)), name


@pytest.mark.slow
def test_a_spared_optimizer_is_torch_s_own_once_the_compiler_is_there() -> None:
    python(
        f"{DESCENDS}\nlean.spare(optim.SGD)\n"
        "net, made, loss = problem('SGD')\n"
        "plain = optim.Optimizer.zero_grad.__wrapped__\n"
        "before = made.step(loss), getattr(plain, lean.TOLD)\n"
        "assert 'torch._dynamo' not in sys.modules\n"
        "import torch._dynamo\n"
        "broken = []\n"
        "torch._dynamo.graph_break = lambda: broken.append(torch.is_grad_enabled())\n"
        "assert made.step(loss) < before[0]\n"
        "assert broken == [False, False]\n"
        "assert getattr(plain, lean.TOLD) is not before[1]\n"
        "assert getattr(plain, lean.TOLD)._torchdynamo_disable"
    )


@pytest.mark.slow
def test_a_step_can_be_differentiated_through_without_the_compiler() -> None:
    python(
        "import sys, torch\n"
        "from torch import optim\n"
        "lean.spare(optim.SGD)\n"
        "rate = torch.tensor(0.5, requires_grad=True)\n"
        "w = torch.tensor(2.0, requires_grad=True).clone()\n"
        "w.retain_grad()\n"
        "made = optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=rate, differentiable=True)\n"
        "made.param_groups[0]['params'] = [w]\n"
        "w.grad = torch.tensor(3.0)\n"
        "made.step()\n"
        "w.backward()\n"
        "assert float(w.detach()) == 0.5 and float(rate.grad) == -3.0\n"
        "assert 'torch._dynamo' not in sys.modules"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "before", ["import matplotlib", "import torch._dynamo", "import lightning"]
)
def test_what_is_imported_already_stays(before: str) -> None:
    python(
        f"import sys; {before}\n"
        "kept = dict(sys.modules); lean.lightning()\n"
        "assert {name: sys.modules.get(name) for name in kept} == kept\n"
        "import torchmetrics\n"
        "torchmetrics.utilities.plot.plt.subplots()"
    )


def test_garbage_is_looked_for_again_unless_it_was_not_before() -> None:
    python(
        "import gc\n"
        "with lean.uncollected():\n"
        "    assert not gc.isenabled()\n"
        "    with lean.uncollected(): pass\n"
        "    assert not gc.isenabled()\n"
        "assert gc.isenabled()"
    )


def test_what_there_is_stays_and_what_comes_later_is_collected() -> None:
    python(
        "import gc, weakref\n"
        "class Loop: pass\n"
        "def looped():\n"
        "    made = Loop(); made.itself = made\n"
        "    return weakref.ref(made)\n"
        "gc.disable(); first = looped(); lean.keep()\n"
        "second = looped(); lean.keep(); gc.collect()\n"
        "assert first() is not None and second() is None"
    )


@pytest.mark.slow
def test_a_default_run_imports_no_other_heavy_library(tmp_path: Path) -> None:
    words = ["trainer=cpu", "trainer.max_epochs=1", "trainer.enable_progress_bar=false"]
    code, err, modules = loaded(tmp_path, *words)
    assert code == 0, err
    assert {"torch", "lightning", "matplotlib", "tensorboard"} <= modules
    assert not modules & {"sklearn", "pandas", "pyarrow", "scipy.signal", "scipy.stats", "optuna"}

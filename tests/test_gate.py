"""Wrong command lines: each problem one clear line, exit code 2, no folder."""

from pathlib import Path

import pytest
import yaml
from conftest import TINY, Train

WRONG = [
    ("optimizer=adamm", "optimizer=adamm: no such option; did you mean 'adam'? there is adagrad"),
    ("optimizer=null", "optimizer=null: no such option; there is adagrad"),
    ("optimzer=adam", "optimzer=adam: no such group or key 'optimzer'; did you mean 'optimizer'?"),
    ("optimizer.lrr=1", "optimizer.lrr=1: torch.optim.Adam has no argument 'lrr'; did you mean"),
    ("+optimizer.lrr=1", "optimizer.lrr=1: torch.optim.Adam has no argument 'lrr'; did you mean"),
    ("optimizer.lr=abc", "optimizer.lr=abc: torch.optim.Adam expects a number"),
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
    *(
        (
            f"regularizer={name}",
            f"regularizer.{name}: it needs training examples of two domains at least, the data "
            "names none; data=domains with",
        )
        for name in ("adabn", "coral", "dann", "erm", "mmd", "vrex")
    ),
    ("regularizer.mmd.coef=-1 regularizer=mmd", "regularizer.mmd: coef must be at least 0"),
    ("regularizer=[erm,mmd]", "regularizer=[erm,mmd]: erm is to train without mmd; choose one"),
    ("regularizer=[mixup,vrex]", "regularizer=[mixup,vrex]: mixup makes blends of two domains"),
    ("regularizer=adabn callback=swa", "regularizer=adabn with callback=swa: both choose the"),
    ("regularizer=adabn callback=tent", "regularizer=adabn with callback=tent: both choose the"),
    ("callback=tent", "callback.tent: it adapts batch norm, and this model has none; model.norm"),
    ("callback=test_bn", "callback.test_bn: it adapts batch norm, and this model has none"),
    ("callback=tent callback.tent.lr=-1", "callback.tent: lr must be at least 0"),
    ("callback=test_flip", "callback.test_flip: it needs images, got inputs of shape (2,)"),
    ("callback=[test_bn,tent]", "callback=[test_bn,tent]: tent takes the batch's statistics, too"),
    ("callback=tent stages=fit", "callback=tent with stages=[fit]: it acts in the stages test and"),
    ("callback=tent data.form=plane model.norm=batch", "callback.tent: it makes classes more"),
    ("monitor.name=oracle/acc", "monitor.name=oracle/acc: it is measured by targets that training"),
    (
        "monitor.name=oracle/acc monitor.oracle=true",
        "monitor.name=oracle/acc: no such metric; did you mean 'val/acc'",
    ),
    (
        "callback.early_stopping.monitor=oracle/acc",
        "callback.early_stopping.monitor=oracle/acc: it is measured by targets that training",
    ),
    ("model.dropout=1.5", "model: dropout must lie in [0, 1), got 1.5"),
    ("model.outputs=3", "model.outputs: seedbed sets it itself"),
    (
        "model.widths=[1,a]",
        "model.widths=[1, a]: seedbed.model.mlp.MLP expects a list, each a whole",
    ),
    ("data.seed=-1", "data: seed must be a whole number from 0"),
    ("data.noise=-1", "data: size and features must be at least 1"),
    ("data.fraction=0", "data: fraction must lie in (0, 1], got 0"),
    ("scaling.untouched=[0]", "scaling.untouched: seedbed sets it itself"),
    ("scaling=minmax scaling.range=[1,1]", "scaling: range must go from a smaller"),
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
    (
        "loss=mse",
        "loss: MSELoss needs real numbers as targets, the data has classes; use "
        "loss=cross_entropy, binary_cross_entropy or kl_div",
    ),
    ("loss=huber", "loss: Huber needs real numbers as targets, the data has classes"),
    (
        "loss=cross_entropy data.form=plane",
        "loss: CrossEntropy needs classes as targets, the data has real numbers; use "
        "loss=mse, mae or huber",
    ),
    ("loss=kl_div data.form=plane", "loss: KLDiv needs classes as targets"),
    ("loss=binary_cross_entropy data.form=plane", "loss: BinaryCrossEntropy needs classes"),
    (
        "loss=binary_cross_entropy",
        "loss: binary_cross_entropy needs two classes, the data has 3; use loss=cross_entropy",
    ),
    ("loss.class_weight=[1,2]", "loss: class_weight has 2 numbers, the data 3 classes"),
    ("loss.class_weight=[1,-1,1]", "loss: class_weight must be at least 0, finite and not all 0"),
    ("loss.class_weight=[0,0,0]", "loss: class_weight must be at least 0, finite and not all 0"),
    (
        "loss.class_weight=balance",
        "loss.class_weight=balance: seedbed.loss.auto.Auto expects balanced or a list, each a "
        "number or null",
    ),
    ("loss.class_weight=[a,b,c]", "loss.class_weight=[a, b, c]: seedbed.loss.auto.Auto expects"),
    ("loss.class_weight=3", "loss.class_weight=3: seedbed.loss.auto.Auto expects balanced or a"),
    (
        "loss.class_weight=balanced data.form=plane",
        "loss: class_weight needs targets that are classes",
    ),
    ("loss.label_smoothing=1.5", "loss: label_smoothing must lie in [0, 1), got 1.5"),
    (
        "loss.label_smoothing=0.1 data.form=plane",
        "loss: label_smoothing needs targets that are classes",
    ),
    ("loss=huber loss.delta=0 data.form=plane", "loss: delta must be positive and finite, got 0"),
    ("+regularizer=l1 regularizer.l1.coef=-1", "regularizer.l1: coef must be at least 0"),
    (
        "regularizer=elastic_net regularizer.elastic_net.l1_ratio=2",
        "regularizer.elastic_net: l1_ratio must lie in [0, 1], got 2",
    ),
    (
        "regularizer=dropout model=linear ~model.widths",
        "regularizer.dropout: the model has no dropout layer",
    ),
    ("regularizer=dropout regularizer.dropout.p=1", "regularizer.dropout: p must lie in [0, 1)"),
    ("regularizer=cutmix", "regularizer.cutmix: cutmix needs images, got inputs of shape (2,)"),
    ("regularizer=[mixup,cutmix]", "regularizer=[mixup,cutmix]: each mixes the whole batch"),
    ("regularizer=mixup regularizer.mixup.alpha=0", "regularizer.mixup: alpha must be positive"),
    ("regularizer=max_norm regularizer.max_norm.c=0", "regularizer.max_norm: c must be positive"),
    ("regularizer=noise regularizer.noise.std=-1", "regularizer.noise: std must be at least 0"),
    (
        "regularizer=label_smoothing data.form=plane",
        "regularizer.label_smoothing: label_smoothing needs targets that are classes",
    ),
    (
        "regularizer=weight_decay optimizer=adamw regularizer.weight_decay.coef=0.1",
        "regularizer.weight_decay.coef=0.1 with optimizer.weight_decay=0.01: two values",
    ),
    (
        "regularizer=weight_decay optimizer=sgd optimizer._target_=torch.optim.Rprop "
        "~optimizer.weight_decay",
        "regularizer=weight_decay: Rprop takes no weight_decay; use regularizer=l2",
    ),
    ("augment=cutout", "augment=cutout needs images, got inputs of shape (2,)"),
    ("augment=cutout augment.cutout.size=2", "augment.cutout: size must lie in [0, 1], got 2"),
    ("augment=basic augment.basic.shear=90", "augment.basic: shear must lie in [0, 90), got 90"),
    ("monitor.mode=up", "monitor.mode=up: auto, min or max is expected"),
    ("monitor.name=val/accc", "monitor.name=val/accc: no such metric; did you mean 'val/acc'?"),
    ("stages=tset", "stages: there is no stage 'tset'; did you mean 'test'?"),
    (
        "stages=[]",
        "stages=[]: a list of preflight, fit, test, compress, predict, diagnose, report, reproduce "
        "is expected",
    ),
    ("stages=test", "stages=test: nothing is trained yet; name a finished run with run=<folder>"),
    ("checkpoint=none", "checkpoint=none with stages=[fit,test]: test would need the best"),
    ("stages=[test,fit]", "stages=[test,fit]: fit comes first"),
    ("stages=[fit,fit]", "stages=[fit,fit]: fit stands there twice"),
    ("regularizer=[none,l1]", "regularizer=[none,l1]: none stands for an empty list"),
    ("regularizer=[l2,elastic_net]", "regularizer=[l2,elastic_net]: elastic_net holds both"),
    ("optimizer.lr=-1", "optimizer.lr=-1: Invalid learning rate: -1"),
    ("trainer.val_check_interval=99", "trainer: `val_check_interval` (99) must be less than or"),
    ("trainer.precision=transformer-engine", "trainer: "),
    ("data.features=100000000000", "data: it does not fit into the memory"),
    ("name=../x", "name='../x': a folder inside logs/ is expected"),
    ("num_threads=0", "num_threads=0: at least 1 is expected"),
    ("run=logs/nope", "run=logs/nope: no run folder"),
    ("trainer.accelerator=gpu", "trainer.accelerator=gpu: no GPU here"),
    (
        "trainer.max_epochs=-1",
        "scheduler=cosine with trainer.max_epochs=-1: the schedule needs an end",
    ),
    ("optimizer.betas=[1.0,0.9]", "optimizer: Invalid beta parameter at index 0: 1.0"),
    ("optimizer.eps=-1", "optimizer.eps=-1: Invalid epsilon value: -1"),
    ("optimizer.weight_decay=-1", "optimizer.weight_decay=-1: Invalid weight_decay value: -1"),
    ("optimizer.lr=nan", "optimizer.lr=nan: Invalid learning rate: nan"),
    ("optimizer.lr=inf", "optimizer.lr=inf: a finite number is expected"),
    ("optimizer=sgd optimizer.lr=nan", "optimizer.lr=nan: a finite number is expected"),
    ("optimizer=sgd optimizer.lr=-1", "optimizer.lr=-1: Invalid learning rate: -1"),
    (
        "optimizer=momentum optimizer.momentum=-0.1",
        "optimizer.momentum=-0.1: Invalid momentum value: -0.1",
    ),
    ("optimizer=momentum optimizer.momentum=1", "optimizer.momentum=1: momentum must lie in [0, 1"),
    ("optimizer=nesterov optimizer.momentum=0", "optimizer: Nesterov momentum requires a momentum"),
    ("optimizer=rmsprop optimizer.alpha=-1", "optimizer.alpha=-1: Invalid alpha value: -1"),
    ("optimizer=rmsprop optimizer.alpha=1", "optimizer.alpha=1: alpha must lie in [0, 1)"),
    ("optimizer=adagrad optimizer.eps=-1", "optimizer.eps=-1: Invalid epsilon value: -1"),
    (
        "optimizer=nadam optimizer.momentum_decay=-1",
        "optimizer.momentum_decay=-1: Invalid momentum_decay value: -1",
    ),
    ("optimizer=lion optimizer.betas=[0.9,1.0]", "optimizer: betas[1] must lie in [0, 1), got 1.0"),
    ("optimizer=muon optimizer.steps=0", "optimizer: steps must be at least 1, got 0"),
    ("optimizer=normalized optimizer.lr=-1", "optimizer: lr must lie in [0, inf), got -1"),
    ("scheduler=exponential scheduler.gamma=1.1", "scheduler: gamma must lie in (0, 1], got 1.1"),
    ("scheduler=step scheduler.every=0", "scheduler: every must be more than 0 epochs, got 0"),
    ("scheduler=step scheduler.milestones=[3,1]", "scheduler: milestones must be rising epochs"),
    ("scheduler=linear scheduler.final=2", "scheduler: final must lie in [0, 1], got 2"),
    ("scheduler=plateau scheduler.factor=1", "scheduler: factor must lie in (0, 1), got 1"),
    ("scheduler=wsd scheduler.shape=round", "scheduler.shape=round: seedbed.scheduler.wsd.WSD ex"),
    ("scheduler=one_cycle scheduler.warmup=1", "scheduler.warmup=1: seedbed.scheduler.one_cycle.O"),
    ("scheduler.warmup=nan", "scheduler: warmup must be at least 0 epochs, got nan"),
    ("scheduler.warmup=1.5", "scheduler: warmup=1.5: 4 steps of warm-up do not fit into a trainin"),
    (
        "scheduler=wsd scheduler.decay=0.9 scheduler.warmup=0.5",
        "scheduler: decay=0.9 with warmup=0.5: together longer than the training of 3 steps",
    ),
    *(
        (
            f"scheduler={name} trainer.max_epochs=-1",
            f"scheduler={name} with trainer.max_epochs=-1: the schedule needs an end",
        )
        for name in ("linear", "one_cycle", "wsd")
    ),
    (
        "scheduler=plateau trainer.limit_val_batches=0",
        "scheduler=plateau looks at val/loss after a validation, and trainer.limit_val_batches=0",
    ),
    (
        "scheduler=plateau trainer.check_val_every_n_epoch=2",
        "scheduler=plateau looks at val/loss after a validation, and there is none: trainer.check",
    ),
    ("compress=distill", "compress=[distill]: stages does not include compress; say 'stages=[fit"),
    ("compress=distil", "compress=distil: no such option; did you mean 'distill'?"),
    (
        "compress.distill.alpha=1",
        "compress.distill.alpha: compress does not include 'distill'; add",
    ),
    *(
        (f"stages=[fit,compress] compress=distill compress.distill.{word}", says)
        for word, says in (
            ("alpha=0", "compress.distill: alpha must lie in (0, 1], got 0"),
            ("epochs=0", "compress.distill: epochs must be at least 1, got 0"),
            (
                "temprature=3",
                "compress.distill.temprature=3: seedbed.compress.distill.Distill has n",
            ),
            (
                "teacher=nowhere",
                "compress.distill: teacher: nowhere/checkpoints/best.ckpt: there is no check",
            ),
            ("teacher=http://x/y", "compress.distill.teacher=http://x/y: a file or folder of this"),
            ("student=mpl", "compress.distill.student=mpl: no such model; did you mean 'mlp'?"),
            (
                "student=ensemble",
                "compress.distill.student=ensemble: trained already; a model that",
            ),
            (
                "settings={widths:[8]}",
                "compress.distill: settings are those of a student; name its",
            ),
            (
                "student=mlp compress.distill.settings.width=[8]",
                "compress.distill.settings.width=[8]",
            ),
            (
                "student=mlp compress.distill.settings.widths=8",
                "compress.distill.settings.widths=8: ",
            ),
            (
                "student=mlp compress.distill.settings.outputs=8",
                "compress.distill.settings.outputs",
            ),
        )
    ),
    (
        "checkpoint=none stages=[fit,compress]",
        "checkpoint=none with stages=[fit,compress]: compres",
    ),
    (
        "model=ensemble ~model.widths stages=compress",
        "model=ensemble: has nothing of its own to co",
    ),
    ("stages=compress", "stages=compress: nothing is trained yet; name a finished run with run="),
    ("param_groups=layer_decay param_groups.decay=0", "param_groups: decay must lie in (0, 1], go"),
    (
        "param_groups=layer_decay param_groups.block=Stage",
        "param_groups: block=Stage: the model has no module of that type",
    ),
    (
        "param_groups=rules param_groups.rules=[{match:haed}]",
        "param_groups: rule 1 (match=haed) fits no parameter; names are like",
    ),
    (
        "param_groups=rules param_groups.rules=[{lr:2}]",
        "param_groups: rule 1: match (a regular expression on names) or type (of a module) is nee",
    ),
    ("param_groups=rules param_groups.rules=[3]", "param_groups.rules=[3]: seedbed.param_groups"),
    ("scheduler=plateau scheduler.monitor=val/acc", "scheduler.monitor: seedbed sets it itself"),
    (
        "optimizer._target_=torch.optim.SparseAdam ~optimizer.weight_decay",
        "optimizer._target_=torch.optim.SparseAdam: gradients here are dense; use Adam",
    ),
    (
        "optimizer._target_=torch.optim.Muon ~optimizer.betas",
        "optimizer: Muon only supports 2D parameters",
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
    ("show=val/loss", "show=val/loss: a list of metrics is expected"),
    ("seed=-1", "seed=-1: a whole number from 0"),
    ("timeout=0", "timeout=0.0: seconds above 0 and below a million are expected"),
    ("trainer.overfit_batches=2", "trainer.overfit_batches: use debug=overfit"),
    (
        "monitor=val/acc",
        "monitor=val/acc: monitor.name=<value> or monitor.mode=<value> or monitor.oracle=<value>",
    ),
    ("init=[gaussian,class_prior,orthogonal]", "init=[gaussian,orthogonal]: each overwrites the"),
    ("init=pretrained", "init.pretrained: name the weights: either run=<folder> or path=<file>"),
    (
        "init=pretrained init.pretrained.run=nope",
        "init.pretrained: nope/checkpoints/best.ckpt: there is no such file",
    ),
    (
        "init=pretrained init.pretrained.path=/dev/null",
        "init.pretrained: /dev/null: there is no such file",
    ),
    ("init=gaussian init.gaussian.std=-1", "init.gaussian: std must be at least 0 and finite, got"),
    ("init=uniform init.uniform.a=-1", "init.uniform: a must be at least 0 and finite, got -1"),
    ("init=orthogonal init.orthogonal.gain=0", "init.orthogonal: gain must be positive and finite"),
    (
        "init=class_prior data.form=plane loss=mse",
        "init.class_prior: the data has real numbers as targets; this one needs classes",
    ),
    (
        "init=class_prior model=linear ~model.widths model.bias=false",
        "init.class_prior: Linear has no linear head with a bias",
    ),
    ("model.norm=btch", "model.norm=btch: seedbed.model.mlp.MLP expects one of none, batch, layer"),
    ("model.norm_position=behind", "model.norm_position=behind: seedbed.model.mlp.MLP expects one"),
    ("model.activation=swish", "model.activation=swish: seedbed.model.mlp.MLP expects one of relu"),
    ("model.dropout=1", "model: dropout must lie in [0, 1), got 1"),
    ("model.eps=0", "model: eps must be positive, got 0"),
    ("model.momentum=1.5", "model: momentum must lie in [0, 1], got 1.5"),
    ("model.widths=[0]", "model: widths must all be at least 1, got [0]"),
    ("model.norm=group model.groups=3", "model: groups=3 must divide the number of channels, got"),
    (
        "model=resnet ~model.widths",
        "model: a resnet needs images (channels, height, width), got shape (2,)",
    ),
    (
        "data=digits ~data.size model=resnet ~model.widths model.channels=[4,4,4,4,4]",
        "model: a resnet halves height and width 4 times and needs images of at least 16x16",
    ),
    (
        "data.batch_size=1 model.norm=batch",
        "data.batch_size=1: batch norm needs 2 examples in every batch of training; choose",
    ),
    (
        "data.batch_size=37 model.norm=batch",
        "data.batch_size=37: batch norm needs 2 examples in every batch of training, and the last "
        "of 38 examples has only 1; choose another batch size, or model.norm=layer",
    ),
    (
        "model=ensemble ~model.widths model.runs=[x]",
        "model=ensemble: its members are trained already; say stages=[test,report]",
    ),
    ("model=ensemble ~model.widths stages=test", "model: runs must name at least one folder of a"),
    (
        "model=ensemble ~model.widths stages=test model.runs=[nope]",
        "model: runs: nope/checkpoints/best.ckpt: there is no checkpoint",
    ),
    (
        "model=ensemble ~model.widths stages=test model.runs=[nope] init=he",
        "init=[he] with model=ensemble: its members are trained already",
    ),
    ("init=[he,xavier]", "init=[he,xavier]: each overwrites the one before"),
    ("loss=mse loss.reduction=sum data.form=plane", "loss.reduction=sum: mean is expected"),
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
    (
        [
            *("+regularizer=l2", "param_groups=rules"),
            "param_groups.rules=[{match: weight, weight_decay: 0.1}]",
        ],
        "both shrink the same weights",
    ),
    (["callback=[ema]", "+callback=early_stopping"], "one would be ignored; write all of callback"),
    (["+regularizer=l2", "optimizer=adamw"], "both shrink the same weights"),
    (["regularizer=elastic_net", "optimizer.weight_decay=0.1"], "both shrink the same weights"),
    (["regularizer=[l2,weight_decay]"], "remove one with ~regularizer.l2 or ~regularizer.weight"),
    (["+regularizer=label_smoothing", "loss.label_smoothing=0.1"], "would be smoothed twice"),
    (
        ["regularizer=label_smoothing", "loss=cross_entropy", "loss.label_smoothing=0.1"],
        "would be smoothed twice",
    ),
]


@pytest.mark.parametrize(
    ("words", "says"), CONTRADICTIONS, ids=[" ".join(words) for words, _ in CONTRADICTIONS]
)
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
    rows = (ended.folder / "history.csv").read_text().splitlines()
    assert len(rows) == 3  # the names, the first update, the epoch


def test_any_optimizer_of_torch_works(train: Train) -> None:
    import yaml

    words = ["optimizer._target_=torch.optim.RAdam", "optimizer.decoupled_weight_decay=true"]
    ended = train(*TINY, "stages=fit", *words)
    assert ended.code == 0, ended.err
    config = yaml.safe_load((ended.folder / "config.yaml").read_text())
    assert config["optimizer"]["_target_"] == "torch.optim.RAdam"


def test_a_typed_class_starts_from_its_own_defaults(train: Train) -> None:
    words = ["optimizer=rmsprop", "optimizer._target_=torch.optim.Adamax"]
    shown = train(*words, "optimizer.lr=0.01", "--cfg", "job", "--package", "optimizer")
    assert shown.code == 0
    assert yaml.safe_load(shown.out) == {"_target_": "torch.optim.Adamax", "lr": 0.01}
    ended = train(*TINY, *words)
    assert ended.code == 0
    config = yaml.safe_load((ended.folder / "config.yaml").read_text())
    assert config["optimizer"] == {"_target_": "torch.optim.Adamax"}
    ended = train(*TINY, *words, "+optimizer.rho=0.9", "+optimizer.centered=true")
    assert ended.code == 2
    assert ended.lines() == [
        "optimizer: torch.optim.Adamax has no arguments rho, centered; "
        "remove them with ~optimizer.rho ~optimizer.centered"
    ]


def test_a_run_that_goes_on_keeps_its_settings_whatever_class_was_typed(train: Train) -> None:
    folder = train(*TINY, "optimizer=rmsprop").folder
    on = [f"run={folder}", "trainer.max_epochs=9", "optimizer._target_=torch.optim.Adamax"]
    shown = train(*on, "strict=false", "--cfg", "job", "--package", "optimizer")
    saved = yaml.safe_load((folder / "config.yaml").read_text())["optimizer"]
    assert yaml.safe_load(shown.out) == saved | {"_target_": "torch.optim.Adamax"}
    assert "alpha" in saved

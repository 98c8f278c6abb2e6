"""Healthy trainings of many kinds: words of the command line."""

Words = tuple[str, ...]

QUIET = (
    *("trainer=cpu", "trainer.enable_progress_bar=false", "num_threads=1", "logger=[csv]"),
    "trainer.log_every_n_steps=5",
)
DIGITS = (
    *("data=digits", "data._target_=faults.Digits", "model=mlp", "model.widths=[64,64]"),
    *("scheduler=constant", "callback=[]", "trainer.max_epochs=20"),
)
FASHION = (
    *("data=fashion_mnist", "data._target_=faults.Fashion", "data.size=14", "data.fraction=0.5"),
    *("model=cnn", "model.channels=[8,16]", "model.hidden=64", "model.dropout=0"),
    *("scheduler=constant", "callback=[]", "data.batch_size=32", "trainer.max_epochs=8"),
)
POINTS = (
    *("data=synthetic", "data._target_=faults.Synthetic", "model=mlp", "model.widths=[64,64]"),
    *("scheduler=constant", "callback=[]", "data.batch_size=32", "trainer.max_epochs=20"),
)
SGD = ("optimizer=sgd", "optimizer.lr=0.1")
DEEP = ("model.widths=[64,64,64,64,64,64,64,64]",)
MOONS = (*POINTS, "data.form=moons")
PLANE = (*POINTS, "data.form=plane", "data.features=10")

HEALTHY: dict[str, Words] = {
    "adam": DIGITS,
    "sgd": (*DIGITS, *SGD),
    "momentum": (*DIGITS, "optimizer=momentum", "optimizer.lr=0.03"),
    "adamw": (*DIGITS, "optimizer=adamw", "scheduler=cosine"),
    "lion": (*DIGITS, "optimizer=lion", "optimizer.lr=0.0003"),
    "muon": (*DIGITS, "optimizer=muon"),
    "rmsprop": (*DIGITS, "optimizer=rmsprop", "optimizer.lr=0.001"),
    "tiny_batch": (*(*DIGITS, "data.batch_size=4", "optimizer.lr=0.0003", "trainer.max_epochs=5"),),
    "full_batch": (
        *(*DIGITS, "data.batch_size=full", "optimizer.lr=0.01", "trainer.max_epochs=80"),
    ),
    "cosine": (*DIGITS, "scheduler=cosine", "optimizer.lr=0.003"),
    "one_cycle": (*DIGITS, "scheduler=one_cycle", "optimizer.lr=0.01"),
    "warmup": (*DIGITS, "scheduler=cosine", "scheduler.warmup=3", "optimizer.lr=0.003"),
    "step": (*DIGITS, "scheduler=step", "scheduler.every=12", "optimizer.lr=0.003"),
    "dropout": (*DIGITS, "model.dropout=0.5"),
    "smoothing": (*DIGITS, "regularizer=[label_smoothing]"),
    "mixup": (*DIGITS, "regularizer=[mixup]"),
    "l2": (*DIGITS, "regularizer=[l2]"),
    "small_val": (*DIGITS, "data.val_fraction=0.03"),
    "linear": (*DIGITS, "model=linear", "~model.widths", "optimizer.lr=0.003"),
    "nesterov": (*DIGITS, "optimizer=nesterov", "optimizer.lr=0.03"),
    "adagrad": (*DIGITS, "optimizer=adagrad", "optimizer.lr=0.03"),
    "wsd": (*DIGITS, "scheduler=wsd", "scheduler.warmup=1", "optimizer.lr=0.003"),
    "plateau": (*DIGITS, "scheduler=plateau", "scheduler.patience=2", "optimizer.lr=0.005"),
    "group_norm": (*DIGITS, "model.norm=group", "model.activation=silu"),
    "cutmix": (*FASHION, "regularizer=[cutmix]", "scheduler=one_cycle", "optimizer.lr=0.005"),
    "defaults": (
        *("data=digits", "data._target_=faults.Digits", "trainer.max_epochs=10"),
        "model.channels=[8,16]",
    ),
    "resnet": (
        *(*DIGITS, "model=resnet", "~model.widths", "model.channels=[8,16]", "model.blocks=1"),
        "trainer.max_epochs=8",
    ),
    "inception": (
        *(*DIGITS, "model=inception", "~model.widths", "model.stem=8", "model.widths=[16]"),
        *("trainer.max_epochs=10", "optimizer.lr=0.005"),
    ),
    "deep": (*DIGITS, *DEEP, "init=[he]"),
    "batch_norm": (*DIGITS, *DEEP, "model.norm=batch"),
    "layer_norm": (*DIGITS, "model.norm=layer", "model.activation=gelu"),
    "tanh": (*DIGITS, "model.activation=tanh"),
    "sigmoid": (*DIGITS, "model.widths=[64]", "model.activation=sigmoid", "optimizer.lr=0.01"),
    "short": (*DIGITS, "scheduler=one_cycle", "optimizer.lr=0.01", "trainer.max_epochs=5"),
    "few": (
        *(*DIGITS, "data.fraction=0.1", "data.batch_size=16", "callback=[early_stopping]"),
        "callback.early_stopping.patience=3",
    ),
    "fashion": FASHION,
    "fashion_sgd": (*FASHION, "optimizer=momentum", "optimizer.lr=0.02"),
    "fashion_augment": (*FASHION, "augment=[basic]"),
    "fashion_unscaled": (*FASHION, "scaling=none"),
    "fashion_dropout": (*FASHION, "model.dropout=0.5", "scheduler=cosine"),
    "fashion_few": (
        *(*FASHION, "data.fraction=0.1", "data.batch_size=16", "trainer.max_epochs=40"),
        *("callback=[early_stopping]", "callback.early_stopping.patience=2"),
    ),
    "binary": (*MOONS, "data.noise=0.1"),
    "noise": (*MOONS, "data.noise=0.5", "model.widths=[16]"),
    "overlap": (
        *(*POINTS, "data.form=blobs", "data.noise=1.0", "model.widths=[16]", "data.size=2000"),
    ),
    "spirals": (*POINTS, "data.form=spirals", "data.noise=0.02", "optimizer.lr=0.01"),
    "regression": PLANE,
    "regression_noise": (*PLANE, "data.noise=2.0", "model.widths=[8]"),
    "leaky": (*DIGITS, "model.activation=leaky_relu", "optimizer=nadam"),
    "averaged": (*DIGITS, "callback=[ema]"),
    "clipped": (*DIGITS, "callback=[gradient_clip]"),
    "accumulated": (*DIGITS, "data.batch_size=16", "+trainer.accumulate_grad_batches=4"),
    "decoupled": (*DIGITS, "optimizer=adamw", "regularizer=[weight_decay]"),
    "fashion_mlp": (*FASHION, "model=mlp", "~model.channels", "~model.hidden", "optimizer=adamw"),
    "fashion_norm": (*FASHION, "model.norm=batch", "scheduler=cosine"),
    "fashion_short": (*FASHION, "trainer.max_epochs=3"),
    "blobs": (*POINTS, "data.form=blobs", "data.noise=0.3"),
    "regression_linear": (*PLANE, "model=linear", "~model.widths", "optimizer.lr=0.01"),
    "huber": (*PLANE, "loss=huber", "data.noise=0.5", "model.widths=[16]"),
}

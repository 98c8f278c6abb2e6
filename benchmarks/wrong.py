"""What can go wrong in a healthy training, and which symptoms name it."""

from dataclasses import dataclass
from typing import Literal

from healthy import DEEP, SGD, Words

How = Literal["score", "loss", "promise", "balance"]


@dataclass(frozen=True)
class Fault:
    """Something wrong in a healthy training.

    Args:
        control: the healthy kind.
        words: what makes it wrong.
        right: symptoms any of which names it.
        how: what must be worse than the control's for the run to count: see `scoring.worse`.
    """

    control: str
    words: Words
    right: tuple[str, ...]
    how: How = "score"

    @property
    def curable(self) -> bool:
        """Whether a setting can cure it: no option brings labels or splits in order."""
        kinds = {word.partition("=")[2] for word in self.words if "data.fault=" in word}
        return kinds <= {"times", "far"}


def spoilt(kind: str, strength: float = 0.5) -> Words:
    """Return the words of a fault in the data."""
    return f"+data.fault={kind}", f"+data.strength={strength}"


LR = "optimizer.lr"
UNSCALED = ("scaling=none",)
HIGH = ("divergence", "oscillation", "nan", "dead_units", "not_learning", "rate_range")
LOW = ("slow", "not_learning", "rate_range")
LABELS = ("label_noise", "label_issues", "not_learning")
VALIDATION = ("split_mismatch", "label_noise")
DEAD = ("dead_units",)
BIG = ("unnormalised", "bad_init")
HARD = ("dead_units", "bad_init", "exploding_gradients")
VANISHING = ("vanishing_gradients",)
FROZEN = ("frozen",)
TWICE = ("softmax_twice",)
BOUND = ("over_regularised",)
DECAYED = ("decayed_too_early",)
SMALL = ("underfitting", "memorise")
SHORT = ("still_improving", "slow")

FAULTS: dict[str, Fault] = {
    "rate_x30": Fault("deep", (f"{LR}=0.03",), HIGH),
    "rate_x100": Fault("adam", (f"{LR}=0.1",), HIGH),
    "rate_x1000": Fault("adam", (f"{LR}=1",), HIGH),
    "rate_low": Fault("adam", (f"{LR}=1e-6",), LOW),
    "sgd_x100": Fault("sgd", (f"{LR}=10",), HIGH),
    "sgd_x1000": Fault("sgd", (f"{LR}=100",), HIGH),
    "sgd_low": Fault("sgd", (f"{LR}=1e-4",), LOW),
    "fashion_x100": Fault("fashion", (f"{LR}=0.1",), HIGH),
    "fashion_low": Fault("fashion", (f"{LR}=1e-6",), LOW),
    "nan_rate": Fault("sgd", (f"{LR}=1e6",), ("nan", "divergence", "rate_range")),
    "nan_inputs": Fault("sgd", (*UNSCALED, *spoilt("holes", 0.001)), ("non_finite_input", "nan")),
    "times_255": Fault("fashion_sgd", (*UNSCALED, *spoilt("times", 255)), (*BIG, *HIGH)),
    "times_255_sgd": Fault("sgd", (*UNSCALED, *spoilt("times", 255)), (*BIG, *HIGH)),
    "times_1000": Fault("adam", (*UNSCALED, *spoilt("times", 1000)), BIG),
    "exploding": Fault(
        "deep",
        ("init=[gaussian]", "init.gaussian.std=0.5", *SGD),
        ("exploding_gradients", "bad_init", "nan"),
    ),
    "vanishing": Fault("deep", ("model.activation=sigmoid", "init=[default]"), VANISHING),
    "vanishing_tanh": Fault(
        "deep",
        ("model.activation=tanh", "init=[gaussian]", "init.gaussian.std=0.02", *SGD),
        VANISHING,
    ),
    "vanishing_fashion": Fault(
        "fashion",
        ("model=mlp", "~model.channels", "~model.hidden", *DEEP, "model.activation=sigmoid"),
        VANISHING,
    ),
    "dead": Fault("adam", ("+init.bias._target_=faults.Bias",), DEAD),
    "dead_fashion": Fault("fashion", ("+init.bias._target_=faults.Bias",), DEAD),
    "saturated": Fault("tanh", ("init=[gaussian]", "init.gaussian.std=5"), HARD),
    "saturated_fashion": Fault(
        "fashion",
        ("model.activation=tanh", "init=[gaussian]", "init.gaussian.std=5"),
        HARD,
    ),
    "zeros": Fault("adam", ("init=[gaussian]", "init.gaussian.std=0"), ("symmetry", *DEAD)),
    "alike": Fault("adam", ("+init.alike._target_=faults.Alike",), ("symmetry",)),
    "head": Fault("sgd", ("+init.head._target_=faults.Head",), ("bad_init",)),
    "head_30": Fault(
        "fashion_sgd", ("+init.head._target_=faults.Head", "+init.head.factor=30"), ("bad_init",)
    ),
    "twice": Fault("tanh", ("model._target_=faults.Twice", "scheduler=cosine"), TWICE),
    "twice_sgd": Fault("sgd", ("model._target_=faults.Twice",), TWICE),
    "frozen": Fault("adam", ("+init.freeze._target_=faults.Freeze",), FROZEN),
    "frozen_fashion": Fault("fashion", ("+init.freeze._target_=faults.Freeze",), FROZEN),
    "wrong_sign": Fault(
        "adam",
        (
            "loss=cross_entropy",
            "loss._target_=faults.Wrong",
        ),
        ("divergence", "not_learning", "memorise"),
    ),
    "tiny_loss": Fault(
        "sgd",
        ("loss=cross_entropy", "loss._target_=faults.Wrong", "+loss.factor=0.0001"),
        LOW,
    ),
    "shuffled": Fault("adam", spoilt("shuffled"), LABELS),
    "shuffled_fashion": Fault("fashion", spoilt("shuffled"), LABELS),
    "noisy": Fault("adam", spoilt("noisy", 0.45), ("label_noise", "label_issues")),
    "noisy_fashion": Fault("fashion", spoilt("noisy", 0.45), ("label_noise", "label_issues")),
    "off_by_one": Fault(
        "adam", spoilt("off_by_one"), ("label_noise", "label_issues", "split_mismatch")
    ),
    "sorted": Fault("sgd", ("data.batch_size=16", *spoilt("sorted")), ("unshuffled",)),
    "sorted_fashion": Fault("fashion", spoilt("sorted"), ("unshuffled",)),
    "duplicates": Fault("fashion_few", spoilt("duplicates"), ("leakage",), "promise"),
    "duplicates_digits": Fault("few", spoilt("duplicates", 0.3), ("leakage",), "promise"),
    "inverted": Fault("adam", spoilt("inverted"), VALIDATION),
    "inverted_fashion": Fault("fashion", spoilt("inverted"), VALIDATION),
    "imbalance": Fault("fashion", spoilt("imbalance", 0.95), ("imbalance",), "balance"),
    "imbalance_digits": Fault("adam", spoilt("imbalance", 0.95), ("imbalance",), "balance"),
    "overfit": Fault(
        "fashion_few",
        ("callback=[]", "~callback.early_stopping.patience", "model.channels=[32,32]"),
        ("overfitting",),
        "loss",
    ),
    "overfit_moons": Fault(
        "noise",
        ("model.widths=[256,256,256]", "trainer.max_epochs=120", f"{LR}=0.003"),
        ("overfitting",),
        "loss",
    ),
    "underfit": Fault("adam", ("model.widths=[2]",), SMALL),
    "underfit_spirals": Fault("spirals", ("model=linear", "~model.widths"), SMALL),
    "decay": Fault(
        "adam",
        ("regularizer=[l2]", "regularizer.l2.coef=1"),
        BOUND,
    ),
    "dropout_95": Fault("adam", ("model.dropout=0.95",), BOUND),
    "dropout_fashion": Fault("fashion", ("model.dropout=0.95",), BOUND),
    "smoothing_9": Fault(
        "adam",
        ("regularizer=[label_smoothing]", "regularizer.label_smoothing.epsilon=0.9"),
        BOUND,
        "loss",
    ),
    "decayed": Fault(
        "adam",
        ("scheduler=exponential", "scheduler.gamma=0.01", "scheduler.staircase=false"),
        DECAYED,
    ),
    "decayed_sgd": Fault(
        "sgd",
        ("scheduler=exponential", "scheduler.gamma=0.001", "scheduler.staircase=false"),
        DECAYED,
    ),
    "too_short": Fault("adam", ("trainer.max_epochs=2",), SHORT),
    "too_short_fashion": Fault(
        "fashion", ("trainer.max_epochs=2", f"{LR}=0.0001"), (*SHORT, "rate_range")
    ),
    "batch_1": Fault(
        "sgd", ("data.batch_size=1", "optimizer.lr=0.2", "trainer.max_epochs=4"), HIGH
    ),
    "batch_2": Fault(
        "fashion_sgd", ("data.batch_size=2", "optimizer.lr=0.05", "trainer.max_epochs=3"), HIGH
    ),
    "momentum_999": Fault("momentum", ("optimizer.momentum=0.999",), HIGH),
    "clip": Fault(
        "sgd",
        ("callback=[gradient_clip]", "callback.gradient_clip.threshold=1e-6"),
        LOW,
    ),
    "ema": Fault(
        "adam",
        ("callback=[ema]", "callback.ema.decay=0.99999", "callback.ema.warmup=false"),
        ("stale_average",),
    ),
    "constant": Fault("adam", spoilt("constant", 0.95), ("constant_features",)),
    "far_targets": Fault(
        "regression",
        ("target_scaling=none", *spoilt("far", 1e4)),
        ("bad_init", "unnormalised", "slow", "rate_range"),
    ),
    "adamw_x300": Fault("adamw", (f"{LR}=0.3",), HIGH),
    "lion_x1000": Fault("lion", (f"{LR}=0.3",), HIGH),
    "norm_x1000": Fault("batch_norm", ("optimizer=sgd", f"{LR}=100"), HIGH),
    "resnet_low": Fault("resnet", (f"{LR}=1e-6",), LOW),
    "regression_low": Fault("regression", (f"{LR}=1e-6",), LOW),
    "regression_high": Fault("regression", (f"{LR}=3",), HIGH),
    "inputs_small": Fault("sgd", (*UNSCALED, *spoilt("times", 0.001)), (*BIG, *LOW)),
    "gelu_exploding": Fault(
        "layer_norm", ("model.norm=none", "init=[gaussian]", "init.gaussian.std=2"), HARD
    ),
    "shuffled_moons": Fault("binary", spoilt("shuffled"), LABELS),
    "sorted_spirals": Fault("spirals", spoilt("sorted"), ("unshuffled",)),
    "l2_fashion": Fault("fashion", ("regularizer=[l2]", "regularizer.l2.coef=0.5"), BOUND),
    "step_early": Fault(
        "fashion_sgd", ("scheduler=step", "scheduler.every=1", "scheduler.gamma=0.01"), DECAYED
    ),
    "frozen_cosine": Fault("cosine", ("+init.freeze._target_=faults.Freeze",), FROZEN),
    "rmsprop_x300": Fault("rmsprop", (f"{LR}=0.3",), HIGH),
    "momentum_low": Fault("momentum", (f"{LR}=1e-6",), LOW),
    "leaky_low": Fault("leaky", (f"{LR}=1e-6",), LOW),
    "fashion_mlp_x300": Fault("fashion_mlp", (f"{LR}=0.3",), HIGH),
    "clip_fashion": Fault(
        "fashion_sgd",
        ("callback=[gradient_clip]", "callback.gradient_clip.threshold=1e-6"),
        LOW,
    ),
    "l1": Fault("leaky", ("regularizer=[l1]", "regularizer.l1.coef=0.3"), BOUND),
    "holes_fashion": Fault(
        "fashion_sgd", (*UNSCALED, *spoilt("holes", 0.001)), ("non_finite_input", "nan")
    ),
    "frozen_head": Fault(
        "fashion_mlp",
        ("+init.freeze._target_=faults.Freeze", "+init.freeze.what=head"),
        FROZEN,
    ),
    "noisy_mlp": Fault("fashion_mlp", spoilt("noisy", 0.4), ("label_noise", "label_issues")),
    "inverted_mlp": Fault("fashion_mlp", spoilt("inverted"), VALIDATION),
    "decayed_fashion": Fault(
        "fashion",
        ("scheduler=exponential", "scheduler.gamma=0.001", "scheduler.staircase=false"),
        DECAYED,
    ),
    "average": Fault(
        "fashion",
        ("callback=[ema]", "callback.ema.decay=0.9999", "callback.ema.warmup=false"),
        ("stale_average",),
    ),
    "shuffled_targets": Fault("regression_linear", spoilt("shuffled"), LABELS),
    "sorted_mlp": Fault("fashion_mlp", spoilt("sorted"), ("unshuffled",)),
    "leak_adam": Fault(
        "few", (*spoilt("duplicates", 0.5), "model.widths=[16]"), ("leakage",), "promise"
    ),
}

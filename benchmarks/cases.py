"""Which trainings are compared, and on which of them rules may be tuned.

Rules may be tuned on `TUNED` seeds of the kinds that are not in `HELD_OUT`; a report says how they
do on both, apart.  A fault's run is its control's with one thing wrong.
"""

from healthy import HEALTHY, Words
from wrong import FAULTS

TUNED = (0, 1)  # seeds; any other is held out
HELD_OUT = {  # kinds that no rule was tuned on
    *("momentum", "lion", "one_cycle", "inception", "binary", "step", "overlap", "cutmix"),
    *("layer_norm", "regression_noise", "huber", "nesterov", "adagrad", "wsd", "plateau"),
    *("group_norm", "rate_x30", "sgd_x1000", "times_1000", "sorted_fashion", "dropout_fashion"),
    *("frozen_fashion", "decayed_sgd", "batch_2", "adamw_x300", "lion_x1000"),
    *("norm_x1000", "resnet_low", "regression_low", "regression_high", "inputs_small"),
    *("gelu_exploding", "shuffled_moons", "sorted_spirals", "l2_fashion", "step_early"),
    *("frozen_cosine", "leak_adam"),
    *("leaky", "averaged", "clipped", "accumulated", "decoupled", "fashion_mlp", "fashion_norm"),
    *("fashion_short", "blobs", "regression_linear", "rmsprop_x300", "momentum_low", "leaky_low"),
    *("fashion_mlp_x300", "clip_fashion", "holes_fashion", "frozen_head", "noisy_mlp"),
    *("inverted_mlp", "decayed_fashion", "average", "shuffled_targets", "sorted_mlp"),
}


def merged(*parts: Words) -> Words:
    """Return words in which the last about a key stands; `~key` takes back what was said of it."""
    last: dict[str, str] = {}
    for word in (word for part in parts for word in part):
        key = word.partition("=")[0].lstrip("+~")
        last.pop(key, None)
        if not word.startswith("~"):
            last[key] = word
    return tuple(last.values())


def words_of(kind: str) -> Words:
    """Return the words of a healthy kind, or of a fault."""
    if kind in HEALTHY:
        return merged(HEALTHY[kind])
    fault = FAULTS[kind]
    return merged(HEALTHY[fault.control], fault.words)


def held_out(kind: str, seed: int) -> bool:
    """Return whether no rule was tuned on it."""
    return kind in HELD_OUT or seed not in TUNED

"""What somebody probably meant."""

import difflib
from collections.abc import Iterable

OTHERWISE = {  # what other libraries call it
    **dict.fromkeys(("learning_rate", "eta"), "lr"),
    **dict.fromkeys(("wd", "decay", "l2"), "weight_decay"),
    **dict.fromkeys(("bs", "batch"), "batch_size"),
    **dict.fromkeys(("epochs", "num_epochs"), "max_epochs"),
    **dict.fromkeys(("p", "dropout_rate", "drop"), "dropout"),
    **dict.fromkeys(("max_norm", "clip", "clip_val"), "threshold"),
}


def nearest(word: str, names: Iterable[str]) -> str:
    """Return the likeliest name, and all of them where they are few."""
    names = sorted({name for name in names if not name.startswith("_")})
    lower = {name.lower(): name for name in names}
    close = [name for name in lower if name == OTHERWISE.get(word.lower())]
    close = close or difflib.get_close_matches(word.lower(), lower, n=1)
    close = close or [name for name in lower if word and word.lower() in name][:1]
    match = [lower[name] for name in close]
    meant = f"did you mean {match[0]!r}?" if match else ""
    few = f"there is {', '.join(names)}" if 0 < len(names) <= 20 else ""
    return " ".join(filter(None, (meant, few))) or "python train.py --help lists what there is"

"""The page of demonstrations, docs/demos.md: what each shows, its figure, how to see it oneself.

Their figures are drawn by `make demos`, which runs them.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "benchmarks"))  # where expected is
EXPERIMENTS = ROOT / "configs/experiment"
ORDER = (  # the story; what is not named here follows by name
    *("learning_rate", "learning_rate_digits", "batch_size", "schedule", "ravine", "optimizers"),
    *("input_scaling", "init", "batch_norm", "clipping"),
    *("early_stopping", "dropout", "l2", "l1", "label_smoothing", "augmentation", "ema"),
    *("class_prior", "distillation", "pruning", "domain_shift"),
)
HEAD = """\
<!-- Made by `make docs` from the headers in configs/experiment/; figures by `make demos`. -->
# Demonstrations

Each is one command and shows one thing in seconds, on one CPU core.  `make demos ARGS="NAME"` runs
one, draws its figure anew and checks its claims; `make demos` does so for all.
"""
PAIR = r"\([^\s()]*\)"  # of brackets; one alone is the sentence's
CODE = re.compile(
    rf"(?<![\w`])(?:[\w.]+=(?:[^\s,;()]|{PAIR})*(?:[^\s,;:.()]|{PAIR})"
    r"|(?:train|val|test|signal|weight|compress)(?:/\w+)+)"
)


def page() -> str:
    """Return the page."""
    names = (path.stem.removeprefix("demo_") for path in EXPERIMENTS.glob("demo_*.yaml"))
    place = {name: at for at, name in enumerate(ORDER)}
    return "\n".join([HEAD, *map(part, sorted(names, key=lambda n: (place.get(n, len(place)), n)))])


def part(name: str) -> str:
    """Return what the page says of a demonstration."""
    from expected import labelled, prose

    said = labelled((EXPERIMENTS / f"demo_{name}.yaml").read_text())
    title, *more = prose(said)
    command, time = " ".join(said["Command"]), " ".join(said["Time"])
    claims = (f"- {claim(line)}" for line in said["Expected"])
    image = f"![{title.replace('[', '(').replace(']', ')')}](pictures/experiment/demo_{name}.svg)"
    blocks = [
        f"## {name.replace('_', ' ').capitalize() if len(name) > 3 else name.upper()}",
        f"**{marked(title)}**",
        *([marked(" ".join(more))] if more else []),
        image,
        f"```sh\n{command}\n```",
        "\n".join([f"What comes of it, within {time} on one CPU core:", "", *claims]),
    ]
    return "\n\n".join(blocks) + "\n"


def claim(line: str) -> str:
    """Return a claim, the words of its runs as code."""
    from expected import WORDS

    found = WORDS.fullmatch(line)
    return f"`{found[1]}`: {marked(found[2])}" if found else marked(line)


def marked(text: str) -> str:
    """Return text in which words of a command line and metrics are code, nothing else Markdown."""
    parts = re.split(f"({CODE.pattern})", text)
    parts[1::2] = [f"`{part}`" for part in parts[1::2]]
    parts[::2] = [re.sub(r"([*<_\[])", r"\\\1", part) for part in parts[::2]]
    return "".join(parts)

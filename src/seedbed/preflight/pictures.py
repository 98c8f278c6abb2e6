"""Pictures of what was measured: inputs as the net sees them, the range test, odd labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seedbed.atomic import naming
from seedbed.preflight._double import single
from seedbed.preflight.check import Bench, scaling_of
from seedbed.randomness import seed_here
from seedbed.types import Batch, Spec

COLUMNS, SHOWN = 8, 16  # examples


def draw(bench: Bench, facts: dict[str, Any], folder: Path) -> list[str]:
    """Write the pictures that can be drawn; return in words why others cannot."""
    import matplotlib as mpl  # slow to import

    mpl.use("Agg")
    failed = []
    for name, make in (
        ("inputs.png", inputs),
        ("rate_range.png", rate_range),
        ("label_issues.png", label_issues),
    ):
        try:
            figure = make(bench, facts)
        except Exception as error:  # a picture is no reason to stop
            failed.append(f"{name}: {type(error).__name__}: {error}".splitlines()[0])
            continue
        if figure is not None:
            with naming(folder / name):
                figure.savefig(folder / name, dpi=110)
            close(figure)
    return failed


def close(figure: Any) -> None:
    """Free a figure."""
    from matplotlib import pyplot as plt

    plt.close(figure)


def prepared(bench: Bench) -> tuple[Batch, Batch]:
    """Return training examples as the net sees them in evaluation, and in training."""
    supply, task = bench.supply, bench.make().cpu()
    count = min(SHOWN, supply.size("train"))
    places = supply.places("train", supply.size("train"))
    spread = places[torch.linspace(0, len(places) - 1, count).long()]
    batch = single(supply.at("train", spread))
    seed_here(torch.device("cpu"), task.seed, 0, 0, 0)
    scaling = scaling_of(bench)
    with torch.no_grad():
        given = task.regularizers and supply.spec.episode
        changed = batch if given else augmented(task, batch)
        return batch._replace(x=scaling(batch.x)), changed._replace(x=scaling(changed.x))


def augmented(task: Any, batch: Batch) -> Batch:
    """Return a batch as a training step changes it."""
    if task.spec.episode:
        x = batch.x
        for augment in task.augments:
            x = augment(x)
        return batch._replace(x=x)
    return task.prepare_batch(batch)


def is_image(shape: tuple[int, ...]) -> bool:
    """Return whether an input can be shown as a picture."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] in (1, 3))


def inputs(bench: Bench, facts: dict[str, Any]) -> Any:
    """Return a grid of inputs, plain above augmented, with their labels."""
    plain, changed = prepared(bench)
    if is_image(tuple(plain.x.shape[1:])):
        return pictures(plain, changed, bench.data.spec)
    if plain.x.dim() == 2 and plain.x.shape[1] == 2:
        return points(bench)
    return rows(plain, changed, bench.data.spec)


def pictures(plain: Batch, changed: Batch, spec: Spec) -> Any:
    """Return a figure of images: rows of plain ones, each with its augmented ones below."""
    from matplotlib import pyplot as plt

    bands = -(-len(plain.y) // COLUMNS)
    same = plain.x.equal(changed.x) and plain.y.equal(changed.y)
    kinds = (plain,) if same else (plain, changed)
    deep = len(kinds) * bands
    size = (1.25 * COLUMNS, 1.5 * deep + 0.5)
    figure, axes = plt.subplots(deep, COLUMNS, figsize=size, squeeze=False)
    low, high = (float(v) for v in span(plain.x))
    for axis in axes.flat:
        axis.axis("off")
    for at in range(len(plain.y)):
        band, column = divmod(at, COLUMNS)
        for below, batch in enumerate(kinds):
            axis = axes[len(kinds) * band + below, column]
            show(axis, batch.x[at], low, high)
            axis.set_title(label(batch.y[at], spec), fontsize=8)
    figure.suptitle(
        f"what the net sees, black {low:.2g} to white {high:.2g}"
        + ("" if same else ": upper rows in evaluation, lower rows in training"),
        fontsize=9,
    )
    figure.tight_layout()
    return figure


def span(x: Tensor) -> tuple[Tensor, Tensor]:
    """Return the range that holds nearly all numbers."""
    values = x[torch.isfinite(x)].flatten()
    values = values[:: max(1, len(values) // 100_000)].sort().values
    if not len(values):
        return torch.tensor(0.0), torch.tensor(1.0)
    return values[int(0.001 * (len(values) - 1))], values[int(0.999 * (len(values) - 1))]


def show(axis: Any, x: Tensor, low: float, high: float) -> None:
    """Draw one image."""
    scaled = ((x.float() - low) / max(high - low, 1e-12)).clamp(0, 1).nan_to_num(0.5)
    image = scaled if x.dim() == 2 else scaled.permute(1, 2, 0).squeeze(-1)
    axis.imshow(image.numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")


def label(y: Tensor, spec: Spec) -> str:
    """Return a target in a few letters."""
    if spec.kind == "value":
        return " ".join(f"{v:.4g}" for v in y.flatten()[:2].tolist())
    if y.dim() == 0:
        return "hidden" if int(y) < 0 else shortened(spec.classes[int(y)])
    share, which = y.topk(min(2, len(y)))
    parts = zip(share.tolist(), which.tolist(), strict=True)
    return " ".join(f"{shortened(spec.classes[k], 6)} {s:.0%}" for s, k in parts if s > 0.005)


def shortened(name: str, most: int = 12) -> str:
    """Return a name of at most so many letters."""
    return name if len(name) <= most else f"{name[: most - 1]}…"


def points(bench: Bench) -> Any:
    """Return a scatter of inputs of two numbers, coloured by their targets."""
    from matplotlib import pyplot as plt

    batch = single(bench.supply.rows("train", 1000))
    with torch.no_grad():
        x = scaling_of(bench)(batch.x)
    figure, axis = plt.subplots(figsize=(5, 4), layout="constrained")
    y, spec = batch.y, bench.data.spec
    if spec.kind == "class" and y.dim() == 1:
        for k, name in enumerate(spec.classes[:10]):
            chosen = y == k
            axis.scatter(x[chosen, 0], x[chosen, 1], s=8, label=shortened(name))
        axis.legend(fontsize=8)
    else:
        dots = axis.scatter(x[:, 0], x[:, 1], s=8, c=y.flatten(1)[:, 0])
        figure.colorbar(dots, label="target")
    axis.set(xlabel="feature 0", ylabel="feature 1", title="what the net sees")
    axis.grid(alpha=0.3)
    return figure


def rows(plain: Batch, changed: Batch, spec: Spec) -> Any:
    """Return inputs of many numbers as rows of colours, one an example."""
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    low, high = (float(v) for v in span(plain.x))
    for axis, batch, name in zip(axes, (plain, changed), ("evaluation", "training"), strict=True):
        flat = batch.x.flatten(1)[:, :200].float().numpy()
        axis.imshow(flat, aspect="auto", vmin=low, vmax=high, interpolation="nearest")
        axis.set(xlabel="feature", title=f"what the net sees in {name}")
        axis.set_yticks(range(len(batch.y)), [label(y, spec) for y in batch.y], fontsize=7)
    figure.colorbar(axes[0].images[0], ax=axes)
    return figure


def rate_range(bench: Bench, facts: dict[str, Any]) -> Any:
    """Return the loss over the rates of the range test, with the suggestion and the config's."""
    curve, rates = facts.get("range_curve"), facts.get("rates")
    if not curve or not rates or len(curve["rates"]) < 2:
        return None
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
    axis.plot(curve["rates"], curve["losses"], label="smoothed loss", color="C0")
    low, high = min(curve["losses"]), curve["losses"][0]
    axis.set_ylim(low - 0.1 * (high - low + 1e-9), high + 0.5 * (high - low + 1e-9))
    for key, colour, style in (("suggested", "C2", "-"), ("configured", "C3", "--")):
        if rates[key]:
            axis.axvline(rates[key], color=colour, ls=style, label=f"{key} {rates[key]:.2g}")
    axis.set(xscale="log", xlabel="learning rate", ylabel="training loss", title="range test")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return figure


def label_issues(bench: Bench, facts: dict[str, Any]) -> Any:
    """Return the training examples whose labels their neighbours share least."""
    near = facts.get("neighbours")
    spec = bench.data.spec
    if not near or not near["issues"] or spec.episode:
        return None
    batch = single(bench.supply.at("train", torch.tensor(near["issues"])))
    titles = [
        f"#{at}: {label(y, spec)}\nnear: {told(said, spec)}"
        for at, y, said in zip(near["issues"], batch.y, near["said"], strict=True)
    ]
    if not is_image(tuple(batch.x.shape[1:])):
        return listing(batch.x.flatten(1).numpy(), titles)
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 6, figsize=(9, 4), squeeze=False)
    low, high = (float(v) for v in span(batch.x))
    for axis in axes.flat:
        axis.axis("off")
    for axis, x, title in zip(axes.flat, batch.x, titles, strict=False):
        show(axis, x, low, high)
        axis.set_title(title, fontsize=7)
    figure.suptitle("training labels that neighbours share least: a look, no verdict", fontsize=9)
    figure.tight_layout()
    return figure


def told(said: Any, spec: Spec) -> str:
    """Return what the neighbours say."""
    if spec.kind == "class":
        return shortened(spec.classes[int(said)])
    values: Sequence[float] = said if isinstance(said, list) else [said]
    return f"{values[0]:.4g}"


def listing(x: np.ndarray, titles: Sequence[str]) -> Any:
    """Return rows of numbers with their titles, where inputs are no pictures."""
    from matplotlib import pyplot as plt

    figure, axis = plt.subplots(figsize=(8, 0.3 * len(titles) + 1), layout="constrained")
    axis.axis("off")
    for at, (row, title) in enumerate(zip(x, titles, strict=True)):
        numbers = ", ".join(f"{v:.3g}" for v in row[:6]) + (", …" if len(row) > 6 else "")
        words = title.replace("\n", ", ")
        axis.text(0, 1 - (at + 0.5) / len(titles), f"{words}   [{numbers}]", fontsize=8)
    axis.set_title("training targets that neighbours share least: a look, no verdict", fontsize=9)
    return figure

"""First weights as each init draws them, and what they make of a signal."""

from functools import partial
from typing import Any

import torch
from draw_option import made, picture
from ink import LIGHT
from matplotlib.figure import Figure
from torch import Tensor, nn

from seedbed import help
from seedbed.types import Spec

WIDTH, DEPTH = 256, 10  # of a net of linear layers
SPEC = Spec(shape=(WIDTH,), kind="class", outputs=3, classes=("a", "b", "c"), counts=(70, 25, 5))
SEEN = {
    "default": "A box of weights; signals shrink to a twentieth, with ReLU and without.",
    "gaussian": "A narrow bell; signals are gone after a few layers.",
    "he": "A bell; signals keep their size through ReLU layers, and grow without ReLU.",
    "lecun": "A bell; signals keep their size through linear layers, and fade through ReLU.",
    "orthogonal": "A bell; linear layers keep the size of signals exactly, ReLU lets them fade.",
    "uniform": "A box from -0.05 to 0.05; signals shrink at every layer, faster with ReLU.",
    "xavier": "A bell; signals keep their size through linear layers, and fade through ReLU.",
    "xavier_as_written": "A needle around 0; signals are gone after a few layers.",
}


def pictures() -> dict[str, str]:
    """Return the picture of every option but `pretrained`, whose weights are those of a run."""
    found = {o: of(o) for o in help.options("init") if o not in ("class_prior", "pretrained")}
    return found | {"class_prior": prior()}


def of(option: str, **given: Any) -> str:
    """Return the picture of an option with some arguments `given`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential(*(nn.Linear(WIDTH, WIDTH) for _ in range(DEPTH)))
        if option != "default":  # which leaves the weights as torch draws them
            made("init", option, **given)(net, SPEC)
        x = torch.randn(512, WIDTH)
    seen = SEEN.get(option, help.about("init", option))
    return picture(seen, partial(plot, option, net, x))


def sizes(net: nn.Sequential, x: Tensor, activation: nn.Module) -> list[float]:
    """Return the root mean square of the signal that enters, and of what every layer puts out."""
    found = [x.square().mean().sqrt().item()]
    with torch.no_grad():
        for layer in net:
            x = layer(x)
            found.append(x.square().mean().sqrt().item())
            x = activation(x)
    return found


def plot(option: str, net: nn.Sequential, x: Tensor, figure: Figure) -> None:
    """Draw the first layer's weights beside the size of signals, layer by layer."""
    left, right = figure.subplots(1, 2)
    weights = net[0].weight.detach().flatten()
    left.hist(weights.numpy(), bins=81, range=(-0.4, 0.4), histtype="stepfilled", color=LIGHT["c0"])
    left.set(title=f"weights, std {weights.std():.3f}", xlabel="weight", yticks=[])
    left.spines["left"].set_visible(False)
    for name, module, style in (("linear", nn.Identity(), "o-"), ("ReLU", nn.ReLU(), "s--")):
        right.plot(sizes(net, x, module), style, markersize=3.5, label=name)
    right.axhline(1, color=LIGHT["soft"], linewidth=0.8, zorder=0)
    right.set(yscale="log", ylim=(1e-6, 1e5), title="size of signals", xlabel="layer")
    right.set_xticks(range(0, DEPTH + 1, 2))
    right.legend(loc="upper center", ncols=2)


def prior() -> str:
    """Return the picture of `class_prior`: what a fresh net predicts with it, and without."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        net = nn.Sequential()
        net.add_module("head", nn.Linear(WIDTH, SPEC.outputs))
        x = torch.randn(512, WIDTH)
    fresh = net(x).softmax(1).mean(0)
    made("init", "class_prior")(net, SPEC)
    shares = torch.tensor(SPEC.counts) / sum(SPEC.counts)
    bars = {
        "share in training": (shares, "soft"),
        "first prediction without": (fresh, "c1"),
        "with class_prior": (net(x).softmax(1).mean(0), "c0"),
    }
    seen = "Classes of 70, 25 and 5 %: a fresh net says a third for each, with class_prior these."
    return picture(seen, partial(compare, bars))


def compare(bars: dict[str, tuple[Tensor, str]], figure: Figure) -> None:
    """Draw bars of three classes side by side."""
    axes = figure.subplots()
    for k, (label, (heights, colour)) in enumerate(bars.items()):
        places = [at + 0.27 * (k - 1) for at in range(len(heights))]
        axes.bar(places, heights.tolist(), 0.25, label=label, color=LIGHT[colour])
    axes.set_xticks(range(len(SPEC.classes)), [f"class {name}" for name in SPEC.classes])
    axes.set(ylabel="probability", ylim=(0, 1))
    axes.grid(visible=False, axis="x")
    axes.legend()

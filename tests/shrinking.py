"""Small models to be pruned, and what a run lends to it."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from seedbed.compress._workbench import StepLoss, Workbench
from seedbed.model.cnn import CNN
from seedbed.model.inception import Inception
from seedbed.model.mlp import MLP
from seedbed.model.resnet import ResNet
from seedbed.scaling.standard import Standard
from seedbed.types import Batch, Spec

SHAPE = (2, 8, 8)
MODELS: dict[str, Callable[..., nn.Module]] = {
    "mlp": lambda scale=2, **kw: MLP(SHAPE, 3, (16 * scale, 8 * scale), **kw),
    "cnn": lambda scale=2, **kw: CNN(SHAPE, 3, (8 * scale, 12 * scale), hidden=16 * scale, **kw),
    "resnet": lambda scale=2, **kw: ResNet(SHAPE, 3, (4 * scale, 8 * scale, 12 * scale), **kw),
    "inception": lambda scale=2, **kw: Inception(
        SHAPE, 3, 8 * scale, (32 * scale, 64 * scale), **kw
    ),
}


class Net(nn.Module):
    """Scaling and a model, as a run has them."""

    def __init__(self, model: nn.Module, shape: tuple[int, ...] = SHAPE) -> None:
        super().__init__()
        self.scaling, self.model = Standard(shape), model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(self.scaling(x))


def examples(n: int = 40, shape: tuple[int, ...] = SHAPE, classes: int = 3) -> Batch:
    noise = torch.Generator().manual_seed(0)
    x = 3 + 2 * torch.randn(n, *shape, generator=noise)
    return Batch(x, torch.randint(0, classes, (n,), generator=noise))


def lively(net: nn.Module, seed: int = 0) -> Any:
    """Give norms scales, shifts and statistics that tell channels apart, and plain weights."""
    noise = torch.Generator().manual_seed(seed)
    for module in list(net.modules()):
        if is_parametrized(module):
            remove_parametrizations(module, "weight")
    with torch.no_grad():
        for name, tensor in sorted(net.state_dict().items()):
            if tensor.is_floating_point() and "scaling" not in name:
                drawn = torch.randn(tensor.shape, generator=noise, dtype=torch.float64) / 3
                tensor.copy_(drawn + 1 if "var" in name else drawn)
                if "var" in name:
                    tensor.abs_().add_(0.1)
    return net.eval()


def net_of(kind: str, scale: int = 2, **choices: Any) -> Any:
    torch.manual_seed(0)
    if kind == "inception" and choices.get("norm") == "group":
        choices["groups"] = 2
    net = Net(MODELS[kind](scale=scale, **choices))
    net.scaling.fit(examples().x)
    return lively(net)


class Tuner:
    """Remembers how it was called, and takes one step of gradient descent an epoch."""

    def __init__(self, data: Batch) -> None:
        self.data = data
        self.calls: list[tuple[StepLoss | None, int, float]] = []

    def __call__(
        self, model: nn.Module, loss: StepLoss | None, epochs: int, rate: float = 1.0
    ) -> None:
        self.calls.append((loss, epochs, rate))
        model.train()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1 * rate, momentum=0.9)
        for _ in range(epochs):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(self.data.x), self.data.y).backward()
            optimizer.step()
        model.eval()


def bench_of(net: nn.Module, data: Batch | None = None, seed: int = 0, **changes: Any) -> Workbench:
    data = data or examples()
    told: list[str] = []
    spec = Spec(tuple(data.x.shape[1:]), "class", 3, ("a", "b", "c"))
    parts = {
        "loss": nn.functional.cross_entropy,
        "tune": Tuner(data),
        "tell": told.append,
        **changes,
    }
    return Workbench(spec=spec, examples=data, teacher=net, seed=seed, **parts)


def shapes(net: nn.Module) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}

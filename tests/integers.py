"""What tests of integer models share: digits, a short training, and a look into ONNX Runtime."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from sklearn.datasets import load_digits
from torch import Tensor, nn

from seedbed.compress._workbench import Workbench
from seedbed.scaling.standard import Standard
from seedbed.types import Batch, Spec

SPEC = Spec((1, 8, 8), "class", 10, tuple("0123456789"))
KERNELS = {"QLinearConv", "QGemm", "QLinearAdd", "QLinearConcat", "QLinearAveragePool"}
FLOAT = {"Conv", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "Add", "Relu", "Concat"}


def digits() -> tuple[Batch, Batch]:
    """Return 1,297 digits to train and 500 to test, pixels 0 to 16."""
    raw: Any = load_digits()
    order = torch.randperm(1797, generator=torch.Generator().manual_seed(0))
    x = torch.tensor(raw.images, dtype=torch.float32)[order, None]
    y = torch.tensor(raw.target)[order]
    return Batch(x[:1297], y[:1297]), Batch(x[1297:], y[1297:])


class Scaled(nn.Module):
    """Scaling, then a model, as a run has them."""

    def __init__(self, model: nn.Module, scaling: nn.Module | None = None) -> None:
        super().__init__()
        self.scaling, self.model = scaling or Standard(SPEC.shape), model

    def forward(self, x: Tensor) -> Tensor:
        return self.model(self.scaling(x))


def learning(train: Batch, rate: float = 2e-3) -> Callable[..., None]:
    """Return a `tune` that uses Adam."""

    def tune(model: nn.Module, loss: object, epochs: int, factor: float = 1.0) -> None:
        model.train()
        optimizer = torch.optim.Adam(model.parameters(), rate * factor)
        for epoch in range(epochs):
            torch.manual_seed(epoch)
            for index in torch.randperm(len(train.x)).split(64):
                optimizer.zero_grad()
                F.cross_entropy(model(train.x[index]), train.y[index]).backward()
                optimizer.step()
        model.eval()

    return tune


def bench(net: nn.Module, train: Batch, told: list[str] | None = None, **more: Any) -> Workbench:
    """Return a workbench; what is told is written into a list."""
    given: dict[str, Any] = {"spec": SPEC, "tune": learning(train), **more}
    tell = (told if told is not None else []).append
    return Workbench(examples=train, loss=F.cross_entropy, teacher=net, tell=tell, **given)


@torch.no_grad()
def accuracy(run: Callable[[Tensor], Tensor], test: Batch) -> float:
    """Return the accuracy in percent."""
    return 100 * (run(test.x).argmax(1) == test.y).double().mean().item()


def optimised(content: bytes, folder: Path) -> Any:
    """Return the graph that ONNX Runtime really computes."""
    import onnx
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.optimized_model_filepath = str(folder / "optimised.onnx")
    options.log_severity_level = 4
    ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    return onnx.load(options.optimized_model_filepath).graph


def kinds(graph: Any) -> Counter[str]:
    """Return how often each operation is computed."""
    return Counter(node.op_type for node in graph.node)

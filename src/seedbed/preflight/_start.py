"""What the first weights do: the loss, the outputs, the units."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.task.supervised import Supervised
from seedbed.types import Batch
from seedbed.weight import MIXING

FLAT = {nn.Tanh: (-0.99, 0.99), nn.Sigmoid: (0.01, 0.99)}  # flat below and above
QUIET = ("Softmax", "LogSoftmax", "Softmax2d", "MultiheadAttention", "Identity")
VIEWS = ("View", "Reshape", "Squeeze", "Unsqueeze", "Expand", "Clone", "ToCopy", "Slice", "Select")


def losses(task: Supervised, probes: Sequence[Batch], *, learned: bool = True) -> Tensor:
    """Return the data term of each batch, `(n,)` float64, without a gradient.

    The model is in training mode, since the running statistics of batch norm know nothing yet.

    Args:
        task: a double.
        probes: what to measure on.
        learned: whether they are of training; else the task measures as in an evaluation.
    """
    task.training = learned  # of the task alone, not of its layers
    with torch.no_grad():
        costs = [task.forward_step(batch).loss.detach().double() for batch in probes]
    task.training = True
    return torch.stack(costs).cpu()


def activations(task: Supervised) -> dict[str, nn.Module]:
    """Return the activations of a model by name."""
    kind = "torch.nn.modules.activation"
    named = dict(task.model.named_modules())
    return {
        name: module
        for name, module in named.items()
        if type(module).__module__ == kind and type(module).__name__ not in QUIET
    }


@contextmanager
def listening(task: Supervised) -> Iterator[dict[str, list[tuple[nn.Module, Tensor]]]]:
    """Collect the outputs of activations, and the inputs of mixing layers where there are none."""
    heard: dict[str, list[tuple[nn.Module, Tensor]]] = {}
    own = activations(task)

    def after(name: str) -> Any:
        def hook(module: nn.Module, given: Any, output: Any) -> None:
            if isinstance(output, Tensor):
                heard.setdefault(name, []).append((module, output.detach()))

        return hook

    def before(name: str) -> Any:
        def hook(module: nn.Module, given: tuple[Any, ...]) -> None:
            if given and isinstance(given[0], Tensor):
                heard.setdefault(f"input of {name}", []).append((module, given[0].detach()))

        return hook

    hooks = [module.register_forward_hook(after(name)) for name, module in own.items()]
    if not own:
        inner = [(n, m) for n, m in task.model.named_modules() if isinstance(m, MIXING)]
        hooks = [m.register_forward_pre_hook(before(n)) for n, m in inner[1:]]
    try:
        yield heard
    finally:
        for hook in hooks:
            hook.remove()


def units(output: Tensor, conv: bool) -> Tensor:
    """Return what each unit says, `(values, units)`: channels of maps, features of vectors."""
    if output.dim() <= 2 or (output.dim() == 3 and not conv):
        return output.reshape(-1, output.shape[-1])
    return output.transpose(0, 1).flatten(1).T


def dead_share(module: nn.Module, output: Tensor, conv: bool) -> float:
    """Return the share of units that say the same of every example, where no gradient passes.

    That is 0, or a flat end.  A sigmoid that always says ½ lets gradients through: signals that
    vanish on their way to it are another symptom.
    """
    values = units(output, conv)
    ends = FLAT.get(type(module))
    closed = values == 0 if ends is None else (values < ends[0]) | (values > ends[1])
    return float((closed & (values == values[:1])).all(0).double().mean())


def flat(module: nn.Module, output: Tensor) -> float | None:
    """Return the share of outputs at a flat end, None of an activation that has none."""
    ends = FLAT.get(type(module))
    if ends is None:
        return None
    return float(((output < ends[0]) | (output > ends[1])).double().mean())


def flow(task: Supervised, probe: Batch) -> dict[str, Any]:
    """Return the facts of `dead_units` and `softmax_twice`."""
    conv = any("Conv1d" in type(m).__name__ for m in task.model.modules())
    with listening(task) as heard:
        step = task.forward_step(probe)
    dead: dict[str, float] = {}
    saturated: dict[str, float] = {}
    for name, calls in heard.items():
        for at, (module, output) in enumerate(calls):
            called = f"{name}#{at + 1}" if len(calls) > 1 else name
            dead[called] = dead_share(module, output, conv)
            share = flat(module, output)
            if share is not None:
                saturated[called] = share
    found = {"dead": dead, "saturated": saturated}
    if not isinstance(step.logits, Tensor):
        return found | {"unmeasured": {"softmax_twice": "the task gives no outputs"}}
    return found | {"outputs": outputs_of(step.logits)}


def outputs_of(logits: Tensor) -> dict[str, Any]:
    """Return the fact `outputs`."""
    rows = logits.detach().double().flatten(1)
    return {
        "K": rows.shape[1],
        "low": float(rows.min()),
        "off": float((rows.sum(1) - 1).abs().max()),
        "last": operation(logits),
    }


def operation(output: Tensor) -> str:
    """Return the name of the operation that made a tensor, views left out: `sigmoid`, `addmm`."""
    node: Any = output.grad_fn
    while node is not None:
        name = node.name().removesuffix("0").removesuffix("Backward")
        if not name.startswith(VIEWS):
            return name.lower()
        node = node.next_functions[0][0] if node.next_functions else None
    return ""

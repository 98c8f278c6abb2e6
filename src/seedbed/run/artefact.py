"""A model as the file that leaves the house, and what is measured of it."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from torch import Tensor, nn
from torch.fx import GraphModule

from seedbed.compress._export import to_onnx, to_pt2, verified
from seedbed.compress._measure import macs, outputs_of, parameters, points
from seedbed.model.exported import Session
from seedbed.types import Data, Spec

RUNTIME = ("onnx", "onnxscript", "onnxruntime")
PROOF = 256  # validation examples on which an exported model is held against its net


@dataclass
class Artefact:
    """A model of the chain and all that is known of it."""

    name: str
    net: nn.Module  # in eval mode, where it was trained
    run: nn.Module  # the file as its runtime runs it, on the CPU
    onnx: bytes | None  # None: the extra is not installed
    pt2: bytes | None  # None: there is an ONNX file, and no need yet
    parameters: int
    nonzero: int
    macs: int
    val: Tensor  # points of each example, (N,)
    test: Tensor
    notes: list[str] = field(default_factory=list)
    control: bool = False
    stopped: bool = False

    @property
    def floats(self) -> bool:
        """Whether the net is still one of layers that learn: it can be saved and shrunk further."""
        return not isinstance(self.net, Session | GraphModule)

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return len(self.onnx or self.pt2 or b"")


@dataclass
class Maker:
    """Makes files of models, proves them and measures them.

    Args:
        spec: what the data knows.
        data: its validation and test split.
        tell: shows the user a line.
    """

    spec: Spec
    data: Data
    tell: Callable[[str], None]

    def make(self, name: str, net: nn.Module, before: Artefact | None = None) -> Artefact:
        """Return a model as a file, held against the net on real data.

        Args:
            name: of the step.
            net: in eval mode.
            before: what it was made of; it tells the size of a model that is no net of layers.

        Raises:
            ValueError: the exported model disagrees with the net.
        """
        here = copy.deepcopy(net).cpu().eval()
        val, test = self.data.splits["val"], self.data.splits["test"]
        x = val.x[:PROOF].float().cpu()
        onnx = to_onnx(here, x[:2], self.spec) if exportable() else None
        run = here if onnx is None or isinstance(here, Session) else Session(onnx)
        if run is not here:
            self.tell(f"{name}: {verified(here, run, x, self.spec)}")
        return Artefact(
            name=name,
            net=net,
            run=run,
            onnx=onnx,
            pt2=None if onnx else self.pt2(net),
            **counts(here, x[:2], before),
            val=points(outputs_of(run, val), val.y, self.spec),
            test=points(outputs_of(run, test), test.y, self.spec),
        )

    def pt2(self, net: nn.Module) -> bytes | None:
        """Return the .pt2 file of a model, None where only ONNX Runtime runs it."""
        if isinstance(net, Session):
            return None
        x = self.data.splits["val"].x[:2].float().cpu()
        return to_pt2(copy.deepcopy(net).cpu(), x, self.spec)


def counts(net: nn.Module, x: Tensor, before: Artefact | None) -> dict[str, Any]:
    """Return parameters, those that are not 0, and operations an example."""
    if before is not None and isinstance(net, Session | GraphModule):  # as many, in fewer bits
        return {"parameters": before.parameters, "nonzero": before.nonzero, "macs": before.macs}
    total, nonzero = parameters(net)
    return {"parameters": total, "nonzero": nonzero, "macs": macs(net, x)}


def exportable() -> bool:
    """Return whether ONNX files can be made and run here."""
    return all(find_spec(name) is not None for name in RUNTIME)

"""A model that runs from a file: what `stages=compress` exported, without the code that made it.

Only ONNX is run.  To read a .pt2 torch unpickles and evaluates what the file holds, so that a
stranger's file could do anything; an ONNX file is a list of known operations and their numbers.

Source: ONNX, "Open Neural Network Exchange", https://onnx.ai/onnx/intro/concepts.html.
"""

import json
import os
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from seedbed.model.ensemble import misfit
from seedbed.types import Spec

OTHER_FILES = "session.model_external_initializers_file_folder_path"  # of weights kept elsewhere
KEY = "seedbed"  # of the file's metadata: what the data knew, as JSON


class Session(nn.Module):
    """Runs an ONNX model in ONNX Runtime on the CPU, with as many threads as torch.

    It has no parameters and computes no gradients.

    Args:
        content: the file.

    Raises:
        ValueError: it is no such model, or ONNX Runtime cannot run it.
        ImportError: ONNX Runtime is not installed.
    """

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.content = content
        self._session: Any = None
        self._threads = 0
        inputs = self.session().get_inputs()
        if len(inputs) != 1:
            raise ValueError(f"not a model of one input, it takes {len(inputs)}")
        self.name = str(inputs[0].name)

    def session(self) -> Any:
        """Return what runs it, made anew where there is none or the threads are others."""
        threads = torch.get_num_threads()
        if self._session is None or threads != self._threads:
            self._session, self._threads = started(self.content, threads), threads
        return self._session

    def forward(self, x: Tensor) -> Tensor:
        """Map raw inputs `(B, *shape)` to outputs `(B, K)` where `x` lives."""
        inputs = {self.name: x.detach().float().contiguous().cpu().numpy()}
        return torch.from_numpy(self.session().run(None, inputs)[0]).to(x.device)

    @property
    def metadata(self) -> dict[str, str]:
        """What was written into the file beside the model."""
        return dict(self.session().get_modelmeta().custom_metadata_map)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}  # handles of a library cannot be copied


class Exported(nn.Module):
    """Answers with an exported model; nothing is trained: `stages=[test,predict]`.

    Takes raw inputs, since the scaling is part of the file, and gives logits, or values in the
    units of the data.  It runs on the CPU.

    Args:
        spec: what the data knows; that of the model must have known the same of inputs and targets.
        file: an .onnx file that `stages=compress` wrote.

    Raises:
        ValueError: the file is missing, damaged, not such a file, or of other data.
        ImportError: ONNX Runtime is not installed.
    """

    whole = True  # nothing is put around it: no scaling, no inits, no training

    def __init__(self, spec: Spec, file: str = "") -> None:
        super().__init__()
        content = read(file)
        try:
            self.run = Session(content)
        except ValueError as error:
            raise ValueError(f"file: {file}: {error}") from error
        try:
            self.known = spec_of(self.run.metadata[KEY])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ValueError(f"file: {file} is not a model that was exported here") from error
        if reason := misfit(self.known, spec):
            raise ValueError(f"file: {file} {reason}")
        try:
            fits = self.run(torch.zeros(2, *spec.shape)).shape == (2, self.known.outputs)
        except Exception as error:  # ONNX Runtime's own, of a dozen kinds
            raise ValueError(f"file: {file} does not take what it says") from error
        if not fits:
            raise ValueError(f"file: {file} does not give what it says")
        self.spec = spec
        self.train(False)

    def train(self, mode: bool = True) -> "Exported":
        """Stay in eval mode."""
        return super().train(False)

    def forward(self, x: Tensor) -> Tensor:
        """Map raw inputs `(B, *shape)` to `(B, K)`."""
        outputs = self.run(x)
        if self.known.outputs == self.spec.outputs:
            return outputs
        scores = self.known.scores(outputs)  # one logit of two classes, or two, as the loss wants
        return scores[:, 1:] - scores[:, :1] if self.spec.outputs == 1 else scores


def read(file: str) -> bytes:
    """Return the content of an .onnx file.

    Raises:
        ValueError: there is none of that name, or it is of another kind.
    """
    if not file:
        raise ValueError("file must name an exported model, such as model.onnx")
    path = Path(file)
    if path.suffix == ".pt2":
        raise ValueError(
            f"file: {file}: reading a .pt2 can run code that is hidden in it; give the .onnx, or "
            "load it with torch.export.load in a program of your own if you trust it"
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"file: {file}: {error.strerror or error}") from error


def started(content: bytes, threads: int) -> Any:
    """Return a session of ONNX Runtime.

    Raises:
        ValueError: it cannot run the model.
        ImportError: it is not installed.
    """
    try:
        import onnxruntime as ort
    except ModuleNotFoundError as error:
        raise ImportError(
            "an .onnx file needs onnxruntime: pip install 'seedbed[compress]'"
        ) from error
    options = ort.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 4  # what goes wrong is raised, too
    options.add_session_config_entry(OTHER_FILES, os.devnull)  # a model is one file
    try:
        return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # of a dozen kinds, none of them public
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise ValueError(f"not a model that ONNX Runtime can run ({said[0][:120]})") from error


def text_of(spec: Spec) -> str:
    """Return what a file says of the data that its model is for."""
    known = {"shape": spec.shape, "kind": spec.kind, "outputs": spec.outputs}
    return json.dumps({**known, "classes": spec.classes})


def spec_of(text: str) -> Spec:
    """Return what was written by `text_of`.

    Raises:
        ValueError: something else was.
    """
    plain = json.loads(text)
    shape, classes = tuple(map(int, plain["shape"])), tuple(map(str, plain["classes"]))
    return Spec(shape, plain["kind"], int(plain["outputs"]), classes)

"""Nodes that run code or write files when they are built, and a builder that trusts everybody."""

import importlib
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Node = dict[str, Any]

MODULE = "seedbed_test_stranger"  # of no package that is installed


class Touch:
    """Pickled, a call of `Path.touch`."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.marker,)


def prepare(folder: Path, marker: Path) -> None:
    """Write a pickle and a module that touch `marker` when they are read."""
    (folder / "evil.pkl").write_bytes(pickle.dumps(Touch(marker), protocol=2))
    code = f"import pathlib\npathlib.Path({str(marker)!r}).touch()\n"
    net = "from torch import nn\n\n\nclass Net(nn.Module):\n    pass\n"
    (folder / f"{MODULE}.py").write_text(code + net)


def call(target: str, *args: Any, **given: Any) -> Callable[[Path, Path], Node]:
    """Return what makes a node of a call; MARKER, PICKLE, SCRIPT stand for paths."""

    def filled(value: Any, names: dict[str, str]) -> Any:
        if isinstance(value, str):
            for name, path in names.items():
                value = value.replace(name, path)
            return value
        if isinstance(value, list):
            return [filled(each, names) for each in value]
        return {k: filled(v, names) for k, v in value.items()} if isinstance(value, dict) else value

    def node(folder: Path, marker: Path) -> Node:
        names = {
            "MARKER": str(marker),
            "PICKLE": str(folder / "evil.pkl"),
            "SCRIPT": str(folder / f"{MODULE}.py"),
        }
        given_, args_ = filled(given, names), filled(list(args), names)
        return {"_target_": target, **({"_args_": args_} if args_ else {}), **given_}

    return node


SYSTEM = {"_target_": "hydra.utils.get_object", "path": "os.system"}
RUN = {"_target_": "os.system", "command": "touch MARKER"}
OPEN = {"_target_": "builtins.open", "file": "PICKLE", "mode": "rb"}
PATH = {"_target_": "pathlib.Path", "_args_": ["MARKER"]}
ATTACKS: dict[str, Callable[[Path, Path], Node]] = {
    "a shell": call("os.system", command="touch MARKER"),
    "a shell under its real name": call("posix.system", command="touch MARKER"),
    "a class that starts a program": call("subprocess.Popen", args=["touch", "MARKER"]),
    "a function that starts one": call("subprocess.run", ["touch", "MARKER"]),
    "open": call("builtins.open", file="MARKER", mode="w"),
    "open of io": call("io.open", file="MARKER", mode="w"),
    "exec": call("builtins.exec", "open('MARKER', 'w')"),
    "eval": call("builtins.eval", "open('MARKER', 'w')"),
    "mkdir": call("os.mkdir", "MARKER"),
    "a copy": call("shutil.copyfile", src="PICKLE", dst="MARKER"),
    "a class that opens a file": call("logging.FileHandler", filename="MARKER"),
    "a class that makes an archive": call("zipfile.ZipFile", file="MARKER", mode="w"),
    "a script": call("runpy.run_path", path_name="SCRIPT"),
    "an import": call("importlib.import_module", name=MODULE),
    "a pickle": call("pickle.load", OPEN),
    "a pickle of pandas": call("pandas.read_pickle", filepath_or_buffer="PICKLE"),
    "a pickle of joblib": call("joblib.load", filename="PICKLE"),
    "a pickle of numpy": call("numpy.load", file="PICKLE", allow_pickle=True),
    "a pickle of torch": call("torch.load", f="PICKLE", weights_only=False),
    "its real name": call("torch.serialization.load", f="PICKLE", weights_only=False),
    "an allowed prefix": call("torch.optim.optimizer.torch.load", f="PICKLE", weights_only=False),
    "a module seen from Lightning": call(
        "lightning.pytorch.loggers.tensorboard.os.mkdir", "MARKER"
    ),
    "a module seen from here": call("seedbed.data.fashion_mnist.os.mkdir", "MARKER"),
    "a function of ours": call("seedbed.run.folder.write_yaml", path=PATH, content={}),
    "a class of torch that writes": call("torch.utils.tensorboard.SummaryWriter", log_dir="MARKER"),
    "torch.save": call("torch.save", obj=[1], f="MARKER"),
    "a partial": call("functools.partial", SYSTEM, "touch MARKER", _partial_=False),
    "Hydra itself": call("hydra.utils.instantiate", {"_target_": "os.mkdir", "_args_": ["MARKER"]}),
    "a class of a stranger": call(f"{MODULE}.Net"),
    "inside a harmless module": call("torch.nn.Sequential", {**RUN}),
    "inside a list of it": call("torch.nn.ModuleList", [{**RUN}]),
    "inside a mapping of it": call("torch.nn.ModuleDict", {"a": {**RUN}}),
    "beside a harmless one": call("torch.nn.Sequential", {"_target_": "torch.nn.ReLU"}, {**RUN}),
}


def by_hand(tree: Any) -> Any:
    """Build what a node describes, whoever asks: what a naive template does."""
    if isinstance(tree, list):
        return [by_hand(each) for each in tree]
    if not isinstance(tree, dict):
        return tree
    if "_target_" not in tree:
        return {key: by_hand(each) for key, each in tree.items()}
    given = {k: by_hand(v) for k, v in tree.items() if k not in ("_target_", "_args_", "_partial_")}
    made = found(tree["_target_"])(*by_hand(tree.get("_args_", [])), **given)
    return made() if tree["_target_"] == "functools.partial" else made


def found(name: str) -> Any:
    """Return what a dotted name leads to, importing what it takes."""
    pieces = name.split(".")
    for cut in range(len(pieces) - 1, 0, -1):
        try:
            thing: Any = importlib.import_module(".".join(pieces[:cut]))
        except ModuleNotFoundError:
            continue
        for piece in pieces[cut:]:
            thing = getattr(thing, piece)
        return thing
    raise ImportError(name)


def appeared(marker: Path, seconds: float = 5.0) -> bool:
    """Return whether the file comes into being within some time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if marker.exists():
            return True
        time.sleep(0.02)
    return False

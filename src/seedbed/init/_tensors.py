"""Named tensors from files of several formats, read as plain data."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from seedbed.seal import damage

NESTED = ("state_dict", "model")  # under which others keep the tensors
MAGNITUDE, DIRECTION = (f"parametrizations.weight.original{k}" for k in (0, 1))
PREFIXES = ("", "model.model.", "model.", "module.", "_orig_mod.")  # ours first, then wrappers'


def read(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file, a state dict, or a checkpoint that holds one.

    Raises:
        ValueError: there is no such file, it is damaged, or it holds more than plain data.
    """
    if not path.is_file():
        raise ValueError(f"{path}: there is no such file")
    content = safe(path) if path.suffix == ".safetensors" else pickled(path)
    for key in NESTED:
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    found = content if isinstance(content, Mapping) else {}
    tensors = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
    if not tensors:
        raise ValueError(f"{path}: holds no tensors by name")
    return tensors


def pickled(path: Path) -> object:
    """Return what torch saved, if it is plain data."""
    with path.open("rb") as file:
        archive = file.read(2) == b"PK"  # older files of torch have no checksum
    if archive and (why := damage(path)):
        raise ValueError(f"{path}: damaged, or not plain tensors ({why})")
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # bytes that are no pickle end in any
        raise ValueError(f"{path}: damaged, or not plain tensors") from error


def safe(path: Path) -> object:
    """Return what a safetensors file holds."""
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ModuleNotFoundError as error:
        raise ValueError(
            f"{path}: needs safetensors; pip install 'seedbed[safetensors]'"
        ) from error
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path}: damaged, or no safetensors file") from error


def refit(wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `found` with weights split, or put together, as weight norm in the model wants it."""
    fit = dict(found)
    for name in found:
        layer, _, kind = name.rpartition(".")
        if kind == "weight" and name not in wanted and f"{layer}.{DIRECTION}" in wanted:
            weight = fit.pop(name)
            length = torch.norm_except_dim(weight, 2, 0)
            fit[f"{layer}.{MAGNITUDE}"] = length
            fit[f"{layer}.{DIRECTION}"] = torch.where(length > 0, weight, 1.0)  # 0 has none
        elif name.endswith(DIRECTION) and name not in wanted:
            layer = name.removesuffix(f".{DIRECTION}")
            if f"{layer}.weight" in wanted and f"{layer}.{MAGNITUDE}" in found:
                length = fit.pop(f"{layer}.{MAGNITUDE}")
                fit[f"{layer}.weight"] = torch._weight_norm(fit.pop(name), length, 0)
    return fit


def renamed(found: Mapping[str, Tensor], here: Mapping[str, str]) -> dict[str, Tensor]:
    """Return the tensors with other beginnings of their names.

    Args:
        found: as they are called in a file.
        here: how names are to begin, and how they begin in the file; the longest there first.

    Raises:
        ValueError: a beginning that no name has, or two tensors that get one name.
    """
    prefixes = {there: new for new, there in here.items()}
    longest = sorted(prefixes, key=len, reverse=True)
    for prefix in longest:
        if not any(name.startswith(prefix) for name in found):
            some = ", ".join(list(found)[:3])
            raise ValueError(f"rename: no name begins with {prefix!r}; names are like {some}")
    named: dict[str, Tensor] = {}
    for name, tensor in found.items():
        prefix = next((p for p in longest if name.startswith(p)), None)
        new = name if prefix is None else prefixes[prefix] + name[len(prefix) :]
        if new in named:
            raise ValueError(f"rename: two tensors would be called {new!r}")
        named[new] = tensor
    return named


def named_for(wanted: Mapping[str, Tensor], found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors under the names of a model: without the prefix that fits it best."""

    def stripped(prefix: str) -> dict[str, Tensor]:
        return {k[len(prefix) :]: v for k, v in found.items() if k.startswith(prefix)}

    return max(map(stripped, PREFIXES), key=lambda named: len(named.keys() & wanted.keys()))

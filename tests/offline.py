"""Reads what Weights & Biases writes offline: records of protobuf in the log format of LevelDB."""

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

BLOCK, HEADER = 32768, 7  # bytes
WHOLE, FIRST, MIDDLE, LAST = 1, 2, 3, 4


def raw_records(file: Path) -> Iterator[bytes]:
    """Yield the records of a .wandb file; the last may be cut off."""
    content, at, part = file.read_bytes(), HEADER, b""
    assert content[:4] == b":W&B"
    while at + HEADER <= len(content):
        if BLOCK - at % BLOCK < HEADER:  # a block's rest that holds no header is empty
            at += BLOCK - at % BLOCK
            continue
        _, size, kind = struct.unpack("<IHB", content[at : at + HEADER])
        part += content[at + HEADER : at + HEADER + size]
        at += HEADER + size
        if kind in (WHOLE, LAST):
            yield part
            part = b""


def parts(folder: Path) -> list[Path]:
    """Return the .wandb files of a run, the oldest first."""
    return sorted(folder.glob("wandb/offline-run-*/*.wandb"), key=lambda f: f.stat().st_mtime_ns)


def read(file: Path) -> dict[str, Any]:
    """Return what a file says: `run`, `config`, `history` (rows in order), `summary`, `exit`."""
    from wandb.proto import wandb_internal_pb2

    kinds: Any = wandb_internal_pb2
    said: dict[str, Any] = {"config": {}, "history": [], "summary": {}, "exit": None}
    for raw in raw_records(file):
        record = kinds.Record.FromString(raw)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            said["run"] = record.run
        if kind in ("run", "config"):
            config = record.run.config if kind == "run" else record.config
            said["config"] |= values(config.update)
        elif kind == "history":
            said["history"].append(values(record.history.item))
        elif kind == "summary":
            said["summary"] |= values(record.summary.update)
        elif kind == "exit":
            said["exit"] = record.exit.exit_code
    return said


def values(items: Any) -> dict[str, Any]:
    """Return keys and values of W&B's items."""
    return {i.key or "/".join(i.nested_key): json.loads(i.value_json) for i in items}

"""The stage `compress`: from the best weights, step by step, to a small model and a table."""

import copy
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import torch
from torch import nn

from seedbed import atomic
from seedbed.checkpoint._file import write_checkpoint
from seedbed.compress._measure import drop, latencies, load
from seedbed.compress._plain import plain
from seedbed.compress._workbench import Compression, Workbench
from seedbed.config import Config
from seedbed.option import described
from seedbed.randomness import mix
from seedbed.report import compression as report
from seedbed.run.artefact import Artefact, Maker
from seedbed.run.build import Parts, initialise, make, make_net, ready
from seedbed.run.chain import Chain, naming
from seedbed.run.folder import write_json
from seedbed.run.net import Net
from seedbed.run.tune import Tuner
from seedbed.types import Spec

BATCHES = (1, 64)  # examples of a call whose time is taken
MEANING = {"class": "accuracy in %", "value": "100 R²"}


def steps_of(cfg: Config, net: Net, spec: Spec) -> dict[str, Compression]:
    """Return the steps of compression, in the order of the command.

    Raises:
        Refused: a constructor does not take its values, or a teacher cannot be loaded.
    """
    from seedbed.run.load import member  # it builds with what is here

    cfg = ready(cfg)
    offers = {"load": member, "build": student_of(cfg, net, spec)}
    chosen = {name: node for name, node in cfg.compress.items() if node}
    return {name: make(f"compress.{name}", node, **offers) for name, node in chosen.items()}


def student_of(cfg: Config, net: Net, spec: Spec) -> Callable[[str, Mapping[str, Any]], Net]:
    """Return what makes a new model of another kind for the data of a run."""

    def build(option: str, settings: Mapping[str, Any]) -> Net:
        node = described("model", option, settings)
        first = {name: each for name, each in cfg.init.items() if name != "pretrained"}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(mix(cfg.seed, 6))
            student = make_net(replace(cfg, model=node, init=first), spec)
            initialise(replace(cfg, init=first), student.model, spec)
        student.scaling = copy.deepcopy(net.scaling)
        student.target_scaling = copy.deepcopy(net.target_scaling)
        return student

    return build


@dataclass
class Compressor:
    """What the stage needs of its run.

    Args:
        cfg: the run's.
        parts: with the best weights in the task.
        steps: by name.
        epochs: of training that the best weights have seen.
        source: folder of the run that is compressed.
        out: folder to write to.
    """

    cfg: Config
    parts: Parts
    steps: dict[str, Compression]
    epochs: int
    source: Path
    out: Path

    def run(self) -> dict[str, float]:
        """Compress, write `compress/` and return the numbers of the model that was kept."""
        tuning = self.source / "tuning"
        made, controls = self.models(tuning)
        table = self.table([*made, *controls])
        if self.parts.trainer.is_global_zero:
            with self.folder() as folder:
                self.write(folder, made, table)
            print(report.text(table))  # noqa: T201
            shutil.rmtree(tuning, ignore_errors=True)
        return numbers(table)

    def models(self, tuning: Path) -> tuple[list[Artefact], list[Artefact]]:
        """Return the models of the chain, and the controls."""
        data, task, strategy = self.parts.data, self.parts.task, self.parts.trainer.strategy
        dense = plain(task.model).to(strategy.root_device)
        tuner = Tuner(self.cfg, self.parts, tuning, self.tell)
        bench = Workbench(
            spec=task.spec,
            examples=data.splits["train"],
            loss=task.data_term,
            tune=tuner,
            teacher=copy.deepcopy(dense).requires_grad_(False),
            tell=self.tell,
            seed=self.cfg.seed,
        )
        chain = Chain(
            steps=self.steps,
            bench=bench,
            tuner=tuner,
            maker=self.maker,
            nodes=self.cfg.compress,
            agree=strategy.broadcast,
            tell=self.tell,
            anew=self.anew,
            epochs=self.epochs,
        )
        with naming("compress"):
            first = self.maker.make("dense", dense)
        made = chain.run(first)
        return made, chain.controls(made) if self.cfg.controls else []

    @property
    def maker(self) -> Maker:
        """What makes files of models and measures them."""
        return Maker(self.parts.task.spec, self.parts.data, self.tell)

    def anew(self, net: nn.Module) -> None:
        """Give a model first weights, as the run's own had; what is 0 in its weights stays 0."""
        initialise(ready(self.cfg), net, self.parts.task.spec)

    def tell(self, line: str) -> None:
        """Show the user a line, once for all processes."""
        if self.parts.trainer.is_global_zero:
            print(line, flush=True)  # noqa: T201

    def table(self, made: list[Artefact]) -> dict[str, Any]:
        """Return the numbers of every model as plain data, and how they were taken."""
        x = self.parts.data.splits["val"].x
        timed = {each.name: each.run for each in made if not each.control}
        few = {size: x[torch.arange(size) % len(x)].float().cpu() for size in BATCHES}
        took = {size: latencies(timed, some) for size, some in few.items()}
        rows = [row(each, made[0], took) for each in made]
        warn(rows)
        return {
            "meaning": MEANING[self.parts.task.spec.kind],
            "examples": len(made[0].test),
            "runtime": "ONNX Runtime" if made[0].onnx else "PyTorch (for ONNX: seedbed[compress])",
            "load": load(),
            "rows": rows,
        }

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """Yield a folder that becomes `compress/` when all is in it, and is gone if not."""
        part, final = self.out / "compress.part", self.out / "compress"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            yield part
            shutil.rmtree(final, ignore_errors=True)
            part.rename(final)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def write(self, folder: Path, made: list[Artefact], table: dict[str, Any]) -> None:
        """Write every model, and the table as data, text and picture."""
        spec = self.parts.task.spec.plain()
        kept = [each for each in made if not each.stopped]
        for each in kept:
            if each.onnx:
                put(folder / f"{each.name}.onnx", each.onnx)
            if each.floats and each is not made[0]:
                state = {f"model.{name}": value for name, value in each.net.state_dict().items()}
                write_checkpoint({"state_dict": state, "spec": spec}, folder / f"{each.name}.ckpt")
        if kept[-1].onnx:
            put(folder / "model.onnx", kept[-1].onnx)
        if pt2 := kept[-1].pt2 or self.maker.pt2(kept[-1].net):
            put(folder / "model.pt2", pt2)
        write_json(folder / "table.json", table)
        atomic.write(folder / "table.md", report.markdown(table))
        report.draw(table, folder)


def put(file: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    with atomic.replaced(file) as stream:
        stream.write(content)


def row(made: Artefact, dense: Artefact, took: Mapping[int, Mapping[str, float]]) -> dict[str, Any]:
    """Return the numbers of a model as plain data."""
    gained, error = drop(dense.test, made.test)
    times = {str(size): each[made.name] for size, each in took.items() if made.name in each}
    first = {str(size): each[dense.name] for size, each in took.items()}
    return {
        "name": made.name,
        "points": made.test.mean().item(),
        "own_error": drop(torch.zeros_like(made.test), made.test)[1],
        "gained": None if made is dense else gained,
        "error": error,
        "val_points": made.val.mean().item(),
        "parameters": made.parameters,
        "nonzero": made.nonzero,
        "macs": made.macs,
        "bytes": made.size,
        "milliseconds": times,
        "speed_up": {size: first[size] / ms for size, ms in times.items()},
        "notes": list(made.notes),
        "control": made.control,
        "stopped": made.stopped,
    }


SPARSE = 0.3  # share of zeros from which somebody may hope for speed
SLOWER = 1.1  # times as long as before


def warn(rows: list[dict[str, Any]]) -> None:
    """Note beside each model what its user would not expect."""
    chain = [each for each in rows if not each["control"]]
    for before, after in pairwise(chain):
        for size, ms in after["milliseconds"].items():
            ratio = ms / before["milliseconds"][size]
            if ratio > SLOWER:
                after["notes"].append(
                    f"{ratio:.1f} times as slow as {before['name']} at batch {size}"
                )
        zeros = 1 - after["nonzero"] / max(1, after["parameters"])
        if zeros > SPARSE and after["nonzero"] < before["nonzero"]:
            after["notes"].append(
                f"{zeros:.0%} of the weights are 0, and a dense runtime multiplies them all the "
                "same: no speed-up"
            )


def numbers(table: dict[str, Any]) -> dict[str, float]:
    """Return what `metrics.json` says of the model that was kept."""
    kept = [each for each in table["rows"] if not (each["control"] or each["stopped"])][-1]
    dense = table["rows"][0]
    named = {
        "compress/points": kept["points"],
        "compress/gained": kept["gained"] or 0.0,
        "compress/size": kept["bytes"] / max(1, dense["bytes"]),
        "compress/macs": kept["macs"] / max(1, dense["macs"]),
    }
    return named | {f"compress/speed_up_{n}": times for n, times in kept["speed_up"].items()}

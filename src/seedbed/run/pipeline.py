"""The stages of a run, in the order the config lists them."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from lightning import LightningDataModule
from lightning.pytorch.callbacks import Callback

from seedbed.checkpoint._file import PlainFile
from seedbed.checkpoint._place import place
from seedbed.checkpoint.best_and_last import BestAndLast
from seedbed.compress._workbench import Compression
from seedbed.config import Config
from seedbed.data._loader import Order, Unreadable, loader
from seedbed.run import reading, saved
from seedbed.run.answers import Answers
from seedbed.run.board import Board
from seedbed.run.build import Parts, build, ready
from seedbed.run.changes import of_data
from seedbed.run.compression import Compressor, steps_of
from seedbed.run.folder import Refused, read_json, write_json
from seedbed.run.machine import keep_pages, slow_halves
from seedbed.run.net import Net, compile_net
from seedbed.run.preflight import preflight
from seedbed.run.quiet import quiet
from seedbed.run.reproduce import again, compare
from seedbed.run.status import OK, begun, verdict
from seedbed.run.stop import patiently
from seedbed.run.table import write_predictions
from seedbed.types import Batch, Inputs, Unfit

Metrics = dict[str, float]


def run(cfg: Config) -> Metrics:
    """Run every stage and return the metrics, which are also in `metrics.json`."""
    assert cfg.out is not None
    keep_pages()
    with quiet():
        return Run(cfg, Path(cfg.out)).all()


class Untrained(RuntimeError):
    """A stage that found nothing to do, which its caller would take for done."""

    says_it_all = True  # no traceback would add to it


class Run:
    """One run: its parts, built when a stage first needs them, and what they have measured.

    Args:
        cfg: what to run.
        out: the folder to write to.
    """

    def __init__(self, cfg: Config, out: Path) -> None:
        self.cfg, self.out = cfg, out
        self.source = Path(cfg.run) if cfg.run else out  # where the weights are
        self.metrics: Metrics = {}
        self._parts: Parts | None = None

    @property
    def parts(self) -> Parts:
        """Data, task and trainer."""
        if self._parts is None:
            self._parts = build(self.cfg, self.out)
        return self._parts

    def all(self) -> Metrics:
        """Run the stages in order, writing down what each measures."""
        stages: dict[str, Callable[[], Metrics]] = {
            "preflight": self.preflight,
            "fit": self.fit,
            "test": self.test,
            "compress": self.compress,
            "predict": self.predict,
            "diagnose": self.diagnose,
            "report": self.report,
            "reproduce": self.reproduce,
        }
        if "predict" in self.cfg.stages:
            self.examples()  # what cannot be read is said before the training
        if "compress" in self.cfg.stages:
            assert self.steps is not None  # so is a teacher that is none
        with self.told():
            for name in self.cfg.stages:
                try:
                    self.metrics |= stages[name]()
                except Unreadable as error:
                    raise Refused(f"data: {error}") from error
                self.write()
        return self.metrics

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Tell the loggers how the run ends, however it does."""
        try:
            yield
        except BaseException as error:
            with contextlib.suppress(Exception):  # what went wrong first is what counts
                self.end(verdict(error)["status"])
            raise
        self.end(OK)

    def end(self, status: str) -> None:
        """Tell the loggers the final metrics and how the run ended."""
        if self._parts is None:
            return
        trainer: Any = self._parts.trainer
        for callback in trainer.callbacks:
            if isinstance(callback, Board):
                callback.end(trainer, status, self.metrics)

    def write(self) -> None:
        """Write `metrics.json`."""
        if self._parts is None or self._parts.trainer.is_global_zero:
            write_json(self.out / "metrics.json", self.metrics)

    def preflight(self) -> Metrics:
        """Look at data and first steps before a training that has not begun; measure nothing."""
        if self.goes_on and "fit" in self.cfg.stages:
            self.tell("preflight: left out, the training has begun")
        else:
            preflight(self.cfg, self.parts)
        return {}

    @property
    def goes_on(self) -> bool:
        """Whether the run has learned something already."""
        return bool(self.cfg.run) and begun(self.source)

    def fit(self) -> Metrics:
        """Train, validating as it goes; the validation's numbers are the best epoch's."""
        trainer, task = self.parts.trainer, self.parts.task
        last = self.last() if self.goes_on else None  # or ended before anything was saved
        for note in (self.parts.data.notes(), slow_halves(trainer)):
            if note and trainer.is_global_zero:
                print(note)  # noqa: T201
        if self.cfg.compile:
            compile_net(task.model, trainer.strategy.root_device)
        try:
            with patiently():
                trainer.fit(
                    task,
                    datamodule=cast(LightningDataModule, self.parts.data),
                    ckpt_path=last,
                    weights_only=True,
                )
        except Unfit as error:
            raise Refused(str(error)) from error
        if not trainer.global_step:
            raise Untrained("no step was made: the training split has no batches")
        if trainer.num_val_batches == [0] and trainer.limit_val_batches:
            raise Untrained("the validation split has no batches")
        known = trainer.callback_metrics.items()
        final = task.measured | {k: v.item() for k, v in known if "/" in k}
        kept = trainer.checkpoint_callback
        return final | (kept.best_metrics if isinstance(kept, BestAndLast) else {})

    def test(self) -> Metrics:
        """Measure the best weights on the test split."""
        self.load_best()
        trainer, task, data = self.parts.trainer, self.parts.task, self.parts.data
        answers = Answers(task.spec)
        cast(list[Callback], trainer.callbacks).append(answers)  # pyright: ignore[reportAttributeAccessIssue]
        trainer.test(task, datamodule=cast(LightningDataModule, data), verbose=False)
        trainer.callbacks.remove(answers)  # pyright: ignore[reportAttributeAccessIssue]
        measured = {
            k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith("test/")
        }
        if trainer.limit_test_batches and not measured:
            raise Untrained("the test split has no batches")
        seen = answers.record(trainer, task.model, data.splits["test"])
        if trainer.is_global_zero and seen:
            write_json(self.out / "test.json", seen)
        return measured

    def compress(self) -> Metrics:
        """Make the best weights small and fast, and write `compress/`."""
        content = self.load_best()
        parts = self.parts
        epochs = int(content["epoch"]) + 1
        return Compressor(self.cfg, parts, self.steps, epochs, self.source, self.out).run()

    @cached_property
    def steps(self) -> dict[str, Compression]:
        """The steps of compression."""
        return steps_of(self.cfg, cast(Net, self.parts.task.model), self.parts.task.spec)

    def predict(self) -> Metrics:
        """Write `predictions.csv` for `predict.path`, or else for the test split."""
        self.load_best()
        task, trainer = self.parts.task, self.parts.trainer
        x, y = self.examples()
        order = Order(len(x), min(len(x), 512), seed=None)
        device = trainer.strategy.root_device
        batches = loader(Batch(cast(Any, x), torch.zeros(len(x))), order, device, self.cfg.timeout)
        parts = cast(list[torch.Tensor], trainer.predict(task, dataloaders=batches))
        if trainer.is_global_zero:
            write_predictions(self.out / "predictions.csv", torch.cat(parts).cpu(), y, task.spec)
        return {}

    def examples(self) -> tuple[Inputs, torch.Tensor | None]:
        """Return what to predict: inputs, and targets where they are known."""
        data = self.parts.data
        path = ready(self.cfg).predict.path
        if path is None:
            return data.splits["test"].x, data.splits["test"].y
        try:
            return data.inputs(Path(path))
        except (ValueError, OSError) as error:
            raise Refused(f"predict.path: {str(error).splitlines()[0]}") from error

    def last(self) -> Path:
        """Return the checkpoint to go on from: the newest that is whole."""
        trainer = self.parts.trainer
        file, content = saved.newest(self.source, self.parts.task, self.tell, self.same_data)
        done, batches = place(content["loops"]["fit_loop"])
        longest, finished = trainer.max_epochs or -1, read_json(self.out / "status.json")["after"]
        if 0 < longest < done or (longest == done and finished == OK):
            raise Refused(f"trainer.max_epochs={longest}: {self.source} has done {done} epochs")
        processes = len(content.get("so_far", []))
        if batches and processes != trainer.world_size:
            raise Refused(
                f"trainer.devices={trainer.world_size}: {file} was written within an epoch by "
                f"{processes}; finish that epoch with as many"
            )
        cast(PlainFile, trainer.strategy.checkpoint_io).hand_over(file, content)
        return file

    def load_best(self) -> dict[str, Any]:
        """Put the best weights into the task, unless its model has its own; return their file."""
        if getattr(self.parts.task.model.model, "whole", False):
            return {}
        content = saved.best(self.source, self.parts.task, self.same_data)
        self.parts.task.load_state_dict(content["state_dict"])
        return content

    def same_data(self, content: dict[str, Any]) -> None:
        """Hold a checkpoint against the data that this run has.

        Raises:
            Refused: it learned from other data; the splits and encoders would be others, too.
        """
        found = "; ".join(of_data(content["spec"], self.parts.task.spec))
        if not found:
            return
        line = f"data: not what {self.source} was trained on: {found}"
        if self.cfg.strict:
            raise Refused(f"{line}; bring it back, train anew, or go on all the same: strict=false")
        self.tell(line)

    def tell(self, line: str) -> None:
        """Say on the standard error what a user must know, once for all processes."""
        if self.parts.trainer.is_global_zero:
            sys.stderr.write(f"{line}\n")

    def report(self) -> Metrics:
        """Write `report.html`."""
        if self._parts is None or self._parts.trainer.is_global_zero:
            reading.report(self.source, self.out, self.metrics)
        return {}

    def diagnose(self) -> Metrics:
        """Write `diagnosis.json` and say what it says."""
        if self._parts is None or self._parts.trainer.is_global_zero:
            reading.judge(self.source, self.out, self.metrics)
        return {}

    def reproduce(self) -> Metrics:
        """Train the run again, from nothing, and compare every number with the first.

        Raises:
            Differs: one is another.
        """
        second = Run(again(self.cfg, self.out), self.out)
        metrics = second.all()
        if second.parts.trainer.is_global_zero:
            print(compare(self.source, self.out, second.parts.task.spec))  # noqa: T201
        self._parts = second.parts
        return metrics

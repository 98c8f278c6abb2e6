"""The doctor at work: looks at a training while it runs, and says what ails it."""

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import TensorBoardLogger
from torch import Tensor
from torch.optim import Optimizer

from seedbed import atomic, doctor
from seedbed.callback._facts import facts_of
from seedbed.callback._looks import Looks
from seedbed.doctor import Finding, _history, _record
from seedbed.nearest import nearest
from seedbed.types import Diverged

BETWEEN = 200  # updates between two examinations: they cost some milliseconds
TWICE = 2  # examinations in a row that must find the same before it is told


class Doctor(Callback):
    """Changes nothing in training: says what ails it, why, and what to try; silent when healthy.

    Looks at some steps, logs `doctor/update` (‖Δθ‖/‖θ‖ of one update), `doctor/gradient_ratio`
    (RMS of the first layer's gradient by the last one's), `doctor/dead` and `doctor/saturated`
    (the largest share over layers), `doctor/frozen` (share of the weights that did not move),
    `doctor/mixed` (entropy of a batch's labels by that of chance) and `doctor/loss`.  At the end
    it writes `diagnosis.json`.  A doctor that fails says so and looks no more.

    Args:
        disable: symptoms that it does not look for.
        every: updates between two looks, >= 1.
        memory: knows every logged scalar.
        folder: of the run.
        config: of the run, as plain data.
        command: a remedy to the command that tries it, "" if the gate would refuse that.

    Raises:
        ValueError: there is no such symptom, or `every` is below 1.
    """

    def __init__(
        self,
        disable: str | Sequence[str] = (),
        every: int = 50,
        memory: Any = None,
        folder: str = "",
        config: Mapping[str, Any] | None = None,
        command: Callable[[doctor.Words], str] | None = None,
    ) -> None:
        self.disable = [disable] if isinstance(disable, str) else list(disable)
        for name in self.disable:
            if name not in doctor.NAMES:
                raise ValueError(
                    f"disable: there is no symptom {name!r}; {nearest(name, doctor.NAMES)}"
                )
        if every < 1:
            raise ValueError(f"every must be at least 1 update, got {every}")
        self.every, self.memory, self.folder = every, memory, folder
        self.config, self.command = dict(config or {}), command
        self.facts: dict[str, Any] = {}
        self.looks: Looks | None = None  # None: it does not look, or no more
        self.state: dict[str, Any] = {}  # of the checkpoint that training goes on from
        self.examined = 0  # updates made by then
        self.ill: dict[str, int] = {}  # examinations in a row that found a symptom
        self.told: list[str] = []
        self.within = False  # an epoch that goes on

    # -- Lightning -------------------------------------------------------------------------

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Learn what can be known of data and task before the first step."""
        if trainer.is_global_zero and self.memory is not None:
            self._safely(self._begin, trainer, pl_module)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Examine the epochs before, whose numbers are complete only now."""
        if self.looks is not None and not self.within:
            self._safely(self._examine, trainer)
        self.within = False

    def on_train_batch_start(
        self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int
    ) -> None:
        """Begin to look at a step."""
        if self.looks is None:
            return
        if self.looks.wait:  # most steps are not looked at
            self.looks.wait -= 1
        else:
            self._safely(self.looks.start, trainer, batch)

    def on_before_optimizer_step(
        self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer
    ) -> None:
        """Look at gradients and weights before the update."""
        if self.looks is not None and self.looks.step >= 0:
            self._safely(self.looks.before_update, trainer)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Log what the step has shown."""
        if self.looks is not None and self.looks.step >= 0:
            self._safely(self._log, trainer, batch)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what was found, and write it down."""
        if self.looks is not None:
            self._safely(self._conclude, trainer, None)

    def on_exception(
        self, trainer: Trainer, pl_module: LightningModule, exception: BaseException
    ) -> None:
        """Say what led to a divergence, and write down what is known."""
        if self.looks is not None:
            self.looks.leave()
            self._safely(self._fail, trainer, pl_module, exception)

    def state_dict(self) -> dict[str, Any]:
        """Return what was found so far; the curves are in `history.csv`."""
        if self.looks is None:
            return self.state
        known = {"examined": self.examined, "ill": dict(self.ill), "told": list(self.told)}
        return known | {"looks": self.looks.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what was found."""
        self.state = state_dict

    # -- what it does ----------------------------------------------------------------------

    def _safely(self, act: Callable[..., None], *given: Any) -> None:
        """Do something that must not harm the training, or look no more."""
        try:
            act(*given)
        except Exception as error:
            looks, self.looks = self.looks, None
            if looks is not None:
                looks.leave()
            if atomic.full(error):
                return  # the run itself will say so
            said = (str(error).splitlines() or [""])[0]
            sys.stderr.write(f"doctor: switched off ({type(error).__name__}: {said})\n")

    def _begin(self, trainer: Trainer, task: LightningModule) -> None:
        batches, accumulated = trainer.num_training_batches, trainer.accumulate_grad_batches
        total = float(trainer.estimated_stepping_batches)
        self.facts = facts_of(task, targets_of(trainer)) | {
            "parameters": sum(p.numel() for p in task.parameters() if p.requires_grad),
            "per_epoch": math.ceil(batches / accumulated) if math.isfinite(batches) else None,
            "total": total if math.isfinite(total) else None,
        }
        hides = getattr(getattr(task, "spec", None), "masked", False)  # -1 is no class to count
        self.looks = Looks(task, self.every, [] if hides else self.facts.get("counts") or [])
        epoch: Any = trainer.fit_loop.epoch_progress.current
        self.within = epoch.ready != epoch.processed
        self.examined = trainer.global_step
        if not trainer.global_step:
            return
        self.memory.take_up(_history.own(Path(self.folder, "history.csv"), trainer.global_step))
        if self.state:
            self.examined, self.ill = self.state["examined"], dict(self.state["ill"])
            self.told = list(self.state["told"])
            self.looks.load_state_dict(self.state["looks"], task.device)

    def _log(self, trainer: Trainer, batch: Any) -> None:
        assert self.looks is not None
        values = self.looks.end(trainer, batch)
        if values:
            for logger in trainer.loggers:
                epoch = {"epoch": trainer.current_epoch + 1}
                logger.log_metrics(values | epoch, step=trainer.global_step)

    def _findings(self) -> tuple[doctor.Case, list[Finding]]:
        assert self.looks is not None
        still = sorted(self.looks.still or ())
        case = self.memory.case(self.facts | {"still": still}, self.config)
        return case, doctor.examine(case, self.disable)

    def _examine(self, trainer: Trainer) -> None:
        """Tell what two examinations in a row have found."""
        if trainer.global_step < self.examined + BETWEEN:
            return
        self.examined = trainer.global_step
        case, findings = self._findings()
        ill = {found.symptom for found in findings if found.ill}
        self.ill = {name: self.ill.get(name, 0) + 1 for name in sorted(ill)}
        sure = [f for f in findings if f.symptom == "nan" or self.ill.get(f.symptom, 0) >= TWICE]
        self._tell(case, [found for found in sure if found.ill])

    def _tell(self, case: doctor.Case, findings: Sequence[Finding]) -> dict[str, Any]:
        """Say what has not been said, and return the diagnosis."""
        why = "" if findings else doctor.healthy(findings)
        diagnosis = _record.record(case, findings, self.command or refuse, why)
        for entry in diagnosis["findings"]:
            if entry["level"] in ("warn", "fail") and entry["symptom"] not in self.told:
                self.told.append(entry["symptom"])
                sys.stderr.write("\n".join([*_record.lines(entry), ""]))
        return diagnosis

    def _conclude(self, trainer: Trainer, error: BaseException | None) -> None:
        case, findings = self._findings()
        quiet = error is not None and not isinstance(error, Diverged)
        if quiet:
            self.told = list(doctor.NAMES)
        diagnosis = self._tell(case, findings) | {"healthy": doctor.healthy(findings)}
        if self.folder:
            atomic.write(Path(self.folder, "diagnosis.json"), _record.text(diagnosis))
        for logger in trainer.loggers:
            if isinstance(logger, TensorBoardLogger):
                logger.experiment.add_text("doctor", card(diagnosis), trainer.global_step)

    def _fail(self, trainer: Trainer, task: LightningModule, error: BaseException) -> None:
        if isinstance(error, Diverged):
            self.facts |= {"diverged": str(error), "bad_layer": bad_layer(task)}
            self.facts["updates"] = trainer.global_step
        self._conclude(trainer, error)


def refuse(words: doctor.Words) -> str:
    """Return no command: nobody is there to judge one."""
    return ""


def card(diagnosis: Mapping[str, Any]) -> str:
    """Return a diagnosis as a text of TensorBoard's."""
    return f"```\n{_record.table(diagnosis)}\n```"


def targets_of(trainer: Trainer) -> Tensor | None:
    """Return the targets of all training examples, None if they are not in memory."""
    splits = getattr(getattr(trainer, "datamodule", None), "splits", None) or {}
    y = getattr(splits.get("train"), "y", None)
    return y if isinstance(y, Tensor) else None


def bad_layer(task: LightningModule) -> str | None:
    """Return the first parameter whose value or gradient is no number."""
    for name, parameter in task.named_parameters():
        if not bool(parameter.isfinite().all()):
            return name
    for name, parameter in task.named_parameters():
        if parameter.grad is not None and not bool(parameter.grad.isfinite().all()):
            return name
    return None

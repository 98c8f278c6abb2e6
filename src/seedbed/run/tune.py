"""Training in the course of compression: as the run was trained, for some epochs more.

What was tuned is kept beside the run until the stage has ended well, under a name made of all that
it follows from.  So an interrupted compression, asked for again, goes on where it was.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, cast

from lightning import LightningDataModule
from torch import distributed, nn
from torch.fx import GraphModule

from seedbed.checkpoint._place import place
from seedbed.compress._workbench import StepLoss
from seedbed.compress._zeros import Zeros
from seedbed.config import Config
from seedbed.run import saved
from seedbed.run.build import Parts, make, make_loss, make_trainer, monitor_of, of_task, ready
from seedbed.run.stop import patiently
from seedbed.task.supervised import Supervised
from seedbed.types import ParamGroups

SHAPING = ("gradient_clip",)  # callbacks that belong to an update; others watch a whole run
LASTING = {"max_steps": -1, "max_time": None, "min_epochs": None, "min_steps": None}
KEEPING = {"_target_": "seedbed.checkpoint.best_and_last.BestAndLast"}
LEARNING = ("data", "loss", "task", "optimizer", "param_groups", "scheduler", "regularizer")


class Tuner:
    """Trains models as a run was trained.

    Args:
        cfg: the run's.
        parts: its data, and the trainer that knows its processes.
        folder: where the state of an unfinished training is kept.
        tell: shows the user a line.
    """

    def __init__(
        self, cfg: Config, parts: Parts, folder: Path, tell: Callable[[str], None]
    ) -> None:
        self.cfg, self.parts, self.folder, self.tell = ready(cfg), parts, folder, tell
        self.step: tuple[str, Any] = ("", None)  # who asks: part of the name of what is kept
        self.spent: Counter[str] = Counter()  # epochs, by who asked

    def __call__(
        self, model: nn.Module, loss: StepLoss | None, epochs: int, rate: float = 1.0
    ) -> None:
        """Train `model` in place; see `Tune`."""
        self.spent[self.step[0]] += epochs
        if epochs > 0:
            device = next(model.parameters()).device
            self.unite(model)
            folder = self.folder / self.name(model, epochs, rate)
            task = self.task(model, loss, rate)
            trainer = make_trainer(lasting(self.cfg, epochs), folder)
            done, last = self.before(folder, task)
            if done < epochs:
                task.train()
                with patiently():
                    data = cast(LightningDataModule, self.parts.data)
                    trainer.fit(task, datamodule=data, ckpt_path=last, weights_only=True)
            model.float().to(device)
        model.eval()

    def unite(self, model: nn.Module) -> None:
        """Give all processes the first one's model, which each has made for itself.

        A sum in another order may have ranked two weights otherwise.

        Raises:
            RuntimeError: they have models of other shapes.
        """
        trainer = self.parts.trainer
        if trainer.world_size == 1:
            return
        state, here = model.state_dict(), trainer.strategy.root_device
        shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
        same = shapes == trainer.strategy.broadcast(shapes)
        if not trainer.strategy.reduce_boolean_decision(same, all=True):
            raise RuntimeError(f"compress.{self.step[0]}: the processes disagree on its shapes")
        for tensor in state.values():
            first = tensor.detach().to(here).contiguous()
            distributed.broadcast(first, 0)
            tensor.copy_(first)

    def name(self, model: nn.Module, epochs: int, rate: float) -> str:
        """Return 16 letters that stand for all that a training follows from."""
        cfg, trainer = asdict(self.cfg), self.parts.trainer
        known = {key: cfg[key] for key in (*LEARNING, "augment", "seed")}
        how = {key: cfg["trainer"].get(key) for key in ("precision", "accumulate_grad_batches")}
        said = (known, how, trainer.world_size, self.step, epochs, rate)
        digest = hashlib.sha256(json.dumps(said, sort_keys=True, default=str).encode())
        for name, tensor in model.state_dict().items():
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]

    def task(self, model: nn.Module, loss: StepLoss | None, rate: float) -> Supervised:
        """Return what trains a model: all that the run had, and zeros that stay."""
        cfg, before = self.cfg, self.parts.task.model
        if isinstance(model, GraphModule):  # its blocks have become operations
            cfg = replace(cfg, param_groups=None)
        own, spec = make_loss(cfg, self.parts.data.spec)
        scaling = before.target_scaling
        made = of_task(cfg, own, spec, scaling and cast(nn.Module, scaling).forward)
        made["regularizers"]["zeros"] = Zeros()
        made["param_groups"] = slowed(made["param_groups"], rate)
        return make("task", cfg.task, model=model, objective=loss, **made)

    def before(self, folder: Path, task: Supervised) -> tuple[int, Path | None]:
        """Return how many epochs an interrupted attempt made, and where it was left."""
        if not any((folder / "checkpoints").glob("*.ckpt")):
            return 0, None
        file, content = saved.newest(folder, task, self.tell)
        done, _ = place(content["loops"]["fit_loop"])
        self.tell(f"compress.{self.step[0]}: going on from epoch {done} of an earlier attempt")
        task.load_state_dict(content["state_dict"])
        return done, file


def lasting(cfg: Config, epochs: int) -> Config:
    """Return the config of a training of so many epochs that nobody watches."""
    unseen = {} if observes(cfg) else {"limit_val_batches": 0}
    trainer = {**cfg.trainer, **LASTING, **unseen, "max_epochs": epochs, "num_sanity_val_steps": 0}
    callback = {name: node for name, node in cfg.callback.items() if name in SHAPING}
    return replace(cfg, trainer=trainer, callback=callback, logger={}, checkpoint=KEEPING)


def observes(cfg: Config) -> bool:
    """Return whether the schedule needs to know what a validation measured."""
    if not cfg.scheduler:
        return False
    return hasattr(make("scheduler", cfg.scheduler, **monitor_of(cfg)), "observe")


def slowed(param_groups: ParamGroups | None, rate: float) -> ParamGroups:
    """Return parameter groups at a share of their rates."""

    def groups(model: nn.Module) -> list[dict[str, Any]]:
        found = (
            [{"name": "", "params": list(model.parameters())}]
            if param_groups is None
            else param_groups(model)
        )
        return [{**g, "lr_multiplier": rate * g.get("lr_multiplier", 1.0)} for g in found]

    return groups

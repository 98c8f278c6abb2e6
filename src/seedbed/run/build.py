"""From a checked config to objects.  The only caller of `construct`."""

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from lightning import Trainer, seed_everything
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.loggers import Logger
from lightning.pytorch.strategies.launchers import subprocess_script
from lightning.pytorch.utilities import rank_zero_only
from torch import nn

from seedbed.callback._pruning import Pruning
from seedbed.checkpoint._file import PlainFile
from seedbed.config import Config, ConfigError, Node, as_plain, revealed
from seedbed.logger._memory import Memory
from seedbed.logger.csv import CSV
from seedbed.model._codes import Codes
from seedbed.nearest import nearest
from seedbed.rules.part import misfit
from seedbed.rules.value import blind, direction
from seedbed.run import remedy
from seedbed.run.board import Board, settings_of
from seedbed.run.boundary import Boundary
from seedbed.run.crew import LED
from seedbed.run.folder import Refused
from seedbed.run.lone import refuse_lone_example
from seedbed.run.loop import Lean
from seedbed.run.machine import Machine
from seedbed.run.net import Net
from seedbed.run.progress import Progress
from seedbed.run.search import contest
from seedbed.run.status import begun
from seedbed.signature import parameters_of
from seedbed.target import construct, examine, resolve
from seedbed.task.supervised import Supervised
from seedbed.trust import Untrusted
from seedbed.types import Data, Regularizer, Scaling, Spec, TargetScaling


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a stage needs."""

    data: Data
    task: Supervised
    trainer: Trainer
    out: Path


def make(path: str, node: Node, **offers: Any) -> Any:
    """Return the object a node describes, with those `offers` that its signature asks for.

    Raises:
        Refused: the constructor does not accept the values.
    """
    try:
        examine(path, node)
        asked = parameters_of(resolve(node["_target_"]))
        offers = {k: v for k, v in offers.items() if k in asked and k not in node}
        return construct(node, **offers)
    except Untrusted as error:
        raise Refused(str(error)) from error
    except (ValueError, TypeError, ImportError, MisconfigurationException) as error:
        if isinstance(error, TypeError) and "argument" not in str(error) and path != "trainer":
            raise  # a bug, not a value
        said = str(error).splitlines()[0]
        own = said.startswith("regularizer.")  # the task names the part that refuses
        raise Refused(said if own else f"{path}: {said}") from error


def make_data(cfg: Config) -> Data:
    """Return the data, read and split.

    Raises:
        Refused: it cannot be read or split as asked, or the loss does not fit it.
    """
    data = make("data", cfg.data)
    data.timeout = cfg.timeout
    try:
        data.prepare_data()
        data.setup("fit")
    except (ValueError, OSError) as error:
        raise Refused(f"data: {str(error).splitlines()[0]}") from error
    except RuntimeError as error:
        if "allocate" not in str(error):
            raise
        raise Refused("data: it does not fit into the memory of this machine") from error
    problem = misfit(cfg.loss["_target_"], data.spec.kind)
    if problem:
        raise Refused(problem)
    return data


def make_net(cfg: Config, spec: Spec) -> Net:
    """Return scaling and model with the weights that torch gives them."""
    from seedbed.run.load import member  # it builds with what is here

    outputs = len(spec.codes[0]) if spec.coded else spec.outputs or 1
    model = make("model", cfg.model, shape=spec.shape, outputs=outputs, spec=spec, load=member)
    if getattr(model, "whole", False):
        return Net(nn.Identity(), model)
    if not spec.outputs:
        model.head = nn.Identity()  # an embedding: what the head would be given
    scaling = make_scaling(cfg, spec) if cfg.scaling else nn.Identity()
    scaled = cfg.target_scaling and spec.kind == "value"
    target_scaling = (
        make("target_scaling", cfg.target_scaling, shape=(spec.outputs,)) if scaled else None
    )
    return Net(scaling, model, target_scaling, Codes(spec.codes) if spec.coded else None)


def initialise(cfg: Config, model: nn.Module, spec: Spec) -> None:
    """Write the first weights: what fills all layers, then what is loaded, then the head's.

    Raises:
        Refused: an init does not go with model or data.
    """
    inits = [(f"init.{k}", make(f"init.{k}", node)) for k, node in cfg.init.items() if node]
    for path, init in sorted(inits, key=lambda each: getattr(each[1], "order", 0)):
        try:
            init(model, spec)
        except ValueError as error:
            raise Refused(f"{path}: {str(error).splitlines()[0]}") from error
        if message := getattr(init, "message", ""):
            say(f"{path}: {message}")


@rank_zero_only
def say(line: str) -> None:
    """Print a line that the user must see, once for all processes."""
    print(line)  # noqa: T201


def make_scaling(cfg: Config, spec: Spec) -> nn.Module:
    """Return the scaling, not yet fitted."""
    return make("scaling", cfg.scaling, shape=spec.shape, untouched=spec.untouched)


def fit_scalings(net: Net, data: Data) -> None:
    """Measure the training inputs and targets.

    Raises:
        Refused: they cannot be read, or are too large to be scaled.
    """
    try:
        if hasattr(net.scaling, "fit"):
            cast(Scaling, net.scaling).fit(data.chunks("train"))
        if net.target_scaling is not None:
            cast(TargetScaling, net.target_scaling).fit(data.splits["train"].y)
    except (ValueError, OSError) as error:
        raise Refused(f"data: {str(error).splitlines()[0]}") from error


def make_loss(cfg: Config, spec: Spec) -> tuple[nn.Module, Spec]:
    """Return the loss, and the spec with the number of outputs that the loss wants.

    Raises:
        Refused: it does not go with the data.
    """
    loss = make("loss", cfg.loss)
    try:
        if hasattr(loss, "prepare"):
            loss.prepare(spec)
    except ValueError as error:
        raise Refused(f"loss: {error}") from error
    if spec.masked and not getattr(loss, "masked", False):
        what = "it needs a target for every example, and the data hides some"
        raise Refused(f"loss: {what}; use loss=cross_entropy")
    return loss, replace(spec, outputs=getattr(loss, "outputs", spec.outputs))


def asked(cfg: Config, spec: Spec) -> Spec:
    """Return the spec with what the task asks of the model.

    Raises:
        Refused: the data lacks what the task needs.
    """
    kind = resolve(cfg.task["_target_"])
    given = {k: v for k, v in cfg.task.items() if k != "_target_"}
    try:
        return kind.asks(spec, **given) if hasattr(kind, "asks") else spec
    except ValueError as error:
        raise Refused(f"task: {error}") from error


def make_task(cfg: Config, net: Net, loss: nn.Module, spec: Spec) -> Supervised:
    """Return the task that trains `net`."""
    target_scaling = net.target_scaling and net.target_scaling.forward  # shared, not a copy
    whole = getattr(net.model, "whole", False)  # it has no layers, and learns nothing
    cfg = replace(cfg, regularizer={}) if whole else cfg
    return make("task", cfg.task, model=net, **of_task(cfg, loss, spec, target_scaling))


def of_task(cfg: Config, loss: nn.Module, spec: Spec, target_scaling: Any) -> dict[str, Any]:
    """Return what a task is made of beside the model that it trains."""
    return {
        "loss": loss,
        "spec": spec,
        "optimizer": partial(make_optimizer, cfg.optimizer, fused=fusible(cfg)),
        "param_groups": make("param_groups", cfg.param_groups) if cfg.param_groups else None,
        "scheduler": make("scheduler", cfg.scheduler, **monitor_of(cfg)) if cfg.scheduler else None,
        "regularizers": make_regularizers(cfg.regularizer),
        "augments": [make(f"augment.{k}", node) for k, node in cfg.augment.items() if node],
        "target_scaling": target_scaling,
        "seed": cfg.seed,
    }


def make_regularizers(nodes: dict[str, Node]) -> dict[str, Regularizer]:
    """Return the regularizers in the order in which they run, whatever that of the command."""
    made = {k: make(f"regularizer.{k}", node) for k, node in nodes.items() if node}
    return {k: made[k] for k in sorted(made, key=lambda k: (made[k].order, k))}


def make_optimizer(
    node: Node, params: list[dict[str, Any]], *, fused: bool = False
) -> torch.optim.Optimizer:
    """Return the optimizer over parameter groups, in one kernel an update if `fused` and it can."""
    return make("optimizer", node, params=params, **({"fused": True} if fused else {}))


FUSED = ("torch.optim.SGD", "torch.optim.Adam", "torch.optim.AdamW")  # on every device
OWN_WAY = ("fused", "foreach", "differentiable", "capturable")


def fusible(cfg: Config) -> bool:
    """Return whether torch's fused kernels take the place of its loops: the same mathematics.

    Not in float16: they would unscale the gradients in the update, after everybody has looked.
    """
    node = cfg.optimizer
    chosen = any(node.get(key) is not None for key in OWN_WAY)
    half = str(cfg.trainer.get("precision", "")) in ("16-mixed", "16")
    return node["_target_"] in FUSED and not chosen and not half


def monitor_of(cfg: Config) -> dict[str, str]:
    """Return the metric to look at, and which way is better."""
    better = direction(cfg.monitor.name, cfg.monitor.mode)
    return {"monitor": cfg.monitor.name, "mode": better}


def make_trainer(cfg: Config, out: Path, written: Config | None = None) -> Trainer:
    """Return the trainer with its callbacks and loggers.

    Args:
        cfg: what to run, with what it takes from the environment.
        out: the folder to write to.
        written: the config as it may be written down, for the loggers; None: they are told nothing.
    """
    monitor = monitor_of(cfg)
    chosen = [(k, node) for k, node in cfg.callback.items() if node]
    callbacks = [make(f"callback.{k}", node, **monitor) for k, node in chosen]
    if cfg.checkpoint:
        files = str(out / "checkpoints")
        callbacks.append(make("checkpoint", cfg.checkpoint, folder=files, **monitor))
    loggers = make_loggers(cfg, out)
    if cfg.doctor and "fit" in cfg.stages:
        loggers.append(memory := Memory())
        callbacks.append(make_doctor(cfg, out, memory))
    if "fit" in cfg.stages and (others := contest(out)) is not None:
        callbacks.append(Pruning(others.metric, others.behind, others.was_behind))
    settings = settings_of(as_plain(written)) if written else {}
    callbacks += [Boundary(), Machine(), Board(settings)]
    if cfg.trainer.get("enable_progress_bar", True):
        callbacks.append(Progress(cfg.monitor.name))
    trainer: Trainer = make(
        "trainer",
        {**cfg.trainer, "enable_progress_bar": False},
        callbacks=callbacks,
        logger=loggers,
        plugins=[PlainFile()],
        default_root_dir=str(out),
        enable_checkpointing=bool(cfg.checkpoint),
        enable_model_summary=False,
        use_distributed_sampler=False,
    )
    Lean.take_place(trainer)
    connector: Any = trainer._signal_connector
    connector.register_signal_handlers = lambda: None  # Lightning's exit without saving
    subprocess_script._launch_process_observer = watched
    if hasattr(trainer.strategy, "_timeout"):
        cast(Any, trainer.strategy)._timeout = timedelta(seconds=cfg.timeout)
    return trainer


def make_doctor(cfg: Config, out: Path, memory: Memory) -> Any:
    """Return the callback that looks at the training, without what the config keeps secret."""
    return make(
        "doctor",
        cfg.doctor,
        memory=memory,
        folder=str(out),
        config=as_plain(cfg),
        command=partial(remedy.command, out),
    )


def watched(processes: list[Any]) -> None:
    """Take the place of Lightning's observer, which kills everybody and says nothing."""
    for crew in LED:
        crew.watch(processes)


def make_loggers(cfg: Config, out: Path) -> list[Logger]:
    """Return the loggers; `history.csv` is part of a run folder unless nothing is logged at all."""
    chosen = {name: node for name, node in cfg.logger.items() if node}
    own = {"folder": str(out), "group": group_of(out)}
    board = {"save_dir": str(out), "name": "", "version": "tensorboard"}
    loggers = [make(f"logger.{k}", node, **own, **board) for k, node in chosen.items()]
    return loggers if "csv" in chosen or not chosen else [CSV(str(out)), *loggers]


def group_of(out: Path) -> str | None:
    """Return what the run in a folder belongs to: its sweep, the run that it reruns, or nothing."""
    if out.parent.name == "reruns":
        return out.parent.parent.name
    return out.parent.name if (out.parent / "sweep.yaml").is_file() else None


def ready(cfg: Config) -> Config:
    """Return a config with what it takes from the environment, every target in it judged.

    Raises:
        Refused: the environment lacks something, or a target may not be called.
    """
    try:
        return revealed(cfg)
    except ConfigError as error:
        raise Refused(str(error)) from error


def build(cfg: Config, out: Path) -> Parts:
    """Seed, then build data, model, task and trainer, in that order."""
    written, cfg = cfg, ready(cfg)
    if cfg.num_threads:
        torch.set_num_threads(cfg.num_threads)
    data = make_data(cfg)
    seed_everything(cfg.seed, workers=True, verbose=False)
    loss, spec = make_loss(cfg, data.spec)
    spec = asked(cfg, spec)
    net = make_net(cfg, spec)
    if starts(cfg):
        initialise(cfg, net.model, spec)
    fit_scalings(net, data)
    if cfg.channels_last:
        net.lay_channels_last()
    task = make_task(cfg, net, loss, spec)
    own = {f"callback.{k}.monitor": node["monitor"] for k, node in watching(cfg)}
    known = task.monitored if cfg.monitor.oracle else task.logs.names("val")
    for key, name in ({"monitor.name": cfg.monitor.name} | own).items():
        if name not in known:
            why = blind(key, name, oracle=cfg.monitor.oracle)
            raise Refused(why or f"{key}={name}: no such metric; {nearest(name, known)}")
    rehearse(task, data)
    trainer = make_trainer(cfg, out, written)
    rehearse_callbacks(cfg, trainer, task)
    if {"fit", "preflight"} & set(cfg.stages):
        rehearse_groups(task)
        refuse_lone_example(net, data, trainer)
    return Parts(data, task, trainer, out)


def starts(cfg: Config) -> bool:
    """Return whether first weights are asked for; others are saved, or measured to begin with."""
    saved = bool(cfg.run) and begun(Path(str(cfg.run)))
    return not saved if "fit" in cfg.stages else "preflight" in cfg.stages


def watching(cfg: Config) -> list[tuple[str, Node]]:
    """Return the callbacks that watch a metric of their own."""
    return [(key, node) for key, node in cfg.callback.items() if node and node.get("monitor")]


def rehearse(task: Supervised, data: Data) -> None:
    """Take two training examples through augmentation, regularizers, model and loss.

    Raises:
        Refused: a part does not go with the data.
    """
    batch = data.sample()
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        try:
            task.eval().forward_step(task.prepare_batch(batch))
        except ValueError as error:
            raise Refused(str(error).splitlines()[0]) from error
        finally:
            task.train()


def rehearse_callbacks(cfg: Config, trainer: Trainer, task: Supervised) -> None:
    """Show the task to those callbacks that want to see it before anything is run.

    Raises:
        Refused: one does not go with the model or the data.
    """
    chosen = (key for key, node in cfg.callback.items() if node)
    for key, callback in zip(chosen, cast(Any, trainer).callbacks, strict=False):
        if not hasattr(callback, "prepare"):
            continue
        try:
            callback.prepare(task)
        except ValueError as error:
            raise Refused(f"callback.{key}: {error}") from error


def rehearse_groups(task: Supervised) -> None:
    """Make the optimizer once, before anything is written.

    Raises:
        Refused: the parameter groups or the optimizer do not go with the model.
    """
    try:
        task.make_optimizer()
    except ValueError as error:
        raise Refused(f"param_groups: {str(error).splitlines()[0]}") from error

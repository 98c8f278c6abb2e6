"""Memory: the default run's peak beside a hand-written loop's, its growth, and its checkpoints.

`python benchmarks/memory.py` starts, in turns, the default run on the CPU and a loop that imports
torch alone and does the same: data, model, Adam, schedule, clipping, average, validation and the
best weights.  The peak is the resident set that the kernel reports of each process.  Then a small
training of 200 epochs is watched from within, and checkpoints are held against the tensors that a
training needs to go on: weights, their average, and Adam's two moments.
"""

import argparse
import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parent.parent
RATIO, GROWTH, OVERHEAD = 1.3, 2.0, 64  # of peaks; MB from epoch 20 to 200; kB of a file
TRAIN = ["train.py", "trainer=cpu", "trainer.enable_progress_bar=false"]
TINY = [*TRAIN, "data=synthetic", "data.size=60", "data.batch_size=16", "model=mlp"]


def loop(file: str, epochs: int = 30, decay: float = 0.99) -> None:
    """Train as the default run does, by hand."""
    import torch
    from torch.nn.functional import cross_entropy

    from seedbed.model.cnn import CNN  # plain torch

    torch.manual_seed(0)
    splits = torch.load(file)
    (x, y), (x_val, y_val) = splits["train"], splits["val"]
    center, scale = x.mean((0, 2, 3), keepdim=True), x.std((0, 2, 3), keepdim=True)
    net, best, least = CNN((1, 8, 8), 10, dropout=0.3), {}, float("inf")
    adam = torch.optim.Adam(net.parameters())
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(adam, epochs * -(-len(y) // 64))
    average = [p.detach().clone() for p in net.parameters()]
    for _ in range(epochs):
        net.train()
        for some in torch.randperm(len(y)).split(64):
            adam.zero_grad()
            cross_entropy(net((x[some] - center) / scale), y[some]).backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            adam.step()
            cosine.step()
            torch._foreach_lerp_(average, [p.detach() for p in net.parameters()], 1 - decay)
        raw = [p.detach().clone() for p in net.parameters()]
        with torch.no_grad():
            torch._foreach_copy_(list(net.parameters()), average)
            loss = float(cross_entropy(net.eval()((x_val - center) / scale), y_val))
            if loss < least:
                best, least = {k: v.clone() for k, v in net.state_dict().items()}, loss
            torch._foreach_copy_(list(net.parameters()), raw)
    torch.save({"best": best, "adam": adam.state_dict()}, f"{file}.ckpt")


def save_data(file: str) -> None:
    """Write the tensors that the default run trains on."""
    import torch

    from seedbed.data.digits import Digits

    data = Digits()
    data.setup()
    torch.save({name: (split.x, split.y) for name, split in data.splits.items()}, file)


def grow(out: str) -> None:
    """Train 200 epochs and print, after each, the resident megabytes and the living tensors."""
    import torch
    from lightning import LightningModule, Trainer
    from lightning.pytorch.callbacks import Callback

    from seedbed import config, door
    from seedbed.run import pipeline

    class Watch(Callback):
        def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            tensors = sum(issubclass(type(o), torch.Tensor) for o in gc.get_objects())
            print("epoch", pages * os.sysconf("SC_PAGE_SIZE") / 1e6, tensors)  # noqa: T201

    def job(cfg: config.Config) -> dict[str, float]:
        run = pipeline.Run(cfg, Path(str(cfg.out)))
        run.parts.trainer.callbacks.append(Watch())  # pyright: ignore[reportAttributeAccessIssue]
        return run.all()

    words = [f"out={out}", "trainer.max_epochs=200", "callback=[gradient_clip,ema]"]
    sys.argv[1:] = [*TINY[1:], *words]
    door.enter(job)


def checkpoints(out: Path) -> Iterator[tuple[str, float, float]]:
    """Yield the name of each checkpoint, its kilobytes and those of the tensors it must hold."""
    import torch

    for file in sorted(out.glob("checkpoints/*.ckpt")):
        weights = torch.load(file)["state_dict"].values()
        state = sum(w.numel() * w.element_size() for w in weights if w.is_floating_point())
        yield file.name, file.stat().st_size / 1e3, 4 * state / 1e3


def peak(words: list[str]) -> float:
    """Return the largest resident set of a process, in megabytes."""
    child = subprocess.Popen([sys.executable, *words], cwd=ROOT, stdout=subprocess.DEVNULL)  # noqa: S603
    _, code, used = os.wait4(child.pid, 0)
    child.returncode = code
    if code:
        raise SystemExit(f"{words}: ended with {code}")
    return used.ru_maxrss / 1e3


def rows(rounds: int, folder: Path) -> Iterator[str]:
    """Yield the lines of the table."""
    me, data = str(Path(__file__)), str(folder / "data.pt")
    peak([me, "--data", data])
    runs, loops = [], []
    for each in range(rounds):
        runs.append(peak([*TRAIN, f"out={folder}/{each}"]))
        loops.append(peak([me, "--loop", data]))
    ratio = median(runs) / median(loops)
    spread = f"{min(runs) / max(loops):.2f} to {max(runs) / min(loops):.2f}"
    yield f"| default run, peak | {median(runs):.0f} MB | |"
    yield f"| hand-written loop, peak | {median(loops):.0f} MB | |"
    yield f"| peak, by the loop's | {ratio:.2f} ({spread}) | {RATIO}{missed(ratio > RATIO)} |"
    done = subprocess.run(  # noqa: S603
        [sys.executable, me, "--grow", f"{folder}/grow"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    seen = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("epoch ")]
    (early, few), (late, many) = ((float(mb), int(n)) for mb, n in (seen[19], seen[-1]))
    more = late - early
    yield f"| 200 epochs, from the 20th on | {more:+.1f} MB | {GROWTH} MB{missed(more > GROWTH)} |"
    yield f"| living tensors, 20th and 200th epoch | {few}, {many} | equal{missed(many > few)} |"
    for name, size, state in checkpoints(folder / "0"):
        over = size > state + OVERHEAD
        bar = f"{state:.0f} + {OVERHEAD} kB{missed(over)}"
        yield f"| {name} | {size:.0f} kB | {bar} |"


def missed(is_missed: bool) -> str:
    """Return what a bar that is not met is marked with."""
    return ", MISSED" * is_missed


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--data", help=argparse.SUPPRESS)
    parser.add_argument("--loop", help=argparse.SUPPRESS)
    parser.add_argument("--grow", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    for part, do in (("data", save_data), ("loop", loop), ("grow", grow)):
        if file := getattr(asked, part):
            do(file)
            return
    print("| what | measured | bar |\n|---|---|---|")  # noqa: T201
    with TemporaryDirectory() as folder:
        for line in rows(asked.rounds, Path(folder)):
            print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()

"""A run inside somebody else's process, which finds afterwards what it had before."""

import contextlib
import os
from collections.abc import Iterator

import matplotlib as mpl
import torch
from lightning.pytorch.utilities.seed import isolate_rng
from matplotlib import pyplot as plt

INLINE = ("inline", "module://matplotlib_inline.backend_inline")  # names of a notebook's


@contextlib.contextmanager
def untouched() -> Iterator[None]:
    """Put back what a run sets for its process, whatever the end.

    That is the random numbers of Python, NumPy and torch, torch's threads and how exactly it
    computes, the environment, and where matplotlib draws: a report draws into files.  That memory
    is kept (`machine.keep_pages`) cannot be undone: nobody can ask what was set before.
    """
    threads, precision = torch.get_num_threads(), torch.get_float32_matmul_precision()
    exact = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn
    tuned, same = cudnn.benchmark, cudnn.deterministic
    environment, drawn = dict(os.environ), mpl.get_backend()
    if drawn in INLINE:
        plt.switch_backend(drawn)  # it joins IPython when it is first loaded, and only as chosen
    try:
        with isolate_rng():
            yield
    finally:
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(precision)
        torch.use_deterministic_algorithms(exact, warn_only=warns)
        cudnn.benchmark, cudnn.deterministic = tuned, same
        for name in os.environ.keys() - environment.keys():
            del os.environ[name]
        os.environ.update(environment)
        mpl.use(drawn, force=False)  # a window of a display that is not there is no error

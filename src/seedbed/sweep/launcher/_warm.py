"""What every job imports, once, for all processes that are forked from this one.

Nothing is computed here: threads and a CUDA context do not outlive a fork.
"""

import gc
import signal
from importlib import import_module

from seedbed import lean
from seedbed.run.stop import NUMBERS

signal.pthread_sigmask(signal.SIG_BLOCK, NUMBERS)  # meant for the jobs, not for who forks them
lean.lightning()
for name in (
    *("seedbed.door", "seedbed.run.pipeline", "seedbed.report.page"),
    *("lightning.pytorch.loggers", "torch.utils.tensorboard"),
):
    import_module(name)
gc.collect()
gc.freeze()  # what is there is shared: a collection in a job need not touch, and so copy, it

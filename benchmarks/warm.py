"""What every run imports and reads, once for all processes that are forked from this one."""

import importlib

import faults

for name in ("sklearn.datasets", "torch._dynamo", "seedbed.door", "seedbed.run.pipeline"):
    importlib.import_module(name)
faults.garments("data/fashion_mnist")

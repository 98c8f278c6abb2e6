"""More data from the data one has: random changes of a training batch, on its device.

Several of them are applied in the order of the command line.
"""

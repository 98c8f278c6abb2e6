"""More data from the data one has: random changes of a training batch, on its device."""

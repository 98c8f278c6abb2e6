"""Where batches come from: splits, shuffling, batch size."""

"""The first weights, written over a fresh model before the optimizer is made."""

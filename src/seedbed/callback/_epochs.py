"""How long a training is, known when it starts."""

import math

from lightning import Trainer


def epochs(trainer: Trainer) -> float:
    """Return how long the training is, in epochs begun; inf if it has no end."""
    accumulated = trainer.accumulate_grad_batches
    steps = max(1, math.ceil(trainer.num_training_batches / accumulated))
    longest = trainer.max_epochs
    most = math.inf if longest is None or longest < 0 else longest
    return most if trainer.max_steps < 0 else min(most, math.ceil(trainer.max_steps / steps))

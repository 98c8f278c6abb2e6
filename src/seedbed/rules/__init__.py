"""What the gate refuses beside signatures: values that no technique owns, and combinations."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from seedbed.rules import compression, domain, learning, logger, part, training

Rule = Callable[[Mapping[str, Any]], str | None]

# Of Lightning's parts these ask at most which are chosen.
LIGHT: tuple[Rule, ...] = (
    part.two_decays,
    part.penalties_twice,
    part.decay_without_taker,
    part.two_mixings,
    part.two_smoothings,
    part.two_inits,
    part.init_of_trained,
    part.two_averages,
    domain.nothing_beside_nothing,
    domain.statistics_twice,
    domain.mixed_domains,
    domain.two_adaptations,
    domain.adaptation_without_stage,
    part.optimizer_range,
    part.summed_loss,
    training.prediction_without_stage,
    training.no_checkpoint,
    compression.steps_without_stage,
    compression.integers_first,
    compression.missing_extra,
    compression.student_of_no_kind,
    compression.trained_elsewhere,
    logger.password_written,
)
# And these for their classes or values.
HEAVY: tuple[Rule, ...] = (
    part.loss_against_data,
    learning.episodes_and_task,
    learning.stages_of_episodes,
    training.tail_beyond_the_end,
    training.schedule_without_end,
    training.plateau_without_validation,
    training.nothing_to_train,
    training.done_elsewhere,
    training.impossible_devices,
    logger.missing_extra,
)


def refused(plain: Mapping[str, Any], rules: Iterable[Rule]) -> Iterator[str]:
    """Yield combinations of parts that each fit but not together."""
    for rule in rules:
        problem = rule(plain)
        if problem:
            yield problem

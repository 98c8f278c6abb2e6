"""What the gate refuses beside signatures: values that no technique owns, and combinations."""

from collections.abc import Iterator, Mapping
from typing import Any

from seedbed.rules import compression, domain, learning, logger, part, training


def refused(plain: Mapping[str, Any]) -> Iterator[str]:
    """Yield combinations of parts that each fit but not together."""
    for rule in (
        part.two_decays,
        part.penalties_twice,
        part.decay_without_taker,
        part.two_mixings,
        part.two_smoothings,
        part.loss_against_data,
        part.two_inits,
        part.init_of_trained,
        part.two_averages,
        learning.episodes_and_task,
        learning.stages_of_episodes,
        domain.nothing_beside_nothing,
        domain.statistics_twice,
        domain.mixed_domains,
        domain.two_adaptations,
        domain.adaptation_without_stage,
        training.tail_beyond_the_end,
        training.schedule_without_end,
        training.plateau_without_validation,
        part.optimizer_range,
        part.summed_loss,
        training.nothing_to_train,
        training.done_elsewhere,
        training.impossible_devices,
        training.prediction_without_stage,
        training.no_checkpoint,
        compression.steps_without_stage,
        compression.integers_first,
        compression.missing_extra,
        compression.student_of_no_kind,
        compression.trained_elsewhere,
        logger.missing_extra,
        logger.password_written,
    ):
        problem = rule(plain)
        if problem:
            yield problem

"""What a run does: the one job of the command line and of `seedbed.fit`.  Heavy imports wait."""

from seedbed import config, lean
from seedbed.config import Config


def work(cfg: Config) -> dict[str, float]:
    """Return the metrics of the run that `cfg` describes."""
    if config.only_reads(config.as_plain(cfg)):
        from seedbed.run import reading

        return reading.run(cfg)
    lean.lightning()
    from seedbed.run import pipeline  # torch and Lightning, only now

    return pipeline.run(cfg)

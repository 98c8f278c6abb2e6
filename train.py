"""Run one experiment, from data to report; `python train.py --help` says how."""

from seedbed import config, door, lean
from seedbed.config import Config


def main(cfg: Config) -> dict[str, float]:
    """Return the metrics of the run that `cfg` describes."""
    if config.only_reads(config.as_plain(cfg)):
        from seedbed.run import reading

        return reading.run(cfg)
    lean.lightning()
    from seedbed.run import pipeline  # torch and Lightning, only now

    return pipeline.run(cfg)


if __name__ == "__main__":
    door.enter(main)

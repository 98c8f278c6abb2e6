"""Run one experiment, from data to report; `python train.py --help` says how."""

from seedbed import lean

with lean.uncollected():
    from seedbed import door
    from seedbed.run.work import work

if __name__ == "__main__":
    door.enter(work)

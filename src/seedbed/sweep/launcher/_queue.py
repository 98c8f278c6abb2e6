"""Launchers that hand jobs to somebody else's queue and ask how they stand."""

import time
from collections.abc import Callable
from typing import Any

from seedbed.run.stop import Interrupted
from seedbed.sweep.jobs import Job
from seedbed.sweep.launcher._task import POLL, tell

ENDLESS = 1_000_000  # jobs: there is room for all, as the queue is somebody else's
Code = Callable[[Any], int | None]  # exit code of what was handed over, None while it runs


def wait_for(
    handed: dict[int, tuple[Job, Any]],
    code: Code,
    ended: Callable[[Job, int], None],
    cancel: Callable[[Any], object] = lambda handle: None,
    room: Callable[[], object] = lambda: None,
) -> None:
    """Wait for jobs; when a signal interrupts this, pass it on and wait for those that run.

    Args:
        handed: jobs with what stands for them in the queue, by their numbers.
        code: tells how one of these has ended.
        ended: called with each job that has, and its exit code.
        cancel: called with those that are not to begin any more.
        room: called when one has ended, to hand over more.

    Raises:
        Interrupted: by that signal.
    """
    try:
        while handed:
            look(handed, code, ended)
            room()
            time.sleep(POLL)
    except Interrupted as wish:
        for job, handle in handed.values():
            tell(job.out.parent, wish.number)
            cancel(handle)
        while handed:
            look(handed, code, ended)
            time.sleep(POLL)
        raise


def look(handed: dict[int, tuple[Job, Any]], code: Code, ended: Callable[[Job, int], None]) -> None:
    """Take out those that have ended."""
    for number, (job, handle) in list(handed.items()):
        found = code(handle)
        if found is not None:
            del handed[number]
            ended(job, found)

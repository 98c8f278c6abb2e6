"""Signals that ask a run to end: noted at once, obeyed where nothing is lost.

While a model trains, the first one is obeyed between two updates, when all processes have agreed on
it and the state is saved; at any other time at once.  A second one ends the process as it stands,
also while it waits in C code for another that does not answer: a thread reads from a pipe what
arrives, as Python's own handlers run only between two instructions of the main thread.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

NUMBERS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)  # a scheduler, a keyboard, SLURM
END = b"\0"  # no signal has this number
APART = 0.3  # seconds: one wish may arrive twice, from a terminal and from a launcher


class Interrupted(BaseException):
    """A signal asked this run to end; no error, so that nobody takes it for one."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number

    @property
    def code(self) -> int:
        """The exit code by which a shell tells that a signal ended a process."""
        return 128 + self.number


class Wish:
    """What the signals of this process have asked for so far."""

    def __init__(self) -> None:
        self.asked = 0  # number of the first signal; 0: none came
        self.patient = False  # somebody looks at `asked` when it is time

    def note(self, number: int, frame: FrameType | None) -> None:
        """Keep the first signal; obey it at once where nobody looks.  Python's handler."""
        if self.asked:
            return
        self.asked = number
        if not self.patient:
            raise Interrupted(number)


WISH = Wish()  # signals belong to a process


@contextlib.contextmanager
def listening(at_once: Callable[[int], None]) -> Iterator[Wish]:
    """Note signals, and call `at_once` with the number of a second one and of each after it."""
    WISH.asked, WISH.patient = 0, False  # an earlier run of this process was another's
    if threading.current_thread() is not threading.main_thread():
        yield WISH  # Python delivers signals to the main thread alone
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    before = {number: signal.signal(number, WISH.note) for number in NUMBERS}
    outer = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    thread = threading.Thread(target=_read, args=(reader, at_once), daemon=True, name="signals")
    thread.start()
    try:
        yield WISH
    finally:
        signal.set_wakeup_fd(outer)
        for number, handler in before.items():
            signal.signal(number, handler)
        os.write(writer, END)  # closing would not do: a forked process may hold it, too
        thread.join()
        os.close(writer)
        os.close(reader)


def _leave_pipe() -> None:
    signal.set_wakeup_fd(-1)  # a signal to a forked process is none to this one


os.register_at_fork(after_in_child=_leave_pipe)


def _read(reader: int, at_once: Callable[[int], None]) -> None:
    first: float | None = None
    while (byte := os.read(reader, 1)) != END:
        if byte[0] not in NUMBERS:
            continue
        now = time.monotonic()
        first = now if first is None else first
        if now - first > APART:
            at_once(byte[0])


@contextlib.contextmanager
def patiently() -> Iterator[None]:
    """Let the first signal wait for somebody who looks at `WISH.asked`."""
    WISH.patient = True
    try:
        yield
    finally:
        WISH.patient = False
    if WISH.asked:  # it came after the last look
        raise Interrupted(WISH.asked)

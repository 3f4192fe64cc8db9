"""Ctrl-C and SIGTERM, from the first moment of a command to its last: one sentence and status 130. Imports
nothing that takes time.

Until a command has begun something that it would have to put away, it leaves at once: an exception raised
while modules are imported can end up anywhere (extension modules swallow it, or crash). Then a signal is
KeyboardInterrupt, and when all is done it is nothing.
"""

import _thread
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

INTERRUPTED = 130  # what shells expect after Ctrl-C
STOPPED = "toylab: stopped; the same command goes on from here\n"
SIGNALS = (signal.SIGINT, signal.SIGTERM)
ALARM = getattr(signal, "SIGALRM", signal.SIGFPE)  # Windows has none; nobody sends the other there
MOMENT = 0.02
REPEATED = 1.0  # seconds within which a second signal is the first one again: `timeout` sends two
SHOW_CURSOR = "\x1b[?25h"

_heard: float | None = None
"""When the first signal came that work was asked to stop by."""


def leave_at_once() -> None:
    """From here on either signal ends the process with one sentence, by whatever it is doing; signals that
    are ignored stay so.
    """
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _leave)


@contextlib.contextmanager
def working() -> Iterator[None]:
    """Inside, a signal raises KeyboardInterrupt, so that work can be put away; a later second one leaves at
    once.

    Changes nothing where `leave_at_once` was not called: signals are the business of whoever calls us from
    Python.
    """
    ours = [number for number in SIGNALS if signal.getsignal(number) is _leave]
    ignored = sys.unraisablehook
    for number in ours:
        signal.signal(number, _raise)
    if ours:
        sys.unraisablehook = _again
    try:
        yield
    finally:
        sys.unraisablehook = ignored
        for number in ours:
            signal.signal(number, _leave)


def heard() -> bool:
    """Whether a signal has asked work to stop."""
    return _heard is not None


def check() -> None:
    """Raise KeyboardInterrupt if a signal was heard and yet work goes on: a destructor, or other people's
    code, swallowed it.
    """
    if heard():
        raise KeyboardInterrupt


def done(status: int) -> None:
    """From here on a signal ends the process with this status and without a word: what was asked for is
    done."""

    def leave(number: int, frame: FrameType | None) -> NoReturn:
        os._exit(status)

    for number in SIGNALS:
        if signal.getsignal(number) in (_leave, _raise):
            signal.signal(number, leave)


def stopped() -> NoReturn:
    """End the process with the sentence and status 130; exit handlers are left out, because they may wait for
    work that was stopped.
    """
    with contextlib.suppress(OSError):
        if os.isatty(1):
            os.write(1, SHOW_CURSOR.encode())  # a live display may have hidden it
        os.write(2, STOPPED.encode())
    os._exit(INTERRUPTED)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    stopped()


def _raise(number: int, frame: FrameType | None) -> None:
    global _heard
    now = time.monotonic()
    if number != ALARM:
        if _heard is not None and now - _heard > REPEATED:
            stopped()
        if _heard is not None:
            return
        _heard = now
    if _imports(frame):
        _in_a_moment()  # not here
        return
    raise KeyboardInterrupt


def _again(lost: "sys.UnraisableHookArgs") -> None:
    """What Python does with an exception that nobody can catch: an interrupt in a destructor or in a callback
    of the garbage collector (JAX has one) comes once more in a moment, instead of being printed and
    forgotten.
    """
    if issubclass(lost.exc_type, KeyboardInterrupt):
        _in_a_moment()
    else:
        sys.__unraisablehook__(lost)


def _in_a_moment() -> None:
    signal.signal(ALARM, _raise)
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_REAL, MOMENT)
    else:
        import threading  # which takes milliseconds

        threading.Timer(MOMENT, _thread.interrupt_main, (ALARM,)).start()


def _imports(frame: FrameType | None) -> bool:
    """Whether some module is being imported."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False

"""Ctrl-C and SIGTERM become an event that everything waits for; a second one ends the process at once."""

import faulthandler
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
STOP_AT_MOST_S = 30
"""A stop takes some seconds; one that takes so long waits for what does not come."""


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that is set by the first SIGINT or SIGTERM. Only for the main thread.

    A stop that hangs is ended with exit code 1, and says on stderr what each thread was waiting for: whoever
    supervises us would kill it, without a word. What was acknowledged is stored before that.
    """
    stop = threading.Event()

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(130)
        # From a thread that needs nothing of Python's: what hangs may keep Python itself from going on.
        faulthandler.dump_traceback_later(STOP_AT_MOST_S, exit=True, file=sys.__stderr__ or 2)
        stop.set()

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end(code: int) -> NoReturn:
    """End the process with an exit code, without waiting for threads that are in a step of minutes.

    Called when everything is stored and closed: what may be left is a step of training or of scoring, which
    cannot be interrupted, and whose outcome is not wanted any more.
    """
    if threading.active_count() == 1:
        sys.exit(code)
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""Ctrl-C and SIGTERM become an event that everything waits for; a second one ends the process at once."""

import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stop_on_signal() -> Iterator[threading.Event]:
    """Yield an event that is set by the first SIGINT or SIGTERM. Only for the main thread."""
    stop = threading.Event()

    def handle(_number: int, _frame: object) -> None:
        if stop.is_set():
            os._exit(130)
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

"""How long a disk stands still beside a benchmark, whatever that does."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

_EVERY_S, _PAGE = 0.25, bytes(4096)


@contextmanager
def slowest_sync(folder: Path) -> Iterator[Callable[[], float]]:
    """Write a page to a file of its own four times a second; yield what tells the longest wait, ms."""
    ending, slowest = Event(), 0.0

    def look() -> None:
        nonlocal slowest
        with (folder / "disk").open("wb") as file:
            while not ending.wait(_EVERY_S):
                file.write(_PAGE)
                file.flush()
                begun = time.monotonic()
                os.fdatasync(file.fileno())
                slowest = max(slowest, (time.monotonic() - begun) * 1000)

    thread = Thread(target=look)
    thread.start()
    try:
        yield lambda: round(slowest, 1)
    finally:
        ending.set()
        thread.join()

"""`python command_process.py URL FOLDER`: for each line of input it starts a sender of commands to be killed.

Each is a process of its own, forked from this one: to start, it takes milliseconds and not seconds.
"""

import os
import sys
import time
from pathlib import Path

from access.devices.outbox import Outbox
from access.devices.publisher import CommandPublisher
from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from storage.records.database import DeskDatabase, open_desk


def send(url: str, desk: DeskDatabase) -> None:
    """Send commands until killed; print the process's id just before it begins."""
    print(os.getpid(), flush=True)  # noqa: T201 - the parent kills it
    clock = SystemClock()
    publisher = CommandPublisher(Outbox(desk, clock), parse_broker_url(url), clock)
    publisher.start()
    while True:
        time.sleep(1)


def main(url: str, folder: Path) -> None:
    """Fork a sender for each line."""
    desk = open_desk(f"sqlite:///{folder / 'desk.sqlite'}")
    desk.close()  # each child makes connections of its own
    for _ in sys.stdin:
        child = os.fork()
        if child == 0:
            send(url, desk)
        os.waitpid(child, 0)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

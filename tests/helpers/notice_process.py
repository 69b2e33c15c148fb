"""`python notice_process.py URL ROBOTS COUNT`: forks so many processes that send notices until killed.

Each is a process of its own, over the desk at URL; their robots listen at ROBOTS.
"""

import os
import signal
import ssl
import sys
import time

from fleet.clock import SystemClock
from fleet.notices import ChannelKind
from notify.channels.dingtalk import DingTalk
from notify.channels.http import Poster
from notify.channels.pace import Pace
from notify.ports import Said
from notify.post import Post
from notify.sender import Sender
from storage.records.database import open_desk


def send(url: str, robots: str) -> None:
    """Send what is due until killed."""
    clock = SystemClock()
    poster = Poster(ssl.create_default_context(), guarded=False)
    channels = {ChannelKind.DINGTALK: DingTalk(poster, clock, f"{robots}/{os.getpid()}", Pace(10_000))}
    sender = Sender(open_desk(url), channels, Said("https://c.example/"), clock, f"here:{os.getpid()}")
    with Post(sender):
        time.sleep(60)


def main(url: str, robots: str, count: int) -> None:
    """Fork so many, and end with the first of them."""
    os.setpgrp()
    for _ in range(count):
        if os.fork() == 0:
            send(url, robots)
            return
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))

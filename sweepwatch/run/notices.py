"""Runs what sends notices, and what follows from those that do not arrive."""

import os
import socket

from fleet.clock import DAY_MS
from notify.post import Post
from notify.proving import Proving
from notify.sender import Sender
from storage.records.notices import end_leases, forget_notices, lease_holders
from sweepwatch.wiring import Services
from sweepwatch.wiring_words import said_of

KEPT_MS = 365 * DAY_MS
"""So long what was told to whom is kept."""


def posting(services: Services) -> Post:
    """Return what sends notices in this process; several share the outbox by leases."""
    here = socket.gethostname()[:32]
    holder = f"{here}:{os.getpid()}"
    _end_leases_of_the_dead(services, here)
    sender = Sender(services.desk, services.channels, said_of(services), services.clock, holder)
    post = Post(sender)
    services.desk.when_told(post.wake)
    return post


class NoticeJobs:
    """What the schedule does about notices."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._proving = Proving(services.desk, services.clock)

    def follow_up(self) -> None:
        """Take other ways for what is not proven, and tell those who came on call."""
        self._services.notifier.shift_begins(self._services.clock.now_ms())
        self._proving.follow_up()

    def test_all(self) -> None:
        """Test the destinations at which nothing arrived for a week, and forget what is old."""
        self._services.notices.test_all()
        with self._services.desk.transaction() as session:
            forget_notices(session, self._services.clock.now_ms() - KEPT_MS)


def _end_leases_of_the_dead(services: Services, here: str) -> None:
    """Take over at once what a process of this machine left when it died; others' leases just end."""
    with services.desk.transaction() as session:
        for holder in lease_holders(session, services.clock.now_ms()):
            host, _, number = holder.rpartition(":")
            if host == here and number.isdecimal() and not _lives(int(number)):
                end_leases(session, holder)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True

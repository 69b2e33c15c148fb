"""Runs what sends notices, and what follows from those that do not arrive."""

import os
import socket

from fleet.clock import DAY_MS
from notify.post import Post
from notify.proving import Proving
from notify.sender import Sender
from storage.records.notices import forget_notices
from sweepwatch.wiring import Services, said_of

KEPT_MS = 365 * DAY_MS
"""So long what was told to whom is kept."""


def posting(services: Services) -> Post:
    """Return what sends notices in this process; several share the outbox by leases."""
    holder = f"{socket.gethostname()[:32]}:{os.getpid()}"
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

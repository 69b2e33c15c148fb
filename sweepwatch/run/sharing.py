"""Who does which job of the schedule, where several processes share one desk database.

Every process that could do a job asks for it each time that it is due. One that is alone with its data folder
just does it; of several, whoever has the lease does, and holds it as long as it comes back in time. When that
one ends, the next that asks takes over, at the latest after the lease has run out.
"""

import logging
import os
import socket
from collections.abc import Callable

from fleet.clock import Clock
from fleet.errors import SweepwatchError
from storage.records.database import DeskDatabase
from storage.records.leases import give_back_leases, take_lease

log = logging.getLogger(__name__)
Claim = Callable[[str, int], bool]
"""Tells whether a job that is due every so many seconds is ours now."""
_SLACK_MS = 60_000


def alone(_job: str, _every_s: int) -> bool:
    """Do every job: no other process shares the desk."""
    return True


class Leases:
    """Claims jobs in the desk database for this process."""

    def __init__(
        self, desk: DeskDatabase, clock: Clock, holder: str | None = None, part: str | None = None
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._holder = holder or f"{socket.gethostname()[:100]}:{os.getpid()}"
        if part is not None:
            self._holder += f":{part}"

    def claim(self, job: str, every_s: int) -> bool:
        """Take or renew a job for one and a half times its pace and a minute. Raises StoreUnavailable."""
        now = self._clock.now_ms()
        return take_lease(self._desk, job, self._holder, now, now + every_s * 1500 + _SLACK_MS)

    def leave(self) -> None:
        """Leave all jobs to others at the end of this process; where that fails, they run out."""
        try:
            self.give_back()
        except SweepwatchError as problem:
            log.info("jobs are left to others only when their leases run out: %s", problem)

    def give_back(self) -> None:
        """Leave all jobs to others. Raises StoreUnavailable."""
        give_back_leases(self._desk, self._holder)

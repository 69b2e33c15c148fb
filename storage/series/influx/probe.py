"""Whether what is written to a bucket is what is read there: a point is written and read back.

Nothing less tells. On 2.x a write goes to the organisation that it names, a question to that of the token; a
bucket that is absent answers many questions as an empty one does.
"""

import secrets
import time
from collections.abc import Callable
from threading import Lock

from fleet.clock import HOUR_MS
from fleet.errors import StoreRefused, SweepwatchError
from storage.series.influx.http import InfluxConnection, WriteForbidden

PROBES = "sweepwatch_probe"


def now_ms() -> int:
    """Return the time of this machine in epoch ms."""
    return time.time_ns() // 1_000_000


class Probe:
    """Probes one bucket. Each has a millisecond of the hour for its own, so that few points ever stay."""

    def __init__(self, connection: InfluxConnection, now: Callable[[], int] = now_ms) -> None:
        self._connection = connection
        self._now = now
        self._offset = secrets.randbelow(HOUR_MS)
        self._one_at_a_time = Lock()  # or a thread would read what another has written

    def run(self) -> None:
        """Write a point and read it back.

        Raises StoreUnavailable, or StoreRefused when the bucket is not there, may not be read, or is another
        than that which is written to. A token that may only read is asked for no more than that.
        """
        with self._one_at_a_time:
            self._run()

    def _run(self) -> None:
        at = self._now() // HOUR_MS * HOUR_MS - HOUR_MS + self._offset
        said = secrets.token_hex(8)
        question = f"SELECT said FROM {PROBES} WHERE time = {at}ms"
        try:
            self._connection.write(f'{PROBES} said="{said}" {at}\n'.encode())
        except WriteForbidden:
            self._connection.json(question)
            return
        answer = self._connection.json(question)
        found = [row[1] for series in answer[0].get("series", ()) for row in series["values"]]
        if found != [said]:
            self._take_back()
            raise StoreRefused(
                f"store {self._connection.address}: what is written there is not what is read there: the "
                "token belongs to another organisation; give one made in this one, or the name of its own"
            )

    def _take_back(self) -> None:
        """Delete the probe where it was written: the v2 call looks in the organisation that it is told."""
        try:
            self._connection.delete_v2(f'_measurement="{PROBES}"')
        except SweepwatchError:
            return  # it is one point in a bucket that is not ours; the error that follows names it

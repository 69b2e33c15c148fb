"""One person's data: exported, erased, and gone when they are older than they may be kept.

Until workers are known by a name of their own, one person's data are those of a wristband in a span of time.
"""

import json
import logging
from base64 import b64encode
from collections.abc import Iterable, Iterator
from typing import Any

from fleet.clock import DAY_MS, HOUR_MS, Clock, to_rfc3339
from fleet.errors import InvalidInput, NotFound, StoreRefused, StoreRejected
from fleet.events import Event, Subject
from fleet.personal import is_personal
from fleet.principals import Principal, check_reason
from fleet.signals import Kind, SignalTable
from fleet.text import quoted
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.devices import Placement, place_of
from storage.records.erasures import (
    Erasure,
    add_erasure,
    erasure_of,
    erasures_to_do,
    store_is_done,
)
from storage.records.events import tell
from storage.records.personal import erase_device, find_personal, forget_older

log = logging.getLogger(__name__)
FORMAT = "sweepwatch-personal-data/1"
EVER = 2**45
"""Later than anything that is stored."""
_AGAIN_MS = DAY_MS
"""An erasure is carried out again for so long: what was under way then may have come in behind it."""
_OF_EVIDENCE = ("first_seen", "last_seen", "at", "begun", "updated", "resolved_at", "ended_at")
_TIMES = frozenset({"ts", "received", "since", "hour", *_OF_EVIDENCE})


class PersonalData:
    """Works on both stores; `store` is None where another process holds it. May raise StoreUnavailable."""

    def __init__(
        self, desk: DeskDatabase, store: TelemetryStore | None, signals: SignalTable, clock: Clock
    ) -> None:
        self._desk, self._store, self._signals, self._clock = desk, store, signals, clock

    def forget_older(self, days: int) -> int:
        """Let what is older than so many days be gone, everywhere; return of how many rows and readings.

        Whole hours go. A store that cannot delete (InfluxDB 3) is told of in the log.
        """
        now = self._clock.now_ms()
        before = (now - days * DAY_MS) // HOUR_MS * HOUR_MS
        with self._desk.transaction() as session:
            gone = forget_older(session, before, now)
        self._desk.let_go()
        if self._store is not None:
            try:
                gone += self._store.forget_personal(0, before)
            except StoreRefused:
                raise
            except StoreRejected as error:
                log.warning("personal data older than %d days stay in the store: %s", days, error)
        if gone:
            log.info("personal data older than %d days are gone from %d rows and readings", days, gone)
        return gone

    def erase(self, device_id: str, start: int, end: int, by: Principal, why: str) -> Erasure:
        """Erase what a wristband told of its wearer in a span that is over, `end` not in it; tell the log.

        The desk's part is done on return, and the store's where there is one; else whoever holds it
        does it (`carry_out`). To ask again is harmless. Raises NotFound or InvalidInput.
        """
        check_reason(why)
        now = self._clock.now_ms()
        end = min(end, now + 1)  # what comes later may be of somebody else
        if start >= end:
            raise InvalidInput("start: must be before end, and before now")
        with self._desk.transaction() as session:
            place = self._worn(place_of(session, device_id), device_id)
            erasure = add_erasure(session, device_id, start, end, now)
            erase_device(session, device_id, start, end)
            data = {"from": start, "to": end, "erasure": erasure.id}
            tell(session, Event(now, Subject.DEVICE, device_id, "erased", by, why, place.site, data=data))
        self._desk.let_go()
        self._carry_out(erasure)
        return self.standing(erasure.id)

    def standing(self, erasure_id: int) -> Erasure:
        """Return an erasure as it stands. Raises NotFound."""
        with self._desk.transaction() as session:
            found = erasure_of(session, erasure_id)
        if found is None:
            raise NotFound(f"there is no erasure {erasure_id}")
        return found

    def carry_out(self, *, again: bool = False) -> int:
        """Do what is left to do of erasures that were asked; return how many there were.

        With `again` those of the last day too: what was under way when they were asked may have come since.
        """
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            waiting = erasures_to_do(session, now - _AGAIN_MS if again else now + EVER)
        for each in waiting:
            with self._desk.transaction() as session:
                erase_device(session, each.device_id, each.start, each.end)
            self._carry_out(each)
        if waiting:
            self._desk.let_go()
        return len(waiting)

    def _carry_out(self, erasure: Erasure) -> None:
        if self._store is None:
            return
        self._store.forget_personal(erasure.start, erasure.end, [erasure.device_id])
        with self._desk.transaction() as session:
            store_is_done(session, erasure.id, self._clock.now_ms())

    def export(self, device_id: str, start: int, end: int, by: Principal, why: str) -> Iterator[str]:
        """Yield one JSON object of all that is kept of a wristband's wearer in a span, piece by piece.

        The log is told before anything is read. Raises NotFound or InvalidInput at once.
        """
        if start >= end:
            raise InvalidInput("start: must be before end")
        assert self._store is not None  # callers have one
        with self._desk.transaction() as session:
            place = self._worn(place_of(session, device_id), device_id)
            now = self._clock.now_ms()
            data = {"from": start, "to": end}
            tell(session, Event(now, Subject.DEVICE, device_id, "exported", by, why, place.site, data=data))
        return self._exported(self._store, device_id, place.site, (start, end), now)

    def _exported(
        self, store: TelemetryStore, device_id: str, site: str, between: tuple[int, int], now: int
    ) -> Iterator[str]:
        kind = Kind.WRISTBAND
        head = {
            "format": FORMAT,
            "device": device_id,
            "person": None,
            "site": site,
            "from": to_rfc3339(max(0, between[0])),
            "to": to_rfc3339(min(between[1], now)),
            "made_at": to_rfc3339(now),
            "units": {signal.name: signal.unit for signal in self._signals.for_kind(kind)},
        }
        yield json.dumps(head, ensure_ascii=False)[:-1]
        with self._desk.transaction() as session:
            found = find_personal(session, device_id, *between)
        for place, rows in found.items():
            yield f',\n"{place}": {json.dumps([_shown(row) for row in rows], ensure_ascii=False)}'
        all_days = store.days(kind)
        days = all_days.filter(all_days["device_id"] == device_id)["day"].to_list()
        yield ',\n"readings": ['
        yield from _listed(self._readings(store, device_id, day, between) for day in days)
        yield '],\n"tiles": ['
        yield from _listed(self._tiles(store, device_id, between))
        yield "]}\n"

    def _readings(
        self, store: TelemetryStore, device_id: str, day: int, between: tuple[int, int]
    ) -> list[dict[str, Any]]:
        start, end = max(day, between[0]), min(day + DAY_MS, between[1])
        if start >= end:
            return []
        return store.readings(Kind.WRISTBAND, [device_id], start, end).frame.to_dicts()

    def _tiles(
        self, store: TelemetryStore, device_id: str, between: tuple[int, int]
    ) -> Iterator[list[dict[str, Any]]]:
        """Yield the tiles that outlive their readings; the others say nothing that readings do not."""
        first, until = store.kept_hours(Kind.WRISTBAND)
        start = max(first, between[0] // HOUR_MS * HOUR_MS)
        for begin in range(start, min(until, between[1]), 30 * DAY_MS):
            end = min(begin + 30 * DAY_MS, until)
            yield store.tiles(Kind.WRISTBAND, begin, end, [device_id]).to_dicts()

    @staticmethod
    def _worn(place: Placement | None, device_id: str) -> Placement:
        if place is None:
            raise NotFound(f"there is no device {quoted(device_id)}")
        if not is_personal(place.kind):
            raise InvalidInput(f"{device_id} is a {place.kind}: only wristbands tell of a person")
        return place


def _listed(parts: Iterable[list[dict[str, Any]]]) -> Iterator[str]:
    """Yield the items of lists as those of one JSON array, without what is null."""
    begun = False
    for rows in parts:
        for row in rows:
            told = {name: value for name, value in _shown(row).items() if value is not None}
            yield (",\n" if begun else "\n") + json.dumps(told, ensure_ascii=False)
            begun = True


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    def shown(name: str, value: Any) -> Any:
        if isinstance(value, bytes):
            return b64encode(value).decode()
        return to_rfc3339(value) if name in _TIMES and isinstance(value, int) else value

    return {name: shown(name, value) for name, value in row.items()}

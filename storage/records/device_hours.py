"""In which hours devices told of errors, or began to count anew. Callers bring the transaction."""

from collections.abc import Collection, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.clock import HOUR_MS
from storage.records.devices import DeviceEvent
from storage.records.gaps import SeqRunRow
from storage.records.parts import parts_of

DeviceHours = set[tuple[str, int]]
"""Pairs of a device and the start of an hour, epoch ms."""


def event_hours(
    session: Session, device_ids: Sequence[str], codes: Collection[str], start: int, end: int
) -> DeviceHours:
    """Return the hours in which devices told of an event with one of these codes."""
    found: DeviceHours = set()
    for part in parts_of(device_ids):
        wanted = select(DeviceEvent.device_id, DeviceEvent.ts).where(
            DeviceEvent.device_id.in_(part),
            DeviceEvent.ts >= start,
            DeviceEvent.ts < end,
            DeviceEvent.code.in_(codes),
        )
        found |= {(device, ts - ts % HOUR_MS) for device, ts in session.execute(wanted)}
    return found


def restart_times(session: Session, device_ids: Sequence[str], start: int, end: int) -> list[tuple[str, int]]:
    """Return when devices began to count their readings anew: (device, epoch ms of the first one).

    Of each device the newest eight are known (ingest.watch.sequence).
    """
    found: list[tuple[str, int]] = []
    for part in parts_of(device_ids):
        wanted = select(SeqRunRow.device_id, SeqRunRow.first_ts).where(
            SeqRunRow.device_id.in_(part),
            SeqRunRow.run > 1,
            SeqRunRow.first_ts >= start,
            SeqRunRow.first_ts < end,
        )
        found += [(device, ts) for device, ts in session.execute(wanted)]
    return found

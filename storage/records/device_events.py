"""What devices told of on their event topics, as lists and pages need it; callers bring the transaction."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from storage.records.devices import DeviceEvent, ReportedEvent
from storage.records.paging import Asked, Order, Page, fetch_page


def find_events(session: Session, device_id: str, asked: Asked) -> Page[ReportedEvent]:
    """Return one page of a device's events, sorted by their own time (`ts`)."""
    query = select(DeviceEvent).where(DeviceEvent.device_id == device_id)
    return fetch_page(session, query, Order(DeviceEvent.ts, DeviceEvent.id, asked.descending), asked).of(
        _event
    )


def newest_events(session: Session, device_id: str, limit: int) -> Sequence[ReportedEvent]:
    """Return a device's newest events, the newest first."""
    return find_events(session, device_id, Asked("-ts", limit, None, "")).rows


def events_told(session: Session, start: int, end: int) -> Sequence[ReportedEvent]:
    """Return what all devices told of in a range of their own time, in order of it."""
    query = select(DeviceEvent).where(DeviceEvent.ts >= start, DeviceEvent.ts < end)
    return [_event(row) for row in session.scalars(query.order_by(DeviceEvent.ts, DeviceEvent.id))]


def _event(row: DeviceEvent) -> ReportedEvent:
    return ReportedEvent(row.device_id, row.ts, row.code, row.detail, row.received)

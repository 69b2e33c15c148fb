"""Alerts as lists and pages need them; callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.alerts import Alert, AlertState
from fleet.faults import Level
from fleet.grants import Sites
from storage.records.alerts import AlertRow, to_alert
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed
from storage.records.within import of_devices_at

_KEYS = {"since": AlertRow.since, "id": AlertRow.id}


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; None, or no state, is any."""

    states: Sequence[AlertState] = ()
    level: Level | None = None
    device: str | None = None
    fault: str | None = None
    rule: str | None = None


def find_alerts(session: Session, wanted: AlertFilter, asked: Asked, sites: Sites = None) -> Page[Alert]:
    """Return one page of alerts of devices at some sites; sorted by since or id."""
    query = narrowed(
        of_devices_at(select(AlertRow), AlertRow.device_id, sites),
        (AlertRow.level, wanted.level),
        (AlertRow.device_id, wanted.device),
        (AlertRow.fault, wanted.fault),
        (AlertRow.rule, wanted.rule),
    )
    if wanted.states:
        query = query.where(AlertRow.state.in_(wanted.states))
    order = Order(_KEYS[asked.key], AlertRow.id, asked.descending)
    return fetch_page(session, query, order, asked).of(to_alert)

"""Alerts as lists and pages need them; callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fleet.alerts import Alert, AlertState
from fleet.faults import Level
from storage.records.alerts import AlertRow, to_alert
from storage.records.paging import Asked, Order, Page, fetch_page, narrowed

_KEYS = {"since": AlertRow.since, "id": AlertRow.id}


@dataclass(frozen=True, slots=True)
class AlertFilter:
    """Which alerts; None, or no state, is any."""

    states: Sequence[AlertState] = ()
    level: Level | None = None
    device: str | None = None
    fault: str | None = None
    rule: str | None = None


def find_alerts(session: Session, wanted: AlertFilter, asked: Asked) -> Page[Alert]:
    """Return one page of alerts; sorted by since or id."""
    query = narrowed(
        select(AlertRow),
        (AlertRow.level, wanted.level),
        (AlertRow.device_id, wanted.device),
        (AlertRow.fault, wanted.fault),
        (AlertRow.rule, wanted.rule),
    )
    if wanted.states:
        query = query.where(AlertRow.state.in_(wanted.states))
    order = Order(_KEYS[asked.key], AlertRow.id, asked.descending)
    return fetch_page(session, query, order, asked).of(to_alert)

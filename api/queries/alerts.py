"""Alerts as lists need them."""

from typing import Any

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from api.params import AlertSort, FaultCode, IdText, Paged
from fleet.alerts import AlertState
from fleet.errors import NotFound
from fleet.faults import Level
from storage.records.alerts import AlertRow
from storage.records.paging import Order, Page, fetch_page


class AlertQuery(Paged):
    """Which alerts, and in which order."""

    sort: AlertSort = "-since"
    state: list[AlertState] = Field([], description="May be given several times; without it, every state")
    level: Level | None = None
    device: IdText | None = None
    fault: FaultCode | None = None
    rule: IdText | None = None


def find_alerts(session: Session, query: AlertQuery) -> Page[Any]:
    """Return one page of alerts, filtered and sorted."""
    wanted = select(AlertRow)
    for column, value in (
        (AlertRow.level, query.level),
        (AlertRow.device_id, query.device),
        (AlertRow.fault, query.fault),
        (AlertRow.rule, query.rule),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    if query.state:
        wanted = wanted.where(AlertRow.state.in_(query.state))
    key = AlertRow.since if query.sort.endswith("since") else AlertRow.id
    order = Order(key, AlertRow.id, query.sort.startswith("-"))
    return fetch_page(session, wanted, order, query.asked())


def alert_of(session: Session, alert_id: int) -> AlertRow:
    """Return one alert. Raises NotFound."""
    row = session.get(AlertRow, alert_id, populate_existing=True)
    if row is None:
        raise NotFound(f"there is no alert {alert_id}")
    return row

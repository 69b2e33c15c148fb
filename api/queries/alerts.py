"""What may be asked about alerts."""

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import AlertSort, FaultCode, Paged, SearchText
from fleet.alerts import Alert, AlertState
from fleet.faults import Level
from fleet.grants import Sites
from storage.records.alert_lists import AlertFilter
from storage.records.alert_lists import find_alerts as find
from storage.records.paging import Page


class AlertQuery(Paged):
    """Which alerts, and in which order."""

    sort: AlertSort = "-since"
    state: list[AlertState] = Field([], description="May be given several times; without it, every state")
    level: Level | None = None
    device: SearchText | None = None
    fault: FaultCode | None = None
    rule: SearchText | None = None


def find_alerts(session: Session, query: AlertQuery, sites: Sites, *, apart: bool = False) -> Page[Alert]:
    """Return one page of alerts of devices at some sites, filtered and sorted.

    `apart`: without those that are part of an incident.
    """
    wanted = AlertFilter(query.state, query.level, query.device, query.fault, query.rule, apart)
    return find(session, wanted, query.asked(), sites)

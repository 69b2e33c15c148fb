"""Alerts as lists and pages need them; callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fleet.alerts import Alert, AlertState, said_by_device
from fleet.faults import Level
from fleet.grants import Sites
from storage.records.alerts import NOT_SUSTAINED, AlertRow, to_alert
from storage.records.care import is_member
from storage.records.devices import Device
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
    apart: bool = False
    """Whether those that are part of an incident are left out."""


@dataclass(frozen=True, slots=True)
class ToldCode:
    """A code that devices of a model told: of how many devices and alerts it is, and when last (epoch ms).

    `said` is what a device wrote beside it, "" where none did.
    """

    model: str
    code: str
    devices: int
    alerts: int
    last: int
    said: str


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
    if wanted.apart:
        query = query.where(~is_member(AlertRow.id))
    order = Order(_KEYS[asked.key], AlertRow.id, asked.descending)
    return fetch_page(session, query, order, asked).of(to_alert)


def count_by_rule(session: Session, since: int, sites: Sites = None) -> dict[str, int]:
    """Count the alerts that began at `since` or later, by rule; those that nobody ever saw are left out."""
    wanted = select(AlertRow.rule, func.count()).where(
        AlertRow.since >= since, AlertRow.reason != NOT_SUSTAINED, AlertRow.state != AlertState.PENDING
    )
    counted = session.execute(of_devices_at(wanted, AlertRow.device_id, sites).group_by(AlertRow.rule))
    return {row[0]: row[1] for row in counted}


def told_codes(session: Session, fault: str, sites: Sites = None) -> list[ToldCode]:
    """Return the codes that alerts of a fault hold, by model and code: those of most devices first."""
    query = (
        of_devices_at(select(AlertRow), AlertRow.device_id, sites)
        .join(Device, Device.id == AlertRow.device_id)
        .where(AlertRow.fault == fault)
        .with_only_columns(Device.model, AlertRow.device_id, AlertRow.evidence, AlertRow.updated)
        .order_by(AlertRow.id)
        .execution_options(yield_per=1_000)
    )
    found: dict[tuple[str, str], _Count] = {}
    for model, device_id, evidence, updated in session.execute(query):
        said = said_by_device(evidence) or {}
        for code in said.get("codes", ()):
            count = found.setdefault((model, str(code)), _Count())
            count.devices.add(device_id)
            count.alerts += 1
            count.last = max(count.last, updated)
            if said.get("code") == code and "meaning" in said:
                count.said = str(said["meaning"].get("en", ""))
    codes = [
        ToldCode(model, code, len(count.devices), count.alerts, count.last, count.said)
        for (model, code), count in found.items()
    ]
    return sorted(codes, key=lambda each: (-each.devices, -each.alerts, each.model, each.code))


@dataclass(slots=True)
class _Count:
    devices: set[str] = field(default_factory=set)
    alerts: int = 0
    last: int = 0
    said: str = ""

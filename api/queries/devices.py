"""What may be asked about devices, and the figures on top of the fleet page."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field
from sqlalchemy.orm import Session

from api.params import DeviceSort, FaultCode, Paged, SearchText
from fleet.condition import Stands
from fleet.devices import Device
from fleet.grants import Sites
from fleet.signals import Kind
from storage.records.alerts import count_firing
from storage.records.device_lists import DeviceCounts, DeviceFilter, count_devices
from storage.records.device_lists import find_devices as find
from storage.records.paging import Asked, Page
from storage.records.tickets import count_open

AT_RISK = 0.5
"""From here on the summary counts a device as at risk: its fault is more likely than not."""


class DeviceQuery(Paged):
    """Which devices, and in which order."""

    sort: DeviceSort = Field("-risk", description="A leading - turns the order; nulls come last in either")
    kind: Kind | None = None
    site: SearchText | None = None
    model: SearchText | None = None
    status: Literal["online", "offline", "unknown"] | None = None
    stands: Stands | None = Field(
        None, description="How it stands now: as `condition` says, in four words", examples=["stuck"]
    )
    fault: FaultCode | None = Field(None, description="The fault that it is most at risk of")
    at_risk: float | None = Field(
        None, ge=0, le=1, description="Only those whose highest risk is so high or higher", examples=[0.5]
    )
    q: SearchText | None = Field(None, description="Part of id, model, site or serial")


class EventQuery(Paged):
    """Which part of a device's events."""

    def asked_of(self, device_id: str) -> Asked:
        """Return which part of this device's list is wanted, the newest first."""
        return Asked("-ts", self.limit, self.cursor, f"{self.query()} {device_id}")


@dataclass(frozen=True, slots=True)
class FleetSummary:
    """The figures on top of the fleet page."""

    fleet: DeviceCounts
    open_alerts: int
    open_tickets: int


def find_devices(session: Session, query: DeviceQuery, now: int, sites: Sites) -> Page[Device]:
    """Return one page of devices at some sites, filtered and sorted, as they stand at `now` (epoch ms)."""
    wanted = DeviceFilter(
        query.kind,
        query.site,
        query.model,
        query.status,
        query.fault,
        query.q,
        query.stands,
        now,
        query.at_risk,
    )
    return find(session, wanted, query.asked(), sites)


def summary(session: Session, now: int, sites: Sites) -> FleetSummary:
    """Count devices at some sites as they stand at `now` (epoch ms), alerts and tickets."""
    counts = count_devices(session, AT_RISK, now, sites)
    return FleetSummary(counts, count_firing(session, sites), count_open(session, sites))

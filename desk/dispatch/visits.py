"""Whom to visit: the newest risks of the fleet, ranked by the cost that a visit avoids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from fleet.clock import DAY_MS
from fleet.devices import Device
from fleet.grants import Sites
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.device_lists import devices_at, devices_of, newest_risk
from storage.records.ticket_lists import open_ticket_ids


class Plan(Protocol):
    """What to do (models.scoring.decision.Plan): frames of device_id, faults, risks, avoided, best first."""

    @property
    def visits(self) -> pl.DataFrame:
        """Whom to visit, within the budget."""
        ...

    @property
    def calls(self) -> pl.DataFrame:
        """Which customers to call: they can mend it alone."""
        ...

    @property
    def worthwhile(self) -> int:
        """How many visits would pay if there were enough."""
        ...

    @property
    def avoided(self) -> float:
        """The cost that visits and calls together avoid."""
        ...


class Decide(Protocol):
    """Whoever weighs risks against costs: `risks` has device_id, fault, risk; `budget` counts visits."""

    def __call__(self, risks: pl.DataFrame, budget: int) -> Plan:
        """Choose what avoids most cost."""
        ...


@dataclass(frozen=True, slots=True)
class FoundVisits:
    """What to do, and what is under way.

    `under_way` has the columns of a plan: what would pay at devices that have an open ticket; `tickets` says
    which. `stopped` are devices that stand in an error, have a ticket, and are no part of either: no model
    needs to say that they are to be visited. `devices` are those that any of them names.
    """

    plan: Plan
    under_way: pl.DataFrame
    tickets: Mapping[str, int]
    stopped: Sequence[str]
    devices: Mapping[str, Device]


class Visits:
    """Plans visits from what the stores hold."""

    def __init__(self, desk: DeskDatabase, store: TelemetryStore, decide: Decide) -> None:
        self._desk = desk
        self._store = store
        self._decide = decide

    def find(self, budget: int, site: str | None = None, sites: Sites = None) -> FoundVisits:
        """Return whom to visit and whom to call, at one site or at all of `sites` (None: every one).

        Risks are those of the 24 h before the fleet's newest. A device that has an open ticket is not planned
        anew: whoever goes there mends all that is suspected, so it is shown with its ticket.
        """
        with self._desk.transaction() as session:
            newest = newest_risk(session)
            wanted = sites if site is None else _only(site, sites)
            here = None if wanted is None else devices_at(session, wanted)
            tickets = open_ticket_ids(session, here)
        end = 0 if newest is None else newest + 1
        risks = self._store.fleet_risks(end - DAY_MS, end)
        if here is not None:
            risks = risks.filter(pl.col("device_id").is_in(here))
        has_ticket = pl.col("device_id").is_in(list(tickets))
        plan = self._decide(risks.filter(~has_ticket), budget)
        held = self._decide(risks.filter(has_ticket), risks.height)
        under_way = pl.concat([held.visits, held.calls])
        planned = [*plan.visits["device_id"], *plan.calls["device_id"]]
        shown = set(under_way["device_id"])
        with self._desk.transaction() as session:
            devices = devices_of(session, list({*planned, *tickets}))
        stopped = [
            device.id
            for device in devices.values()
            if device.state == "error"
            and device.id in tickets
            and device.id not in shown
            and (wanted is None or device.site in wanted)
        ]
        return FoundVisits(plan, under_way, tickets, sorted(stopped, key=tickets.__getitem__), devices)


def _only(site: str, sites: Sites) -> frozenset[str]:
    """Return one site as those that are asked for, and none where it is not one of `sites`."""
    return frozenset({site}) if sites is None or site in sites else frozenset()

"""Whom to visit: the newest risks of the fleet, ranked by the cost that a visit avoids."""

from dataclasses import dataclass

import polars as pl
from pydantic import Field
from sqlalchemy import select

from api.params import IdText, Params
from api.services import ApiServices
from fleet.clock import DAY_MS
from fleet.devices import Device
from fleet.tickets import CLOSED_STATES
from models.scoring.decision import Plan, plan_visits
from storage.records.device_lists import devices_at, devices_of, newest_risk
from storage.records.tickets import TicketRow

MOST_VISITS = 10_000


class VisitQuery(Params):
    """How many visits there can be in a day, and where."""

    budget: int = Field(10, ge=0, le=MOST_VISITS, description="How many devices can be visited")
    site: IdText | None = Field(None, description="Only devices of this site")


@dataclass(frozen=True, slots=True)
class FoundVisits:
    """What to do, the devices that it names, and at how many devices what would pay has an open ticket."""

    plan: Plan
    devices: dict[str, Device]
    ticketed: int


def find_visits(services: ApiServices, query: VisitQuery) -> FoundVisits:
    """Return whom to visit and whom to call.

    Risks are those of the 24 h before the fleet's newest. What has an open ticket already is left out.
    """
    with services.desk.transaction() as session:
        newest = newest_risk(session)
        busy = session.execute(
            select(TicketRow.device_id, TicketRow.fault).where(TicketRow.state.not_in(sorted(CLOSED_STATES)))
        ).all()
        at_site = None if query.site is None else devices_at(session, query.site)
    end = 0 if newest is None else newest + 1
    risks = services.store.fleet_risks(end - DAY_MS, end)
    if at_site is not None:
        risks = risks.filter(pl.col("device_id").is_in(at_site))
    taken = pl.DataFrame(
        [tuple(row) for row in busy], schema={"device_id": pl.String, "fault": pl.String}, orient="row"
    )
    pair = ["device_id", "fault"]
    plan = plan_visits(risks.join(taken, on=pair, how="anti"), services.costs, query.budget)
    held = plan_visits(risks.join(taken, on=pair, how="semi"), services.costs, risks.height)
    ticketed = {*held.visits["device_id"], *held.calls["device_id"]}
    with services.desk.transaction() as session:
        devices = devices_of(session, [*plan.visits["device_id"], *plan.calls["device_id"]])
    return FoundVisits(plan, devices, len(ticketed))

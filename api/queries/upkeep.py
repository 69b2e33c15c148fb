"""Maintenance and inspections as pages and the API need them."""

from dataclasses import dataclass

from api.services import ApiServices
from api.upkeep_schemas import InspectionQuery, MaintenanceQuery
from fleet.clock import DAY_MS
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.service import MaintenancePlan
from storage.records.inspections import Inspection, InspectionFilter, Scores, find_inspections, scores_of
from storage.records.maintenance import DueFilter, StoredDue, find_maintenance
from storage.records.maintenance_tickets import open_maintenance
from storage.records.paging import Page

_SCORES_MS = 30 * DAY_MS


@dataclass(frozen=True, slots=True)
class DueShown:
    """A plan of a device, with all that is said of it."""

    due: StoredDue
    site: str
    plan: MaintenancePlan | None
    ticket_id: int | None
    overdue: bool


def maintenance_due(services: ApiServices, query: MaintenanceQuery, sites: Sites) -> Page[DueShown]:
    """Return one page of the maintenance of some sites, what is due first first."""
    now = services.clock.now_ms()
    before = min((each for each in (query.before, now if query.overdue else None) if each), default=None)
    wanted = DueFilter(query.site, query.device, query.plan, before)
    with services.desk.transaction() as session:
        page = find_maintenance(session, wanted, query.asked(), sites)
        known = open_maintenance(session, sorted({due.device_id for due, _site in page.rows}))
    asked = services.work.maintenance.asked

    def shown(row: tuple[StoredDue, str]) -> DueShown:
        due, site = row
        late = due.due_at is not None and due.due_at < now
        return DueShown(due, site, asked.plan(due.plan), known.get((due.device_id, due.plan)), late)

    return page.of(shown)


def inspections(services: ApiServices, query: InspectionQuery, sites: Sites) -> Page[Inspection]:
    """Return one page of the inspections of some sites."""
    now = services.clock.now_ms()
    wanted = InspectionFilter(
        query.level, query.site, query.engineer, query.ticket, query.open, now if query.overdue else None
    )
    with services.desk.transaction() as session:
        return find_inspections(session, wanted, query.asked(), sites)


def scores(services: ApiServices, since: int | None, until: int | None, sites: Sites) -> list[Scores]:
    """Return the scores of each engineer within a time (epoch ms). Raises InvalidInput if it ends first."""
    end = until if until is not None else services.clock.now_ms() + 1
    begin = since if since is not None else end - _SCORES_MS
    if begin >= end:
        raise InvalidInput("until: lies before since")
    with services.desk.transaction() as session:
        return scores_of(session, begin, end, sites)

"""On-call duty: who is on call, who takes whose hours, and the plan that says so."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.doors import Acting, PlansDuty, SeesFleet, everywhere
from api.duty_schemas import (
    LONGEST_CALENDAR_MS,
    CalendarItem,
    CalendarQuery,
    CheckedPlan,
    NowItem,
    NowQuery,
    OverrideItem,
    OverrideRequest,
    PlanCheck,
    PlanItem,
    PlanRequest,
    VersionItem,
    WhyRequest,
)
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.queries.duty import calendar_items, now_items, override_item, override_items
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.clock import DAY_MS
from fleet.errors import ConfigError, InvalidInput
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.shifts import DutyVersion, Override
from notify.duty.planning import Hours, mistakes_of
from storage.records.answers import KeptAnswer

router = APIRouter(prefix="/api/v1/duty", tags=["duty"])
_GONE = "There is no such override, or it is of other sites"


@router.get("/now", responses=problems())
def list_on_call(
    services: Services, sites: SeesFleet, query: Annotated[NowQuery, Query()]
) -> ListOf[NowItem]:
    """List who is on call now, or at another moment, in each schedule of your sites; gaps say so."""
    at = services.clock.now_ms() if query.at is None else query.at
    return ListOf(items=now_items(services, at, sites))


@router.get("/calendar", responses=problems())
def show_calendar(
    services: Services, sites: SeesFleet, query: Annotated[CalendarQuery, Query()]
) -> ListOf[CalendarItem]:
    """List who is on call from one time to another, in each schedule of your sites; gaps have no person."""
    begins = services.clock.now_ms() if query.begins is None else query.begins
    ends = begins + 14 * DAY_MS if query.ends is None else query.ends
    if not 0 < ends - begins <= LONGEST_CALENDAR_MS:
        raise InvalidInput("to: allowed: after from, by 93 days at most")
    return ListOf(items=calendar_items(services, begins, ends, sites))


@router.get("/overrides", responses=problems())
def list_overrides(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[OverrideItem]:
    """List the overrides that are not over as planned, in the order of their begin."""
    return ListOf(items=override_items(services, sites))


@router.post(
    "/overrides",
    status_code=201,
    response_model=OverrideItem,
    responses=problems(body="The body cannot be read", not_found="There is no such schedule", conflict=BUSY),
)
def add_override(
    services: Services,
    sites: PlansDuty,
    principal: Acting,
    asked: OverrideRequest,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Let somebody take hours of a schedule. It has to be of your sites alone."""

    def add() -> KeptAnswer:
        hours = Hours(asked.schedule, asked.person, asked.begins, asked.ends)
        made = services.planning.override(hours, principal, asked.reason, sites)
        return KeptAnswer(201, {}, _item(services, made).model_dump_json())

    return once(services, operation_of("duty/overrides", principal, sites), idempotency_key, asked, add)


@router.post(
    "/overrides/{override_id}/end",
    responses=problems(body="The body cannot be read", not_found=_GONE, conflict="It is over already"),
)
def end_override(
    services: Services, sites: PlansDuty, principal: Acting, override_id: RowId, asked: WhyRequest, _: Nothing
) -> OverrideItem:
    """End an override now, or before it begins."""
    return _item(services, services.planning.end(override_id, principal, asked.reason, sites))


@router.get("/plan", responses=problems())
def show_plan(services: Services, sites: PlansDuty, _: Nothing) -> PlanItem:
    """Show the plan in force. It is of the whole installation."""
    everywhere(sites)
    return plan_item(services.planning.newest())


@router.get("/plan/versions", responses=problems())
def list_versions(services: Services, sites: PlansDuty, _: Nothing) -> ListOf[VersionItem]:
    """List the versions of the plan, the newest first; that one is in force."""
    everywhere(sites)
    return ListOf(items=[VersionItem.model_validate(each) for each in services.planning.versions()])


@router.get("/plan/versions/{number}", responses=problems(not_found="There is no such version"))
def show_version(services: Services, sites: PlansDuty, number: RowId, _: Nothing) -> PlanItem:
    """Show one version of the plan."""
    everywhere(sites)
    return plan_item(services.planning.version(number))


@router.post("/plan/check", responses=problems(body="The body cannot be read"))
def check_plan(
    services: Services, sites: PlansDuty, _who: Acting, asked: PlanCheck, _: Nothing
) -> CheckedPlan:
    """Say whether a plan can be used, and name each mistake by its line; nothing is changed."""
    everywhere(sites)
    return checked(services, asked.text)


@router.post(
    "/plan",
    status_code=201,
    responses=problems(body="The body cannot be read", conflict="Another version was applied meanwhile"),
)
def apply_plan(
    services: Services, sites: PlansDuty, principal: Acting, asked: PlanRequest, _: Nothing
) -> PlanItem:
    """Put a plan in force, at once and for every process."""
    return plan_item(apply(services, sites, principal, asked.text, asked.after, asked.reason))


def apply(
    services: ApiServices, sites: Sites, principal: Principal, text: str, after: int, why: str
) -> DutyVersion:
    """Put a plan in force. Raises InvalidInput that names each mistake, Conflict, NotAllowed."""
    everywhere(sites)
    try:
        return services.planning.apply(text, after, principal, why)
    except ConfigError as error:
        raise InvalidInput(str(error)) from error


def checked(services: ApiServices, text: str) -> CheckedPlan:
    """Return whether a plan can be used, and each mistake of it."""
    try:
        services.planning.check(text)
    except ConfigError as error:
        return CheckedPlan(usable=False, mistakes=mistakes_of(error))
    return CheckedPlan(usable=True, mistakes=[])


def plan_item(version: DutyVersion | None) -> PlanItem:
    """Return a version as it is shown; None: none was ever applied."""
    if version is None:
        return PlanItem(number=0, text="", made_at=None, made_by=None, why=None)
    return PlanItem.model_validate(version)


def _item(services: ApiServices, override: Override) -> OverrideItem:
    return override_item(services.duty.roster(override.made_at), override)

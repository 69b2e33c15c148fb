"""Mutes: what would be told of some alerts is held back for a time."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.care_schemas import EndQuery, MuteAsked, MuteItem, MutePreview
from api.doors import Acting, ChangesAlerts, SeesFleet, on_behalf_of
from api.queries.care import check_matcher, mute_seen, mutes_seen
from api.queries.matchers import hints
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.mutes import Mute, Weekly, matcher_of

router = APIRouter(prefix="/api/v1/mutes", tags=["alerts"])
_LISTED, _NAMED = 500, 50


@router.get("", responses=problems())
def list_mutes(services: Services, sites: SeesFleet, _: Nothing) -> ListOf[MuteItem]:
    """List the newest mutes, those that are over included."""
    with services.desk.transaction() as session:
        found = mutes_seen(session, sites, _LISTED)
    return ListOf(items=[_item(services, each) for each in found])


@router.post("", status_code=201, responses=problems(body="The body cannot be read"))
def begin_mute(
    services: Services, sites: ChangesAlerts, principal: Acting, asked: MuteAsked, _: Nothing
) -> MuteItem:
    """Begin a mute. A worker's call for help is hidden by one of that device alone, for an hour at most."""
    mute = asked_mute(services, asked)
    with services.desk.transaction() as session:
        check_matcher(session, mute.matcher, sites)
        odd = hints(services, session, mute.matcher)
    by = on_behalf_of(principal, asked.who)
    made = _item(services, services.care.mute(mute, by, confirmed=asked.confirmed))
    return made.model_copy(update={"hints": odd})


@router.post("/preview", responses=problems(body="The body cannot be read"))
def preview_mute(
    services: Services, sites: ChangesAlerts, _by: Acting, asked: MuteAsked, _: Nothing
) -> MutePreview:
    """Tell what a mute would hide, without beginning it."""
    mute = asked_mute(services, asked)
    with services.desk.transaction() as session:
        check_matcher(session, mute.matcher, sites)
        odd = hints(services, session, mute.matcher)
    found = services.care.preview(mute)
    alerts = [int(case.subject_id) for case in found.cases if case.device_id]
    told = {"open": len(alerts), "alerts": alerts[:_NAMED], "tellings_7d": found.tellings, "hints": odd}
    return MutePreview.model_validate(told | {"matching": found.matching, "begins": found.begins})


@router.delete(
    "/{mute_id}", responses=problems(not_found="There is no such mute", conflict="The mute is over already")
)
def end_mute(
    services: Services,
    sites: ChangesAlerts,
    principal: Acting,
    mute_id: RowId,
    query: Annotated[EndQuery, Query()],
) -> MuteItem:
    """End a mute; what it held back and is still open is told in one piece."""
    with services.desk.transaction() as session:
        check_matcher(session, mute_seen(session, mute_id, sites).matcher, sites)
    return _item(services, services.care.unmute(mute_id, principal, query.reason))


def asked_mute(services: ApiServices, asked: MuteAsked) -> Mute:
    """Return the mute that a request describes."""
    now = services.clock.now_ms()
    weekly = asked.weekly
    return Mute(
        id=0,
        matcher=matcher_of(asked.matcher.model_dump(exclude_none=True)),
        start=now if asked.start is None else asked.start,
        end=asked.end,
        reason=asked.reason,
        who="",
        created_at=now,
        weekly=None if weekly is None else Weekly(tuple(weekly.days), weekly.start, weekly.end, weekly.zone),
        until_resolved=asked.until_resolved,
    )


def _item(services: ApiServices, mute: Mute) -> MuteItem:
    now = services.clock.now_ms()
    return MuteItem.model_validate(_Shown(mute, mute.holds(now)))


class _Shown:
    """A mute as its item reads it."""

    def __init__(self, mute: Mute, holds: bool) -> None:
        self._mute = mute
        self.holds = holds
        self.matcher = mute.matcher.given

    def __getattr__(self, name: str) -> object:
        return getattr(self._mute, name)

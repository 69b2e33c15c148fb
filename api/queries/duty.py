"""What the API and the console say of on-call duty: people go by their names."""

from typing import Any

from api.duty_schemas import CalendarItem, DutyPerson, NowItem, OverrideItem, SpanItem
from api.services import ApiServices
from fleet.grants import Sites
from fleet.shifts import Override
from notify.duty.on_call import calendar_of, now_in
from notify.duty.roster import Roster
from notify.duty.rotation import Held


def now_items(services: ApiServices, at: int, sites: Sites) -> list[NowItem]:
    """Return who is on call at a moment in each schedule of some sites."""
    roster = services.duty.roster(at)
    found = [now_in(roster, each, at) for each in roster.seen(sites)]
    return [
        NowItem(
            schedule=each.schedule.name,
            zone=each.schedule.zone.key,
            until=each.until,
            back=each.back,
            **_held(roster, each.held),
        )
        for each in found
    ]


def calendar_items(services: ApiServices, begins: int, ends: int, sites: Sites) -> list[CalendarItem]:
    """Return who is on call over a time in each schedule of some sites."""
    roster = services.duty.roster(begins)
    found = [calendar_of(roster, each, begins, ends) for each in roster.seen(sites)]
    return [
        CalendarItem(
            schedule=each.schedule.name,
            zone=each.schedule.zone.key,
            spans=[
                SpanItem(begins=span.begins, ends=span.ends, **_held(roster, span.held))
                for span in each.spans
            ],
        )
        for each in found
    ]


def override_items(services: ApiServices, sites: Sites) -> list[OverrideItem]:
    """Return the overrides of some sites' schedules that are not over as planned, in order of their begin."""
    roster = services.duty.roster(services.clock.now_ms())
    seen = {each.name for each in roster.seen(sites)}
    found = sorted(roster.overrides, key=lambda each: (each.begins, each.id))
    return [override_item(roster, each) for each in found if each.schedule in seen]


def override_item(roster: Roster, override: Override) -> OverrideItem:
    """Return an override, its person by name."""
    return OverrideItem(
        id=override.id,
        schedule=override.schedule,
        person=_person(roster, override.person),
        begins=override.begins,
        ends=override.ends,
        made_at=override.made_at,
        made_by=override.made_by,
        why=override.why,
        ended_at=override.ended_at,
    )


def _held(roster: Roster, held: Held) -> dict[str, Any]:
    people = {"person": _person(roster, held.person), "missing": _person(roster, held.missing)}
    return people | {"why": held.why, "by": held.by}


def _person(roster: Roster, email: str | None) -> DutyPerson | None:
    person = roster.people.get(email or "")
    return None if person is None else DutyPerson(id=person.id, name=person.name)

"""What a plan names is looked up at the desk: people, sites, regions, destinations."""

from collections.abc import Collection, Iterator

from sqlalchemy.orm import Session

from fleet.duty import TargetKind
from fleet.text import near, quoted
from notify.duty.plan import ChainShape, Plan, Schedule, targets_of
from storage.records.people import able_by_email
from storage.records.sites import all_sites

Loc = tuple[str | int, ...]


def unknown_names(session: Session, plan: Plan, destinations: Collection[str]) -> Iterator[tuple[Loc, str]]:
    """Yield the place in the plan, and the words, of each name that stands for nothing."""
    named = dict(_people_of(plan))
    able = able_by_email(session, named.values())
    for loc, email in named.items():
        if email not in able:
            yield loc, f"nobody with the address {quoted(email)} may sign in"
    sites = all_sites(session)
    ids, regions = [each.id for each in sites], sorted({each.region for each in sites if each.region})
    for loc, place in _places_of(plan):
        known = ids if loc[2] == "sites" else regions
        if place not in known:
            yield loc, f"no {str(loc[2])[:-1]} {quoted(place)} is known{near(place, known)}"
    yield from _unknown_destinations(plan, destinations)


def _people_of(plan: Plan) -> Iterator[tuple[Loc, str]]:
    for number, schedule in enumerate(plan.schedules):
        for place, layer in enumerate(schedule.layers):
            for which, email in enumerate(layer.people):
                yield ("schedules", number, "layers", place, "people", which), email
    for loc, target in targets_of(plan):
        if target.kind is TargetKind.PERSON:
            yield loc, target.name


def _places_of(plan: Plan) -> Iterator[tuple[Loc, str]]:
    listed: dict[str, tuple[Schedule | ChainShape, ...]]
    listed = {"schedules": plan.schedules, "chains": plan.chains}
    for kind, each_of in listed.items():
        for number, each in enumerate(each_of):
            for which, site in enumerate(each.sites):
                yield (kind, number, "sites", which), site
            for which, region in enumerate(each.regions):
                yield (kind, number, "regions", which), region


def _unknown_destinations(plan: Plan, known: Collection[str]) -> Iterator[tuple[Loc, str]]:
    for loc, target in targets_of(plan):
        if target.kind is TargetKind.DESTINATION and target.name not in known:
            allowed = ", ".join(sorted(known)) or "none, there are no destinations"
            yield loc, f"no destination {quoted(target.name)}; allowed: {allowed}{near(target.name, known)}"

"""Incidents: opened on evidence, joined while they last, and closed when their members are over."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy.orm import Session

from alerts.care.evidence import (
    LEAST_MEMBERS,
    WIDE,
    WINDOW_MS,
    Cause,
    causes,
    contains,
)
from alerts.care.stages import SETTLE_MS, SETTLING, worse
from alerts.care.teller import BY, Teller
from fleet.alerts import AlertState
from fleet.care import Case, Group, GroupKind, Incident, Place, is_safety
from fleet.clock import DAY_MS
from fleet.events import Subject
from fleet.faults import Level
from storage.records.care import (
    Cell,
    Members,
    add_case,
    case_of,
    count_alone,
    count_members,
    fleet_by_place,
    fresh_by_place,
    highest_level,
    join_incident,
    members_of,
    move_members,
    rules_of,
    stand_alone,
)
from storage.records.incidents import (
    insert_incident,
    last_incident,
    move_incident,
    note_members,
    open_incidents,
)

USUAL_DAYS = 30
_USUAL_MS = USUAL_DAYS * DAY_MS


def gather(session: Session, teller: Teller, now: int) -> None:
    """Let what many have at once be incidents: open, join, close."""
    standing = open_incidents(session)
    for incident in standing:
        join_incident(
            session, incident.id, incident.fault, incident.group, incident.opened_at - WINDOW_MS, told=False
        )
    cells = fresh_by_place(session, now - WINDOW_MS)
    for fault, kind in sorted({(fault, kind) for fault, kind, *_ in cells}):
        if not is_safety(fault):
            _look(session, teller, [cell for cell in cells if cell[:2] == (fault, kind)], standing, now)
    _look_after(session, teller, now)


def _look(
    session: Session, teller: Teller, cells: Sequence[Cell], standing: Sequence[Incident], now: int
) -> None:
    """Open incidents for one fault of one kind of device, where there is evidence."""
    fault, kind = cells[0][:2]
    mine = [each for each in standing if each.fault == fault]
    # What just became part of a narrow incident may turn out to be part of a wider one.
    young = {each.id for each in mine if each.group.kind not in WIDE and each.opened_at >= now - WINDOW_MS}
    counts = [(place, count) for *_, place, part, count in cells if part is None or part in young]
    if sum(count for _, count in counts) < LEAST_MEMBERS:
        return
    fleet = fleet_by_place(session, kind)
    devices = max(1, sum(count for _, count in fleet))
    alone = count_alone(session, fault, now - _USUAL_MS, now - WINDOW_MS)
    rate = min(0.5, (alone + 1) / (devices * (_USUAL_MS / WINDOW_MS)))
    of_places = any(each in teller.absence for each in rules_of(session, fault, now - WINDOW_MS))
    free = [(place, count) for *_, place, part, count in cells if part is None]
    for cause in causes(counts, fleet, rate, of_places=of_places):
        if all(each.group != cause.group for each in mine) and _has_members(cause.group, free):
            _open(session, teller, fault, cause, rate, mine, fleet, now)


def _has_members(group: Group, free: Sequence[tuple[Place, int]]) -> bool:
    """Tell whether enough would be part of an incident: a narrow one takes nothing from another."""
    own = sum(count for place, count in free if contains(group, place))
    return group.kind in WIDE or own >= LEAST_MEMBERS


def _open(
    session: Session,
    teller: Teller,
    fault: str,
    cause: Cause,
    rate: float,
    standing: Sequence[Incident],
    fleet: Sequence[tuple[Place, int]],
    now: int,
) -> None:
    before = last_incident(session, fault, cause.group)
    again = before is not None and before.closed_at is not None and before.closed_at >= now - DAY_MS
    reason = f"recurrence_of:{before.id}" if before is not None and again else f"many_at_once:{cause.group}"
    evidence = {"affected": cause.affected, "devices": cause.devices, "chance": cause.chance, "usual": rate}
    opened = Incident(0, cause.group, fault, Level.L3, AlertState.FIRING, now, reason[:128], 0, 0, evidence)
    number = insert_incident(session, opened, BY)
    if number is None:
        return  # another process was first
    _absorb(session, teller, number, cause.group, standing, fleet, now)
    join_incident(session, number, fault, cause.group, now - WINDOW_MS, told=True)
    members = members_of(session, number, 1)
    case = Case(
        subject=Subject.INCIDENT,
        subject_id=str(number),
        device_id="",
        fault=fault,
        rule="",
        level=highest_level(session, number),
        place=_place_of(cause.group, members),
        since=min((each.since for each in members), default=now),
        raised_at=now,
        next_at=now + SETTLE_MS,
        reason=SETTLING,
    )
    add_case(session, case)


def _absorb(
    session: Session,
    teller: Teller,
    number: int,
    group: Group,
    standing: Sequence[Incident],
    fleet: Sequence[tuple[Place, int]],
    now: int,
) -> None:
    """Let a wide incident take over the narrow ones that turn out to be parts of it."""
    if group.kind not in WIDE:
        return
    inside = {one for place, _ in fleet if contains(group, place) for one in (place.site, place.model)}
    inside |= {place.firmware for place, _ in fleet if contains(group, place)}
    narrow = [
        each
        for each in standing
        if each.group.kind not in WIDE and each.opened_at >= now - WINDOW_MS and each.group.name in inside
    ]
    if not narrow:
        return
    move_members(session, [each.id for each in narrow], number)
    for each in narrow:
        _close(session, teller, each, f"part_of:{number}", now)


def _place_of(group: Group, members: Sequence[Case]) -> Place:
    """Return what an incident belongs to: a site with its region and customer, else the group alone."""
    if group.kind is GroupKind.SITE and members:
        return replace(members[0].place, kind="", model="", firmware="")
    return Place() if group.kind is GroupKind.FLEET else Place(**{str(group.kind): group.name})


def _look_after(session: Session, teller: Teller, now: int) -> None:
    """Keep how many members each open incident has, and close those that are over."""
    standing = open_incidents(session)
    counted = count_members(session, [each.id for each in standing])
    for incident in standing:
        members = counted.get(incident.id, Members(0, 0, 0, 0))
        level = highest_level(session, incident.id)
        if (incident.members, incident.open, incident.level) != (members.ever, members.open, level):
            note_members(session, incident.id, level, members.ever, members.open)
        if members.open and level < incident.level:  # "L1" is worse than "L2"
            _tell_worse(session, teller, incident.id, level, now)
        if members.open == 0:
            _close(session, teller, incident, "members_resolved", now)
        elif _is_outlived(members, now):
            _close(session, teller, incident, f"outlived_by:{members.open}", now)
            stand_alone(session, incident.id, now)


def _tell_worse(session: Session, teller: Teller, number: int, level: Level, now: int) -> None:
    """Tell that an incident got worse, somebody may take care of it or not: they do not know that."""
    case = case_of(session, Subject.INCIDENT, str(number))
    if case is None or case.closed_at is not None or case.level <= level:
        return
    case = replace(case, level=level)
    if case.told_at is None:
        teller.keep(session, case, case)
    else:
        teller.attempt(session, case, now, worse(case, teller.chain(case), now))


def _is_outlived(members: Members, now: int) -> bool:
    """Tell whether so few are left, for so long, that what is wrong with them is their own."""
    few = members.open < LEAST_MEMBERS and 2 * members.open < members.ever
    return few and max(members.closed_at, members.raised_at) <= now - WINDOW_MS


def _close(session: Session, teller: Teller, incident: Incident, reason: str, now: int) -> None:
    if not move_incident(session, incident, AlertState.RESOLVED, BY, now, reason):
        return
    case = case_of(session, Subject.INCIDENT, str(incident.id))
    if case is not None and case.closed_at is None:
        teller.end(session, case, reason, now)

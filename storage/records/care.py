"""What is cared for: one row an alert or incident that somebody is, or is to be, told of.

Callers bring the transaction. Of several that change a row at once one does: each names the version it saw.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CursorResult,
    Index,
    String,
    Update,
    and_,
    cast,
    delete,
    exists,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy import case as when
from sqlalchemy.orm import InstrumentedAttribute, Mapped, Session, aliased, mapped_column

from fleet.alerts import AlertState
from fleet.care import NOWHERE, Case, Group, GroupKind, Place
from fleet.events import Subject
from fleet.faults import Level
from fleet.mutes import Matcher, Mute, is_pattern
from storage.records.alerts import AlertRow
from storage.records.base import Base
from storage.records.devices import Device
from storage.records.sites import SiteRow
from storage.records.upsert import insert_into


class CareRow(Base):
    """An alert or an incident that is cared for (fleet.care.Case)."""

    __tablename__ = "care"

    subject: Mapped[str] = mapped_column(String(16), primary_key=True)
    subject_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    fault: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    kind: Mapped[str] = mapped_column(String(16))
    site: Mapped[str] = mapped_column(String(64))
    region: Mapped[str] = mapped_column(String(64))
    customer: Mapped[str] = mapped_column(String(64))
    model: Mapped[str] = mapped_column(String(64))
    firmware: Mapped[str] = mapped_column(String(64))
    since: Mapped[int]
    raised_at: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    told_at: Mapped[int | None]
    step: Mapped[int]
    tellings: Mapped[int]
    next_at: Mapped[int | None]
    ack_until: Mapped[int | None]
    held_by: Mapped[str | None] = mapped_column(String(80))
    incident: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(128))
    event: Mapped[int]
    version: Mapped[int]
    closed_at: Mapped[int | None]

    __table_args__ = (
        Index(
            "ix_care_next_at",
            "next_at",
            sqlite_where=text("next_at IS NOT NULL"),
            postgresql_where=text("next_at IS NOT NULL"),
        ),
        Index("ix_care_raised", "fault", "raised_at"),
        Index(
            "ix_care_incident",
            "incident",
            sqlite_where=text("incident IS NOT NULL"),
            postgresql_where=text("incident IS NOT NULL"),
        ),
        Index(
            "ix_care_held",
            "held_by",
            sqlite_where=text("held_by IS NOT NULL"),
            postgresql_where=text("held_by IS NOT NULL"),
        ),
        Index(
            "ix_care_open",
            "fault",
            "state",
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
    )


PLACE = ("kind", "site", "region", "customer", "model", "firmware")
_PLAIN = (
    *("device_id", "fault", "rule", "since", "raised_at", "told_at", "step", "tellings", "next_at"),
    *("ack_until", "held_by", "incident", "reason", "event", "version", "closed_at"),
)
IS_OPEN = CareRow.closed_at.is_(None)
OF_ALERT = CareRow.subject == Subject.ALERT
_FRESH = {"populate_existing": True}
_IN_BULK = {"synchronize_session": False}


def to_case(row: CareRow) -> Case:
    """Return a stored row as the value that stages exchange."""
    return Case(
        subject=Subject(row.subject),
        subject_id=row.subject_id,
        level=Level(row.level),
        state=AlertState(row.state),
        place=Place(*(getattr(row, name) for name in PLACE)),
        **{name: getattr(row, name) for name in _PLAIN},
    )


def _columns(case: Case) -> dict[str, Any]:
    plain = {name: getattr(case, name) for name in _PLAIN}
    place = {name: getattr(case.place, name) for name in PLACE}
    state = {"subject": case.subject, "subject_id": case.subject_id, "level": case.level, "state": case.state}
    return plain | place | state


def case_of(session: Session, subject: Subject, subject_id: str) -> Case | None:
    """Return what is known of the care for an alert or an incident, if there is any."""
    row = session.get(CareRow, (subject, subject_id), populate_existing=True)
    return None if row is None else to_case(row)


def cases_of(session: Session, subject: Subject, ids: Collection[str]) -> dict[str, Case]:
    """Return the care for some alerts or incidents, by id; at most a page of them."""
    wanted = select(CareRow).where(CareRow.subject == subject, CareRow.subject_id.in_(ids))
    return {row.subject_id: to_case(row) for row in session.scalars(wanted, execution_options=_FRESH)}


def add_case(session: Session, case: Case) -> bool:
    """Begin to care; False where somebody did already."""
    made = insert_into(session, CareRow).values(_columns(case)).on_conflict_do_nothing()
    return session.scalars(made.returning(CareRow.subject_id)).one_or_none() is not None


def change_case(session: Session, before: Case, after: Case) -> bool:
    """Put `after` in place of `before`; False where it was changed by somebody else meanwhile."""
    changed = replace(after, version=before.version + 1)
    statement = (
        update(CareRow)
        .where(
            CareRow.subject == before.subject,
            CareRow.subject_id == before.subject_id,
            CareRow.version == before.version,
        )
        .values(_columns(changed))
    )
    return _rows(session, statement) == 1


def _rows(session: Session, statement: Update) -> int:
    result = session.execute(statement, execution_options=_IN_BULK)
    assert isinstance(result, CursorResult)
    return result.rowcount


def due_cases(session: Session, now: int, limit: int) -> list[Case]:
    """Return what is due, the longest due first."""
    wanted = select(CareRow).where(CareRow.next_at.is_not(None), CareRow.next_at <= now)
    ordered = wanted.order_by(CareRow.next_at, CareRow.subject, CareRow.subject_id).limit(limit)
    return [to_case(row) for row in session.scalars(ordered, execution_options=_FRESH)]


def held_cases(session: Session, held_by: str, due: int | None = None) -> list[Case]:
    """Return the open cases that something holds back; `due`: only those due at or before it."""
    wanted = select(CareRow).where(IS_OPEN, CareRow.held_by == held_by)
    if due is not None:
        wanted = wanted.where(CareRow.next_at <= due)
    ordered = wanted.order_by(CareRow.raised_at, CareRow.subject_id)
    return [to_case(row) for row in session.scalars(ordered, execution_options=_FRESH)]


def release(session: Session, held_by: str, now: int) -> int:
    """Let what something held back be decided anew, now; return how many cases that are."""
    free = update(CareRow).where(IS_OPEN, CareRow.held_by == held_by)
    return _rows(session, free.values(held_by=None, next_at=now, version=CareRow.version + 1))


def place_in_care(session: Session, device_id: str) -> Place:
    """Return what a device belongs to."""
    found = session.execute(
        select(Device.kind, Device.site, SiteRow.region, SiteRow.customer, Device.model, Device.firmware)
        .outerjoin(SiteRow, SiteRow.id == Device.site)
        .where(Device.id == device_id)
    ).one_or_none()
    return NOWHERE if found is None else Place(*(part or "" for part in found))


def open_cases(session: Session, matcher: Matcher) -> list[Case]:
    """Return the open cases of a matcher, the newest first."""
    wanted = (
        select(CareRow)
        .where(IS_OPEN, *_matching(matcher))
        .order_by(CareRow.raised_at.desc(), CareRow.subject_id)
    )
    found = (to_case(row) for row in session.scalars(wanted, execution_options=_FRESH))
    return [case for case in found if matcher.matches(case)]


def told_since(session: Session, matcher: Matcher, since: int) -> list[Case]:
    """Return what a matcher is about and of which people were first told since a time (epoch ms)."""
    wanted = select(CareRow).where(CareRow.told_at >= since, *_matching(matcher))
    found = (to_case(row) for row in session.scalars(wanted, execution_options=_FRESH))
    return [case for case in found if matcher.matches(case)]


def _matching(matcher: Matcher) -> list[ColumnElement[bool]]:
    """Return what narrows rows down to a matcher's; SQLite compares patterns without regard to case."""
    names = {"device": "device_id"}
    return [_fitting(getattr(CareRow, names.get(name, name)), part) for name, part in matcher.given.items()]


def _fitting(column: InstrumentedAttribute[str], part: str) -> ColumnElement[bool]:
    if not is_pattern(part):
        return column == part
    plain = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return column.like(plain.replace("*", "%"), escape="\\")


def forget_cases(session: Session, before: int) -> None:
    """Forget what has been over since before a time (epoch ms)."""
    session.execute(delete(CareRow).where(CareRow.closed_at < before), execution_options=_IN_BULK)


# What follows is about many at once: a storm is thousands of alerts within seconds.


def adopt(session: Session, rules: Collection[str], since: int, due_after: int) -> int:
    """Begin to care for every firing alert of some rules that nobody cares for yet; return how many.

    Those that changed at or after `since` (epoch ms); each is due `due_after` ms after it fired.
    """
    known = aliased(CareRow)
    number = cast(AlertRow.id, String(64))
    cared = exists().where(known.subject == Subject.ALERT, known.subject_id == number)
    wanted = (
        select(
            literal(str(Subject.ALERT)),
            number,
            *(AlertRow.device_id, AlertRow.fault, AlertRow.rule, AlertRow.level),
            *(func.coalesce(column, "") for column in (Device.kind, Device.site)),
            *(func.coalesce(column, "") for column in (SiteRow.region, SiteRow.customer)),
            *(func.coalesce(column, "") for column in (Device.model, Device.firmware)),
            *(AlertRow.since, AlertRow.updated, AlertRow.state),
            *(literal(-1), literal(0), AlertRow.updated + due_after),
            *(literal("settling"), literal(0), literal(0)),
        )
        .outerjoin(Device, Device.id == AlertRow.device_id)
        .outerjoin(SiteRow, SiteRow.id == Device.site)
        .where(
            AlertRow.state == AlertState.FIRING,
            AlertRow.rule.in_(rules),
            AlertRow.updated >= since,
            ~cared,
        )
    )
    names = (
        *("subject", "subject_id", "device_id", "fault", "rule", "level", *PLACE, "since", "raised_at"),
        *("state", "step", "tellings", "next_at", "reason", "event", "version"),
    )
    made = insert_into(session, CareRow).from_select(names, wanted).on_conflict_do_nothing()
    result = session.execute(made)
    assert isinstance(result, CursorResult)
    return max(result.rowcount, 0)


def _alert_is_over() -> ColumnElement[bool]:
    # The number is made of the care's text, not the text of the alert's number: that finds it by its key.
    number = cast(CareRow.subject_id, BigInteger)
    return exists().where(AlertRow.id == number, AlertRow.state == AlertState.RESOLVED)


def close_untold(session: Session, rules: Collection[str], now: int) -> int:
    """Note that alerts of some rules are over of which nobody was told; return how many."""
    statement = (
        update(CareRow)
        .where(IS_OPEN, OF_ALERT, CareRow.rule.in_(rules), CareRow.told_at.is_(None), _alert_is_over())
        .values(
            closed_at=now,
            next_at=None,
            held_by=None,
            state=AlertState.RESOLVED,
            version=CareRow.version + 1,
        )
    )
    return _rows(session, statement)


def over_though_told(session: Session, rules: Collection[str], limit: int) -> list[str]:
    """Return the ids of alerts of some rules that are over, and of which somebody was told."""
    wanted = select(CareRow.subject_id).where(
        IS_OPEN, OF_ALERT, CareRow.rule.in_(rules), CareRow.told_at.is_not(None), _alert_is_over()
    )
    return list(session.scalars(wanted.limit(limit)))


def free_devices_heard(session: Session, now: int) -> int:
    """Let alerts that an absence hid be decided anew where that absence is over; return how many."""
    absent = aliased(CareRow)
    still = exists().where(
        absent.subject == Subject.ALERT,
        absent.subject_id == func.substr(CareRow.held_by, len("alert:") + 1),
        absent.closed_at.is_(None),
    )
    statement = update(CareRow).where(IS_OPEN, CareRow.held_by.like("alert:%"), ~still)
    return _rows(session, statement.values(held_by=None, next_at=now, version=CareRow.version + 1))


def is_member(alert_id: InstrumentedAttribute[int]) -> ColumnElement[bool]:
    """Return what is true of alerts that are part of an incident."""
    mine = CareRow.subject_id == cast(alert_id, String(64))
    return exists().where(OF_ALERT, mine, CareRow.incident.is_not(None))


def group_is(group: Group) -> ColumnElement[bool]:
    """Return what is true of the rows of a group's devices."""
    if group.kind is GroupKind.FLEET:
        return CareRow.site != ""
    column: ColumnElement[str] = getattr(CareRow, group.kind)
    return column == group.name


def count_in_crowd(session: Session, case: Case, since: int, at_most: int) -> tuple[int, int]:
    """Return how many alerts of the same fault were raised since a time: at the same site, and anywhere.

    Neither is counted beyond `at_most`.
    """
    same = and_(OF_ALERT, CareRow.fault == case.fault, CareRow.raised_at >= since)
    anywhere = select(CareRow.site).where(same).limit(at_most).subquery()
    here = select(CareRow.site).where(same, CareRow.site == case.place.site).limit(at_most).subquery()
    counted = (session.scalar(select(func.count()).select_from(each)) for each in (here, anywhere))
    at_site, everywhere = (each or 0 for each in counted)
    return at_site, everywhere


Cell = tuple[str, str, Place, int | None, int]
"""A fault, a kind's place without customer, the incident that has them, and how many alerts there are."""


def fresh_by_place(session: Session, since: int) -> list[Cell]:
    """Count the open alerts raised since a time (epoch ms), by fault and what their devices belong to."""
    columns = (CareRow.kind, CareRow.site, CareRow.region, CareRow.model, CareRow.firmware)
    counted = (
        select(CareRow.fault, *columns, CareRow.incident, func.count())
        .where(IS_OPEN, OF_ALERT, CareRow.raised_at >= since, CareRow.site != "")
        .group_by(CareRow.fault, *columns, CareRow.incident)
    )
    return [
        (fault, kind, Place(kind, site, region, "", model, firmware), incident, count)
        for fault, kind, site, region, model, firmware, incident, count in session.execute(counted)
    ]


def fleet_by_place(session: Session, kind: str) -> list[tuple[Place, int]]:
    """Count the devices of a kind by what they belong to."""
    region, firmware = func.coalesce(SiteRow.region, ""), func.coalesce(Device.firmware, "")
    counted = (
        select(Device.site, region, Device.model, firmware, func.count())
        .outerjoin(SiteRow, SiteRow.id == Device.site)
        .where(Device.kind == kind)
        .group_by(Device.site, region, Device.model, firmware)
    )
    return [
        (Place(kind, site, of_region, "", model, of_firmware), count)
        for site, of_region, model, of_firmware, count in session.execute(counted)
    ]


def count_alone(session: Session, fault: str, start: int, end: int) -> int:
    """Count the alerts of a fault raised in a time that were part of no incident."""
    wanted = (
        select(func.count())
        .select_from(CareRow)
        .where(
            OF_ALERT,
            CareRow.fault == fault,
            CareRow.raised_at >= start,
            CareRow.raised_at < end,
            CareRow.incident.is_(None),
        )
    )
    return session.scalar(wanted) or 0


def join_incident(session: Session, incident: int, fault: str, group: Group, since: int, told: bool) -> int:
    """Make members of the open alerts of a fault in a group raised since a time; return how many.

    What somebody takes care of already stays alone; so does what was told, unless `told`.
    """
    statement = update(CareRow).where(
        *(IS_OPEN, OF_ALERT, CareRow.fault == fault, CareRow.raised_at >= since, group_is(group)),
        *(CareRow.incident.is_(None), CareRow.state == AlertState.FIRING),
    )
    if not told:
        statement = statement.where(CareRow.told_at.is_(None))
    return _rows(session, statement.values(_membership(incident)))


def move_members(session: Session, narrow: Sequence[int], incident: int) -> int:
    """Make the open members of some incidents members of another one."""
    statement = update(CareRow).where(IS_OPEN, OF_ALERT, CareRow.incident.in_(narrow))
    return _rows(session, statement.values(_membership(incident)))


def _membership(incident: int) -> dict[str, Any]:
    return {
        "incident": incident,
        "held_by": None,
        "next_at": None,
        "reason": f"member_of:{incident}",
        "version": CareRow.version + 1,
    }


class Members(NamedTuple):
    """Members of an incident: how many are open, how many there were; when the last was raised, and over."""

    open: int
    ever: int
    raised_at: int
    closed_at: int


def members_of(session: Session, incident: int, limit: int, *, open_only: bool = False) -> list[Case]:
    """Return members of an incident, the first raised first."""
    wanted = select(CareRow).where(OF_ALERT, CareRow.incident == incident)
    if open_only:
        wanted = wanted.where(IS_OPEN)
    ordered = wanted.order_by(CareRow.raised_at, CareRow.subject_id).limit(limit)
    return [to_case(row) for row in session.scalars(ordered, execution_options=_FRESH)]


def count_members(session: Session, incidents: Collection[int]) -> dict[int, Members]:
    """Return for some incidents how their members stand; those without any are left out."""
    counted = (
        select(
            CareRow.incident,
            func.sum(when((IS_OPEN, 1), else_=0)),
            func.count(),
            func.max(CareRow.raised_at),
            func.coalesce(func.max(CareRow.closed_at), 0),
        )
        .where(OF_ALERT, CareRow.incident.in_(incidents))
        .group_by(CareRow.incident)
    )
    return {row[0]: Members(int(row[1]), row[2], row[3], row[4]) for row in session.execute(counted)}


def stand_alone(session: Session, incident: int, now: int) -> int:
    """Let the open members of an incident stand alone again: each is decided anew, now."""
    statement = update(CareRow).where(IS_OPEN, OF_ALERT, CareRow.incident == incident)
    freed = {"incident": None, "held_by": None, "next_at": now, "reason": f"outlived:{incident}"}
    return _rows(session, statement.values(freed | {"version": CareRow.version + 1}))


def highest_level(session: Session, incident: int) -> Level:
    """Return the worst level of an incident's members."""
    worst = session.scalar(select(func.min(CareRow.level)).where(OF_ALERT, CareRow.incident == incident))
    return Level(worst or Level.L3)


def rules_of(session: Session, fault: str, since: int) -> list[str]:
    """Return the rules that raised alerts of a fault since a time (epoch ms)."""
    wanted = select(CareRow.rule).where(OF_ALERT, CareRow.fault == fault, CareRow.raised_at >= since)
    return list(session.scalars(wanted.distinct()))


def matching_open(session: Session, mute: Mute) -> bool:
    """Tell whether an alert or incident is open that a mute hides."""
    return any(mute.hides(case) for case in open_cases(session, mute.matcher))

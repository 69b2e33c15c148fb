"""Cases and what they suspect, as frozen values in and out; callers bring the transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Computed,
    CursorResult,
    ForeignKey,
    Index,
    Row,
    String,
    UniqueConstraint,
    bindparam,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.complaints import Complaint
from fleet.errors import NotFound, Outdated
from fleet.faults import Level
from fleet.grants import Sites
from fleet.tickets import (
    CLOSED_STATES,
    Span,
    Suspicion,
    SuspicionState,
    Ticket,
    TicketKind,
    TicketOrigin,
    TicketState,
)
from fleet.upkeep import Upkeep
from storage.records.base import Base, Number
from storage.records.complaints import complaints_of, write_complaint
from storage.records.maintenance_tickets import upkeeps_of, write_upkeep
from storage.records.parts import parts_of
from storage.records.within import at_sites

_OPEN_REPAIR = text("kind = 'repair' AND state NOT IN ('confirmed', 'cancelled')")
_OPEN_SAFETY = text("kind = 'safety' AND state NOT IN ('closed', 'cancelled')")

# The deadline of the next milestone that is still to be reached; none is left on a closed ticket. A generated
# column, so that a list sorted by it needs no second truth beside the milestones.
_NEXT_DUE = """CASE
    WHEN state IN ('confirmed', 'cancelled', 'closed', 'reviewed') THEN NULL
    WHEN responded_at IS NULL THEN respond_due
    WHEN on_site_due IS NOT NULL AND on_site_at IS NULL AND solved_at IS NULL THEN on_site_due
    WHEN plan_due IS NOT NULL AND planned_at IS NULL AND solved_at IS NULL THEN plan_due
    WHEN solved_at IS NULL THEN solve_due
END"""


class TicketRow(Base):
    """A ticket (fleet.tickets.Ticket). The database itself allows one open repair per device."""

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    site: Mapped[str] = mapped_column(String(64))
    fault: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    origin: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    opened_at: Mapped[int]
    respond_due: Mapped[int]
    on_site_due: Mapped[int | None]
    solve_due: Mapped[int | None]
    responded_at: Mapped[int | None]
    on_site_at: Mapped[int | None]
    solved_at: Mapped[int | None]
    planned_at: Mapped[int | None]
    plan_due: Mapped[int | None]
    owner: Mapped[str] = mapped_column(String(64), default="", server_default="")
    owner_name: Mapped[str] = mapped_column(String(64), default="", server_default="")
    close_asked_at: Mapped[int | None]
    merged_into: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    version: Mapped[int] = mapped_column(default=1)
    due: Mapped[int | None] = mapped_column(Computed(_NEXT_DUE, persisted=True))

    __table_args__ = (
        CheckConstraint("origin IN ('proactive', 'reported')", name="ck_ticket_origin"),
        Index(
            "uq_ticket_open_repair",
            "device_id",
            unique=True,
            sqlite_where=_OPEN_REPAIR,
            postgresql_where=_OPEN_REPAIR,
        ),
        Index(
            "uq_ticket_open_safety",
            "device_id",
            unique=True,
            sqlite_where=_OPEN_SAFETY,
            postgresql_where=_OPEN_SAFETY,
        ),
        Index("ix_ticket_state", "state", "opened_at"),
        Index("ix_ticket_due", "due", "id"),
    )


class SuspicionRow(Base):
    """A fault that a case suspects (fleet.tickets.Suspicion), once in each case."""

    __tablename__ = "suspicion"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    fault: Mapped[str] = mapped_column(String(64), index=True)
    level: Mapped[str] = mapped_column(String(2))
    part: Mapped[str | None] = mapped_column(String(64))
    skill: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[int]
    ended_at: Mapped[int | None]
    evidence: Mapped[dict[str, Any]]

    __table_args__ = (UniqueConstraint("ticket_id", "fault"),)


class SpanRow(Base):
    """A span of a case (fleet.tickets.Span); `number` counts them from 0."""

    __tablename__ = "ticket_span"

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True, autoincrement=False)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    begins: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    level: Mapped[str] = mapped_column(String(2))


class SuspicionAlert(Base):
    """Which suspicion an alert raised: an alert belongs to one case for ever."""

    __tablename__ = "suspicion_alert"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), primary_key=True, autoincrement=False)
    suspicion_id: Mapped[int] = mapped_column(ForeignKey("suspicion.id"), index=True)


_CASE = select(TicketRow.__table__).where(TicketRow.id == bindparam("id"))
_SPANS = (
    select(SpanRow.ticket_id, SpanRow.begins, SpanRow.state, SpanRow.level)
    .where(SpanRow.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(SpanRow.ticket_id, SpanRow.number)
)
"""What every read of a case asks is made once: to make a statement costs as much as to run it."""
_SUSPECTED = (
    select(SuspicionRow.__table__, SuspicionAlert.alert_id)
    .outerjoin(SuspicionAlert, SuspicionAlert.suspicion_id == SuspicionRow.id)
    .where(SuspicionRow.ticket_id.in_(bindparam("ids", expanding=True)))
    .order_by(SuspicionRow.id, SuspicionAlert.alert_id)
)
"""What cases suspect, a row for each alert behind it, or one with none."""
STATES = {str(state): state for state in TicketState}
LEVELS = {str(level): level for level in Level}
"""Both are looked up: spans are asked for of 100,000 cases."""
_TICKET_COLUMNS = tuple(
    name
    for name in TicketRow.__table__.columns.keys()  # noqa: SIM118 - a collection of columns, not a dict
    if name not in ("id", "due", "version")
)
_SUSPICION_COLUMNS = ("fault", "level", "part", "skill", "state", "since", "ended_at", "evidence")


def ticket(session: Session, ticket_id: int, sites: Sites = None) -> Ticket:
    """Return a ticket. Raises NotFound, where it is of none of these sites as well."""
    # Nothing is written but by statements, so a row by the connection is as fresh as one of the session's.
    found = session.connection().execute(_CASE, {"id": ticket_id}) if 0 < ticket_id < 2**63 else None
    row = None if found is None else found.one_or_none()
    if row is None or (sites is not None and row.site not in sites):
        raise NotFound(f"there is no ticket {ticket_id}")
    return to_tickets(session, [row])[0]


def ticket_of_alert(session: Session, alert_id: int) -> Ticket | None:
    """Return the case that took an alert."""
    found = session.scalar(
        select(SuspicionRow.ticket_id)
        .join(SuspicionAlert, SuspicionAlert.suspicion_id == SuspicionRow.id)
        .where(SuspicionAlert.alert_id == alert_id)
    )
    return None if found is None else ticket(session, found)


def sought_in_vain(session: Session, ticket_id: int) -> set[str]:
    """Return the alerts of what a visit looked for and did not find."""
    found = session.scalars(
        select(SuspicionAlert.alert_id)
        .join(SuspicionRow, SuspicionAlert.suspicion_id == SuspicionRow.id)
        .join(TicketRow, SuspicionRow.ticket_id == TicketRow.id)
        .where(
            TicketRow.id == ticket_id,
            TicketRow.on_site_at.is_not(None),
            SuspicionRow.state == SuspicionState.REFUTED,
        )
    )
    return {str(alert_id) for alert_id in found}


def open_case_of(session: Session, device_id: str, kind: TicketKind = TicketKind.REPAIR) -> Ticket | None:
    """Return the open case of a device, of a kind of which the database allows one."""
    found = session.scalar(
        select(TicketRow.id).where(
            TicketRow.device_id == device_id,
            TicketRow.kind == kind,
            TicketRow.state.not_in(CLOSED_STATES),
        )
    )
    return None if found is None else ticket(session, found)


def asking_to_close(session: Session, asked_before: int) -> list[int]:
    """Return the ids of open tickets that asked to be closed at or before a time (epoch ms)."""
    wanted = select(TicketRow.id).where(
        TicketRow.state.not_in(CLOSED_STATES), TicketRow.close_asked_at <= asked_before
    )
    return list(session.scalars(wanted.order_by(TicketRow.id)))


def insert_ticket(session: Session, new: Ticket) -> Ticket:
    """Store a new ticket with its suspicions and return it with its ids."""
    values = {name: getattr(new, name) for name in _TICKET_COLUMNS} | {"version": new.version}
    ticket_id = session.scalars(insert(TicketRow).values(values).returning(TicketRow.id)).one()
    for suspicion in new.suspicions:
        _insert_suspicion(session, ticket_id, suspicion)
    _add_spans(session, ticket_id, new.spans)
    if new.complaint is not None:
        write_complaint(session, ticket_id, new.complaint)
    if new.upkeep is not None:
        write_upkeep(session, ticket_id, new.device_id, new.upkeep)
    return ticket(session, ticket_id)


def save_ticket(session: Session, before: Ticket, after: Ticket) -> Ticket:
    """Store what changed of a ticket, count its version up, and return it as stored.

    Raises Outdated when someone else changed it meanwhile.
    """
    changes = {name: getattr(after, name) for name in _TICKET_COLUMNS} | {"version": before.version + 1}
    statement = (
        update(TicketRow)
        .where(TicketRow.id == before.id, TicketRow.version == before.version)
        .values(changes)
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    if result.rowcount == 0:
        raise Outdated(before.id, before.version)
    _save_suspicions(session, before, after)
    if after.complaint is not None and after.complaint != before.complaint:
        write_complaint(session, before.id, after.complaint)
    _add_spans(session, before.id, after.spans, since=len(before.spans))
    return ticket(session, before.id)


def _save_suspicions(session: Session, before: Ticket, after: Ticket) -> None:
    stored = {each.id: each for each in before.suspicions}
    for gone in stored.keys() - {each.id for each in after.suspicions}:
        session.execute(delete(SuspicionRow).where(SuspicionRow.id == gone))
    for each in after.suspicions:
        known = stored.get(each.id)
        if known is None:
            _insert_suspicion(session, after.id, each)
        elif each != known:
            values = {name: getattr(each, name) for name in _SUSPICION_COLUMNS}
            session.execute(
                update(SuspicionRow).where(SuspicionRow.id == each.id).values(values),
                execution_options={"synchronize_session": False},
            )
            _link(session, each.id, [alert for alert in each.alerts if alert not in known.alerts])


def hand_suspicions_over(session: Session, gone: Ticket, stays: Ticket) -> None:
    """Let one case suspect what another did; of a fault that both suspect it takes the alerts."""
    for each in gone.suspicions:
        own = stays.suspicion_of(each.fault)
        if own is None:
            moved = update(SuspicionRow).where(SuspicionRow.id == each.id).values(ticket_id=stays.id)
            session.execute(moved, execution_options={"synchronize_session": False})
            continue
        session.execute(
            update(SuspicionAlert).where(SuspicionAlert.suspicion_id == each.id).values(suspicion_id=own.id),
            execution_options={"synchronize_session": False},
        )
        session.execute(delete(SuspicionRow).where(SuspicionRow.id == each.id))


def _insert_suspicion(session: Session, ticket_id: int, new: Suspicion) -> None:
    values = {name: getattr(new, name) for name in _SUSPICION_COLUMNS} | {"ticket_id": ticket_id}
    suspicion_id = session.scalars(insert(SuspicionRow).values(values).returning(SuspicionRow.id)).one()
    _link(session, suspicion_id, new.alerts)


def _add_spans(session: Session, ticket_id: int, spans: Sequence[Span], since: int = 0) -> None:
    """Store those spans of a case that are new: history is only added to."""
    rows = [
        {
            "ticket_id": ticket_id,
            "number": number,
            "begins": span.begins,
            "state": span.state,
            "level": span.level,
        }
        for number, span in enumerate(spans)
        if number >= since
    ]
    if rows:
        session.execute(insert(SpanRow), rows)


def spans_of(session: Session, ids: Sequence[int]) -> dict[int, list[Span]]:
    """Return the spans of these tickets, in order."""
    found: dict[int, list[Span]] = {}
    for some in parts_of(ids):
        # By the connection: the session spends more on a row of plain columns than the database.
        for ticket_id, begins, state, level in session.connection().execute(_SPANS, {"ids": some}).all():
            found.setdefault(ticket_id, []).append(Span(begins, STATES[state], LEVELS[level]))
    return found


def _link(session: Session, suspicion_id: int, alerts: Iterable[int]) -> None:
    rows = [{"alert_id": alert, "suspicion_id": suspicion_id} for alert in alerts]
    if rows:
        session.execute(insert(SuspicionAlert), rows)


def tickets_named(session: Session, ids: Iterable[int], sites: Sites = None) -> dict[int, Ticket]:
    """Return those of these tickets that are at some sites, by id."""
    found: dict[int, Ticket] = {}
    for some in parts_of(ids):
        wanted = at_sites(select(TicketRow).where(TicketRow.id.in_(some)), TicketRow.site, sites)
        found |= {each.id: each for each in to_tickets(session, session.scalars(wanted).all())}
    return found


def sites_of_tickets(session: Session, ids: Iterable[int]) -> dict[int, str]:
    """Return the site of each of these tickets."""
    found: dict[int, str] = {}
    for some in parts_of(ids):
        rows = session.execute(select(TicketRow.id, TicketRow.site).where(TicketRow.id.in_(some)))
        found |= {row.id: row.site for row in rows}
    return found


def to_tickets(session: Session, rows: Sequence[TicketRow | Row[Any]]) -> list[Ticket]:
    """Return stored rows as the values that rooms exchange, in their order."""
    ids = [row.id for row in rows]
    suspicions, spans = _suspicions_of(session, ids), spans_of(session, ids)
    complaints = complaints_of(session, [row.id for row in rows if row.kind == TicketKind.COMPLAINT])
    upkeeps = upkeeps_of(session, [row.id for row in rows if row.kind == TicketKind.MAINTENANCE])
    return [
        _value(
            row,
            tuple(suspicions.get(row.id, ())),
            tuple(spans.get(row.id, ())),
            complaints.get(row.id),
            upkeeps.get(row.id),
        )
        for row in rows
    ]


def _value(
    row: TicketRow | Row[Any],
    suspicions: tuple[Suspicion, ...],
    spans: tuple[Span, ...],
    complaint: Complaint | None,
    upkeep: Upkeep | None,
) -> Ticket:
    given = {name: getattr(row, name) for name in (*_TICKET_COLUMNS, "id", "due", "version")}
    given |= {
        "kind": TicketKind(row.kind),
        "level": Level(row.level),
        "origin": TicketOrigin(row.origin),
        "state": TicketState(row.state),
        "suspicions": suspicions,
        "spans": spans,
        "complaint": complaint,
        "upkeep": upkeep,
    }
    return Ticket(**given)


def _suspicions_of(session: Session, ids: Sequence[int]) -> dict[int, list[Suspicion]]:
    alerts: dict[int, list[int]] = {}
    rows = []
    for some in parts_of(ids):
        # By the connection, with a statement made once, as above: every case that is read asks this.
        for row in session.connection().execute(_SUSPECTED, {"ids": some}).all():
            raised = alerts.get(row.id)
            if raised is None:
                raised = alerts[row.id] = []
                rows.append(row)
            if row.alert_id is not None:
                raised.append(row.alert_id)
    found: dict[int, list[Suspicion]] = {}
    for row in rows:
        found.setdefault(row.ticket_id, []).append(_suspicion(row, tuple(alerts[row.id])))
    return found


def _suspicion(row: Row[Any], alerts: tuple[int, ...]) -> Suspicion:
    return Suspicion(
        fault=row.fault,
        level=LEVELS[row.level],
        part=row.part,
        skill=row.skill,
        since=row.since,
        alerts=alerts,
        state=SuspicionState(row.state),
        ended_at=row.ended_at,
        evidence=row.evidence,
        id=row.id,
    )


def count_open(session: Session, sites: Sites = None) -> int:
    """Count the open tickets of some sites."""
    wanted = select(func.count()).select_from(TicketRow).where(TicketRow.state.not_in(CLOSED_STATES))
    return session.scalar(at_sites(wanted, TicketRow.site, sites)) or 0

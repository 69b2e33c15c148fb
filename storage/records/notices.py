"""The outbox of notices: written once, leased to whoever sends, and kept as the proof.

Callers bring the transaction. Each change of state is one conditional statement, so that of several processes
one alone does it.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import JSON, ColumnElement, Index, String, and_, delete, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.events import Subject
from fleet.letters import Letter
from fleet.notices import ChannelKind, Proof
from fleet.outbox import OPEN_STATES, Notice, NoticeState
from fleet.tellings import Occasion, Telling
from storage.records.base import Base, Number
from storage.records.destinations import DestinationRow
from storage.records.parts import parts_of
from storage.records.upsert import insert_into


class NoticeRow(Base):
    """A notice (fleet.outbox.Notice). One for each event, recipient and destination: the database says so."""

    __tablename__ = "notice"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    key: Mapped[str] = mapped_column(String(128), unique=True)
    event: Mapped[int]
    subject: Mapped[str] = mapped_column(String(16))
    subject_id: Mapped[str] = mapped_column(String(64))
    site: Mapped[str | None] = mapped_column(String(64))
    recipient: Mapped[str] = mapped_column(String(80))
    destination_id: Mapped[int | None]
    telling: Mapped[dict[str, Any]]
    letter: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    state: Mapped[str] = mapped_column(String(16))
    reason: Mapped[str] = mapped_column(String(128))
    due_at: Mapped[int]
    written_at: Mapped[int]
    proof: Mapped[str] = mapped_column(String(16))
    tries: Mapped[int]
    maybe: Mapped[bool]
    trouble: Mapped[str | None]
    reference: Mapped[str] = mapped_column(String(255))
    handed_at: Mapped[int | None]
    accepted_at: Mapped[int | None]
    opened_at: Mapped[int | None]
    acknowledged_at: Mapped[int | None]
    followed_up: Mapped[bool]
    lease: Mapped[str | None] = mapped_column(String(64))
    lease_until: Mapped[int]

    __table_args__ = (
        Index("ix_notice_due", "state", "due_at"),
        Index("ix_notice_subject", "subject", "subject_id"),
        Index("ix_notice_event", "event"),
        Index("ix_notice_destination", "destination_id", "state"),
    )


class NoticeLinkRow(Base):
    """What opens the page of a message, by a digest of its secret: its first notice, and those beside it."""

    __tablename__ = "notice_link"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    notice: Mapped[int] = mapped_column(index=True)
    beside: Mapped[dict[str, Any]]
    ends: Mapped[int] = mapped_column(index=True)


_TAKEN = {"synchronize_session": False}
_FRESH = {"populate_existing": True}


def write_notices(session: Session, notices: Iterable[Notice]) -> list[int]:
    """Write notices (their ids are ignored) unless they are there already; return the ids of the new ones."""
    new = []
    for each in notices:
        statement = insert_into(session, NoticeRow).values(_columns(each) | {"lease_until": 0})
        found = session.scalar(statement.on_conflict_do_nothing().returning(NoticeRow.id))
        new += [] if found is None else [found]
    return new


def notice_of(session: Session, notice_id: int) -> Notice:
    """Return one notice. Raises NotFound."""
    row = session.get(NoticeRow, notice_id, populate_existing=True)
    if row is None:
        raise NotFound(f"there is no notice {notice_id}")
    return to_notice(row)


def notices_about(session: Session, subject: str, subject_id: str) -> list[Notice]:
    """Return all notices of one subject, in the order in which they were written."""
    return _found(session, NoticeRow.subject == subject, NoticeRow.subject_id == subject_id)


def letters_about(session: Session, ticket_id: str) -> list[Notice]:
    """Return what the customer was written about a ticket, in the order in which it was."""
    about = and_(NoticeRow.subject == Subject.TICKET, NoticeRow.subject_id == ticket_id)
    return _found(session, about, NoticeRow.letter.is_not(None))


def digests_listing(session: Session, alert_id: str, since: int) -> list[Notice]:
    """Return the notices that told of an alert in a list of what is still open, written since a time."""
    occasion = NoticeRow.telling["occasion"].as_string()
    found = _found(session, occasion == Occasion.STILL_OPEN, NoticeRow.written_at >= since)
    return [each for each in found if each.telling is not None and alert_id in each.telling.alerts]


def open_lists(session: Session, alert_id: str) -> list[Notice]:
    """Return the lists of what is still open that name an alert and did not go out yet."""
    lists = NoticeRow.telling["occasion"].as_string() == Occasion.STILL_OPEN
    found = _found(session, NoticeRow.state.in_(OPEN_STATES), lists)
    return [each for each in found if each.telling is not None and alert_id in each.telling.alerts]


def waiting_subjects(session: Session, ids: Collection[str]) -> set[tuple[str, str]]:
    """Return of which of these alerts and incidents (by id) something waits, a list that names them included.

    The alerts of every list that waits are returned, too.
    """
    waits = NoticeRow.state.in_(OPEN_STATES)
    found: set[tuple[str, str]] = set()
    for part in parts_of(list(ids)):
        wanted = select(NoticeRow.subject, NoticeRow.subject_id).where(waits, NoticeRow.subject_id.in_(part))
        found |= {(subject, subject_id) for subject, subject_id in session.execute(wanted.distinct())}
    lists = _found(session, waits, NoticeRow.telling["occasion"].as_string() == Occasion.STILL_OPEN)
    named = [each.telling.alerts for each in lists if each.telling is not None]
    return found | {(Subject.ALERT, alert) for alerts in named for alert in alerts}


def notices_of_event(session: Session, event: int) -> list[Notice]:
    """Return the notices that follow from one event, in the order in which they were written."""
    return _found(session, NoticeRow.event == event)


def due_notices(session: Session, state: NoticeState, now: int, most: int) -> list[Notice]:
    """Return what of a state is due, the oldest first."""
    wanted = select(NoticeRow).where(NoticeRow.state == state, NoticeRow.due_at <= now)
    rows = session.scalars(
        wanted.order_by(NoticeRow.due_at, NoticeRow.id).limit(most), execution_options=_FRESH
    )
    return [to_notice(row) for row in rows]


def due_destinations(session: Session, now: int) -> list[tuple[int, ChannelKind]]:
    """Return where something is due that nobody sends, and by which channel; the longest waiting first."""
    wanted = (
        select(NoticeRow.destination_id, DestinationRow.channel)
        .join(DestinationRow, DestinationRow.id == NoticeRow.destination_id)
        .where(NoticeRow.state.in_((NoticeState.WAITING, NoticeState.HELD)), *_free(now))
        .where(DestinationRow.waits_until <= now)
        .group_by(NoticeRow.destination_id, DestinationRow.channel)
        .order_by(func.min(NoticeRow.due_at))
    )
    return [(number, ChannelKind(channel)) for number, channel in session.execute(wanted) if number]


def lease_notices(
    session: Session, destination_id: int, holder: str, now: int, until: int, most: int
) -> list[Notice]:
    """Take what is due for one destination, in order, until `until`.

    Nothing while another sends there, or its provider asked to be left alone.
    """
    here = NoticeRow.destination_id == destination_id
    states = NoticeRow.state.in_((NoticeState.WAITING, NoticeState.HELD))
    busy = select(NoticeRow.id).where(here, states, NoticeRow.lease_until > now)
    rests = select(DestinationRow.id).where(
        DestinationRow.id == destination_id, DestinationRow.waits_until > now
    )
    if any(session.scalar(each.limit(1)) is not None for each in (busy, rests)):
        return []
    due = select(NoticeRow.id).where(here, states, *_free(now)).order_by(NoticeRow.id).limit(most)
    ids = list(session.scalars(due))
    taken = (
        update(NoticeRow)
        .where(NoticeRow.id.in_(ids), states, *_free(now))
        .values(lease=holder, lease_until=until)
        .returning(NoticeRow.id)
    )
    mine = set(session.scalars(taken, execution_options=_TAKEN))
    return _found(session, NoticeRow.id.in_(mine))


def _free(now: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return NoticeRow.due_at <= now, NoticeRow.lease_until <= now


def lease_holders(session: Session, now: int) -> set[str]:
    """Return who has leases that are not over."""
    wanted = select(NoticeRow.lease).where(NoticeRow.lease_until > now).distinct()
    return {holder for holder in session.scalars(wanted) if holder}


def end_leases(session: Session, holder: str) -> None:
    """Let others take what a holder had, which is no more."""
    mine = update(NoticeRow).where(NoticeRow.lease == holder).values(lease=None, lease_until=0)
    session.execute(mine, execution_options=_TAKEN)


def change_notices(
    session: Session,
    ids: Collection[int],
    *,
    holder: str | None = None,
    states: Sequence[NoticeState] = OPEN_STATES,
    **columns: Any,
) -> list[int]:
    """Change notices that are in one of `states`, and leased to `holder` where given; return which were.

    The lease of what changes its state, or its time, ends with that.
    """
    wanted = and_(NoticeRow.id.in_(ids), NoticeRow.state.in_(states))
    if holder is not None:
        wanted = and_(wanted, NoticeRow.lease == holder)
    if "state" in columns or "due_at" in columns:
        columns |= {"lease": None, "lease_until": 0}
    changed = update(NoticeRow).where(wanted).values(columns).returning(NoticeRow.id)
    return list(session.scalars(changed, execution_options=_TAKEN))


def withdraw(session: Session, ids: Collection[int], reason: str, now: int) -> None:
    """Let notices not go out any more; of one that is under way now nobody knows whether it came."""
    mine = update(NoticeRow).where(NoticeRow.id.in_(ids), NoticeRow.state.in_(OPEN_STATES))
    columns = {
        "state": NoticeState.DROPPED,
        "reason": reason,
        "maybe": or_(NoticeRow.maybe, NoticeRow.lease_until > now),
        "lease": None,
        "lease_until": 0,
    }
    session.execute(mine.values(columns), execution_options=_TAKEN)


def look_again(session: Session, now: int) -> None:
    """Let what waits for somebody to come be looked at now: who is on call, or has a role, changed."""
    waiting = update(NoticeRow).where(NoticeRow.state == NoticeState.NOBODY, NoticeRow.due_at > now)
    session.execute(waiting.values(due_at=now), execution_options=_TAKEN)


def look_at_muted(session: Session, now: int) -> None:
    """Let what waits for the end of a mute be looked at now: a mute began, changed or ended."""
    held = and_(NoticeRow.state == NoticeState.HELD, NoticeRow.reason.startswith("muted_by:"))
    waiting = update(NoticeRow).where(held, NoticeRow.due_at > now)
    session.execute(waiting.values(due_at=now), execution_options=_TAKEN)


def held_of(session: Session, recipient: str, reasons: Sequence[str]) -> list[Notice]:
    """Return what is held for somebody for one of these reasons."""
    return _found(
        session,
        NoticeRow.recipient == recipient,
        NoticeRow.state == NoticeState.HELD,
        NoticeRow.reason.in_(reasons),
    )


def follow_once(session: Session, notice_id: int) -> bool:
    """Take it on oneself to follow a notice up; False where another did already."""
    mine = update(NoticeRow).where(NoticeRow.id == notice_id, NoticeRow.followed_up.is_(False))
    taken = mine.values(followed_up=True).returning(NoticeRow.id)
    return session.scalar(taken, execution_options=_TAKEN) is not None


def not_proven(session: Session, before: int, most: int) -> list[Notice]:
    """Return what was written or handed over before `before`, is not proven, and was not followed up."""
    waits = NoticeRow.state.in_((NoticeState.WAITING, NoticeState.HELD))
    unproven = or_(
        NoticeRow.state == NoticeState.DEAD,
        and_(waits, NoticeRow.tries > 0, NoticeRow.written_at <= before),
        and_(
            NoticeRow.state == NoticeState.SENT,
            NoticeRow.proof == Proof.HANDED_OVER,
            NoticeRow.handed_at <= before,
        ),
    )
    wanted = select(NoticeRow).where(NoticeRow.followed_up.is_(False), unproven)
    rows = session.scalars(wanted.order_by(NoticeRow.id).limit(most), execution_options=_FRESH)
    return [to_notice(row) for row in rows]


def keep_notice_link(session: Session, key: str, ids: Sequence[int], ends: int, now: int) -> None:
    """Let a secret open what goes out together until `ends`; links that are over are forgotten."""
    session.execute(delete(NoticeLinkRow).where(NoticeLinkRow.ends <= now))
    first, *beside = ids
    session.add(NoticeLinkRow(key=key, notice=first, beside={"notices": beside}, ends=ends))


def notices_by_link(session: Session, key: str, now: int) -> list[Notice]:
    """Return what a secret opens, in its order, by the secret's digest; nothing where it opens nothing."""
    row = session.get(NoticeLinkRow, key)
    if row is None or row.ends <= now:
        return []
    ids = [row.notice, *row.beside.get("notices", ())]
    found = {each.id: each for each in _found(session, NoticeRow.id.in_(ids))}
    return [found[number] for number in ids if number in found]


def forget_notices(session: Session, before: int) -> None:
    """Forget notices that were written before a time and wait for nothing."""
    over = and_(NoticeRow.written_at < before, NoticeRow.state.not_in(OPEN_STATES))
    session.execute(delete(NoticeRow).where(over))


def _found(session: Session, *wanted: ColumnElement[bool]) -> list[Notice]:
    rows = session.scalars(select(NoticeRow).where(*wanted).order_by(NoticeRow.id), execution_options=_FRESH)
    return [to_notice(row) for row in rows]


_SAME = (
    "key",
    "event",
    "subject",
    "subject_id",
    "site",
    "recipient",
    "destination_id",
    "state",
    "reason",
    "due_at",
    "written_at",
    "proof",
    "tries",
    "maybe",
    "trouble",
    "reference",
    "handed_at",
    "accepted_at",
    "opened_at",
    "acknowledged_at",
    "followed_up",
)


def _columns(notice: Notice) -> dict[str, Any]:
    telling = {} if notice.telling is None else notice.telling.as_data()
    letter = None if notice.letter is None else notice.letter.as_data()
    return {name: getattr(notice, name) for name in _SAME} | {"telling": telling, "letter": letter}


def to_notice(row: NoticeRow) -> Notice:
    """Return a stored row as the notice that rooms exchange."""
    columns = {name: getattr(row, name) for name in _SAME}
    telling = Telling.from_data(row.telling) if row.telling else None
    letter = None if row.letter is None else Letter.from_data(row.letter)
    kept = {"state": NoticeState(row.state), "proof": Proof(row.proof), "telling": telling, "letter": letter}
    return Notice(id=row.id, **columns | kept)

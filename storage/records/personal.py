"""Personal data in the desk database: where they stand, how they expire, and how one device's are erased.

docs/personal-data.md lists every place. Callers bring the transaction.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import Session

from fleet.clock import DAY_MS
from fleet.personal import plain_detail, plain_evidence
from fleet.principals import PEOPLE
from fleet.signals import Kind
from fleet.tickets import CLOSED_STATES
from storage.records.alerts import AlertRow
from storage.records.answers import KEPT_MS, KeptAnswerRow
from storage.records.devices import Device, DeviceEvent
from storage.records.dropped_values import DroppedValueRow
from storage.records.events import EventRow
from storage.records.notes import Note
from storage.records.quarantine import QuarantineRow
from storage.records.tickets import SuspicionRow, TicketRow
from storage.records.topics_beside import TopicBesideRow

_UNTIL = "personal_until"
ERASED = "(erased)"
"""What stands in place of what people wrote."""
_QUIET = {"synchronize_session": False}
_OF_WRISTBANDS = select(Device.id).where(Device.kind == Kind.WRISTBAND)
_OF_OTHERS = select(Device.id).where(Device.kind != Kind.WRISTBAND)


def forget_older(session: Session, before: int, now: int) -> int:
    """Take out what is personal and older than a time (epoch ms); return how many rows that changed.

    Of payloads that no known device sent nobody can tell: they go as those of wristbands do. What was looked
    through up to `before` is not looked through again, but for the last day of it.
    """
    note = session.get(Note, _UNTIL)
    since = (int(note.value["until"]) if note else 0) - DAY_MS
    gone = _delete(session, QuarantineRow, QuarantineRow.last_seen < before, _unknown_or_worn(QuarantineRow))
    worn = DroppedValueRow.device_id.not_in(_OF_OTHERS)
    gone += _delete(session, DroppedValueRow, DroppedValueRow.last_seen < before, worn)
    gone += _delete(session, TopicBesideRow, TopicBesideRow.last_seen < before)
    gone += _delete(session, KeptAnswerRow, KeptAnswerRow.begun <= now - KEPT_MS)
    of = DeviceEvent.device_id.in_(_OF_WRISTBANDS)
    gone += _plain_events(session, of, DeviceEvent.ts < before, DeviceEvent.ts >= since)
    touched = or_(AlertRow.since >= since, AlertRow.updated >= since)
    gone += _plain_alerts(session, AlertRow.device_id.in_(_OF_WRISTBANDS), AlertRow.since < before, touched)
    touched = or_(SuspicionRow.since >= since, TicketRow.state.not_in(CLOSED_STATES))
    theirs = TicketRow.device_id.in_(_OF_WRISTBANDS)
    gone += _plain_suspicions(session, theirs, SuspicionRow.since < before, touched)
    if note is None or before > int(note.value["until"]):
        session.merge(Note(key=_UNTIL, value={"until": before}))
    return gone


def erase_device(session: Session, device_id: str, start: int, end: int) -> int:
    """Take out what is personal of one device in a span (`end` is not in it); return how many rows changed.

    What people wrote about its alerts and cases goes too, since nobody can tell what they quoted; who did
    what, and when, stays.
    """
    gone = _delete(
        session, QuarantineRow, *_seen(QuarantineRow, start, end), _named(QuarantineRow, device_id)
    )
    mine = DroppedValueRow.device_id == device_id
    gone += _delete(session, DroppedValueRow, *_seen(DroppedValueRow, start, end), mine)
    named = TopicBesideRow.topic.contains(device_id, autoescape=True)
    gone += _delete(session, TopicBesideRow, *_seen(TopicBesideRow, start, end), named)
    quoted = KeptAnswerRow.body.contains(f'"{device_id}"', autoescape=True)
    gone += _delete(session, KeptAnswerRow, quoted)
    mine = DeviceEvent.device_id == device_id
    gone += _plain_events(session, mine, DeviceEvent.ts >= start, DeviceEvent.ts < end)
    lasted = or_(AlertRow.resolved_at.is_(None), AlertRow.resolved_at >= start)
    gone += _plain_alerts(session, AlertRow.device_id == device_id, AlertRow.since < end, lasted)
    lasted = or_(SuspicionRow.ended_at.is_(None), SuspicionRow.ended_at >= start)
    mine = TicketRow.device_id == device_id
    gone += _plain_suspicions(session, mine, SuspicionRow.since < end, lasted, words=True)
    told = update(EventRow).where(_written_about(session, device_id), EventRow.at >= start, EventRow.at < end)
    done: Any = session.execute(
        told.where(EventRow.reason != ERASED).values(reason=ERASED), {}, execution_options=_QUIET
    )
    return gone + int(done.rowcount)


def find_personal(session: Session, device_id: str, start: int, end: int) -> dict[str, list[dict[str, Any]]]:
    """Return what the desk holds of one device in a span, by place, as rows; times are epoch ms."""
    theirs = _theirs(session, device_id, start, end)
    suspicions = select(SuspicionRow.__table__).join(TicketRow, SuspicionRow.ticket_id == TicketRow.id)
    log = and_(EventRow.subject == "device", EventRow.subject_id == device_id)
    queries: dict[str, Any] = {
        "device_events": _all(DeviceEvent, theirs[DeviceEvent]),
        "alerts": _all(AlertRow, theirs[AlertRow]),
        "suspicions": suspicions.where(theirs[SuspicionRow]),
        "quarantine": _all(QuarantineRow, theirs[QuarantineRow]),
        "dropped_values": _all(DroppedValueRow, theirs[DroppedValueRow]),
        "topics_beside": _all(TopicBesideRow, theirs[TopicBesideRow]),
        "kept_answers": _all(KeptAnswerRow, theirs[KeptAnswerRow]),
        "written_by_people": _all(EventRow, theirs[EventRow]),
        "log_of_the_device": _all(EventRow, log, EventRow.at >= start, EventRow.at < end),
    }
    return {
        place: [dict(row) for row in session.execute(query).mappings()] for place, query in queries.items()
    }


def _theirs(session: Session, device_id: str, start: int, end: int) -> dict[Any, ColumnElement[bool]]:
    """Return for each table what is true of the rows that hold anything of a device in a span."""
    tickets = TicketRow.device_id == device_id
    return {
        QuarantineRow: and_(_seen(QuarantineRow, start, end), _named(QuarantineRow, device_id)),
        DroppedValueRow: and_(_seen(DroppedValueRow, start, end), DroppedValueRow.device_id == device_id),
        TopicBesideRow: and_(
            _seen(TopicBesideRow, start, end), TopicBesideRow.topic.contains(device_id, autoescape=True)
        ),
        KeptAnswerRow: KeptAnswerRow.body.contains(f'"{device_id}"', autoescape=True),
        DeviceEvent: and_(DeviceEvent.device_id == device_id, DeviceEvent.ts >= start, DeviceEvent.ts < end),
        AlertRow: and_(
            AlertRow.device_id == device_id, _lasted(AlertRow.since, AlertRow.resolved_at, start, end)
        ),
        SuspicionRow: and_(tickets, _lasted(SuspicionRow.since, SuspicionRow.ended_at, start, end)),
        EventRow: and_(_written_about(session, device_id), EventRow.at >= start, EventRow.at < end),
    }


def _lasted(began: Any, ended: Any, start: int, end: int) -> ColumnElement[bool]:
    """Return what is true of rows of what lasted at any time of a span."""
    found: ColumnElement[bool] = and_(began < end, or_(ended.is_(None), ended >= start))
    return found


def _all(table: Any, *conditions: ColumnElement[bool]) -> Any:
    return select(table.__table__).where(*conditions)


def _seen(table: Any, start: int, end: int) -> ColumnElement[bool]:
    return and_(table.last_seen >= start, table.first_seen < end)


def _unknown_or_worn(table: Any) -> ColumnElement[bool]:
    found: ColumnElement[bool] = or_(table.device_id.is_(None), table.device_id.not_in(_OF_OTHERS))
    return found


def _named(table: Any, device_id: str) -> ColumnElement[bool]:
    """Return what is true of rows of a device, those included that name it in the topic alone."""
    in_topic = and_(table.device_id.is_(None), table.topic.contains(device_id, autoescape=True))
    found: ColumnElement[bool] = or_(table.device_id == device_id, in_topic)
    return found


def _written_about(session: Session, device_id: str) -> ColumnElement[bool]:
    """Return what is true of events in which people gave a reason, about a device's alerts and cases."""
    mine = {
        table: [str(one) for one in session.scalars(select(table.id).where(table.device_id == device_id))]
        for table in (AlertRow, TicketRow)
    }
    about = or_(
        and_(EventRow.subject == "alert", EventRow.subject_id.in_(mine[AlertRow])),
        and_(EventRow.subject == "ticket", EventRow.subject_id.in_(mine[TicketRow])),
    )
    return and_(EventRow.principal_kind.in_(sorted(PEOPLE)), about)


def _delete(session: Session, table: Any, *conditions: ColumnElement[bool]) -> int:
    done: Any = session.execute(delete(table).where(*conditions), execution_options=_QUIET)
    return int(done.rowcount)


def _plain_events(session: Session, *conditions: ColumnElement[bool]) -> int:
    found = session.execute(select(DeviceEvent.id, DeviceEvent.detail).where(*conditions))
    return _change(session, DeviceEvent, "detail", ((key, said, plain_detail(said)) for key, said in found))


def _plain_alerts(session: Session, *conditions: ColumnElement[bool]) -> int:
    found = session.execute(select(AlertRow.id, AlertRow.evidence).where(*conditions))
    return _change(session, AlertRow, "evidence", ((key, said, plain_evidence(said)) for key, said in found))


def _plain_suspicions(session: Session, *conditions: ColumnElement[bool], words: bool = False) -> int:
    query = select(SuspicionRow.id, SuspicionRow.evidence).join(
        TicketRow, SuspicionRow.ticket_id == TicketRow.id
    )

    def plain(said: dict[str, Any]) -> dict[str, Any]:
        kept = plain_evidence(said)
        return kept | {"why": ERASED} if words and "why" in kept else kept

    found = session.execute(query.where(*conditions))
    return _change(session, SuspicionRow, "evidence", ((key, said, plain(said)) for key, said in found))


def _change(
    session: Session,
    table: Any,
    column: str,
    rows: Iterable[tuple[int, dict[str, Any], dict[str, Any]]],
) -> int:
    changes: Sequence[tuple[int, dict[str, Any]]] = [(key, new) for key, old, new in rows if new != old]
    for key, new in changes:
        session.execute(update(table).where(table.id == key).values({column: new}), execution_options=_QUIET)
    return len(changes)

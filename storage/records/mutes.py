"""Mutes as stored. Callers bring the transaction."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import CursorResult, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.mutes import Mute, Weekly, matcher_of
from fleet.principals import Principal
from fleet.text import quoted
from storage.records.base import Base, Number
from storage.records.events import tell


class MuteRow(Base):
    """A mute (fleet.mutes.Mute)."""

    __tablename__ = "mute"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    matcher: Mapped[dict[str, Any]]
    start: Mapped[int] = mapped_column("starts")
    end: Mapped[int | None] = mapped_column("ends")
    weekly: Mapped[dict[str, Any]]
    until_resolved: Mapped[bool]
    reason: Mapped[str]
    who: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[int]
    holding: Mapped[bool]
    ended_at: Mapped[int | None] = mapped_column(index=True)
    ended_by: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int]


_FRESH = {"populate_existing": True}


def to_mute(row: MuteRow) -> Mute:
    """Return a stored row as the value that stages exchange."""
    weekly = row.weekly
    return Mute(
        id=row.id,
        matcher=matcher_of(row.matcher),
        start=row.start,
        end=row.end,
        reason=row.reason,
        who=row.who,
        created_at=row.created_at,
        weekly=Weekly(tuple(weekly["days"]), weekly["start"], weekly["end"], weekly["zone"])
        if weekly
        else None,
        until_resolved=row.until_resolved,
        holding=row.holding,
        ended_at=row.ended_at,
        ended_by=row.ended_by,
        version=row.version,
    )


def insert_mute(session: Session, mute: Mute, by: Principal) -> Mute:
    """Store a new mute with its event; return it with its id."""
    row = MuteRow(
        matcher=mute.matcher.given,
        start=mute.start,
        end=mute.end,
        weekly={} if mute.weekly is None else asdict(mute.weekly) | {"days": list(mute.weekly.days)},
        until_resolved=mute.until_resolved,
        reason=mute.reason,
        who=mute.who,
        created_at=mute.created_at,
        holding=mute.holding,
        version=0,
    )
    session.add(row)
    session.flush()
    _told(session, to_mute(row), "begun", by, mute.created_at, mute.reason)
    return to_mute(row)


def change_mute(session: Session, before: Mute, *, holding: bool) -> bool:
    """Note whether a mute holds now; False where somebody else noted it meanwhile."""
    return _update(session, before, {"holding": holding})


def end_mute(session: Session, before: Mute, by: Principal, now: int, reason: str) -> bool:
    """End a mute for good, with its event; False where somebody else changed it meanwhile."""
    if not _update(session, before, {"holding": False, "ended_at": now, "ended_by": by.name}):
        return False
    _told(session, replace(before, ended_at=now), "ended", by, now, reason)
    return True


def _update(session: Session, before: Mute, values: dict[str, Any]) -> bool:
    statement = (
        update(MuteRow)
        .where(MuteRow.id == before.id, MuteRow.version == before.version)
        .values(version=before.version + 1, **values)
    )
    result = session.execute(statement, execution_options={"synchronize_session": False})
    assert isinstance(result, CursorResult)
    return result.rowcount == 1


def _told(session: Session, mute: Mute, what: str, by: Principal, at: int, reason: str) -> None:
    given = mute.matcher.given
    data = {"matcher": given, "start": mute.start, "end": mute.end, "until_resolved": mute.until_resolved}
    event = Event(at, Subject.MUTE, str(mute.id), what, by, reason, site=given.get("site"), data=data)
    tell(session, event)


def standing_mutes(session: Session) -> list[Mute]:
    """Return the mutes that are not over for good, those to come included, the first made first."""
    wanted = select(MuteRow).where(MuteRow.ended_at.is_(None)).order_by(MuteRow.id)
    return [to_mute(row) for row in session.scalars(wanted, execution_options=_FRESH)]


def holding_mutes(session: Session, now: int) -> list[Mute]:
    """Return the mutes that hold at `now`, the first made first."""
    return [mute for mute in standing_mutes(session) if mute.holds(now)]


def newest_mutes(session: Session, limit: int) -> Sequence[Mute]:
    """Return mutes, those that are over included, the newest first."""
    wanted = select(MuteRow).order_by(MuteRow.id.desc()).limit(limit)
    return [to_mute(row) for row in session.scalars(wanted, execution_options=_FRESH)]


def mute_of(session: Session, number: int) -> Mute:
    """Return a mute. Raises NotFound."""
    row = session.get(MuteRow, number, populate_existing=True)
    if row is None:
        raise NotFound(f"there is no mute {quoted(str(number))}")
    return to_mute(row)

"""Commands to devices: kept with who and why, and how far each is. Callers bring the transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import ColumnElement, Index, String, and_, delete, insert, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.commands import Command, CommandState, DueCommand
from fleet.errors import NotFound
from fleet.principals import Principal, PrincipalKind
from fleet.signals import Kind
from fleet.text import quoted
from storage.records.base import Base
from storage.records.devices import Device
from storage.records.paging import Asked, Order, Page, fetch_page
from storage.records.parts import parts_of


class CommandRow(Base):
    """A command (fleet.commands.Command); ids rise with time."""

    __tablename__ = "command"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    command: Mapped[str] = mapped_column(String(32))
    params: Mapped[dict[str, Any]]
    state: Mapped[str] = mapped_column(String(16))
    by_kind: Mapped[str] = mapped_column(String(16))
    by_id: Mapped[str] = mapped_column(String(64))
    by_name: Mapped[str] = mapped_column(String(64))
    why: Mapped[str]
    ordered_at: Mapped[int]
    expires_at: Mapped[int]
    deadline: Mapped[int | None] = mapped_column(index=True)
    claim: Mapped[str | None] = mapped_column(String(32))
    sent_at: Mapped[int | None]
    received_at: Mapped[int | None]
    ended_at: Mapped[int | None] = mapped_column(index=True)
    reason: Mapped[str | None]
    late_state: Mapped[str | None] = mapped_column(String(16))
    late_at: Mapped[int | None]

    __table_args__ = (
        Index("ix_command_device_id", "device_id", "id"),
        Index("ix_command_state", "state", "claim", "id"),
    )


_CHANGE = (
    "state",
    "deadline",
    "claim",
    "sent_at",
    "received_at",
    "ended_at",
    "reason",
    "late_state",
    "late_at",
)
_PLAIN = tuple(field.name for field in fields(Command) if field.name not in ("state", "by"))


def add_commands(session: Session, commands: Sequence[Command]) -> None:
    """Add new commands."""
    if commands:
        session.execute(insert(CommandRow), [_columns(command) for command in commands])


def command_of(session: Session, device_id: str, command_id: str) -> Command:
    """Return a command of a device. Raises NotFound, for one of another device too."""
    row = session.get(CommandRow, command_id) if "\x00" not in command_id else None
    if row is None or row.device_id != device_id:
        raise NotFound(f"device {quoted(device_id)} has no command {quoted(command_id)}")
    return _command(row)


def find_commands(session: Session, device_id: str, asked: Asked) -> Page[Command]:
    """Return one page of a device's commands, sorted by `id`, which rises with time."""
    query = select(CommandRow).where(CommandRow.device_id == device_id)
    return fetch_page(session, query, Order(CommandRow.id, CommandRow.id, asked.descending), asked).of(
        _command
    )


def newest_commands(session: Session, device_id: str, limit: int) -> Sequence[Command]:
    """Return a device's newest commands, the newest first."""
    return find_commands(session, device_id, Asked("-id", limit, None, "")).rows


def commands_of(session: Session, ids: Sequence[str]) -> dict[str, Command]:
    """Return by id those of these commands that there are."""
    found: dict[str, Command] = {}
    for part in parts_of(ids):
        rows = session.scalars(select(CommandRow).where(CommandRow.id.in_(part)))
        found |= {row.id: _command(row) for row in rows}
    return found


def commands_to_change(session: Session, ids: Sequence[str]) -> dict[str, Command]:
    """Return by id commands that nobody else changes until this transaction ends."""
    if session.get_bind().dialect.name == "sqlite":
        # To become the only writer before reading: what is read is then what is changed.
        session.execute(update(CommandRow).where(CommandRow.id == "").values(state=""))
    found: dict[str, Command] = {}
    for part in parts_of(sorted(set(ids))):
        wanted = select(CommandRow).where(CommandRow.id.in_(part)).order_by(CommandRow.id)
        rows = session.scalars(wanted.with_for_update(), execution_options={"populate_existing": True})
        found |= {row.id: _command(row) for row in rows}
    return found


def change_commands(session: Session, changed: Iterable[Command]) -> None:
    """Store how far commands are now; what was ordered stays as it was."""
    rows = [{"id": each.id, **{name: getattr(each, name) for name in _CHANGE}} for each in changed]
    if rows:
        session.execute(update(CommandRow), rows, execution_options={"synchronize_session": None})


def due_commands(session: Session, now: int, heard_since: int, limit: int) -> list[DueCommand]:
    """Return commands to publish at `now`, the oldest first: of devices that are there, not expired.

    A device is there when it is online and was heard since `heard_since`; times are epoch ms.
    """
    there = and_(Device.status == "online", Device.last_seen >= heard_since)
    wanted = (
        select(CommandRow, Device.site, Device.kind)
        .join(Device, Device.id == CommandRow.device_id)
        .where(_waits(), CommandRow.expires_at > now, there)
        .order_by(CommandRow.id)
        .limit(limit)
    )
    return [
        DueCommand(row.id, site, Kind(kind), row.device_id, row.command, row.params, row.expires_at)
        for row, site, kind in session.execute(wanted)
    ]


def claims(session: Session) -> dict[str, str]:
    """Return the claim of each command that is on its way: claimed, and not known to be sent."""
    on_its_way = select(CommandRow.id, CommandRow.claim).where(
        CommandRow.state == CommandState.QUEUED, CommandRow.claim.is_not(None)
    )
    return {row.id: row.claim for row in session.execute(on_its_way)}


def overdue_commands(session: Session, now: int, limit: int) -> Sequence[str]:
    """Return the ids of commands whose time is out at `now` (epoch ms)."""
    wanted = select(CommandRow.id).where(CommandRow.deadline <= now)
    return session.scalars(wanted.order_by(CommandRow.deadline).limit(limit)).all()


def waiting_commands(session: Session, device_id: str) -> Sequence[str]:
    """Return the ids of a device's commands that were not sent yet."""
    return session.scalars(select(CommandRow.id).where(CommandRow.device_id == device_id, _waits())).all()


def forget_commands(session: Session, before: int) -> None:
    """Forget commands that ended before a time (epoch ms)."""
    session.execute(delete(CommandRow).where(CommandRow.ended_at < before))


def _waits() -> ColumnElement[bool]:
    return and_(CommandRow.state == CommandState.QUEUED, CommandRow.claim.is_(None))


def _columns(command: Command) -> dict[str, Any]:
    by = command.by
    told = {name: getattr(command, name) for name in _PLAIN}
    return {**told, "state": command.state, "by_kind": by.kind, "by_id": by.id, "by_name": by.name}


def _command(row: CommandRow) -> Command:
    by = Principal(PrincipalKind(row.by_kind), row.by_id, row.by_name)
    told = {name: getattr(row, name) for name in _PLAIN}
    return Command(state=CommandState(row.state), by=by, **told)

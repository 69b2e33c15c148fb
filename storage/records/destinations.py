"""Where notices go, and how people want to be told. Callers bring the transaction.

Addresses hold secrets (a robot's token, a subscription's keys): only `address_of` returns them, to the
channel that needs them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, replace
from hashlib import sha256
from typing import Any

from sqlalchemy import ForeignKey, Index, String, and_, func, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import Conflict, NotFound
from fleet.notices import ChannelKind
from fleet.outbox import Destination, Wishes
from fleet.people import Scope
from storage.records.base import Base, Number
from storage.records.people import PersonRow
from storage.records.upsert import insert_into


class DestinationRow(Base):
    """A destination (fleet.outbox.Destination); one that was removed stays, for the notices that name it.

    A `customer` has one for each channel, without an address: that is their contact's. `browser` is a digest
    of a browser's endpoint, while something goes there: the database has each once.
    `waits_until` (epoch ms): its provider asked to be left alone until then.
    """

    __tablename__ = "destination"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(64))
    channel: Mapped[str] = mapped_column(String(16))
    address: Mapped[dict[str, Any]]
    shown: Mapped[str] = mapped_column(String(255))
    position: Mapped[int]
    scope: Mapped[str] = mapped_column(String(8))
    place: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]
    removed_at: Mapped[int | None]
    proved_at: Mapped[int | None]
    tested_at: Mapped[int | None]
    trouble: Mapped[str | None]
    ended_at: Mapped[int | None]
    browser: Mapped[str | None] = mapped_column(String(64), index=True, unique=True)
    waits_until: Mapped[int] = mapped_column(server_default="0", default=0)
    customer: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (Index("ix_destination_customer", "customer", "channel", unique=True),)


_FRESH = {"populate_existing": True}
_IN_USE = (DestinationRow.removed_at.is_(None), DestinationRow.ended_at.is_(None))
_OURS = DestinationRow.customer.is_(None)
"""Those of people and groups of the house."""


class WishesRow(Base):
    """How somebody wants to be told (fleet.outbox.Wishes)."""

    __tablename__ = "notice_wishes"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id", ondelete="CASCADE"), primary_key=True)
    language: Mapped[str] = mapped_column(String(8))
    zone: Mapped[str] = mapped_column(String(64))
    quiet_from: Mapped[int]
    quiet_to: Mapped[int]
    digest_at: Mapped[int | None]


def add_destination(session: Session, new: Destination, address: Mapping[str, str]) -> Destination:
    """Keep a destination (its id is ignored) behind the others of its person; return it as it is kept.

    Raises Conflict for a browser that is there already.
    """
    theirs = (DestinationRow.person_id == new.person_id, DestinationRow.removed_at.is_(None))
    last = session.scalar(select(func.max(DestinationRow.position)).where(*theirs))
    position = 0 if last is None else last + 1
    row = insert_into(session, DestinationRow).values(
        person_id=new.person_id,
        name=new.name,
        channel=new.channel,
        address=dict(address),
        shown=new.shown,
        position=position,
        scope=new.scope,
        place=new.place,
        made_at=new.made_at,
        browser=_browser(new.channel, address),
    )
    number = session.scalar(row.on_conflict_do_nothing().returning(DestinationRow.id))
    if number is None:
        raise Conflict("this browser was added at this very moment")
    return replace(new, id=number, position=position)


def put_first(session: Session, destination_id: int) -> None:
    """Let a destination be tried before the others of its person. Raises NotFound."""
    row = _row(session, destination_id)
    theirs = destinations(session, row.person_id)
    order = [row.id, *(each.id for each in theirs if each.id != row.id)]
    for position, number in enumerate(order):
        _note(session, number, position=position)


def remove_destination(session: Session, destination_id: int, now: int) -> None:
    """Let nothing more go to a destination; its address is forgotten."""
    row = _row(session, destination_id)
    row.removed_at, row.address, row.browser = now, {}, None


def end_destination(session: Session, destination_id: int, why: str, now: int) -> bool:
    """Let nothing more go where nobody is any more; it is shown until it is removed. False: it had ended."""
    here = DestinationRow.id == destination_id
    ends = (
        update(DestinationRow)
        .where(here, *_IN_USE)
        .values(ended_at=now, trouble=why[:500], address={}, browser=None)
    )
    return session.scalar(ends.returning(DestinationRow.id), execution_options=_FRESH) is not None


def browser_at(session: Session, endpoint: str) -> Destination | None:
    """Return the destination, whoever's it is, to which a browser's endpoint belongs."""
    wanted = select(DestinationRow).where(DestinationRow.browser == _digest(endpoint))
    row = session.scalar(wanted, execution_options=_FRESH)
    return None if row is None else _destination(row)


def renew_address(session: Session, destination_id: int, shown: str, address: Mapping[str, str]) -> bool:
    """Keep a new address in place of a destination's own; False where it is the same."""
    row = _row(session, destination_id)
    if row.address == dict(address):
        return False
    row.address, row.shown, row.trouble, row.waits_until = dict(address), shown, None, 0
    row.browser = _browser(row.channel, address)
    return True


def _browser(channel: str, address: Mapping[str, str]) -> str | None:
    return _digest(address["endpoint"]) if channel == ChannelKind.PUSH else None


def _digest(endpoint: str) -> str:
    return sha256(endpoint.encode()).hexdigest()


def destination_of(session: Session, destination_id: int) -> Destination:
    """Return a destination. Raises NotFound, for one that was removed as well."""
    return _destination(_row(session, destination_id))


def destinations(session: Session, person_id: int | None = None) -> list[Destination]:
    """Return the destinations of one person, in their order, or those of groups; those that ended as well."""
    wanted = select(DestinationRow).where(
        DestinationRow.person_id == person_id, DestinationRow.removed_at.is_(None), _OURS
    )
    rows = session.scalars(wanted.order_by(DestinationRow.position, DestinationRow.id))
    return [_destination(row) for row in rows]


def groups_by_name(session: Session) -> dict[str, int]:
    """Return the destinations of groups by name: no two have the same."""
    return {each.name: each.id for each in destinations(session)}


def all_destinations(session: Session) -> list[Destination]:
    """Return every destination to which something may go: not those of who may not sign in any more."""
    gone = select(PersonRow.id).where(PersonRow.disabled_at.is_not(None))
    whose = or_(DestinationRow.person_id.is_(None), DestinationRow.person_id.not_in(gone))
    wanted = select(DestinationRow).where(*_IN_USE, _OURS, whose).order_by(DestinationRow.id)
    return [_destination(row) for row in session.scalars(wanted)]


def destinations_of(session: Session, person_ids: Collection[int]) -> dict[int, list[Destination]]:
    """Return to where these people are told, in their order; what has ended is left out."""
    found: dict[int, list[Destination]] = {person_id: [] for person_id in person_ids}
    wanted = select(DestinationRow).where(DestinationRow.person_id.in_(found), *_IN_USE)
    for row in session.scalars(wanted.order_by(DestinationRow.position, DestinationRow.id)):
        found[row.person_id or 0].append(_destination(row))
    return found


def address_of(session: Session, destination_id: int) -> dict[str, str]:
    """Return a destination's address, with its secrets. Raises NotFound."""
    return {str(key): str(value) for key, value in _row(session, destination_id).address.items()}


def proved(session: Session, destination_id: int, at: int) -> None:
    """Note that a provider accepted something there."""
    _note(session, destination_id, proved_at=at, trouble=None)


def troubled(session: Session, destination_id: int, trouble: str) -> None:
    """Note what went wrong there, unless that is how it ended; nothing of it is a secret."""
    here = and_(DestinationRow.id == destination_id, DestinationRow.ended_at.is_(None))
    session.execute(update(DestinationRow).where(here).values(trouble=trouble[:500]))


def let_rest(session: Session, destination_id: int, until: int) -> None:
    """Send nothing there before then: its provider asked for that."""
    sooner = and_(DestinationRow.id == destination_id, DestinationRow.waits_until < until)
    session.execute(update(DestinationRow).where(sooner).values(waits_until=until))


def tested(session: Session, destination_id: int, at: int) -> None:
    """Note that it was tested."""
    _note(session, destination_id, tested_at=at)


def _note(session: Session, destination_id: int, **columns: Any) -> None:
    session.execute(update(DestinationRow).where(DestinationRow.id == destination_id).values(columns))


def wishes_of(session: Session, person_ids: Collection[int]) -> dict[int, Wishes]:
    """Return how these people want to be told; those who said nothing are left out."""
    rows = session.scalars(select(WishesRow).where(WishesRow.person_id.in_(person_ids)))
    return {row.person_id: _wishes(row) for row in rows}


def keep_wishes(session: Session, person_id: int, wishes: Wishes) -> None:
    """Keep how somebody wants to be told, in place of what they said before."""
    session.merge(WishesRow(person_id=person_id, **asdict(wishes)))


def _row(session: Session, destination_id: int) -> DestinationRow:
    row = session.get(DestinationRow, destination_id, populate_existing=True)
    if row is None or row.removed_at is not None:
        raise NotFound(f"there is no destination {destination_id}")
    return row


def _wishes(row: WishesRow) -> Wishes:
    language = "zh" if row.language == "zh" else "en"
    return Wishes(language, row.zone, row.quiet_from, row.quiet_to, row.digest_at)  # type: ignore[arg-type]


def _destination(row: DestinationRow) -> Destination:
    return Destination(
        row.id,
        row.person_id,
        row.name,
        ChannelKind(row.channel),
        row.shown,
        row.position,
        Scope(row.scope),
        row.place,
        row.made_at,
        row.proved_at,
        row.tested_at,
        row.trouble,
        row.ended_at,
        row.customer,
    )


def customers_place(
    session: Session, customer: str, channel: ChannelKind, shown: str, now: int
) -> Destination:
    """Return where letters to a customer go by a channel, as it is `shown` now: there is one such place."""
    here = (DestinationRow.customer == customer, DestinationRow.channel == channel)
    values = {"name": customer, "channel": channel, "address": {}, "shown": shown[:255], "position": 0}
    new = insert_into(session, DestinationRow).values(
        **values, scope=Scope.ALL, place="", made_at=now, customer=customer
    )
    session.execute(new.on_conflict_do_nothing())
    session.execute(update(DestinationRow).where(*here).values(shown=shown[:255]))
    return _destination(session.scalars(select(DestinationRow).where(*here), execution_options=_FRESH).one())


def named(session: Session, ids: Collection[int]) -> dict[int, Destination]:
    """Return these destinations by id, those that were removed as well: for what was sent to them."""
    rows: Sequence[DestinationRow] = session.scalars(
        select(DestinationRow).where(DestinationRow.id.in_(ids))
    ).all()
    return {row.id: _destination(row) for row in rows}

"""The cards of trained models with what was done to them, and the risk summary of devices."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import polars as pl
from sqlalchemy import (
    Float,
    Index,
    String,
    bindparam,
    delete,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.errors import Conflict, NotFound
from fleet.events import Event, Subject
from fleet.principals import Principal
from storage.records.base import Base
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.events import events_of, tell
from storage.records.straight import execute_straight


class ModelCardRow(Base):
    """A trained model: what it was trained on, how well it does, and whether it is in use.

    `replaced` is the champion that it took over from. The database itself allows one champion and one
    challenger of a fault.
    """

    __tablename__ = "model_card"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    fault: Mapped[str] = mapped_column(String(64), index=True)
    created: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    path: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    features_sha256: Mapped[str] = mapped_column(String(64))
    threshold: Mapped[float] = mapped_column(Float)
    card: Mapped[dict[str, Any]]
    replaced: Mapped[str | None] = mapped_column(String(64))

    __table_args__ = (
        Index(
            "uq_model_in_use",
            "fault",
            "state",
            unique=True,
            sqlite_where=text("state IN ('champion', 'challenger')"),
            postgresql_where=text("state IN ('champion', 'challenger')"),
        ),
    )


CHAMPION = "champion"
"""Scores, and its risks raise alerts."""
CHALLENGER = "challenger"
"""Scores beside the champion; its risks are kept and raise nothing."""
RETIRED = "retired"
"""Was the champion, until a better one was."""
WITHDRAWN = "withdrawn"
"""A challenger that a newer one displaced, or a champion that was rolled back."""
UNPROVEN = "unproven"
"""A first model that is not proved to be better than chance: it scores nothing."""
_ORDER: Mapping[str, int] = MappingProxyType(
    {CHAMPION: 0, RETIRED: 1, CHALLENGER: 2, UNPROVEN: 3, WITHDRAWN: 4}
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One trained model as stored: `path` is relative to the models' folder, `created` epoch ms.

    `details` is JSON-ready: data range, rows, positives, seed, metrics, curves. `replaced` is the id of the
    champion that it took over from.
    """

    id: str
    fault: str
    created: int
    state: str
    path: str
    sha256: str
    features_sha256: str
    threshold: float
    details: dict[str, Any]
    replaced: str | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """Who changes the state of a model, when (epoch ms), and why."""

    principal: Principal
    at: int
    why: str


def cards(desk: DeskDatabase, fault: str | None = None) -> list[ModelCard]:
    """Return the cards, of one fault or of all, by fault, in the order in which one would be trusted.

    The champion, what it replaced, other retired ones, the challenger, withdrawn ones; the newest first.
    """
    query = select(ModelCardRow)
    if fault is not None:
        query = query.where(ModelCardRow.fault == fault)
    with desk.transaction() as session:
        found = [_card(row) for row in session.scalars(query)]
    before = {card.replaced for card in found if card.state == CHAMPION}

    def trust(card: ModelCard) -> tuple[str, int, bool, int, str]:
        return card.fault, _ORDER.get(card.state, 9), card.id not in before, -card.created, card.id

    return sorted(found, key=trust)


def in_use(desk: DeskDatabase) -> frozenset[tuple[str, str]]:
    """Return (id, state) of every champion and challenger; cheap enough for every scoring pass."""
    query = select(ModelCardRow.id, ModelCardRow.state).where(ModelCardRow.state.in_([CHAMPION, CHALLENGER]))
    with desk.transaction() as session:
        return frozenset((row.id, row.state) for row in session.execute(query))


def note_trial(desk: DeskDatabase, model: str, trial: dict[str, Any]) -> None:
    """Note on a model's card how it compares with the champion; a model that is gone is passed over."""
    with desk.transaction() as session:
        row = session.get(ModelCardRow, model)
        if row is not None:
            row.card = row.card | {"trial": trial}


def model_events(desk: DeskDatabase, model: str) -> list[Event]:
    """Return what was done to a model, the newest first."""
    with desk.transaction() as session:
        return list(reversed(events_of(session, Subject.MODEL, model)))


def enter(desk: DeskDatabase, card: ModelCard, deed: Deed, keep: int) -> list[ModelCard]:
    """Store a new card in its state, which moves on the one that held that state; return what was dropped.

    Beyond the newest `keep` of a fault cards are dropped, but never the champion, what it replaced, or the
    challenger. The cards returned are deleted: their files may go too.
    """
    with desk.transaction() as session:
        replaced = _make_room(session, card.fault, card.state, deed)
        session.add(
            ModelCardRow(
                id=card.id,
                fault=card.fault,
                created=card.created,
                state=card.state,
                path=card.path,
                sha256=card.sha256,
                features_sha256=card.features_sha256,
                threshold=card.threshold,
                card=card.details,
                replaced=replaced if card.state == CHAMPION else None,
            )
        )
        _note(session, card.id, card.fault, None, card.state, deed)
        session.flush()
        return _drop_beyond(session, card.fault, keep)


def retire(desk: DeskDatabase, model: str, deed: Deed) -> None:
    """Let a champion rest without another in its place; one that is no champion stays as it is."""
    with desk.transaction() as session:
        row = session.get(ModelCardRow, model)
        if row is not None and row.state == CHAMPION:
            _move(session, row, RETIRED, deed)


def promote(desk: DeskDatabase, model: str, deed: Deed) -> ModelCard:
    """Make a stored model its fault's champion and return it.

    Raises NotFound, or Conflict when it is the champion already.
    """
    with desk.transaction() as session:
        row = session.get(ModelCardRow, model)
        if row is None:
            raise NotFound(f"there is no model {model}")
        if row.state == CHAMPION:
            raise Conflict(f"{model} is the champion already")
        replaced = _make_room(session, row.fault, CHAMPION, deed)
        _move(session, row, CHAMPION, deed)
        row.replaced = replaced
        session.flush()
        return _card(row)


def roll_back(desk: DeskDatabase, fault: str, deed: Deed) -> tuple[ModelCard, ModelCard]:
    """Make the champion before this one the champion again; return (it, the one that was withdrawn).

    Raises NotFound when the fault has no champion, Conflict when nothing is stored to go back to.
    """
    with desk.transaction() as session:
        row = _holder(session, fault, CHAMPION)
        if row is None:
            raise NotFound(f"{fault} has no champion")
        before = _before(session, row)
        if before is None:
            raise Conflict(f"{row.id} is the first champion of {fault} that is stored: nothing to go back to")
        _move(session, row, WITHDRAWN, deed)
        session.flush()
        _move(session, before, CHAMPION, deed)
        session.flush()
        return _card(before), _card(row)


def _before(session: Session, champion: ModelCardRow) -> ModelCardRow | None:
    """Return what a champion replaced; where that is not known, the newest that is retired."""
    if champion.replaced is not None:
        row = session.get(ModelCardRow, champion.replaced)
        if row is not None:
            return row
    retired = (
        select(ModelCardRow)
        .where(ModelCardRow.fault == champion.fault, ModelCardRow.state == RETIRED)
        .order_by(ModelCardRow.created.desc())
    )
    return session.scalars(retired).first()


def _holder(session: Session, fault: str, state: str) -> ModelCardRow | None:
    held = select(ModelCardRow).where(ModelCardRow.fault == fault, ModelCardRow.state == state)
    return session.scalars(held).first()


def _make_room(session: Session, fault: str, state: str, deed: Deed) -> str | None:
    """Move on whoever holds `state` of a fault; return its id."""
    holder = _holder(session, fault, state)
    if holder is None:
        return None
    _move(session, holder, RETIRED if state == CHAMPION else WITHDRAWN, deed)
    session.flush()  # one a state: the old one goes before the new one comes
    return holder.id


def _move(session: Session, row: ModelCardRow, after: str, deed: Deed) -> None:
    _note(session, row.id, row.fault, row.state, after, deed)
    row.state = after


def _note(session: Session, model: str, fault: str, before: str | None, after: str, deed: Deed) -> None:
    tell(
        session,
        Event(
            at=deed.at,
            subject=Subject.MODEL,
            subject_id=model,
            what="registered" if before is None else "state",
            principal=deed.principal,
            before=before,
            after=after,
            reason=deed.why,
            data={"fault": fault},
        ),
    )


def _drop_beyond(session: Session, fault: str, keep: int) -> list[ModelCard]:
    newest_first = (
        select(ModelCardRow)
        .where(ModelCardRow.fault == fault)
        .order_by(ModelCardRow.created.desc(), ModelCardRow.id)
    )
    found = [_card(row) for row in session.scalars(newest_first)]
    needed = {card.id for card in found if card.state in (CHAMPION, CHALLENGER)}
    needed |= {str(card.replaced) for card in found if card.state == CHAMPION}
    spare = [card for card in found if card.id not in needed]
    dropped = spare[max(0, keep - (len(found) - len(spare))) :]
    session.execute(delete(ModelCardRow).where(ModelCardRow.id.in_([card.id for card in dropped])))
    return dropped


def write_device_risks(desk: DeskDatabase, highest: pl.DataFrame) -> None:
    """Write the highest risk of devices: device_id, risk, fault, risk_ts, confidence.

    Unknown devices are skipped.
    """
    if highest.is_empty():
        return
    rows = highest.select(
        device="device_id", highest="risk", of="fault", at="risk_ts", sure="confidence"
    ).sort("device")  # in the order of the ids, so that pages of the index are hit in turn
    one = (
        update(Device.__table__)  # type: ignore[arg-type] # the rows themselves: no object is made of each
        .where(Device.__table__.c.id == bindparam("device"))
        .values(
            risk=bindparam("highest"),
            fault=bindparam("of"),
            risk_ts=bindparam("at"),
            confidence=bindparam("sure"),
        )
    )
    with desk.transaction() as session:
        execute_straight(session.connection(), one, rows.columns, rows.rows())


def _card(row: ModelCardRow) -> ModelCard:
    return ModelCard(
        row.id,
        row.fault,
        row.created,
        row.state,
        row.path,
        row.sha256,
        row.features_sha256,
        row.threshold,
        row.card,
        row.replaced,
    )

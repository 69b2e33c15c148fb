"""The cards of trained models, and the risk summary of devices."""

from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.orm import Session

from storage.desk.database import DeskDatabase
from storage.desk.tables import Device, ModelCardRow

CHAMPION = "champion"
RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One trained model as stored: `path` is relative to the models' folder, `created` epoch ms.

    `details` is JSON-ready: data range, rows, positives, seed, metrics.
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


def cards(desk: DeskDatabase, fault: str | None = None) -> list[ModelCard]:
    """Return the cards, of one fault or of all: the champion first, then the newest first."""
    query = select(ModelCardRow)
    if fault is not None:
        query = query.where(ModelCardRow.fault == fault)
    with desk.transaction() as session:
        found = [_card(row) for row in session.scalars(query)]
    return sorted(found, key=lambda card: (card.fault, card.state != CHAMPION, -card.created, card.id))


def crown(desk: DeskDatabase, card: ModelCard, keep: int) -> list[ModelCard]:
    """Store a card as its fault's champion and retire the one before; return those beyond the newest `keep`.

    The cards returned are deleted: their files may go too.
    """
    with desk.transaction() as session:
        session.execute(update(ModelCardRow).where(ModelCardRow.fault == card.fault).values(state=RETIRED))
        session.merge(
            ModelCardRow(
                id=card.id,
                fault=card.fault,
                created=card.created,
                state=CHAMPION,
                path=card.path,
                sha256=card.sha256,
                features_sha256=card.features_sha256,
                threshold=card.threshold,
                card=card.details,
            )
        )
        session.flush()
        return _drop_beyond(session, card, keep)


def _drop_beyond(session: Session, champion: ModelCard, keep: int) -> list[ModelCard]:
    others = (
        select(ModelCardRow)
        .where(ModelCardRow.fault == champion.fault, ModelCardRow.id != champion.id)
        .order_by(ModelCardRow.created.desc(), ModelCardRow.id)
    )
    dropped = [_card(row) for row in session.scalars(others)][keep - 1 :]
    session.execute(delete(ModelCardRow).where(ModelCardRow.id.in_([card.id for card in dropped])))
    return dropped


def write_device_risks(desk: DeskDatabase, highest: pl.DataFrame) -> None:
    """Write the highest risk of devices: device_id, risk, fault, risk_ts. Unknown devices are skipped."""
    if highest.is_empty():
        return
    rows = highest.rename({"device_id": "device", "risk": "highest", "fault": "of", "risk_ts": "at"})
    one = (
        update(Device.__table__)  # type: ignore[arg-type] # the rows themselves: no object is made of each
        .where(Device.__table__.c.id == bindparam("device"))
        .values(risk=bindparam("highest"), fault=bindparam("of"), risk_ts=bindparam("at"))
    )
    with desk.transaction() as session:
        session.connection().execute(one, rows.to_dicts())


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
    )

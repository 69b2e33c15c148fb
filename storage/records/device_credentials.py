"""Credentials of devices at the broker. Callers bring the transaction."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    and_,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.device_doors import BrokerUser, Credential, CredentialKind, HashedPassword
from fleet.grants import Sites
from fleet.signals import Kind
from storage.records.base import Base, Number
from storage.records.devices import Device
from storage.records.parts import parts_of
from storage.records.within import at_sites


class CredentialRow(Base):
    """A credential of a device (fleet.device_doors.Credential)."""

    __tablename__ = "device_credential"

    id: Mapped[int] = mapped_column(Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(
        String(64), ForeignKey("device.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    made_by: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]
    ends: Mapped[int | None]
    revoked_at: Mapped[int | None]
    topics: Mapped[list[Any]] = mapped_column(JSON)
    serial: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(128))
    salt: Mapped[str] = mapped_column(String(32))
    iterations: Mapped[int]
    known_at: Mapped[int | None]

    __table_args__ = (Index("ix_device_credential_unknown", "known_at"),)


def add_credentials(session: Session, credentials: Iterable[Credential]) -> None:
    """Keep new credentials; their ids are given here."""
    session.bulk_insert_mappings(CredentialRow.__mapper__, [_mapping(each) for each in credentials])


def _mapping(credential: Credential) -> dict[str, Any]:
    hashed = credential.hashed or HashedPassword("", "", 0)
    return {
        "device_id": credential.device_id,
        "kind": str(credential.kind),
        "made_by": credential.made_by,
        "made_at": credential.made_at,
        "ends": credential.ends,
        "revoked_at": credential.revoked_at,
        "topics": list(credential.topics),
        "serial": credential.serial,
        "key": hashed.key,
        "salt": hashed.salt,
        "iterations": hashed.iterations,
        "known_at": credential.known_at,
    }


def credentials_of(session: Session, device_id: str) -> Sequence[Credential]:
    """Return a device's credentials, the newest first."""
    query = (
        select(CredentialRow).where(CredentialRow.device_id == device_id).order_by(CredentialRow.id.desc())
    )
    return [_credential(row) for row in session.scalars(query)]


def newest_credentials(
    session: Session, sites: Sites, after: str = "", limit: int | None = None
) -> dict[str, Credential]:
    """Return the newest credential of each device that has one, by device id, those after an id."""
    newest = select(func.max(CredentialRow.id)).group_by(CredentialRow.device_id).scalar_subquery()
    query = (
        select(CredentialRow)
        .join(Device, Device.id == CredentialRow.device_id)
        .where(CredentialRow.id.in_(newest), CredentialRow.device_id > after)
        .order_by(CredentialRow.device_id)
        .limit(limit)
    )
    found = session.scalars(at_sites(query, Device.site, sites))
    return {row.device_id: _credential(row) for row in found}


def revoke_credentials(
    session: Session, device_ids: Collection[str], now: int, kind: CredentialKind | None = None
) -> int:
    """End what these devices show to the broker, all or of one kind; return how many that were."""
    ended = 0
    for part in parts_of(device_ids):
        held = and_(CredentialRow.device_id.in_(part), CredentialRow.revoked_at.is_(None))
        held = held if kind is None else and_(held, CredentialRow.kind == kind)
        statement = update(CredentialRow).where(held).values(revoked_at=now, known_at=None)
        ended += session.execute(statement).rowcount  # type: ignore[attr-defined]  # an update has a count
    return ended


def put_out(session: Session, device_ids: Collection[str]) -> set[str]:
    """Return those of these devices that had credentials, all of which were revoked."""
    found: set[str] = set()
    for part in parts_of(device_ids):
        left = func.sum(case((CredentialRow.revoked_at.is_(None), 1), else_=0))
        out = select(CredentialRow.device_id).where(CredentialRow.device_id.in_(part))
        found |= set(session.scalars(out.group_by(CredentialRow.device_id).having(left == 0)))
    return found


def end_credentials(session: Session, device_id: str, kind: CredentialKind, ends: int) -> None:
    """Let the credentials of a kind that a device has go on until then, and no longer."""
    session.execute(
        update(CredentialRow)
        .where(
            CredentialRow.device_id == device_id,
            CredentialRow.kind == kind,
            CredentialRow.revoked_at.is_(None),
            or_(CredentialRow.ends.is_(None), CredentialRow.ends > ends),
        )
        .values(ends=ends)
    )


def broker_users(session: Session, now: int, device_ids: Collection[str] | None = None) -> list[BrokerUser]:
    """Return the devices that may come in, all or those named, each as its newest credential has it."""
    found: dict[str, BrokerUser] = {}
    parts = [None] if device_ids is None else [CredentialRow.device_id.in_(p) for p in parts_of(device_ids)]
    for within in parts:
        query = (
            select(
                Device.id,
                Device.site,
                Device.kind,
                CredentialRow.topics,
                CredentialRow.key,
                CredentialRow.salt,
                CredentialRow.iterations,
            )
            .join(Device, Device.id == CredentialRow.device_id)
            .where(_holds(now))
            .order_by(CredentialRow.id)
        )
        for row in session.execute(query if within is None else query.where(within)):
            hashed = HashedPassword(row.key, row.salt, row.iterations) if row.key else None
            found[row.id] = BrokerUser(row.id, row.site, Kind(row.kind), tuple(row.topics), hashed)
    return list(found.values())


def unknown_to_broker(session: Session) -> set[str]:
    """Return the devices of which the broker has yet to be told something."""
    query = select(CredentialRow.device_id).where(CredentialRow.known_at.is_(None)).distinct()
    return set(session.scalars(query))


def note_known(session: Session, device_ids: Collection[str], now: int) -> None:
    """Note that the broker was told all there is about these devices."""
    for part in parts_of(device_ids):
        condition = and_(CredentialRow.device_id.in_(part), CredentialRow.known_at.is_(None))
        session.execute(update(CredentialRow).where(condition).values(known_at=now))


def forget_known(session: Session, device_id: str) -> None:
    """Note that the broker has to be told of a device anew: it moved."""
    session.execute(update(CredentialRow).where(CredentialRow.device_id == device_id).values(known_at=None))


def revoked_certificates(session: Session, now: int) -> list[tuple[int, int]]:
    """Return the certificates that ended before their own end: serial number and when (epoch ms)."""
    query = select(CredentialRow.serial, CredentialRow.revoked_at, CredentialRow.ends).where(
        CredentialRow.kind == CredentialKind.CERTIFICATE,
        or_(CredentialRow.revoked_at.is_not(None), CredentialRow.ends <= now),
    )
    found = session.execute(query)
    return [(int(serial, 16), revoked or ends or now) for serial, revoked, ends in found]


def delete_ended(session: Session, before: int) -> int:
    """Delete credentials that ended before then and that the broker knows of; return how many."""
    statement = delete(CredentialRow).where(
        CredentialRow.known_at.is_not(None),
        or_(
            CredentialRow.ends < before, and_(CredentialRow.ends.is_(None), CredentialRow.revoked_at < before)
        ),
    )
    return int(session.execute(statement).rowcount)  # type: ignore[attr-defined]  # a delete has a count


def _holds(now: int) -> ColumnElement[bool]:
    still = or_(CredentialRow.ends.is_(None), CredentialRow.ends > now)
    return and_(CredentialRow.revoked_at.is_(None), still)


def _credential(row: CredentialRow) -> Credential:
    return Credential(
        id=row.id,
        device_id=row.device_id,
        kind=CredentialKind(row.kind),
        made_by=row.made_by,
        made_at=row.made_at,
        ends=row.ends,
        revoked_at=row.revoked_at,
        topics=tuple(row.topics),
        serial=row.serial,
        hashed=HashedPassword(row.key, row.salt, row.iterations) if row.key else None,
        known_at=row.known_at,
    )

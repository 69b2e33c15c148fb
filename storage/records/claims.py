"""Serial numbers that wait to be claimed. Callers bring the transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.device_doors import Claim
from fleet.signals import Kind
from storage.records.base import Base
from storage.records.upsert import insert_into


class ClaimRow(Base):
    """A claim (fleet.device_doors.Claim); `code` is the digest of the one on the label."""

    __tablename__ = "device_claim"

    serial: Mapped[str] = mapped_column(String(64), primary_key=True)
    code: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(16))
    model: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[int]
    ends: Mapped[int]
    claimed_at: Mapped[int | None]
    device_id: Mapped[str] = mapped_column(String(64))


def offer_claims(session: Session, claims: Iterable[tuple[Claim, str]]) -> None:
    """Let serial numbers be claimed with codes (digests), in place of what was offered before."""
    for claim, code in claims:
        values = {
            "code": code,
            "kind": str(claim.kind),
            "model": claim.model,
            "made_at": claim.made_at,
            "ends": claim.ends,
            "claimed_at": None,
            "device_id": "",
        }
        statement = insert_into(session, ClaimRow).values(serial=claim.serial, **values)
        session.execute(statement.on_conflict_do_update(index_elements=[ClaimRow.serial], set_=values))


def claim_of(session: Session, serial: str) -> tuple[Claim, str] | None:
    """Return the claim of a serial number with the digest of its code, if there is one."""
    row = session.get(ClaimRow, serial)
    return None if row is None else (_claim(row), row.code)


def take_claim(session: Session, serial: str, code: str, device_id: str, now: int) -> bool:
    """Use a claim up; tell whether it was there to be used: of two at once one gets it."""
    statement = (
        update(ClaimRow)
        .where(
            ClaimRow.serial == serial,
            ClaimRow.code == code,
            ClaimRow.claimed_at.is_(None),
            ClaimRow.ends > now,
        )
        .values(claimed_at=now, device_id=device_id)
    )
    return bool(session.execute(statement).rowcount)  # type: ignore[attr-defined]  # an update has a count


def claims(session: Session) -> Sequence[Claim]:
    """Return all claims, the newest first."""
    rows = session.scalars(select(ClaimRow).order_by(ClaimRow.made_at.desc(), ClaimRow.serial))
    return [_claim(row) for row in rows]


def _claim(row: ClaimRow) -> Claim:
    return Claim(
        serial=row.serial,
        kind=Kind(row.kind),
        model=row.model,
        made_at=row.made_at,
        ends=row.ends,
        claimed_at=row.claimed_at,
        device_id=row.device_id,
    )

"""The tables of the desk database. Times are epoch milliseconds in UTC.

Alembic (storage/records/migrations) makes them; a test fails when a migration is missing.
"""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """Base of all tables."""

    type_annotation_map = {int: BigInteger, dict[str, Any]: JSON}  # noqa: RUF012 - SQLAlchemy's own protocol


# SQLite counts up only a column declared as INTEGER.
_Number = BigInteger().with_variant(Integer, "sqlite")


class Site(Base):
    """A place that devices clean."""

    __tablename__ = "site"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]


class Device(Base):
    """A device of the fleet, with the summary that lists are sorted by.

    `risk`, `fault` and `confidence` are those of the highest of its newest risks; `newest_ts` is the time of
    its newest reading, `last_seen` when its last message arrived.
    """

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    site: Mapped[str] = mapped_column(String(64), index=True)
    model: Mapped[str] = mapped_column(String(64), default="unknown")
    firmware: Mapped[str | None] = mapped_column(String(64))
    serial: Mapped[str | None] = mapped_column(String(64))
    commissioned: Mapped[str | None] = mapped_column(String(10))
    registered_at: Mapped[int]
    status: Mapped[str] = mapped_column(String(16), default="unknown")
    last_seen: Mapped[int | None]
    newest_ts: Mapped[int | None]
    battery_pct: Mapped[float | None]
    risk: Mapped[float | None]
    fault: Mapped[str | None] = mapped_column(String(64))
    risk_ts: Mapped[int | None]
    confidence: Mapped[str | None] = mapped_column(String(16))

    __table_args__ = (Index("ix_device_risk", "risk", "id"),)


class DeviceEvent(Base):
    """What a device said on its event topic: errors, SOS, parts replaced. Unique by device, time and code."""

    __tablename__ = "device_event"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64))
    ts: Mapped[int]
    code: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]]
    received: Mapped[int]

    __table_args__ = (UniqueConstraint("device_id", "ts", "code"),)


class AlertRow(Base):
    """An alert (fleet.alerts.Alert). The database itself allows one open alert per device and fault."""

    __tablename__ = "alert"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    fault: Mapped[str] = mapped_column(String(64))
    rule: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    state: Mapped[str] = mapped_column(String(16))
    since: Mapped[int]
    updated: Mapped[int]
    resolved_at: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(128))
    opens_ticket: Mapped[bool]
    evidence: Mapped[dict[str, Any]]

    __table_args__ = (
        Index(
            "uq_alert_open",
            "device_id",
            "fault",
            unique=True,
            sqlite_where=text("state != 'resolved'"),
            postgresql_where=text("state != 'resolved'"),
        ),
        Index("ix_alert_state", "state", "since"),
    )


class AlertEvent(Base):
    """Something that a rule, a model or a person did to an alert: who, when, what, why. Only ever added."""

    __tablename__ = "alert_event"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alert.id"), index=True)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]


# The deadline of the next milestone that is still to be reached; none is left on a closed ticket. A generated
# column, so that a list sorted by it needs no second truth beside the milestones.
_NEXT_DUE = """CASE
    WHEN state IN ('confirmed', 'cancelled') THEN NULL
    WHEN responded_at IS NULL THEN respond_due
    WHEN on_site_due IS NOT NULL AND on_site_at IS NULL AND solved_at IS NULL THEN on_site_due
    WHEN solved_at IS NULL THEN solve_due
END"""


class TicketRow(Base):
    """A repair ticket; `*_due` times come from the SLA policy, `version` guards against lost updates.

    The database itself allows one open ticket per device and fault.
    """

    __tablename__ = "ticket"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    device_id: Mapped[str] = mapped_column(String(64), index=True)
    site: Mapped[str] = mapped_column(String(64))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alert.id"), unique=True)
    fault: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(2))
    origin: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    part: Mapped[str | None] = mapped_column(String(64))
    skill: Mapped[str] = mapped_column(String(64))
    opened_at: Mapped[int]
    respond_due: Mapped[int]
    on_site_due: Mapped[int | None]
    solve_due: Mapped[int | None]
    responded_at: Mapped[int | None]
    on_site_at: Mapped[int | None]
    solved_at: Mapped[int | None]
    confirmed_fault: Mapped[str | None] = mapped_column(String(64))
    evidence: Mapped[dict[str, Any]]
    version: Mapped[int] = mapped_column(default=1)
    due: Mapped[int | None] = mapped_column(Computed(_NEXT_DUE, persisted=True))

    __table_args__ = (
        CheckConstraint("origin IN ('proactive', 'reported')", name="ck_ticket_origin"),
        Index(
            "uq_ticket_open",
            "device_id",
            "fault",
            unique=True,
            sqlite_where=text("state NOT IN ('confirmed', 'cancelled')"),
            postgresql_where=text("state NOT IN ('confirmed', 'cancelled')"),
        ),
        Index("ix_ticket_state", "state", "opened_at"),
        Index("ix_ticket_due", "due", "id"),
    )


class TicketEvent(Base):
    """Something done to a ticket: who, when, what, why. Rows are only ever added."""

    __tablename__ = "ticket_event"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]


class QuarantineRow(Base):
    """A message or reading that was turned away: one row for each topic, reason and payload."""

    __tablename__ = "quarantine"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    topic: Mapped[str]
    device_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str] = mapped_column(String(32))
    detail: Mapped[str]
    sha256: Mapped[str] = mapped_column(String(64))
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    truncated: Mapped[bool]
    count: Mapped[int]
    first_seen: Mapped[int]
    last_seen: Mapped[int] = mapped_column(index=True)

    __table_args__ = (
        UniqueConstraint("topic", "reason", "sha256"),
        # A payload lies before `last_seen` in a row: without it in the index, to find a device's oldest row
        # is to read all of its payloads.
        Index("ix_quarantine_device", "device_id", "last_seen"),
    )


class SeqRunRow(Base):
    """One life of a device's reading counter: the lowest and the highest number seen, and their times."""

    __tablename__ = "seq_run"

    device_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int]
    first_ts: Mapped[int]
    last_seq: Mapped[int]
    last_ts: Mapped[int]


class SeqGapRow(Base):
    """Reading numbers of one run that never arrived, measured between the times around them."""

    __tablename__ = "seq_gap"

    device_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    run: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_seq: Mapped[int]
    after_ts: Mapped[int]
    before_ts: Mapped[int]


class UnknownSignalRow(Base):
    """A name that devices of one kind send and no signal has; an example of who does."""

    __tablename__ = "unknown_signal"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16), primary_key=True)
    example_device: Mapped[str] = mapped_column(String(64))
    first_seen: Mapped[int]
    last_seen: Mapped[int]


class KeptAnswerRow(Base):
    """The answer to a request with an Idempotency-Key; without a status while it is being handled."""

    __tablename__ = "kept_answer"

    operation: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    begun: Mapped[int] = mapped_column(index=True)
    status: Mapped[int | None] = mapped_column(Integer)
    headers: Mapped[dict[str, Any]]
    body: Mapped[str]


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


class ModelEvent(Base):
    """Something that training, a trial or a person did to a model: who, when, what, why. Only ever added."""

    __tablename__ = "model_event"

    id: Mapped[int] = mapped_column(_Number, primary_key=True)
    model: Mapped[str] = mapped_column(String(64), index=True)
    fault: Mapped[str] = mapped_column(String(64), index=True)
    at: Mapped[int]
    who: Mapped[str] = mapped_column(String(64))
    before: Mapped[str | None] = mapped_column(String(16))
    after: Mapped[str] = mapped_column(String(16))
    why: Mapped[str]


class Note(Base):
    """A small fact the installation keeps about itself, by key: counters, marks of what is done."""

    __tablename__ = "note"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[dict[str, Any]]

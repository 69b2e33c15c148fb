"""A desk database with a few devices, an alert engine and a ticket desk on a clock that is moved by hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from helpers.following import follow_at_once
from helpers.fresh_desk import fresh_desk
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from alerts.judging.by_ticket import TicketEnds
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import Rule
from fleet.alerts import Alert, AlertState
from fleet.clock import ManualClock
from fleet.events import Event, Subject
from fleet.readings import ReadingBatch
from fleet.risks import Driver, Risk
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.sla import load_policy
from storage.records.alerts import AlertRow, alert_of
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.events import events_after
from sweepwatch.wiring import wire_desk

NOON = 1_800_000_000_000
DEVICES = {"R1": Kind.ROBOT, "R2": Kind.ROBOT, "W1": Kind.WRISTBAND, "T1": Kind.TOOL}


def add_devices(desk: DeskDatabase, devices: dict[str, Kind], last_seen: int = NOON) -> None:
    with desk.transaction() as session:
        for device_id, kind in devices.items():
            session.add(
                Device(
                    id=device_id,
                    kind=kind,
                    site="hall",
                    registered_at=NOON,
                    status="online",
                    last_seen=last_seen,
                )
            )


def batch_of(kind: Kind, devices: Sequence[str], ts: Sequence[int], **signals: Sequence[Any]) -> ReadingBatch:
    rows = len(devices)
    columns = {"device_id": devices, "site": ["hall"] * rows, "ts": ts, "received": ts} | signals
    return ReadingBatch.from_columns(STANDARD_SIGNALS, kind, columns, rows)


def a_risk(device_id: str, ts: int, risk: float, fault: str = "brush_jam", threshold: float = 0.5) -> Risk:
    driver = Driver("brush_current_a", "brush_current_a.trend_24h", 1.5, 4.2, 2.9, "A")
    return Risk(device_id, fault, ts, risk, threshold, "brush_jam-1", (driver,))


@dataclass
class Rooms:
    """The parts under test; `fired` and `changed` are what the log of events tells of alerts."""

    desk: DeskDatabase
    clock: ManualClock
    rules: tuple[Rule, ...]

    def __post_init__(self) -> None:
        self.restart()
        wired = wire_desk(self.desk, self.rules, load_policy(), self.clock)
        self.tickets = wired.tickets
        # The opener of tickets does not follow: tests of the desk hand alerts on as they like.
        ends = [follower for follower in wired.followers if isinstance(follower, TicketEnds)]
        follow_at_once(self.desk, ends, self.clock)

    def restart(self) -> None:
        self.engine = wire_desk(self.desk, self.rules, load_policy(), self.clock).alerts

    def foreseen(self, fault: str, risk: float) -> Alert:
        """Let a risk of R1 raise an alert now, or join one; return it."""
        self.engine.observe_risks([a_risk("R1", self.clock.ms, risk, fault)])
        alert = self.fired[-1]
        assert alert.fault == fault
        return alert

    @property
    def told(self) -> list[Event]:
        """What the log says of alerts, the oldest first."""
        with self.desk.transaction() as session:
            return _of_alerts(session)

    @property
    def changed(self) -> list[Alert]:
        """Each alert as it stood after each change, in order."""
        with self.desk.transaction() as session:
            return [_then(alert_of(session, event.subject_id), event) for event in _of_alerts(session)]

    @property
    def fired(self) -> list[Alert]:
        """The alerts that began to fire, or came to want a ticket."""
        with self.desk.transaction() as session:
            return [
                _then(alert_of(session, event.subject_id), event)
                for event in _of_alerts(session)
                if event.what == "joined" or (event.after == "firing" and event.before in (None, "pending"))
            ]

    def robot(self, device_id: str, after_s: float, **signals: Any) -> None:
        """Let the engine see one robot's reading, so many seconds after noon."""
        ts = NOON + round(after_s * 1000)
        batch = batch_of(Kind.ROBOT, [device_id], [ts], **{name: [value] for name, value in signals.items()})
        self.engine.observe(batch)

    def band(self, after_s: float, **signals: Any) -> None:
        ts = NOON + round(after_s * 1000)
        self.engine.observe(
            batch_of(Kind.WRISTBAND, ["W1"], [ts], **{name: [value] for name, value in signals.items()})
        )

    def tick(self, after_s: float) -> None:
        self.clock.ms = NOON + round(after_s * 1000)
        self.engine.tick(self.clock.ms)

    def heard(self, device_id: str, after_s: float, status: str = "online") -> None:
        """Note in the database that a message of a device arrived."""
        with self.desk.transaction() as session:
            session.execute(
                update(Device)
                .where(Device.id == device_id)
                .values(last_seen=NOON + round(after_s * 1000), status=status)
            )

    def history(self) -> list[tuple[str, str, str]]:
        """Return fault, state and reason of every stored alert, the oldest first."""
        with self.desk.transaction() as session:
            rows = session.scalars(select(AlertRow).order_by(AlertRow.id)).all()
            return [(row.fault, row.state, row.reason) for row in rows]


def _of_alerts(session: Session) -> list[Event]:
    return [event for event in events_after(session, 0, 100_000) if event.subject is Subject.ALERT]


def _then(alert: Alert, event: Event) -> Alert:
    """Return an alert as it stood after an event."""
    return replace(
        alert,
        state=AlertState(str(event.after)),
        reason=event.reason,
        opens_ticket=event.data["opens_ticket"],
    )


def open_rooms(folder: Path, rules: tuple[Rule, ...] | None = None) -> Rooms:
    path = folder / "desk.db"
    desk = fresh_desk(path)
    add_devices(desk, DEVICES)
    return Rooms(desk, ManualClock(NOON), rules or load_rules())

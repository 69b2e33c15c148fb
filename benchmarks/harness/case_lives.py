"""Whole lives of cases, with all that the log tells of them, written to a desk database at once.

Devices of twelve sites in four time zones have one case after another: late and early, paused, raised to a
worse level, reopened, cancelled, merged, cleared by themselves, judged rightly and wrongly.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from sqlalchemy import insert

from fleet.alerts import RISK_RULE
from fleet.cases import cleared, happened, joined, moved, open_case, suspect
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.events import Event
from fleet.faults import FAULTS, Level
from fleet.principals import Principal, model, person, rule, schedule
from fleet.signals import Kind
from fleet.sites import Site
from fleet.tickets import NO_FAULT, REPORT, Ticket, TicketOrigin, TicketState
from storage.records.alerts import AlertRow
from storage.records.database import DeskDatabase
from storage.records.devices import Device
from storage.records.events import tell
from storage.records.sites import describe_site
from storage.records.tickets import SpanRow, SuspicionAlert, SuspicionRow, TicketRow

ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/New_York", "Asia/Kolkata")
SITES = tuple(
    Site(f"site{n:02d}", region=f"region{n % 3}", customer=f"customer{n % 5}", zone=ZONES[n % 4])
    for n in range(12)
)
ENGINEERS = tuple(person(name) for name in ("Li Wei", "Zhang Min", "Anna Berg", "Tom Hill", "Rao"))
_FAULTS = [each for each in FAULTS.values() if each.kind is Kind.ROBOT][:8]
_S = TicketState
_AT_ONCE = 2_000


@dataclass
class Life:
    """A case as it is at the end, and what was told of it, in order."""

    ticket: Ticket
    told: list[Event] = field(default_factory=list)


class Lives:
    """Makes cases; the same seed makes the same ones."""

    def __init__(self, seed: int, now: int, days: float, cases_a_device: int) -> None:
        self._chance = random.Random(seed)
        self._now = now
        self._days = days
        self._cases = cases_a_device
        self._alerts = 0
        self.alerts: list[tuple[int, str, str, Level, int, bool]] = []

    def of_device(self, device_id: str, site: str, first_id: int) -> Iterator[Life]:
        """Yield the cases of one device, each after the last was over."""
        at = self._now - round(self._chance.uniform(0.8, 1.0) * self._days * DAY_MS)
        gap = self._days / self._cases
        number = first_id
        for _ in range(self._cases):
            at += round(self._chance.expovariate(1 / gap) * DAY_MS * 0.8) + 1
            if at >= self._now:
                return
            life = self._life(replace(self._opened(device_id, site, at), id=number))
            yield life
            at = life.ticket.spans[-1].begins
            number += 1
            if life.ticket.is_open:
                return

    def _alert(self, device_id: str, fault: str, level: Level, at: int, by_model: bool) -> int:
        self._alerts += 1
        self.alerts.append((self._alerts, device_id, fault, level, at, by_model))
        return self._alerts

    def _opened(self, device_id: str, site: str, at: int) -> Ticket:
        fault = self._chance.choice(_FAULTS)
        if self._chance.random() < 0.4:
            first = suspect(fault.code, at, {"source": REPORT, "who": "guest", "why": "it stands"})
            return open_case(device_id, site, TicketOrigin.REPORTED, first, at)
        by_model = self._chance.random() < 0.7
        alert = self._alert(device_id, fault.code, fault.level, at, by_model)
        evidence = {"risk": 0.8} if by_model else {"code": "E1"}
        first = suspect(fault.code, at, evidence, fault.level, alert)
        return open_case(device_id, site, TicketOrigin.PROACTIVE, first, at)

    def _life(self, ticket: Ticket) -> Life:
        first = ticket.suspicions[0]
        life = Life(ticket)
        who = self._noticed(first.alerts, first.evidence)
        life.told.append(
            happened(ticket, "opened", who, "seen", ticket.opened_at, after=_S.OPENED, fault=first.fault)
        )
        at = ticket.opened_at
        for step in self._way():
            at += self._pause(step)
            if at >= self._now:
                break
            step_at = at
            if step == "join":
                self._join(life, step_at)
            elif step == "clear":
                self._clear(life, step_at)
            elif step == "merge":
                self._merge(life, step_at)
            elif isinstance(step, TicketState):
                self._move(life, step, step_at)
        return life

    def _way(self) -> Iterator[TicketState | str]:
        chance = self._chance.random
        if chance() < 0.25:
            yield "join"
        if chance() < 0.15:
            yield "clear"
        if chance() < 0.1:
            yield "merge" if chance() < 0.2 else _S.CANCELLED
            return
        yield from self._worked_on()

    def _worked_on(self) -> Iterator[TicketState | str]:
        chance = self._chance.random
        yield _S.ACCEPTED
        if chance() < 0.1:
            yield "join"
        if chance() < 0.2:
            yield _S.WAITING_CUSTOMER
        yield _S.EN_ROUTE
        if chance() < 0.05:
            yield _S.ACCEPTED
            yield _S.CANCELLED
            return
        yield _S.REPAIRING
        if chance() < 0.1:
            yield "clear"
        if chance() < 0.15:
            yield _S.WAITING_PART
            yield _S.REPAIRING
        yield _S.REPAIRED
        yield from self._after_repair()

    def _after_repair(self) -> Iterator[TicketState]:
        chance = self._chance.random
        while chance() < 0.1:
            if chance() < 0.5:
                yield _S.CONFIRMED
            yield _S.REOPENED
            if chance() < 0.1:
                yield _S.CANCELLED
                return
            yield from (_S.ACCEPTED, _S.EN_ROUTE, _S.REPAIRING, _S.REPAIRED)
        yield _S.CONFIRMED

    def _pause(self, step: TicketState | str) -> int:
        hours = {_S.ACCEPTED: 1.2, _S.EN_ROUTE: 2.0, _S.REPAIRING: 3.0, _S.WAITING_PART: 1.0}.get(step, 4.0)  # type: ignore[call-overload]
        return 1 + round(self._chance.lognormvariate(0, 1.2) * hours * HOUR_MS / 2)

    def _join(self, life: Life, at: int) -> None:
        fault = self._chance.choice(_FAULTS)
        level = self._chance.choice(list(Level))
        before = life.ticket
        if self._chance.random() < 0.3:
            new = suspect(fault.code, at, {"source": REPORT, "who": "guest", "why": "again"})
        else:
            by_model = self._chance.random() < 0.7
            alert = self._alert(before.device_id, fault.code, level, at, by_model)
            new = suspect(fault.code, at, {"risk": 0.7} if by_model else {"code": "E2"}, level, alert)
        life.ticket = joined(before, new, at)
        what = "joined" if new.alerts or before.suspicion_of(new.fault) is None else "note"
        who = self._noticed(new.alerts, new.evidence)
        life.told.append(happened(life.ticket, what, who, "seen", at, fault=new.fault))
        if life.ticket.level != before.level:
            changed = {"before": before.level, "after": life.ticket.level}
            life.told.append(happened(life.ticket, "level", who, "joined", at, fault=new.fault, **changed))

    def _clear(self, life: Life, at: int) -> None:
        fault = life.ticket.suspicions[0].fault
        after = cleared(life.ticket, fault, at)
        if after != life.ticket:
            life.ticket = after
            life.told.append(happened(after, "left", rule("it"), "over", at, fault=fault))

    def _merge(self, life: Life, at: int) -> None:
        """End a case whose suspicions another one took over, as the migration to one case a device did."""
        before = life.ticket.state
        merged = moved(life.ticket, _S.CANCELLED, at)
        life.ticket = replace(merged, suspicions=())
        life.told.append(
            happened(
                life.ticket, "state", schedule("migration"), "merged", at, before=before, after=_S.CANCELLED
            )
        )

    def _move(self, life: Life, after: TicketState, at: int) -> None:
        before = life.ticket
        confirmed = self._verdict(before) if after is _S.REPAIRED else None
        if after is _S.CONFIRMED and self._chance.random() < 0.05:
            # The log does not tell a correction to "none" from no correction.
            corrected = self._verdict(before)
            confirmed = None if corrected == [NO_FAULT] else corrected
        deferred = self._left(before, confirmed) if confirmed is not None and after is _S.REPAIRED else None
        life.ticket = moved(before, after, at, confirmed, deferred)
        who: Principal = self._chance.choice(ENGINEERS)
        if after is _S.CANCELLED and self._chance.random() < 0.5:
            who = schedule("care")
        life.told.append(
            happened(
                life.ticket, "state", who, "as it is", at, before=before.state, after=after,
                confirmed=confirmed or (), **({"deferred": deferred} if deferred else {}),
            )
        )  # fmt: skip

    def _left(self, ticket: Ticket, confirmed: list[str]) -> list[str]:
        """Return what is left for a follow-up visit: now and then what was suspected and is not mended."""
        left = [each.fault for each in ticket.suspicions if each.fault not in confirmed]
        return [fault for fault in left if self._chance.random() < 0.3]

    def _verdict(self, ticket: Ticket) -> list[str]:
        if self._chance.random() < 0.12:
            return [NO_FAULT]
        found = [each.fault for each in ticket.suspicions if self._chance.random() < 0.75]
        if not found:
            found = [self._chance.choice(_FAULTS).code]
        return found

    def _noticed(self, alerts: tuple[int, ...], evidence: dict[str, object]) -> Principal:
        if not alerts:
            return person("guest")
        return model(RISK_RULE) if "risk" in evidence else rule("by code")


def add_lives(
    desk: DeskDatabase, count: int, now: int, *, days: float = 400.0, a_device: int = 12, seed: int = 1
) -> int:
    """Store about so many cases (epoch ms `now` is their end), with devices and sites; return how many."""
    lives = Lives(seed, now, days, a_device)
    chance = random.Random(seed + 1)
    with desk.transaction() as session:
        for site in SITES:
            describe_site(session, site)
    made, device = 0, 0
    while made < count:
        with desk.transaction() as session:
            batch: list[Life] = []
            devices = []
            while len(batch) < _AT_ONCE and made + len(batch) < count:
                device += 1
                device_id, site = f"R{device:06d}", chance.choice(SITES).id
                first_seen = now - round(chance.uniform(30, 2 * days) * DAY_MS)
                devices.append(
                    {
                        "id": device_id, "kind": "robot", "site": site, "registered_at": first_seen,
                        "model": f"CR-{device % 4 + 1}00", "firmware": f"{device % 3 + 1}.0",
                        "status": "online",
                    }
                )  # fmt: skip
                batch += lives.of_device(device_id, site, made + len(batch) + 1)
            session.execute(insert(Device), devices)
            _insert(session, batch, lives)
            made += len(batch)
    return made


def _insert(session: object, batch: list[Life], lives: Lives) -> None:
    tickets, spans, suspicions, links = [], [], [], []
    for life in batch:
        ticket = life.ticket
        tickets.append(
            {
                name: getattr(ticket, name)
                for name in TicketRow.__table__.columns.keys()  # noqa: SIM118 - a collection of columns
                if name not in ("due", "respond_due")
            }
            | {"respond_due": 0}
        )
        spans += [
            {"ticket_id": ticket.id, "number": n, "begins": s.begins, "state": s.state, "level": s.level}
            for n, s in enumerate(ticket.spans)
        ]
        for place, each in enumerate(ticket.suspicions):
            own = ticket.id * 20 + place
            suspicions.append(
                {
                    "id": own, "ticket_id": ticket.id, "fault": each.fault, "level": each.level,
                    "part": each.part, "skill": each.skill, "state": each.state, "since": each.since,
                    "ended_at": each.ended_at, "evidence": each.evidence,
                }
            )  # fmt: skip
            links += [{"alert_id": alert, "suspicion_id": own} for alert in each.alerts]
        for event in life.told:
            tell(session, event)  # type: ignore[arg-type]
    alerts = [
        {
            "id": number, "device_id": device_id, "fault": fault, "level": level, "state": "resolved",
            "rule": RISK_RULE if by_model else "by code", "since": at, "updated": at,
            "resolved_at": at + MINUTE_MS, "ended_by": None, "reason": "seen", "opens_ticket": True,
            "evidence": {},
        }
        for number, device_id, fault, level, at, by_model in lives.alerts
    ]  # fmt: skip
    lives.alerts.clear()
    for table, rows in (
        (AlertRow, alerts), (TicketRow, tickets), (SpanRow, spans),
        (SuspicionRow, suspicions), (SuspicionAlert, links),
    ):  # fmt: skip
        if rows:
            session.execute(insert(table), rows)  # type: ignore[attr-defined]

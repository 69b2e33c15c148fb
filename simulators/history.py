"""Writes a consistent past: readings into the store; devices, events and closed repairs into the desk.

Tickets of the past are what people knew then: a device failed, the customer reported it hours later, an
engineer closed it within three days. About one in twenty visits ends with "no fault found" (`confirmed_fault`
is `none`) although the device is failing; it is reported again. Failures that are not repaired when the past
ends have no ticket, nor have degradations under way: they are left for a model to find.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from fleet.cases import happened, moved, open_case, suspect
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.errors import ConfigError
from fleet.faults import FAULTS
from fleet.principals import schedule
from fleet.readings import ReadingBatch
from fleet.signals import Kind
from fleet.sla import SlaPolicy, deadlines, load_policy
from fleet.tickets import REPORT, TicketOrigin, TicketState
from simulators.fault_process import RepairRecord
from simulators.fleet_simulator import FleetSimulator
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.devices import DeviceInfo, Devices, DeviceSummary, Placement, ReportedEvent
from storage.records.events import tell
from storage.records.tickets import insert_ticket

_ROWS_AT_ONCE = 40_000


@dataclass(frozen=True, slots=True)
class HistorySummary:
    """What was written."""

    readings: int
    devices: int
    tickets: int
    events: int
    start_ms: int
    end_ms: int
    complete: bool
    """False when it was cancelled: the past then ends at `end_ms`, consistent so far."""


class _Summing:
    """What the past leaves to be known about each device at its end."""

    def __init__(self) -> None:
        self.newest: dict[str, int] = {}
        self.battery: dict[str, float | None] = {}

    def add(self, batch: ReadingBatch) -> None:
        last = batch.frame.group_by("device_id", maintain_order=True).last()
        for device, ts, battery in last.select("device_id", "ts", "battery_pct").iter_rows():
            self.newest[device] = ts
            if battery is not None or device not in self.battery:
                self.battery[device] = battery

    def summaries(self) -> list[DeviceSummary]:
        """Return what the lists of devices show of those that were heard."""
        return [
            DeviceSummary(device, ts, ts, self.battery[device], ts, "online", ts)
            for device, ts in self.newest.items()
        ]


def write_history(
    simulator: FleetSimulator,
    store: TelemetryStore,
    desk: DeskDatabase,
    days: float,
    *,
    end_ms: int,
    step_ms: int = 10 * MINUTE_MS,
    progress: Callable[[float], None] = lambda _share: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> HistorySummary:
    """Let a fresh simulator live through `days` up to `end_ms` (epoch ms) and write what happened.

    `progress` is called with the share done, 0 to 1; `cancelled` is asked between chunks of bounded size.
    Raises ConfigError when the simulator has already lived, and whatever the store raises.
    """
    if days <= 0 or step_ms <= 0:
        raise ConfigError(f"history of {days} days in steps of {step_ms} ms; both must be positive")
    policy = load_policy()
    steps = max(1, int(days * DAY_MS) // step_ms)
    start = end_ms - steps * step_ms
    simulator.begin_at(start)
    devices = Devices(desk)
    _add_fleet(devices, simulator, start)
    chunk = max(1, min(steps, _ROWS_AT_ONCE // simulator.config.devices))
    sums, readings, tickets, events, done = _Summing(), 0, 0, 0, 0
    while done < steps and not cancelled():
        count = min(chunk, steps - done)
        for kind, columns in simulator.run(count, step_ms).items():
            batch = simulator.batch(kind, columns, step_ms)
            if len(batch):
                store.write(batch)
                sums.add(batch)
                readings += len(batch)
        happened, closed = simulator.take_events(), simulator.take_repairs()
        devices.record_events(
            [ReportedEvent(each.device_id, each.ts, each.code, each.detail, each.ts) for each in happened]
        )
        with desk.transaction() as session:
            _add_tickets(session, simulator, closed, policy)
        events, tickets, done = events + len(happened), tickets + len(closed), done + count
        progress(done / steps)
    devices.record_summaries(sums.summaries())
    return HistorySummary(
        readings, simulator.config.devices, tickets, events, start, simulator.now_ms, done == steps
    )


def _add_fleet(devices: Devices, simulator: FleetSimulator, start: int) -> None:
    cards = simulator.cards
    devices.register({card.id: Placement(card.site, Kind(card.kind)) for card in cards}, start)
    devices.record_info(
        [DeviceInfo(card.id, card.model, card.firmware, card.serial, card.commissioned) for card in cards]
    )


def _add_tickets(
    session: Session, simulator: FleetSimulator, repairs: list[RepairRecord], policy: SlaPolicy
) -> None:
    site_of = {card.id: card.site for card in simulator.roster.cards[Kind.ROBOT]}
    for repair in repairs:
        _add_ticket(session, repair, site_of[repair.device_id], policy)


def _add_ticket(session: Session, repair: RepairRecord, site: str, policy: SlaPolicy) -> None:
    """Store the case of a repair, opened and moved on as the desk does it, and tell of each step."""
    first = suspect(repair.fault, repair.opened, {"source": REPORT, "who": "customer", "why": "as filed"})
    due = deadlines(policy, first.level, repair.opened)
    case = replace(
        open_case(repair.device_id, site, TicketOrigin.REPORTED, first, repair.opened),
        respond_due=due.respond,
        on_site_due=due.on_site,
        solve_due=due.solve,
    )
    told: list[tuple[TicketState, TicketState, int, list[str]]] = []
    for state, at in _moments(repair).items():
        found = [repair.confirmed] if state is TicketState.REPAIRED else []
        told.append((case.state, state, at, found))
        if state is not TicketState.OPENED:
            case = replace(moved(case, state, at, found or None), version=case.version + 1)
    stored = insert_ticket(session, case)
    for before, state, at, found in told:
        is_new = state is TicketState.OPENED
        why = f"confirmed fault: {repair.confirmed}" if state is TicketState.CONFIRMED else "as filed"
        event = happened(
            stored,
            "opened" if is_new else "state",
            schedule("history"),
            why,
            at,
            before=None if is_new else before,
            after=state,
            confirmed=found,
        )
        tell(session, event)


def _moments(repair: RepairRecord) -> dict[TicketState, int]:
    """Return when each state of the main line was reached: shares of the time, the work as the last part."""
    span = repair.repaired - repair.opened
    at_work = min(FAULTS[repair.fault].repair_minutes * MINUTE_MS, span // 2)
    arrived = repair.repaired - at_work
    return {
        TicketState.OPENED: repair.opened,
        TicketState.ACCEPTED: repair.opened + (arrived - repair.opened) // 4,
        TicketState.EN_ROUTE: arrived - (arrived - repair.opened) // 8,
        TicketState.REPAIRING: arrived,
        TicketState.REPAIRED: repair.repaired,
        TicketState.CONFIRMED: repair.repaired,
    }

"""The dossier of a device, put together at once from what is stored of it."""

from collections.abc import Callable, Sequence

import polars as pl
from sqlalchemy.orm import Session

from fleet.alerts import AlertState
from fleet.dossier import DeviceRisk, Dossier, DossierFact, PastRepair
from fleet.grants import Sites
from fleet.tickets import CLOSED_STATES, Ticket, TicketState
from storage.ports import TelemetryStore
from storage.records.alerts import open_alerts
from storage.records.database import DeskDatabase
from storage.records.device_lists import device_of
from storage.records.paging import Asked
from storage.records.registering import life_began
from storage.records.ticket_lists import TicketFilter, find_tickets
from storage.records.tickets import open_case_of

_REPAIRS, _RISKS = 10, 5
_LEAST_RISK = 0.05

FactSource = Callable[[Session, str], Sequence[DossierFact]]
"""What another room knows of a device: of its id, within a transaction."""


class Dossiers:
    """Puts dossiers together. `sources` are asked in their order."""

    def __init__(self, desk: DeskDatabase, store: TelemetryStore, sources: Sequence[FactSource] = ()) -> None:
        self._desk = desk
        self._store = store
        self._sources = tuple(sources)

    def of(self, device_id: str, sites: Sites = None) -> Dossier:
        """Return the dossier of a device. Raises NotFound, where it is at none of these sites as well."""
        closed = TicketFilter(states=tuple(sorted(CLOSED_STATES)), device=device_id)
        with self._desk.transaction() as session:
            device = device_of(session, device_id, sites)
            began = life_began(session, device_id)
            alerts = open_alerts(session, device_id)
            case = open_case_of(session, device_id)
            past = find_tickets(session, closed, Asked("-opened_at", _REPAIRS, None, ""), sites).rows
            facts = tuple(fact for source in self._sources for fact in source(session, device_id))
        return Dossier(
            device,
            self._risks(device_id, began),
            tuple(one for one in alerts if one.state is not AlertState.PENDING),
            tuple(_repair(each) for each in past if _was_repaired(each)),
            None if case is None else case.id,
            facts,
        )

    def _risks(self, device_id: str, began: int) -> tuple[DeviceRisk, ...]:
        """Return the newest risks of a device's present life."""
        wanted = (pl.col("ts") >= began) & (pl.col("risk") >= _LEAST_RISK)
        found = self._store.latest_risks(device_id).filter(wanted).sort("risk", descending=True)
        rows = found.head(_RISKS).select("fault", "risk", "ts").iter_rows()
        return tuple(DeviceRisk(fault, risk, ts) for fault, risk, ts in rows)


def _was_repaired(case: Ticket) -> bool:
    return case.state is TicketState.CONFIRMED and case.merged_into is None


def _repair(case: Ticket) -> PastRepair:
    return PastRepair(case.id, case.opened_at, case.solved_at, case.confirmed_faults, tuple(case.parts))

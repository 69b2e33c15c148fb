"""All that people do about cases beside moving them on, in one hand."""

from dataclasses import dataclass

from desk.clocks.standing import TicketClocks
from desk.consent.desk import ConsentDesk
from desk.inspections.desk import InspectionDesk
from desk.maintenance.desk import MaintenanceDesk
from desk.tickets.complaints import ComplaintDesk
from desk.tickets.conversation import Conversation
from desk.tickets.joining import Joining
from desk.tickets.procedure import Procedure
from desk.tickets.telling import CaseTeller
from desk.tickets.writing import CaseWriter
from fleet.service import ServiceFile
from fleet.zones import Zones
from storage.records.database import DeskDatabase


@dataclass(frozen=True, slots=True)
class CaseWork:
    """The parts that change cases, each in its own file."""

    complaints: ComplaintDesk
    conversation: Conversation
    joining: Joining
    procedure: Procedure
    maintenance: MaintenanceDesk
    inspections: InspectionDesk
    consent: ConsentDesk


def case_work(
    desk: DeskDatabase,
    cases: CaseWriter,
    clocks: TicketClocks,
    service: ServiceFile,
    teller: CaseTeller | None = None,
    zones: Zones | None = None,
) -> CaseWork:
    """Wire them over one writer; without a `teller` nobody is told of anything, without `zones` in UTC."""
    return CaseWork(
        ComplaintDesk(cases, teller),
        Conversation(cases),
        Joining(cases),
        Procedure(desk, cases, clocks, service),
        MaintenanceDesk(desk, cases, service, teller),
        InspectionDesk(desk, cases, service),
        ConsentDesk(cases, zones),
    )

"""What the API needs from the rest of the house, handed in by the composition root."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request
from prometheus_client import CollectorRegistry

from access.devices.commands import Commands
from access.devices.credentials import DeviceDoors
from access.doors import Doors
from access.firmware.rollouts import Rollouts
from access.rates import Rates
from alerts.book import RuleBook
from alerts.trials import Trials
from api.reach import Reach
from desk.clocks.standing import TicketClocks
from desk.dispatch.board import DispatchBoard
from desk.dispatch.on_the_spot import OnTheSpot
from desk.dispatch.visits import FoundVisits
from desk.feedback.closing import Closing
from desk.indicators.reports import Reports
from desk.intake.room import IntakeRoom
from desk.lists.lists import Lists
from desk.parts.planning import PartsRoom
from desk.people.absences import AbsenceDesk
from desk.people.book import ServiceBook
from desk.tickets.past import PastCases
from desk.tickets.work import CaseWork
from fleet.care import AlertNote, Incident, Preview
from fleet.clock import Clock
from fleet.codes import CodeCatalogue, load_codes
from fleet.external import Report
from fleet.grants import Sites
from fleet.ledger import LedgerView
from fleet.mutes import Mute
from fleet.principals import Principal
from fleet.progress import StartProgress
from fleet.proofs import Proof, ProofAsked, SentFile
from fleet.risks import Driver
from fleet.signals import SignalTable
from fleet.text import Language, Text
from fleet.tickets import Ticket, TicketState
from fleet.zones import Zones
from notify.book import NoticeBook
from notify.duty.on_call import OnCall
from notify.duty.planning import Planning
from notify.letters import LetterWriter
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.records.model_cards import ModelCard


class Tickets(Protocol):
    """Whoever changes tickets (desk.tickets.TicketDesk)."""

    def change_state(
        self,
        ticket_id: int,
        after: TicketState,
        principal: Principal,
        why: str,
        version: int | None = None,
        confirmed: Sequence[str] | None = None,
        deferred: Sequence[str] | None = None,
    ) -> Ticket:
        """Move a ticket on; raises NotFound, IllegalTransition, InvalidInput or Conflict."""
        ...

    def read(self, ticket_id: int) -> Ticket:
        """Return a ticket; raises NotFound."""
        ...

    def keep_open(self, ticket_id: int, principal: Principal, why: str, version: int | None = None) -> Ticket:
        """Object to the end of a case that asks to be closed; raises NotFound, InvalidInput or Conflict."""
        ...

    def report(self, device_id: str, fault: str, principal: Principal, why: str) -> int:
        """Open a ticket that a person asked for and return its id; raises NotFound or InvalidInput."""
        ...


class Visits(Protocol):
    """Whoever plans visits (desk.dispatch.visits.Visits)."""

    def find(self, budget: int, site: str | None, sites: Sites) -> FoundVisits:
        """Return whom to visit within a budget, and whom to call, at one site or all of `sites`."""
        ...


class Alerts(Protocol):
    """Whoever changes alerts (alerts.engine.AlertEngine)."""

    def acknowledge(self, alert_id: str, principal: Principal, why: str) -> object:
        """Note that someone takes care of an alert; raises NotFound, InvalidInput or Conflict."""
        ...

    def resolve(self, alert_id: str, principal: Principal, why: str) -> object:
        """End an open alert by hand; raises NotFound, InvalidInput or Conflict."""
        ...

    def observe_external(self, reports: Sequence[Report]) -> int:
        """Judge what another system reports of its own alerts."""
        ...


class Care(Protocol):
    """Whoever decides what is told of alerts (alerts.care.by_people.CareByPeople)."""

    def acknowledge(self, alert_id: str, by: Principal, why: str, for_ms: int | None = None) -> None:
        """Note that someone takes care of an alert; raises NotFound, InvalidInput or Conflict."""
        ...

    def acknowledge_incident(
        self, number: int, by: Principal, why: str, for_ms: int | None = None
    ) -> Incident:
        """Note that someone takes care of an incident; raises NotFound, InvalidInput or Conflict."""
        ...

    def note_incident(self, number: int, by: Principal, text: str) -> None:
        """Write something down about an incident; raises NotFound or InvalidInput."""
        ...

    def preview(self, mute: Mute) -> Preview:
        """Return what a mute would hide; raises InvalidInput."""
        ...

    def mute(self, mute: Mute, by: Principal, *, confirmed: bool = False) -> Mute:
        """Begin a mute; raises InvalidInput."""
        ...

    def unmute(self, number: int, by: Principal, why: str) -> Mute:
        """End a mute; raises NotFound, InvalidInput or Conflict."""
        ...

    def note(self, alert_id: str, by: Principal, text: str) -> AlertNote:
        """Write something down about an alert; raises NotFound or InvalidInput."""
        ...


class Proofs(Protocol):
    """Whoever keeps proofs on a past (sweepwatch.run.proofs.Proofs)."""

    most_bytes: int
    """So much may be sent for one."""

    def all(self) -> Sequence[Proof]:
        """Return every proof, the newest first."""
        ...

    def read(self, proof_id: int) -> Proof:
        """Return a proof; raises NotFound."""
        ...

    def histories(self) -> Sequence[str]:
        """Return the names of the folders that hold histories."""
        ...

    def begin(self, asked: ProofAsked, by: Principal, files: Sequence[SentFile] = ()) -> Proof:
        """Let a proof wait for its turn; raises InvalidInput or Conflict, and then keeps nothing."""
        ...

    def again(self, proof_id: int) -> Proof:
        """Begin a proof again that failed or was broken off; raises NotFound or Conflict."""
        ...

    def delete(self, proof_id: int) -> None:
        """Delete a proof, stopping it where it is under way; raises NotFound."""
        ...

    def report(self, proof_id: int) -> Mapping[str, Any]:
        """Return the report of a proof; raises NotFound."""
        ...

    def file(self, proof_id: int, language: Language, name: str) -> bytes:
        """Return a file of the report; raises NotFound."""
        ...


@dataclass(frozen=True)
class ApiServices:
    """Everything the API reads and does.

    `explain` says in one sentence what a driver shows. `ledger` gives None where no ingester runs in this
    process. `readiness` maps each component to what is wrong with it, None when it is fine. `progress` gives
    None once the first start is over, `notice` what every page says on top. `currency` is that of all money;
    `model_trouble` says why the file of a model cannot be used, None when it can. `demo` tells whether it
    shows a simulated fleet to whoever sits at this machine, `speed` how many times as fast as the
    machine's its clock runs, `reach` how browsers come to it, `rates` how
    often each may ask. `codes` says what makers' codes mean, `zones` by whose clock the console shows times,
    `rules` what each alert rule says.
    `devices` are the credentials of devices, `notices` keeps where notices go, `book` the versions of rules,
    which `trials` try. `duty` says who is on call, `planning` changes that. `letters` says how a customer can
    be written to, `dispatch` who goes to which case when, `absences` who is away,
    `on_the_spot` what else can be done where somebody is.
    `service` describes customers, contracts, engineers and parts, `lists` takes them in and gives them out,
    `past` takes repairs of the past.
    `closing` is what follows a repair, `reports` say what indicators are. `intake` takes reports and files,
    and knows what is told of a device. `parts` is all about their stock, `proofs` keeps proofs on a past.
    """

    store: TelemetryStore
    desk: DeskDatabase
    signals: SignalTable
    clock: Clock
    tickets: Tickets
    work: CaseWork
    alerts: Alerts
    care: Care
    commands: Commands
    visits: Visits
    clocks: TicketClocks
    closing: Closing
    explain: Callable[[Driver, Language], str]
    ledger: Callable[[], LedgerView | None]
    readiness: Callable[[], Mapping[str, str | None]]
    registry: CollectorRegistry
    progress: Callable[[], StartProgress | None]
    doors: Doors
    devices: DeviceDoors
    rollouts: Rollouts
    notices: NoticeBook
    letters: LetterWriter
    dispatch: DispatchBoard
    absences: AbsenceDesk
    on_the_spot: OnTheSpot
    book: RuleBook
    trials: Trials
    duty: OnCall
    planning: Planning
    service: ServiceBook
    lists: Lists
    past: PastCases
    reports: Reports
    intake: IntakeRoom
    parts: PartsRoom
    proofs: Proofs
    demo: bool = False
    speed: float = 1.0
    reach: Reach = field(default_factory=Reach)
    rates: Rates = field(default_factory=Rates)
    notice: Callable[[], Text | None] = lambda: None
    currency: str = "EUR"
    model_trouble: Callable[[ModelCard], str | None] = lambda _card: None
    codes: CodeCatalogue = field(default_factory=load_codes)
    zones: Zones = field(default_factory=Zones)
    rules: Mapping[str, Text] = field(default_factory=dict)


async def services_of(request: Request) -> ApiServices:
    """Return the services that `create_app` was given; async, or each request would wait for a thread."""
    services: ApiServices = request.app.state.services
    return services


Services = Annotated[ApiServices, Depends(services_of)]
"""A route's parameter that takes the services."""

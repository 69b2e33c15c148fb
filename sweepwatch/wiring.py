"""Where the rooms meet: builds every part and hands it what it asks for. Nothing starts here."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from sqlalchemy.orm import Session

from alerts.engine import AlertEngine
from alerts.judging.rules import load_rules
from api.app import create_app
from api.services import ApiServices
from desk.tickets.desk import TicketDesk
from fleet.alerts import Alert, AlertState
from fleet.broker_url import parse_broker_url
from fleet.clock import DAY_MS, Clock
from fleet.codes import CodeCatalogue, load_codes
from fleet.errors import SweepwatchError
from fleet.ledger import LedgerView
from fleet.principals import Principal
from fleet.progress import StartProgress
from fleet.signals import SignalTable
from fleet.sla import SlaPolicy, load_policy
from fleet.tickets import Ticket, TicketState
from ingest.dialects.config import load_dialects
from ingest.metrics import export
from ingest.service import IngestService
from ingest.settings import IngestSettings
from models.registry.registry import ModelRegistry
from models.scoring.explanation import sentence
from storage.ports import TelemetryStore
from storage.records.alerts import resolve_open_alert
from storage.records.database import DeskDatabase, open_desk
from storage.series.store_url import DuckDbAddress, parse_store_url
from sweepwatch.data_folder import DataFolder
from sweepwatch.settings.costs import costs_of
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.stores import SERVING, DuckDbUse, open_store_at

log = logging.getLogger(__name__)
_MB = 1024 * 1024


@dataclass(frozen=True)
class Services:
    """The parts that every process has in common."""

    settings: Settings
    folder: DataFolder
    clock: Clock
    signals: SignalTable
    store: TelemetryStore
    desk: DeskDatabase
    policy: SlaPolicy
    tickets: TicketDesk
    alerts: AlertEngine
    codes: CodeCatalogue
    models: ModelRegistry
    metrics: CollectorRegistry

    def close(self) -> None:
        """Let go of both stores."""
        self.store.close()
        self.desk.close()


class BridgedDesk(TicketDesk):
    """A desk whose closed tickets end their alerts at once, until followers of the log do it."""

    def __init__(
        self, desk: DeskDatabase, policy: SlaPolicy, clock: Clock, on_changed: Callable[[Ticket], None]
    ) -> None:
        super().__init__(desk, policy, clock)
        self._on_changed = on_changed

    def _move(
        self,
        session: Session,
        before: Ticket,
        after: TicketState,
        principal: Principal,
        why: str,
        confirmed: Sequence[str] | None = None,
    ) -> Ticket:
        stored = super()._move(session, before, after, principal, why, confirmed)
        if not stored.is_open:
            for alert in stored.alerts:
                now = self._clock.now_ms()
                resolve_open_alert(session, alert, principal.name, now, f"ticket_{after}")
        session.info.setdefault("moved", []).append(stored)
        return stored

    @contextmanager
    def _writing(self) -> Iterator[Session]:
        with super()._writing() as session:
            yield session
        for stored in session.info.pop("moved", []):
            self._on_changed(stored)


def build(
    settings: Settings,
    folder: DataFolder,
    clock: Clock,
    on_ticket: Callable[[Ticket], None] = lambda _ticket: None,
    use: DuckDbUse = SERVING,
) -> Services:
    """Open the stores of an installation and wire its parts; `on_ticket` hears of every change of a ticket.

    `use` is what an embedded store may use, where the settings do not say.
    Raises ConfigError, DataFolderError or StoreUnavailable when a part cannot be had; nothing stays open.
    """
    signals = signal_table(settings)
    rules = load_rules(settings.alerts.rules, signals)
    codes = load_codes(settings.alerts.codes)
    policy = load_policy()
    desk = open_desk(desk_url(settings, folder))
    try:
        store = open_store(settings, folder, signals, use)
    except BaseException:
        desk.close()
        raise

    # Alerts and tickets know of each other only here: a firing alert opens a ticket, and a closed ticket has
    # ended its alert in the database, which the engine then reads anew.
    def open_ticket(alert: Alert) -> None:
        tickets.open_for(alert)

    def alert_changed(alert: Alert) -> None:
        if alert.state is AlertState.RESOLVED:
            tickets.alert_ended(alert)

    def ticket_changed(ticket: Ticket) -> None:
        if not ticket.is_open:
            alerts.reload()
        on_ticket(ticket)

    alerts = AlertEngine(desk, rules, clock, open_ticket, alert_changed, codes)
    tickets = BridgedDesk(desk, policy, clock, ticket_changed)
    return Services(
        settings=settings,
        folder=folder,
        clock=clock,
        signals=signals,
        store=store,
        desk=desk,
        policy=policy,
        tickets=tickets,
        alerts=alerts,
        codes=codes,
        models=ModelRegistry(desk, folder.folder("models"), costs=costs_of(settings.models.costs)),
        metrics=CollectorRegistry(),
    )


def desk_url(settings: Settings, folder: DataFolder) -> str:
    """Return the URL of the desk database: the one that is set, else SQLite in the data folder."""
    return settings.desk.url or f"sqlite:///{folder.desk}"


def open_store(
    settings: Settings, folder: DataFolder, signals: SignalTable, use: DuckDbUse
) -> TelemetryStore:
    """Open the time-series store: the one that is set, else DuckDB in the data folder."""
    url = settings.store.url
    address = DuckDbAddress(folder.telemetry) if url is None else parse_store_url(url)
    chosen = settings.store
    use = DuckDbUse(chosen.duckdb_threads or use.threads, chosen.duckdb_memory_mb or use.memory_mb)
    return open_store_at(address, signals, chosen.influxdb_gzip, use)


def build_ingest(services: Services, broker_url: str, mqtt_version: str = "auto") -> IngestService:
    """Wire the ingester: what it stores is judged by the alert rules before it is acknowledged.

    `mqtt_version` is "5", "3.1.1", or "auto": 5, and 3.1.1 where the broker does not speak it.
    """
    chosen = services.settings.ingest
    settings = IngestSettings(
        broker=parse_broker_url(broker_url),
        client_id=chosen.client_id,
        share=chosen.share,
        share_pins_devices=chosen.share_pins_devices,
        mqtt_version=mqtt_version,
        session_expiry_s=chosen.session_expiry_s,
        receive_maximum=chosen.receive_maximum,
        buffer_bytes=chosen.in_flight_mb * _MB,
        open_registration=chosen.open_registration,
        retention_ms=services.settings.store.retention_days * DAY_MS,
        quarantine_rows=chosen.quarantine_rows,
        quarantine_rows_per_device=chosen.quarantine_rows_per_device,
    )
    ingest = IngestService(
        settings,
        services.store,
        services.desk,
        services.signals,
        services.clock,
        observers=[services.alerts.observe],
        event_observers=[services.alerts.observe_events],
        dialects=load_dialects(chosen.dialects, services.signals),
    )
    export(services.metrics, ingest.ledger.snapshot, lambda: ingest.connected)
    return ingest


def build_api(
    services: Services,
    ingest: IngestService | None,
    troubles: Callable[[], Mapping[str, str | None]],
    progress: Callable[[], StartProgress | None] = lambda: None,
) -> FastAPI:
    """Wire the API and the console; `troubles` are those of the parts that only the process knows."""

    def ledger() -> LedgerView | None:
        return ingest.ledger.snapshot() if ingest else None

    def readiness() -> Mapping[str, str | None]:
        own = {"store": _trouble(services.store.check), "desk": _trouble(services.desk.check)}
        return own | ({"ingest": ingest.not_ready()} if ingest else {}) | dict(troubles())

    return create_app(
        ApiServices(
            store=services.store,
            desk=services.desk,
            signals=services.signals,
            clock=services.clock,
            tickets=services.tickets,
            alerts=services.alerts,
            codes=services.codes,
            zone=ZoneInfo(services.settings.server.time_zone),
            sla=services.policy,
            explain=lambda driver, language: sentence(driver, services.signals, language),
            ledger=ledger,
            readiness=readiness,
            registry=services.metrics,
            progress=progress,
            costs=costs_of(services.settings.models.costs),
            model_trouble=services.models.mismatch,
        )
    )


def _trouble(check: Callable[[], None]) -> str | None:
    try:
        check()
    except SweepwatchError as error:
        return str(error)
    return None

"""Where the rooms meet: builds every part and hands it what it asks for. Nothing starts here."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry

from access.devices.commands import Commands
from access.devices.credentials import DeviceDoors
from access.doors import Doors
from access.firmware.lives import Lives
from access.firmware.moving import Mover
from access.firmware.rollouts import Rollouts
from access.provider import Provider
from alerts.book import RuleBook, RulesAtWork
from alerts.care.by_people import CareByPeople
from alerts.care.care import Care
from alerts.care.sweep import Sweep
from alerts.care.teller import BUDGET_A_DAY, Teller
from alerts.engine import AlertEngine
from alerts.judging.by_ticket import ChangedElsewhere, DeviceEnds, TicketEnds
from alerts.judging.columns import Past
from alerts.judging.rule_file import load_rules, rules_text
from alerts.judging.rules import OFFLINE, Rule
from desk.clocks.calendar import ServiceCalendar
from desk.clocks.clocks import Clocks
from desk.clocks.files import load_clocks
from desk.clocks.recount import Recount
from desk.clocks.standing import TicketClocks
from desk.clocks.sweep import ClockSweep
from desk.dispatch.board import DispatchBoard
from desk.dispatch.experience import Learning
from desk.dispatch.on_the_spot import OnTheSpot
from desk.dispatch.replanning import Replanner
from desk.dispatch.scene import SceneReader
from desk.feedback.closing import Closing
from desk.feedback.desk import FeedbackDesk
from desk.feedback.scores import FeedbackScores
from desk.feedback.sweep import FollowUpSweep
from desk.feedback.tasks import Remarks
from desk.feedback.visits import VisitBook
from desk.indicators.figures import Figures
from desk.indicators.keeper import FactKeeper
from desk.indicators.reports import Reports
from desk.lists.lists import Lists
from desk.parts.fleet_demand import Foreseeing
from desk.parts.for_dispatch import AssignedCases, StockForDispatch
from desk.parts.likely import PartsAtRisk
from desk.parts.orders import OrderDesk
from desk.parts.planning import PartsRoom, StockPlanning
from desk.parts.proposals import Wish
from desk.parts.stock import StockDesk
from desk.people.absences import AbsenceDesk
from desk.people.book import ServiceBook
from desk.people.dossier import ServiceFacts
from desk.people.follower import ForgetsTerms, TermsFollower
from desk.people.terms import TermsOfSites
from desk.tickets.desk import TicketDesk
from desk.tickets.follow_ups import FollowUpCases
from desk.tickets.opener import TicketOpener
from desk.tickets.telling import CaseTeller
from desk.tickets.work import CaseWork, case_work
from desk.tickets.writing import CaseWriter
from fleet.broker_url import parse_broker_url
from fleet.clock import DAY_MS, Clock
from fleet.codes import CodeCatalogue, load_codes
from fleet.demands import load_demands
from fleet.duty import Duty
from fleet.errors import SweepwatchError
from fleet.followers import Follower
from fleet.notices import Channel, ChannelKind
from fleet.readings import ReadingBatch
from fleet.service import ServiceFile, load_service
from fleet.signals import STANDARD_SIGNALS, SignalTable
from fleet.sla import SlaPolicy
from fleet.zones import Zones
from ingest.dialects.config import load_dialects
from ingest.metrics import export
from ingest.service import IngestService
from ingest.settings import IngestSettings
from models.registry.registry import ModelRegistry
from notify.book import NoticeBook
from notify.channels.catalogue import channels_of as channels_as
from notify.duty.on_call import OnCall
from notify.duty.planning import Planning
from notify.duty.roster import Destinations
from notify.letters import LetterWriter
from notify.notifier import Notifier
from notify.ports import Channels
from notify.vapid import OwnKey
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase, open_desk
from storage.records.destinations import groups_by_name
from storage.series.store_url import DuckDbAddress, StoreAddress, parse_store_url
from sweepwatch.data_folder import TELEMETRY, DataFolder
from sweepwatch.metrics import new_registry
from sweepwatch.model_files import model_files
from sweepwatch.run.device_doors import device_doors
from sweepwatch.run.push import contact_of
from sweepwatch.run.reach import address_of
from sweepwatch.settings.costs import Priced, costs_of
from sweepwatch.settings.notify import channel_settings_of
from sweepwatch.settings.oidc import registration_of
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.stores import SERVING, DuckDbUse, open_store_at
from sweepwatch.zones import zones_of

log = logging.getLogger(__name__)
_MB = 1024 * 1024
"""So many reasons of a risk a notice tells."""


@dataclass(frozen=True)
class Services:
    """The parts that every process has in common."""

    settings: Settings
    folder: DataFolder
    clock: Clock
    signals: SignalTable
    store: TelemetryStore
    desk: DeskDatabase
    clocks: TicketClocks
    clock_sweep: ClockSweep
    zones: Zones
    service: ServiceBook
    lists: Lists
    service_facts: ServiceFacts
    follow_up_sweep: FollowUpSweep
    closing: Closing
    tickets: TicketDesk
    work: CaseWork
    stock: StockDesk
    alerts: AlertEngine
    book: RuleBook
    care: CareByPeople
    sweep: Sweep
    codes: CodeCatalogue
    commands: Commands
    followers: tuple[Follower, ...]
    listeners: tuple[Follower, ...]
    facts: FactKeeper
    reports: Reports
    models: ModelRegistry
    metrics: CollectorRegistry
    devices: DeviceDoors
    channels: Channels
    for_letters: set[ChannelKind]
    """The channels that write to customers alone."""
    notices: NoticeBook
    letters: LetterWriter
    notifier: Notifier
    dispatch: DispatchBoard
    replanner: Replanner
    on_the_spot: OnTheSpot
    absences: AbsenceDesk

    def use_channel(self, channel: Channel) -> None:
        """Let letters to customers go by a channel beside those that are set up."""
        assert isinstance(self.channels, dict)  # made below
        self.for_letters.add(channel.kind)
        self.channels[channel.kind] = channel

    def close(self) -> None:
        """Let go of both stores."""
        self.store.close()
        self.desk.close()


def build(
    settings: Settings,
    folder: DataFolder,
    clock: Clock,
    use: DuckDbUse = SERVING,
) -> Services:
    """Open the stores of an installation and wire its parts.

    `use` is what an embedded store may use, where the settings do not say.
    Raises ConfigError, DataFolderError or StoreUnavailable when a part cannot be had; nothing stays open.
    """
    signals = signal_table(settings)
    if settings.alerts.rules is not None:
        load_rules(settings.alerts.rules, signals)  # whose mistakes name the file
    shipped = rules_text(settings.alerts.rules)
    codes = load_codes(settings.alerts.codes)
    clocks = load_clocks(settings.desk.sla, settings.desk.calendars)
    demands = load_demands(settings.desk.demands)
    travel = settings.dispatch.travel()
    desk = open_desk(desk_url(settings, folder), survives_power=settings.simulator.speed == 1)
    try:
        channels = dict(channels_of(settings, desk, clock))
        store = open_store(settings, folder, signals, use)
    except BaseException:
        desk.close()
        raise
    duty = build_duty(desk, clock)[0]
    # The letter box of a demo's crew is for its customers alone: the house writes nobody else by it.
    for_letters = set[ChannelKind]()
    notifier = Notifier(
        desk, duty, clock, mail=lambda: ChannelKind.MAIL in channels and ChannelKind.MAIL not in for_letters
    )
    zones = zones_of(settings, desk)
    letters = LetterWriter(desk, channels, zones, clock, settings.notify.letters)
    book = RuleBook(desk, clock, signals, codes, shipped)
    wired = wire_desk(
        desk,
        book.at_work().rules,
        clocks.policy,
        clock,
        codes,
        calendars=clocks.calendars,
        service=load_service(settings.desk.service),
        signals=signals,
        duty=duty,
        zones=zones,
        past=store.readings,
        budget=settings.alerts.notices_a_day,
        reservation_days=settings.desk.reservation_days,
    )
    kept = StockForDispatch(wired.stock, clock)
    service = wired.work.procedure.service
    reader = SceneReader(service, wired.work.consent, kept, zones, demands, Learning(service))
    dispatch = DispatchBoard(desk, wired.cases, reader, travel, settings.dispatch.used())
    return Services(
        settings=settings,
        folder=folder,
        clock=clock,
        signals=signals,
        store=store,
        desk=desk,
        clocks=wired.clocks,
        clock_sweep=wired.clock_sweep,
        zones=zones,
        service=ServiceBook(desk, clock, demands, zones, wired.terms.forget),
        lists=Lists(desk, clock, wired.terms.forget),
        service_facts=ServiceFacts(wired.terms, clock),
        follow_up_sweep=FollowUpSweep(desk, wired.told),
        closing=build_closing(settings, desk, clock, wired.told, wired.stock),
        tickets=wired.tickets,
        work=wired.work,
        stock=wired.stock,
        alerts=wired.alerts,
        care=wired.care,
        sweep=wired.sweep,
        codes=codes,
        commands=Commands(desk, clock),
        followers=(*wired.followers, notifier, letters),
        listeners=(*wired.listeners, RulesAtWork(book, wired.alerts)),
        book=book,
        facts=wired.facts,
        reports=reports_of(settings, desk, clock),
        models=ModelRegistry(
            desk, model_files(settings, desk, folder.root / "models"), costs=costs_of(settings.models.costs)
        ),
        metrics=new_registry(desk),
        devices=device_doors(settings, folder.root, desk, clock),
        channels=channels,
        for_letters=for_letters,
        notices=NoticeBook(desk, channels, clock),
        letters=letters,
        notifier=notifier,
        dispatch=dispatch,
        on_the_spot=OnTheSpot(
            wired.cases,
            reader,
            dispatch.assigning,
            wired.tickets,
            wired.work.maintenance,
            settings.dispatch.used(),
        ),
        replanner=Replanner(desk, dispatch, reader, clock),
        absences=AbsenceDesk(desk, clock),
    )


@dataclass(frozen=True)
class WiredDesk:
    """Alerts, what is told of them, and tickets; by the log's followers alone they learn of each other."""

    alerts: AlertEngine
    clocks: TicketClocks
    terms: TermsOfSites
    cases: CaseWriter
    tickets: TicketDesk
    work: CaseWork
    stock: StockDesk
    clock_sweep: ClockSweep
    care: CareByPeople
    sweep: Sweep
    told: CaseTeller
    facts: FactKeeper
    followers: tuple[Follower, ...]
    listeners: tuple[Follower, ...]


def wire_desk(  # noqa: PLR0913 - the parts that it wires
    desk: DeskDatabase,
    rules: Sequence[Rule],
    policy: SlaPolicy,
    clock: Clock,
    codes: CodeCatalogue | None = None,
    *,
    signals: SignalTable = STANDARD_SIGNALS,
    duty: Duty | None = None,
    zones: Zones | None = None,
    past: Past | None = None,
    budget: int = BUDGET_A_DAY,
    calendars: Mapping[str, ServiceCalendar] | None = None,
    service: ServiceFile | None = None,
    reservation_days: int = 7,
) -> WiredDesk:
    """Wire what judges, what works on it, and what follows from either.

    `duty` says who is told (by its plan, or by roles, unless given), `zones` by whose clocks sites live (UTC,
    unless given); in the `past` alerts find what windows need. `budget`: as Teller. `calendars` are those
    that the policy names; `service` are checklists and causes of lateness (those that ship, unless given).
    """
    zone_of = None if zones is None else zones.of
    alerts = AlertEngine(desk, rules, clock, codes, signals=signals, zone_of=zone_of, past=past)
    terms, zones = TermsOfSites(desk, clock), zones or Zones()
    clocks = TicketClocks(Clocks(policy, calendars), zones.of, terms.of)
    cases = CaseWriter(desk, clocks, clock)
    duty = duty or build_duty(desk, clock)[0]
    told_of_cases = CaseTeller(duty)
    work = case_work(desk, cases, clocks, service or load_service(), told_of_cases, zones)
    tickets = TicketDesk(desk, cases)
    stock = StockDesk(desk, clock, reservation_days)
    cases.follow(stock.moved)
    FollowUpCases(cases)
    absence = frozenset(rule.name for rule in rules if rule.when == OFFLINE)
    teller = Teller(duty, absence, zones.of, budget)
    care = Care(desk, alerts, teller, clock)

    def forget() -> None:
        terms.forget()
        zones.forget()

    by_terms = TermsFollower(desk, forget, Recount(desk, clocks), clock)
    facts = build_facts(desk, clocks, zones, clock)
    followers = (TicketOpener(desk, tickets), TicketEnds(alerts), DeviceEnds(alerts), care, by_terms, facts)
    return WiredDesk(
        alerts,
        clocks,
        terms,
        cases,
        tickets,
        work,
        stock,
        ClockSweep(desk, clocks, told_of_cases),
        CareByPeople(desk, alerts, care, teller, clock),
        Sweep(desk, care, teller),
        told_of_cases,
        facts,
        followers,
        (ChangedElsewhere(alerts), ForgetsTerms(forget)),
    )


def uses_folder(settings: Settings) -> bool:
    """Tell whether the store or the desk database is in the data folder."""
    return settings.store.url is None or settings.desk.url is None


def desk_url(settings: Settings, folder: DataFolder) -> str:
    """Return the URL of the desk database: the one that is set, else SQLite in the data folder."""
    return settings.desk.url or f"sqlite:///{folder.desk}"


def store_address(settings: Settings) -> StoreAddress:
    """Return where the time-series store is: what is set, else the file in the data folder."""
    if settings.store.url is not None:
        return parse_store_url(settings.store.url)
    return DuckDbAddress(settings.data.resolve() / TELEMETRY)


def open_store(
    settings: Settings, folder: DataFolder, signals: SignalTable, use: DuckDbUse
) -> TelemetryStore:
    """Open the time-series store: the one that is set, else DuckDB in the data folder."""
    url = settings.store.url
    address = DuckDbAddress(folder.telemetry) if url is None else parse_store_url(url)
    return open_store_of(settings, address, signals, use)


def open_store_of(
    settings: Settings, address: StoreAddress, signals: SignalTable, use: DuckDbUse
) -> TelemetryStore:
    """Open a time-series store as it is set. Raises DataFolderError while another process has it."""
    chosen = settings.store
    use = DuckDbUse(chosen.duckdb_threads or use.threads, chosen.duckdb_memory_mb or use.memory_mb)
    return open_store_at(address, signals, chosen.influxdb_gzip, use)


def build_ingest(
    services: Services,
    broker_url: str,
    mqtt_version: str = "auto",
    heard: Callable[[ReadingBatch], None] | None = None,
) -> IngestService:
    """Wire the ingester: what it stores is judged by the alert rules before it is acknowledged.

    `mqtt_version` is "5", "3.1.1", or "auto": 5, and 3.1.1 where the broker does not speak it. What is stored
    and judged is `heard`.
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
        open_registration=services.settings.registration_is_open,
        topics_beside=chosen.topics_beside,
        retention_ms=services.settings.store.retention_days * DAY_MS,
        personal_ms=services.settings.store.personal_retention_days * DAY_MS,
        quarantine_rows=chosen.quarantine_rows,
        quarantine_rows_per_device=chosen.quarantine_rows_per_device,
    )
    ingest = IngestService(
        settings,
        services.store,
        services.desk,
        services.signals,
        services.clock,
        observers=[services.alerts.observe, *([] if heard is None else [heard])],
        event_observers=[services.alerts.observe_events],
        reply_observers=[services.commands.take_replies],
        dialects=load_dialects(chosen.dialects, services.signals),
    )
    export(services.metrics, ingest.ledger.snapshot, lambda: ingest.connected, ingest.commits)
    return ingest


def build_doors(settings: Settings, desk: DeskDatabase, clock: Clock) -> Doors:
    """Wire the doors; nobody is asked at the provider before somebody signs in there."""
    registration = registration_of(settings.oidc)
    return Doors(
        desk,
        clock,
        second_factor_required=settings.server.second_factor == "required",
        provider=None if registration is None else Provider(registration, clock),
    )


def build_facts(desk: DeskDatabase, clocks: TicketClocks, zones: Zones, clock: Clock) -> FactKeeper:
    """Wire what is counted of cases."""
    return FactKeeper(desk, clocks, zones.of, clock, FeedbackScores(desk))


def reports_of(settings: Settings, desk: DeskDatabase, clock: Clock) -> Reports:
    """Wire the indicators; money is by the costs of the settings."""
    figures = Figures(desk, clock, Priced(costs_of(settings.models.costs)))
    return Reports(desk, figures, clock, ZoneInfo(settings.server.time_zone))


def build_duty(
    desk: DeskDatabase, clock: Clock, destinations: Destinations = groups_by_name
) -> tuple[OnCall, Planning]:
    """Wire who is on call, and what changes it; `destinations` are those of notices that are of no person."""
    return OnCall(desk, destinations), Planning(desk, clock, destinations)


def build_closing(
    settings: Settings, desk: DeskDatabase, clock: Clock, teller: CaseTeller, stock: StockDesk
) -> Closing:
    """Wire what follows a repair; parts that a visit used are booked out of stock."""
    feedback = FeedbackDesk(desk, clock, settings.desk.call_after_days, teller)
    remarks = Remarks(desk, clock, lambda: ZoneInfo(settings.server.time_zone))
    return Closing(feedback, VisitBook(desk, clock, stock.book), remarks, address_of(settings.server))


def build_parts(services: Services) -> PartsRoom:
    """Wire all about stock of parts."""
    desk, clock, asked = services.desk, services.clock, services.settings.desk
    overnight = bool(services.settings.dispatch.loaded_by)
    wish = Wish(asked.stock_quantile, asked.lead_days, with_vans=overnight)
    sent = AssignedCases(desk, services.zones)
    foresee = Foreseeing(services.store)
    risky = PartsAtRisk(services.store)
    planning = StockPlanning(desk, clock, services.zones, wish, foresee, sent, risky)
    return PartsRoom(services.stock, OrderDesk(desk, clock, asked.lead_days), planning)


def build_rollouts(services: Services) -> Rollouts:
    """Wire what steers roll-outs of firmware."""
    desk, clock = services.desk, services.clock
    return Rollouts(desk, Lives(desk, services.store), services.commands, clock)


def channels_of(settings: Settings, desk: DeskDatabase, clock: Clock) -> Channels:
    """Return the channels that are set up. Raises ConfigError for what cannot be used."""
    own_key = OwnKey(desk, clock) if settings.notify.push.enabled else None
    known = channel_settings_of(settings.notify)
    return channels_as(replace(known, own_key=own_key, push_contact=contact_of(settings)), clock)


def build_mover(services: Services) -> Mover:
    """Wire what moves roll-outs of firmware on by itself."""
    desk, clock = services.desk, services.clock
    lives = Lives(desk, services.store)
    return Mover(desk, lives, services.commands, build_rollouts(services), clock)


def trouble(check: Callable[[], None]) -> str | None:
    """Return what is wrong with a part, None when its check passes."""
    try:
        check()
    except SweepwatchError as error:
        return str(error)
    return None

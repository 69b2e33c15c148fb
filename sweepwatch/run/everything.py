"""`sweepwatch run`: everything in one process, started in order and stopped in the reverse order."""

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from importlib.metadata import version
from threading import Event, Thread

from access.devices.book import SERVICE, SIMULATOR
from access.devices.publisher import CommandPublisher
from access.doors import Doors
from api.console.charts.drawing import warm_up
from fleet.clock import Clock, SystemClock
from fleet.errors import NotEnoughHistory, SweepwatchError
from fleet.secrecy import without_secrets
from fleet.text import Text
from ingest.service import IngestService
from models.scoring.hindcast import HindcastCancelled, hindcast
from models.scoring.scorer import Scorer
from simulators.publisher import FleetPublisher
from sweepwatch.data_folder import open_data_folder
from sweepwatch.logs import start_logging
from sweepwatch.printing import Say
from sweepwatch.run.browser import may_open, opened_browser
from sweepwatch.run.command_sender import sending_commands
from sweepwatch.run.crew import CrewAtWork, crew_of
from sweepwatch.run.demo_time import DemoTime, check_devices, check_speed
from sweepwatch.run.device_doors import BROKER_FOLDER, LIST_EVERY_S, SETTLE_EVERY_S, broker_doors, settle
from sweepwatch.run.embedded_broker import EmbeddedBroker, start_broker
from sweepwatch.run.event_publisher import publishing_events
from sweepwatch.run.first_models import needs_training, note_training
from sweepwatch.run.followers import Followers, following
from sweepwatch.run.health import serve_health
from sweepwatch.run.heaps import share_heaps
from sweepwatch.run.jobs import Jobs
from sweepwatch.run.notices import posting
from sweepwatch.run.progress import ProgressBoard
from sweepwatch.run.proofs_at_work import build_proofs, working_at
from sweepwatch.run.reach import reach_of, require_admin
from sweepwatch.run.server import WebServer, listen, warn_of_end
from sweepwatch.run.simulated_fleet import SimulatedFleet
from sweepwatch.run.stopping import stop_on_signal
from sweepwatch.run.training import train
from sweepwatch.run.turns import take_short_turns
from sweepwatch.run.unfinished import UnfinishedPast
from sweepwatch.run.way_in import address_of, is_demo, note_address, show_way_in
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import Services, build, build_doors, build_ingest

log = logging.getLogger(__name__)

_SAVE_EVERY_S, _SAVE_SOONEST_S = 60, 10.0
_LOOK_EVERY_S = 15
_LIVING_EVERY_S = 0.1
_HISTORY = Text(
    "First start: writing the past of the simulated fleet", "首次启动：正在生成模拟设备的历史数据"
)
_TRAINING = Text("Training the first risk models", "正在训练首批风险模型")
_SCORING = Text("Scoring the fleet for the first time", "正在首次评估设备风险")


def run_everything(settings: Settings, say: Say, clock: Clock | None = None) -> None:
    """Start all parts, wait for Ctrl-C or SIGTERM, and stop them again.

    Raises SweepwatchError with one line for people when a part cannot start.
    """
    # Whole, before there are threads: charts begin with one half of it and models with the other, and two
    # threads that import it from both ends at a time lock each other out.
    import narwhals.stable.v1
    import narwhals.stable.v2  # noqa: F401

    share_heaps()
    take_short_turns()
    machine = clock or SystemClock()
    reach_of(settings.server, machine.now_ms())  # before anything is opened or listens
    check_speed(settings)
    with stop_on_signal() as stop, ExitStack() as stack:
        listener = listen(settings.server.host, settings.server.port)
        stack.callback(listener.close)
        folder = open_data_folder(settings.data)
        stack.callback(folder.close)
        start_logging(folder.root / "sweepwatch.log", settings.log_level)
        if UnfinishedPast(folder).discard(settings):
            say("The last first start was ended half-way; what it had written is discarded.")
        time = DemoTime.of(settings, folder, machine)
        services = build(settings, folder, machine if time is None else time.clock)
        stack.callback(services.close)
        # Who comes in, and how long they may stay, goes by the machine's clock however fast the demo's runs.
        doors = build_doors(settings, services.desk, machine)
        require_admin(settings.server, doors.people)
        warn_of_end(settings.server, machine)
        broker = _broker(settings, services, stack, say)
        ingest = _ingest(settings, services, broker, time)
        run = Run(services, ingest, broker, stop, say)
        if settings.simulator.enabled:
            run.fleet = SimulatedFleet(services)
            check_devices(settings, services.desk, run.fleet.ids)
        run.time = None if time is None else stack.enter_context(time)
        demo = is_demo(settings, doors.people)
        run.doors = doors if demo else None
        from sweepwatch.wiring_api import build_api

        proofs = build_proofs(services)
        app = build_api(
            services, ingest, run.troubles, run.board.current, doors=doors, proofs=proofs, demo=demo
        )
        stack.enter_context(working_at(proofs, services))
        stack.enter_context(WebServer(app, listener, settings.server))
        run.readiness = app.state.services.readiness
        serve_health(settings.server, settings.server.metrics_port, run.readiness, services.metrics, stack)
        note_address(folder.root, settings)
        _introduce(settings, services, broker, say)
        link = show_way_in(settings, doors.people, say, demo=demo)
        if link is not None and may_open(settings.server, os.environ):
            stack.enter_context(opened_browser(link, folder.root))
        say("Stop with Ctrl-C.")
        stack.callback(run.finish)
        run.start()
        stop.wait()
        say("Stopping ...")
    if run.failure is not None:
        raise run.failure


def _broker(settings: Settings, services: Services, stack: ExitStack, say: Say) -> EmbeddedBroker | None:
    if settings.broker.url is not None:
        return None
    chosen = settings.broker
    folder = services.folder.folder(BROKER_FOLDER)
    doors = broker_doors(settings, services.folder.root, services.devices, services.clock)
    broker = start_broker(chosen.embedded, chosen.port, folder, say, doors)
    stack.callback(broker.stop)
    return broker


def _ingest(
    settings: Settings, services: Services, broker: EmbeddedBroker | None, time: DemoTime | None
) -> IngestService:
    if broker is not None:
        heard = None if time is None else time.heard
        return build_ingest(services, broker.url_of(SERVICE), broker.mqtt_version, heard)
    assert settings.broker.url is not None  # else there would be a broker of our own
    return build_ingest(services, settings.broker.url)


def _introduce(settings: Settings, services: Services, broker: EmbeddedBroker | None, say: Say) -> None:
    say(f"Sweepwatch {version('sweepwatch')}")
    say(f"  data     {services.folder.root}")
    say(f"  broker   {broker.description if broker else without_secrets(settings.broker.url)}")
    say(f"  console  {address_of(settings)}")


class Run:
    """The parts that live in threads: ingest, the first start, the simulated fleet, the schedule."""

    def __init__(
        self, services: Services, ingest: IngestService, broker: EmbeddedBroker | None, stop: Event, say: Say
    ) -> None:
        self.board = ProgressBoard()
        self.fleet: SimulatedFleet | None = None
        self.time: DemoTime | None = None
        """That of a demo which is not the machine's."""
        self.doors: Doors | None = None
        """Those of a demo, by which its crew comes in; None for any other house."""
        self.failure: SweepwatchError | None = None
        self.readiness: Callable[[], Mapping[str, str | None]] = dict
        """Looks at every component, and so logs what changed."""
        self._started = self._trained = False
        self._services = services
        self._ingest = ingest
        self._broker = broker
        self._stop = stop
        self._say = say
        self._parts = ExitStack()
        self._followers: Followers | None = None
        self._sender: CommandPublisher | None = None
        self._crew: CrewAtWork | None = None
        self._starter = Thread(target=self._start_parts, name="starter", daemon=True)

    def start(self) -> None:
        """Start the parts one after the other, in the background: pages are served meanwhile."""
        self._starter.start()

    def finish(self) -> None:
        """Stop the parts, the last started first."""
        self._starter.join(timeout=2.0)
        self._parts.close()

    def troubles(self) -> Mapping[str, str | None]:
        """Return what is wrong with the parts that only this process has."""
        found: dict[str, str | None] = {}
        if self._broker is not None:
            found["broker"] = self._broker.not_ready()
        problems = self._services.models.problems
        found["models"] = "; ".join(problems) if problems else None
        found |= self._followers.troubles() if self._followers else {}
        found |= {"commands": self._sender.trouble()} if self._sender else {}
        found |= {"crew": self._crew.trouble()} if self._crew else {}
        doing = self.board.current()
        found["start"] = None if self._started else doing.text.en if doing else "starting"
        return found

    def _start_parts(self) -> None:
        try:
            self._start_in_order()
        except Exception as error:
            if self._stop.is_set():
                log.info("what was being started when everything stopped: %s", error)
                return
            if not isinstance(error, SweepwatchError):
                log.exception("start failed")
                error = SweepwatchError(f"start failed: {error}; details are in the log")
            self.failure = error
            self._stop.set()

    def _start_in_order(self) -> None:
        # The past comes first: until it is whole, a half-written one must be the only thing in the stores.
        if self.fleet is not None and self.fleet.is_new and not self._write_past(self.fleet):
            return
        self._hire()
        self._follow()
        self._parts.callback(self._ingest.stop)
        self._ingest.start()
        version = self._broker.mqtt_version if self._broker else "auto"
        sending = sending_commands(self._services, self._broker_url(SERVICE), version)
        self._sender = self._parts.enter_context(sending)
        if self.fleet is not None:
            self._publish(self.fleet)
        jobs = Jobs(self._services, Scorer(self._services.store, self._services.desk, self._services.models))
        if needs_training(self._services):
            self._train()
            if not self._stop.is_set():
                with self.board.step(_SCORING, 0.95, 1.0):
                    jobs.score()
            self.board.clear()
        if self._stop.is_set():
            return
        self._let_live(jobs)
        jobs.every(_LOOK_EVERY_S, "look whether all works", self.readiness)
        devices = self._services.devices
        jobs.every(SETTLE_EVERY_S, "let devices in", partial(settle, devices, self._broker))
        jobs.every(LIST_EVERY_S, "list revoked certificates", devices.list_revoked)
        self._parts.enter_context(jobs)
        self._announce()
        if self._crew is not None and not self._stop.is_set():
            self._crew.begin()
            if self.time is not None:
                self.time.wait_for(self._crew.crew.waits_since)
        # The first chart of a process costs seconds; better now, unasked, than when someone looks. It has a
        # thread of its own, which nobody waits for at the end.
        Thread(target=self._warm_up, name="warm-up", daemon=True).start()
        if self._trained:
            self._score_past()

    def _hire(self) -> None:
        """Let a demo have its crew, which begins when all lives."""
        if self.fleet is not None and self.doors is not None:
            self._crew = crew_of(self._services, self.doors, self.fleet)
        if self._crew is not None:
            self._parts.enter_context(self._crew)

    def _let_live(self, jobs: Jobs) -> None:
        """Let the time of a demo run, and its fleet be saved."""
        if self.time is not None:
            self.time.begin()
        if self.fleet is not None:
            jobs.every(_SAVE_EVERY_S, "save the simulated fleet", self.fleet.save, soonest_s=_SAVE_SOONEST_S)

    def _score_past(self) -> None:
        """Give the charts of risk a past: at the first start there is a history, but no score of it."""
        services = self._services
        with suppress(HindcastCancelled):
            scored = hindcast(services.store, services.desk, services.models, self._stop.is_set)
            log.info("%d risks of the past scored with today's models", scored)

    def _follow(self) -> None:
        """Follow the log of events, from behind the written past: what happened in it has had its effect."""
        version = self._broker.mqtt_version if self._broker else "auto"
        publisher = self._parts.enter_context(publishing_events(self._broker_url(SERVICE), version))
        fleet = () if self.fleet is None else (self.fleet,)
        self._followers = following(self._services, (publisher, *fleet))
        self._parts.enter_context(self._followers)
        self._parts.enter_context(posting(self._services))

    def _announce(self) -> None:
        """Say where to look and where devices publish, once the data served are living ones."""
        self._started = True
        while not self._is_living():
            if self._stop.wait(_LIVING_EVERY_S):
                return
        if self._broker is not None:
            self._say(f"devices publish to {self._broker.url}")
        self._say(f"ready: {address_of(self._services.settings)}")

    def _is_living(self) -> bool:
        heard = self.fleet is None or self._ingest.ledger.snapshot().written > 0
        return heard and self._ingest.not_ready() is None

    def _write_past(self, fleet: SimulatedFleet) -> bool:
        days = self._services.settings.simulator.history_days
        if not days:
            fleet.save()
            return True
        with self.board.step(_HISTORY, 0.0, 0.5) as report:
            return fleet.write_past(days, report, self._stop.is_set).complete

    def _warm_up(self) -> None:
        try:
            warm_up()
        except Exception:
            if not self._stop.is_set():  # else half of what it loads may be gone: the process ends
                raise

    def _publish(self, fleet: SimulatedFleet) -> None:
        interval = self._services.settings.simulator.publishing_s
        publisher = FleetPublisher(
            fleet.simulator,
            self._broker_url(SIMULATOR),
            interval_s=interval,
            clock=self._services.clock,
            whole=self.time is not None,
        )
        self._parts.callback(fleet.save)
        self._parts.callback(publisher.stop, 1.0)
        publisher.start()

    def _broker_url(self, name: str) -> str:
        """Return where one of our programs comes in: at our own broker, under its name there."""
        return self._services.settings.broker.url or (self._broker.url_of(name) if self._broker else "")

    def _train(self) -> None:
        with self.board.step(_TRAINING, 0.5, 0.95) as advance:
            try:
                report = train(self._services, None, lambda share, _text: advance(share), self._stop.is_set)
            except NotEnoughHistory as error:
                self._say(f"No risk models yet: {error}. Rules raise alerts meanwhile.")
                return
        if not report.cancelled:
            note_training(self._services)
            self._trained = True
            self._say(
                f"{report.trained} models trained in {report.seconds:.0f} s from {report.devices} robots; "
                f"{len(report.faults) - report.trained} faults have too little to learn from yet."
            )

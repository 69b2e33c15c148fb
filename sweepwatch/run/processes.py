"""The parts of `run` as processes of their own, and the commands that do one thing and end."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.errors import ConfigError, NotEnoughHistory
from fleet.signals import STANDARD_SIGNALS
from models.learning.pipeline import TrainingReport
from models.scoring.scorer import Scorer
from simulators.command import SimulationOptions, simulate
from sweepwatch.data_folder import open_data_folder
from sweepwatch.logs import start_logging
from sweepwatch.printing import Say, console
from sweepwatch.run.command_sender import sending_commands
from sweepwatch.run.device_doors import LIST_EVERY_S, SETTLE_EVERY_S, settle
from sweepwatch.run.event_publisher import publishing_events
from sweepwatch.run.followers import following, listening, watching
from sweepwatch.run.health import serve_health
from sweepwatch.run.heaps import share_heaps
from sweepwatch.run.jobs import Jobs
from sweepwatch.run.model_care import note_trained
from sweepwatch.run.notices import posting
from sweepwatch.run.proofs_at_work import build_proofs, working_at
from sweepwatch.run.reach import address_of, reach_of, require_admin
from sweepwatch.run.server import WebServer, listen, warn_of_end
from sweepwatch.run.simulated_fleet import require_empty
from sweepwatch.run.stopping import stop_on_signal
from sweepwatch.run.strangers import Strangers
from sweepwatch.run.training import train, training_settings
from sweepwatch.run.turns import take_short_turns
from sweepwatch.run.way_in import note_address, show_way_in
from sweepwatch.settings.settings import Settings
from sweepwatch.stores import INGESTING, SERVING, DuckDbUse
from sweepwatch.wiring import Services, build, build_doors, build_ingest, trouble, uses_folder

log = logging.getLogger(__name__)
Troubles = Callable[[], Mapping[str, str | None]]
_LOOK_EVERY_S = 30
"""So often `serve` looks whether the desk knows the devices of the store."""


@contextmanager
def open_services(
    settings: Settings, use: DuckDbUse = SERVING, part: str = "sweepwatch"
) -> Iterator[Services]:
    """Open an installation for one process; `use` as in `build`.

    The folder is locked where the store or the desk database is in it. Where neither is, parts share it, and
    each has a log of its own, named after the `part`.
    """
    share_heaps()
    take_short_turns()
    folder = open_data_folder(settings.data, shared=not uses_folder(settings))
    try:
        file = f"{part}.log" if folder.shared else "sweepwatch.log"
        start_logging(folder.root / file, settings.log_level)
        services = build(settings, folder, SystemClock(), use=use)
        lacking = trouble(services.store.check)
        if lacking is not None:
            log.warning("store: %s; going on, and trying again", lacking)
        try:
            yield services
        finally:
            services.close()
    finally:
        folder.close()


def run_ingest(settings: Settings, say: Say) -> None:
    """Ingest until told to stop."""
    url = settings.broker.url
    if url is None:
        raise ConfigError("ingest needs a broker: --broker mqtt://host:port, or broker.url in the settings")
    with ExitStack() as stack:
        stop = stack.enter_context(stop_on_signal())
        services = stack.enter_context(open_services(settings, INGESTING, "ingest"))
        ingest = build_ingest(services, url)
        publisher = stack.enter_context(publishing_events(url))
        jobs, followers = Jobs(services), following(services, (publisher,))
        sender = stack.enter_context(sending_commands(services, url))
        _serve_health(
            settings.ingest.metrics_port,
            services,
            lambda: {
                "ingest": ingest.not_ready(),
                "commands": sender.trouble(),
                **followers.troubles(),
                **jobs.troubles(),
            },
            stack,
        )
        jobs.every(SETTLE_EVERY_S, "let devices in", partial(settle, services.devices, None))
        jobs.every(LIST_EVERY_S, "list revoked certificates", services.devices.list_revoked)
        ingest.start()
        say(f"Ingesting from {parse_broker_url(url)}. Stop with Ctrl-C.")
        try:
            with followers, posting(services), jobs:
                stop.wait()
        finally:
            ingest.stop()
        counted = ingest.ledger.snapshot()
        say(
            f"{counted.received} readings: {counted.written} written, {counted.duplicate} duplicate, "
            f"{counted.quarantined} quarantined"
        )


def _serve_health(port: int, services: Services, troubles: Troubles, stack: ExitStack) -> None:
    """Serve /healthz, /readyz and /metrics on a port, 0: not at all; `stack` ends it."""

    def readiness() -> Mapping[str, str | None]:
        return {
            "store": trouble(services.store.check),
            "desk": trouble(services.desk.check),
            **troubles(),
        }

    serve_health(services.settings.server, port, readiness, services.metrics, stack)


def run_score(settings: Settings, once: bool, say: Say) -> None:
    """Score once, or until told to stop; without models by the anomaly score alone."""
    with stop_on_signal() as stop, open_services(settings, part="score") as services, ExitStack() as stack:
        services.models.load()
        if not services.models.champions():
            say("No risk models yet: the anomaly score judges alone until `sweepwatch train` has made some.")
        scorer = Scorer(services.store, services.desk, services.models)
        jobs = Jobs(services, scorer)
        if once:
            scored = jobs.score()
            say(f"{scored} risks scored" + ("" if scored else f": {scorer.why_none()}"))
            jobs.review()
            return

        followers = following(services)

        def troubles() -> Mapping[str, str | None]:
            models = "; ".join(services.models.problems) or None
            return {"models": models, **followers.troubles(), **jobs.troubles()}

        _serve_health(settings.models.metrics_port, services, troubles, stack)
        say(f"Scoring every {settings.models.score_every_s} s. Stop with Ctrl-C.")
        with followers, posting(services), jobs:
            stop.wait()


def run_serve(settings: Settings, say: Say) -> None:
    """Serve what is stored until told to stop."""
    reach_of(settings.server, SystemClock().now_ms())  # before anything is opened or listens
    listener = listen(settings.server.host, settings.server.port)
    try:
        with (
            stop_on_signal() as stop,
            open_services(settings, part="serve") as services,
            ExitStack() as stack,
        ):
            strangers, followers = Strangers(services.store, services.desk), watching(services)
            doors = build_doors(settings, services.desk, services.clock)
            require_admin(settings.server, doors.people)
            warn_of_end(settings.server, services.clock)
            from sweepwatch.wiring_api import build_api

            proofs = build_proofs(services)
            app = build_api(
                services,
                None,
                lambda: {**followers(), "fleet": strangers.trouble()},
                notice=strangers.notice,
                doors=doors,
                proofs=proofs,
            )
            stack.enter_context(working_at(proofs, services))
            stack.enter_context(listening(services))
            stack.enter_context(WebServer(app, listener, settings.server))
            ready = app.state.services.readiness
            serve_health(settings.server, settings.server.metrics_port, ready, services.metrics, stack)
            note_address(services.folder.root, settings)
            show_way_in(settings, doors.people, say, demo=False)
            say(f"Serving {address_of(settings.server)} . Stop with Ctrl-C.")
            while not stop.is_set():
                strangers.look()
                stop.wait(_LOOK_EVERY_S)
    finally:
        listener.close()


@dataclass(frozen=True, slots=True)
class SimulateFlags:
    """What `sweepwatch simulate` was told beyond the settings."""

    rate: float | None = None
    duration_s: float | None = None
    history_days: int | None = None
    misbehave: bool = False
    ground_truth: Path | None = None


def run_simulate(settings: Settings, flags: SimulateFlags, say: Say) -> None:
    """Simulate a fleet, its past written first where that is asked for, until told to stop."""
    url = settings.broker.url
    if url is None:
        raise ConfigError("simulate needs a broker: --broker mqtt://host:port, or broker.url in the settings")
    options = SimulationOptions(
        devices=settings.simulator.devices,
        seed=settings.simulator.seed,
        world=settings.simulator.world,
        broker_url=url,
        rate=flags.rate,
        interval_s=settings.simulator.interval_s,
        duration_s=flags.duration_s,
        history_days=flags.history_days or 0,
        misbehave=flags.misbehave,
        truth=flags.ground_truth,
    )
    with stop_on_signal() as stop:
        if not flags.history_days:
            simulate(options, STANDARD_SIGNALS, SystemClock(), say, stop)
            return
        with open_services(settings) as services:
            require_empty(services)
            store, desk = services.store, services.desk
            simulate(options, services.signals, services.clock, say, stop, store=store, desk=desk)


def run_train(settings: Settings, since: str | None, say: Say) -> None:
    """Train all models and print what each reached."""
    training_settings(settings.models, since)  # before anything is opened
    with stop_on_signal() as stop, open_services(settings, part="train") as services:
        try:
            with Console().status("training") as status:
                report = train(
                    services, since, lambda share, text: status.update(f"{share:4.0%} {text}"), stop.is_set
                )
        except NotEnoughHistory as error:
            if since is not None:
                raise
            none = "No new models" if services.models.champions() else "No risk models yet"
            say(f"{none}: {error}. Rules and the anomaly score raise alerts meanwhile.")
            return
        if not report.cancelled:
            note_trained(services)
        console().print(training_table(report))
        seconds = f"{report.seconds:.1f} s"
        say(f"{report.trained} models in {seconds} from {report.devices} robots, seed {report.seed}")


def training_table(report: TrainingReport) -> Table:
    """Return what became of each fault as a table for people."""
    table = Table("fault", "failures", "ROC-AUC", "precision", "ECE", "threshold", "becomes")
    for each in report.faults:
        figures = [_figure(each.metrics.get(name)) for name in ("roc_auc", "average_precision", "ece")]
        note = each.state or each.message
        table.add_row(each.fault, str(each.failures), *figures, _figure(each.threshold), note)
    return table


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"

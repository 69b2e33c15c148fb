"""The parts of `run` as processes of their own, and the commands that do one thing and end."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import start_http_server
from rich.console import Console
from rich.table import Table

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.errors import ConfigError, PortTaken
from fleet.signals import STANDARD_SIGNALS
from models.learning.pipeline import TrainingReport
from models.scoring.scorer import Scorer
from simulators.command import SimulationOptions, simulate
from sweepwatch.data_folder import open_data_folder
from sweepwatch.logs import start_logging
from sweepwatch.run.followers import following, watching
from sweepwatch.run.jobs import Jobs
from sweepwatch.run.model_care import note_trained
from sweepwatch.run.server import WebServer, listen
from sweepwatch.run.simulated_fleet import require_empty
from sweepwatch.run.stopping import stop_on_signal
from sweepwatch.run.training import train, training_settings
from sweepwatch.settings.settings import Settings
from sweepwatch.stores import INGESTING, SERVING, DuckDbUse
from sweepwatch.wiring import Services, build, build_api, build_ingest

Say = Callable[[str], None]


@contextmanager
def open_services(settings: Settings, use: DuckDbUse = SERVING) -> Iterator[Services]:
    """Open an installation for one process; `use` as in `build`."""
    folder = open_data_folder(settings.data)
    try:
        start_logging(folder.root / "sweepwatch.log", settings.log_level)
        services = build(settings, folder, SystemClock(), use=use)
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
    with stop_on_signal() as stop, open_services(settings, INGESTING) as services, ExitStack() as stack:
        ingest = build_ingest(services, url)
        if settings.ingest.metrics_port:
            stack.callback(_serve_metrics(settings.ingest.metrics_port, services))
        ingest.start()
        say(f"Ingesting from {parse_broker_url(url)}. Stop with Ctrl-C.")
        try:
            with following(services), Jobs(services):
                stop.wait()
        finally:
            ingest.stop()
        counted = ingest.ledger.snapshot()
        say(
            f"{counted.received} readings: {counted.written} written, {counted.duplicate} duplicate, "
            f"{counted.quarantined} quarantined"
        )


def _serve_metrics(port: int, services: Services) -> Callable[[], None]:
    """Serve /metrics on a port; return what ends it."""
    try:
        server, thread = start_http_server(port, "127.0.0.1", services.metrics)
    except OSError as error:
        raise PortTaken(f"cannot serve /metrics on port {port}: {error.strerror}") from error

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop


def run_score(settings: Settings, once: bool, say: Say) -> None:
    """Score once, or until told to stop."""
    with stop_on_signal() as stop, open_services(settings) as services:
        services.models.load()
        if not services.models.champions():
            raise ConfigError("there are no trained models yet; run `sweepwatch train` first")
        jobs = Jobs(services, Scorer(services.store, services.desk, services.models))
        if once:
            say(f"{jobs.score()} risks scored")
            jobs.review()
            return
        say(f"Scoring every {settings.models.score_every_s} s. Stop with Ctrl-C.")
        with following(services), jobs:
            stop.wait()


def run_serve(settings: Settings, say: Say) -> None:
    """Serve what is stored until told to stop."""
    listener = listen(settings.server.host, settings.server.port)
    try:
        with stop_on_signal() as stop, open_services(settings) as services:
            app = build_api(services, None, watching(services))
            with WebServer(app, listener):
                say(f"Serving http://{settings.server.host}:{settings.server.port}/ . Stop with Ctrl-C.")
                stop.wait()
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
    with stop_on_signal() as stop, open_services(settings) as services:
        with Console().status("training") as status:
            report = train(
                services, since, lambda share, text: status.update(f"{share:4.0%} {text}"), stop.is_set
            )
        if not report.cancelled:
            note_trained(services)
        Console().print(training_table(report))
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

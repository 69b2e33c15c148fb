"""What `sweepwatch simulate` does: a past if asked for, then live publishing, with progress in words."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from time import monotonic

from fleet.clock import Clock
from fleet.errors import BrokerUnavailable, ConfigError
from fleet.signals import SignalTable
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import HistorySummary, write_history
from simulators.misbehaving import publish_catalogue
from simulators.publisher import DEFAULT_INTERVAL_S, FleetPublisher
from simulators.worlds import DEFAULT_WORLD
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase

_REPORT_EVERY_S = 10.0


@dataclass(frozen=True, slots=True)
class SimulationOptions:
    """What to simulate.

    `rate` is messages a second in all, None for each device's own interval; `duration_s` None for ever;
    `history_days` 0 for no past; `truth` is where the ground truth is written, None for nowhere.
    """

    devices: int
    seed: int
    broker_url: str
    rate: float | None = None
    interval_s: float = DEFAULT_INTERVAL_S
    duration_s: float | None = None
    history_days: float = 0.0
    misbehave: bool = False
    truth: Path | None = None
    world: str = DEFAULT_WORLD


@dataclass(frozen=True, slots=True)
class SimulationReport:
    """What came of it."""

    published: int
    acknowledged: int
    history: HistorySummary | None
    misbehaved: int


def simulate(
    options: SimulationOptions,
    signals: SignalTable,
    clock: Clock,
    say: Callable[[str], None],
    stop: Event,
    *,
    store: TelemetryStore | None = None,
    desk: DeskDatabase | None = None,
    simulator: FleetSimulator | None = None,
) -> SimulationReport:
    """Write a past where `history_days` asks for one (into `store` and `desk`), then publish live.

    `simulator` goes on with a fleet that has lived; without it a fresh one is made. Ends after `duration_s`,
    or when `stop` is set. Raises ConfigError for options that do not fit together, BrokerUnavailable when
    misbehaving is asked for and the broker is away.
    """
    fleet = simulator or FleetSimulator(
        FleetConfig(options.devices, options.seed, clock.now_ms(), world=options.world), signals
    )
    publisher = FleetPublisher(
        fleet, options.broker_url, interval_s=options.interval_s, rate=options.rate, clock=clock
    )
    history = None
    if options.history_days:
        history = _write_past(fleet, options, clock, say, stop, store, desk)
    misbehaved = 0
    if not stop.is_set():
        publisher.start()
        try:
            if options.misbehave:
                misbehaved = publish_catalogue(options.broker_url, clock.now_ms())
                say(f"{misbehaved} bad messages published")
            _watch(publisher, options.duration_s, say, stop)
        finally:
            publisher.stop(3.0)
    if options.truth is not None:
        fleet.write_truth(options.truth)
    if publisher.error:
        raise BrokerUnavailable(publisher.error)
    say(f"{publisher.published} readings published, {publisher.acknowledged} acknowledged")
    return SimulationReport(publisher.published, publisher.acknowledged, history, misbehaved)


def _write_past(
    fleet: FleetSimulator,
    options: SimulationOptions,
    clock: Clock,
    say: Callable[[str], None],
    stop: Event,
    store: TelemetryStore | None,
    desk: DeskDatabase | None,
) -> HistorySummary:
    if store is None or desk is None:
        raise ConfigError("a history needs a store and a desk database to be written into")
    told = 0.0

    def progress(share: float) -> None:
        nonlocal told
        if share >= told + 0.1 or share == 1.0:
            told = share
            say(f"history: {share:.0%}")

    summary = write_history(
        fleet,
        store,
        desk,
        options.history_days,
        end_ms=clock.now_ms(),
        progress=progress,
        cancelled=stop.is_set,
    )
    say(
        f"history: {summary.readings} readings of {summary.devices} devices, "
        f"{summary.tickets} repairs, {summary.events} events"
    )
    return summary


def _watch(
    publisher: FleetPublisher, duration_s: float | None, say: Callable[[str], None], stop: Event
) -> None:
    end = None if duration_s is None else monotonic() + duration_s
    report, told = monotonic() + _REPORT_EVERY_S, None
    while not stop.is_set() and publisher.error is None and (end is None or monotonic() < end):
        left = 0.25 if end is None else min(0.25, max(0.0, end - monotonic()))
        stop.wait(left)
        problem = publisher.problem
        if problem != told:
            told = problem
            say(f"broker: {problem}; trying again" if problem else "broker: connected again")
        if monotonic() >= report:
            report += _REPORT_EVERY_S
            say(f"{publisher.published} published, {publisher.acknowledged} acknowledged")

"""Tries rules on their own examples: through the engine that judges a fleet, over a desk made for it."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from alerts.engine import AlertEngine
from alerts.judging.examples import Example, Moment, Value
from alerts.judging.rules import BY_CODE, Rule
from fleet.alerts import AlertState
from fleet.clock import HOUR_MS, SECOND_MS, ManualClock
from fleet.codes import CodeCatalogue
from fleet.device_doors import NewDevice
from fleet.events import Event, Subject
from fleet.faults import Level
from fleet.readings import ReadingBatch
from fleet.risks import Risk
from fleet.signals import ROBOT_STATES, SignalTable
from fleet.sites import Site
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import DeviceInfo, Devices, DeviceSummary, ReportedEvent
from storage.records.events import events_after
from storage.records.followers import newest_told
from storage.records.registering import add_devices
from storage.records.sites import describe_site

_BEGINS = 1_800_000_000_000
"""When every example begins (epoch ms); none depends on it."""
_TICK_MS = 5 * SECOND_MS
_MOST_TICKS = 60
_MOST_EVENTS = 100_000
_NO_THRESHOLD = 2.0
"""No risk comes to it: what a model would call for by itself is not what is tried."""


@dataclass(frozen=True, slots=True)
class Tried:
    """An example of a rule, and the states through which the alerts went.

    `fault` is that of the first, `level` the one to which the last came.
    """

    rule: Rule
    example: Example
    states: tuple[AlertState, ...]
    fault: str | None
    level: Level | None

    @property
    def holds(self) -> bool:
        """Whether it came as the example says."""
        fault, level = self.example.fault, self.example.rises_to
        as_said = fault in (None, self.fault) and level in (None, self.level)
        return as_said and self.states == self.example.then


def try_examples(rules: Iterable[Rule], signals: SignalTable, codes: CodeCatalogue) -> Iterator[Tried]:
    """Yield each example of these rules as it came out; each rule is tried alone, each example on its own."""
    with (
        TemporaryDirectory() as folder,
        closing(open_desk(f"sqlite:///{Path(folder) / 'desk.sqlite'}")) as desk,
    ):
        number = 0
        for rule in rules:
            for example in rule.examples:
                number += 1
                yield _Trial(desk, rule, f"example-{number}", signals, codes).run(example)


class _Trial:
    """One device, and an engine that knows one rule."""

    def __init__(
        self, desk: DeskDatabase, rule: Rule, device_id: str, signals: SignalTable, codes: CodeCatalogue
    ) -> None:
        self._desk = desk
        self._rule = rule
        self._device = device_id
        self._signals = signals
        self._codes = codes
        self._before = newest_told(desk)

    def run(self, example: Example) -> Tried:
        """Let an example happen."""
        self._begin(example)
        begins = self._clock.ms
        step = max(_TICK_MS, example.given[-1].last_ms // _MOST_TICKS)
        for moment in example.given:
            for after, values, hour in moment.repeated():
                while self._clock.ms + step < begins + after:
                    self._clock.ms += step
                    self._engine.tick(self._clock.ms)
                self._clock.ms = begins + after
                self._happen(moment, values, hour)
                self._engine.tick(self._clock.ms)
        every = self._told()
        told = [event for event in every if event.before != event.after]
        faults = [str(event.data["fault"]) for event in told]
        states = tuple(AlertState(str(event.after)) for event in told)
        level = Level(every[-1].data["level"]) if every else None
        return Tried(self._rule, example, states, faults[0] if faults else None, level)

    def _begin(self, example: Example) -> None:
        """Let there be the device of an example, and an engine that knows one rule."""
        begins = _BEGINS
        if example.begins is not None:
            begins = round(example.begins.replace(tzinfo=UTC).timestamp()) * SECOND_MS
        self._clock, self._site = ManualClock(begins), example.site
        with self._desk.transaction() as session:
            describe_site(session, Site(example.site, region=example.region, customer=example.customer))
            device = NewDevice(self._device, example.site, self._rule.kind, example.model)
            add_devices(session, [device], begins)
        Devices(self._desk).record_info([DeviceInfo(self._device, firmware=example.firmware or None)])
        groups = {example.group: frozenset({self._device})} if example.group else {}
        rule = self._rule.model_copy(update={"groups": groups})
        self._engine = AlertEngine(self._desk, [rule], self._clock, self._codes, signals=self._signals)
        self._note(last_seen=begins)

    def _happen(self, moment: Moment, values: dict[str, Value], hour: dict[str, Value]) -> None:
        now = self._clock.ms
        if moment.risk or moment.life:
            self._engine.observe_risks(
                [
                    Risk(
                        self._device, fault, now, moment.risk.get(fault, 0.0), _NO_THRESHOLD, "example", (),
                        life_d=moment.life.get(fault),
                    )
                    for fault in {**moment.risk, **moment.life}
                ]
            )  # fmt: skip
        if hour:
            tile = {"device_id": [self._device], "site": [self._site], "hour": [now - HOUR_MS]}
            stats = {
                f"{name}.{stat}": [value]
                for name, value in hour.items()
                for stat in ("mean", "min", "max", "rise")
            }
            # Where an example says no state, the hour had a moment of each.
            states = [values["state"]] if "state" in values else ROBOT_STATES
            stats |= {f"state.{state}.n": [1] for state in states}
            self._engine.observe_hours(self._rule.kind, pl.DataFrame(tile | stats))
        if moment.status is not None:
            # An `offline` is the broker's word, by the will: the device itself is not heard by that.
            heard = now if moment.status == "online" else None
            self._note(last_seen=heard, status=moment.status, status_ts=now)
        if moment.event is not None:
            self._note(last_seen=now)
            self._engine.observe_events([ReportedEvent(self._device, now, moment.event, moment.detail, now)])
        if values:
            self._note(last_seen=now)
            columns: dict[str, object] = {
                "device_id": [self._device],
                "site": [self._site],
                "ts": [now],
                "received": [now],
                **{name: [value] for name, value in values.items()},
            }
            self._engine.observe(ReadingBatch.from_columns(self._signals, self._rule.kind, columns, 1))

    def _note(self, last_seen: int | None, status: str | None = None, status_ts: int | None = None) -> None:
        """Note what is known of the device, as ingest does."""
        summary = DeviceSummary(self._device, last_seen=last_seen, status=status, status_ts=status_ts)
        Devices(self._desk).record_summaries([summary])

    def _told(self) -> list[Event]:
        """Return each change of the device's alerts, in order."""
        with self._desk.transaction() as session:
            return [
                event
                for event in events_after(session, self._before, _MOST_EVENTS)
                if event.subject is Subject.ALERT
                and event.data.get("device_id") == self._device
                and self._rule.fault in (BY_CODE, event.data.get("fault"))
            ]

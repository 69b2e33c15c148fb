"""Tries rules on their own examples: through the engine that judges a fleet, over a desk made for it."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from alerts.engine import AlertEngine
from alerts.judging.examples import Example, Moment
from alerts.judging.rules import BY_CODE, Rule
from fleet.alerts import AlertState
from fleet.clock import SECOND_MS, ManualClock
from fleet.codes import CodeCatalogue
from fleet.device_doors import NewDevice
from fleet.events import Event, Subject
from fleet.readings import ReadingBatch
from fleet.signals import SignalTable
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Devices, DeviceSummary, ReportedEvent
from storage.records.events import events_after
from storage.records.followers import newest_told
from storage.records.registering import add_devices

_BEGINS = 1_800_000_000_000
"""When every example begins (epoch ms); none depends on it."""
_TICK_MS = 5 * SECOND_MS
_MOST_TICKS = 1_000
_MOST_EVENTS = 100_000
_SITE = "example"


@dataclass(frozen=True, slots=True)
class Tried:
    """An example of a rule, and the states through which the alerts went; `fault` is that of the first."""

    rule: Rule
    example: Example
    states: tuple[AlertState, ...]
    fault: str | None

    @property
    def holds(self) -> bool:
        """Whether it came as the example says."""
        expected = self.example.fault
        return self.states == self.example.then and (expected is None or expected == self.fault)


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
        self._clock = ManualClock(_BEGINS)
        self._engine = AlertEngine(desk, [rule], self._clock, codes)
        self._before = newest_told(desk)

    def run(self, example: Example) -> Tried:
        """Let an example happen."""
        with self._desk.transaction() as session:
            device = NewDevice(self._device, _SITE, self._rule.kind, example.model)
            add_devices(session, [device], _BEGINS)
        self._note(last_seen=_BEGINS)
        step = max(_TICK_MS, example.given[-1].at_ms // _MOST_TICKS)
        for moment in example.given:
            while self._clock.ms + step < _BEGINS + moment.at_ms:
                self._clock.ms += step
                self._engine.tick(self._clock.ms)
            self._clock.ms = _BEGINS + moment.at_ms
            self._happen(moment)
            self._engine.tick(self._clock.ms)
        told = self._told()
        faults = [str(event.data["fault"]) for event in told]
        states = tuple(AlertState(str(event.after)) for event in told)
        return Tried(self._rule, example, states, faults[0] if faults else None)

    def _happen(self, moment: Moment) -> None:
        now = self._clock.ms
        if moment.status is not None:
            # An `offline` is the broker's word, by the will: the device itself is not heard by that.
            heard = now if moment.status == "online" else None
            self._note(last_seen=heard, status=moment.status, status_ts=now)
        if moment.event is not None:
            self._note(last_seen=now)
            self._engine.observe_events([ReportedEvent(self._device, now, moment.event, moment.detail, now)])
        if moment.signals:
            self._note(last_seen=now)
            columns: dict[str, object] = {
                "device_id": [self._device],
                "site": [_SITE],
                "ts": [now],
                "received": [now],
                **{name: [value] for name, value in moment.signals.items()},
            }
            self._engine.observe(ReadingBatch.from_columns(self._signals, self._rule.kind, columns, 1))

    def _note(self, last_seen: int | None, status: str | None = None, status_ts: int | None = None) -> None:
        """Note what is known of the device, as ingest does."""
        summary = DeviceSummary(self._device, last_seen=last_seen, status=status, status_ts=status_ts)
        Devices(self._desk).record_summaries([summary])

    def _told(self) -> list[Event]:
        """Return each change of state of the device's alerts, in order."""
        with self._desk.transaction() as session:
            return [
                event
                for event in events_after(session, self._before, _MOST_EVENTS)
                if event.subject is Subject.ALERT
                and event.data.get("device_id") == self._device
                and event.before != event.after
                and self._rule.fault in (BY_CODE, event.data.get("fault"))
            ]

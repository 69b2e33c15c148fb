"""The engine that judges a fleet, over its past: alerts stay in memory, and time is that of the readings."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any

import polars as pl

from alerts.engine import AlertEngine
from alerts.judging.by_rule import raise_by_rule
from alerts.judging.changes import Changes
from alerts.judging.decisions import Decision, Previous, Track, judge_absence, judge_heard, judge_tick
from alerts.judging.quantities import Source
from alerts.judging.rules import Rule
from alerts.judging.tracks import Key, key_of
from fleet.alerts import Alert, AlertState
from fleet.clock import ManualClock
from fleet.codes import CodeCatalogue
from fleet.faults import Level
from fleet.principals import Principal, PrincipalKind
from fleet.signals import Kind, SignalTable
from storage.records.alerts import NOT_SUSTAINED, Unheard
from storage.records.database import DeskDatabase


@dataclass(frozen=True, slots=True)
class Raised:
    """An alert that would have been: from `since` to `until` (None: still open), in event time, epoch ms."""

    device_id: str
    fault: str
    rule: str
    level: Level
    since: int
    until: int | None


@dataclass(slots=True)
class Past:
    """What a replay has raised so far."""

    rules: Mapping[str, Rule]
    numbers: Iterator[int] = field(default_factory=lambda: count(1))
    raised: list[Raised] = field(default_factory=list)
    previous: dict[Key, Previous] = field(default_factory=dict)
    pending: dict[str, set[str]] = field(default_factory=dict)
    """The faults of which a device has an alert that still waits."""


@dataclass(slots=True)
class PastChanges(Changes):
    """A unit of work that writes nothing: what it decides is kept in a Past."""

    past: Past = field(kw_only=True)

    def come_to(self, device_id: str, at: int) -> None:
        """Let what waited long enough before `at` fire, as a tick of the clock would have."""
        for fault in sorted(self.past.pending.get(device_id, ())):
            track = self.track(device_id, fault)
            if track is None:
                continue
            decision = judge_tick(track, self.past.rules.get(track.alert.rule), at - 1, None)
            if decision.state is not None:
                self.move(track, decision, track.alert.rule, track.judged_at)

    def previous(self, device_id: str, fault: str) -> Previous | None:
        """Return the last alert of a device and fault that fired and is over."""
        return self.past.previous.get((device_id, fault))

    def raise_alert(self, alert: Alert) -> bool:
        """Begin to follow a new alert; nobody else raises one."""
        stored = replace(alert, id=str(next(self.past.numbers)))
        self.tracks[key_of(alert)] = Track(stored, seen_at=alert.since, judged_at=alert.since)
        self._note(stored)
        return True

    def _change(
        self,
        track: Track,
        decision: Decision,
        principal: Principal,
        at: int,
        columns: dict[str, Any],
        why: str | None = None,
    ) -> Alert:
        assert decision.state is not None
        kept = {name: value for name, value in columns.items() if name != "resolved_at"}
        after = replace(track.alert, state=decision.state, reason=decision.reason, **kept)
        over = after.state is AlertState.RESOLVED
        at = max(track.judged_at, at)
        self.tracks[key_of(after)] = None if over else Track(after, track.seen_at, at)
        self._note(after)
        if over and decision.reason != NOT_SUSTAINED:
            self._ended(after, at)
        return after

    def _note(self, alert: Alert) -> None:
        waiting = self.past.pending.setdefault(alert.device_id, set())
        if alert.state is AlertState.PENDING:
            waiting.add(alert.fault)
        else:
            waiting.discard(alert.fault)

    def _ended(self, alert: Alert, at: int) -> None:
        ended = Previous(alert.id, alert.since, at, alert.reason, PrincipalKind.RULE)
        self.past.previous[key_of(alert)] = ended
        self.past.raised.append(_raised(alert, at))


class PastEngine(AlertEngine):
    """An AlertEngine whose alerts never reach the desk: that is asked for what devices are, and no more.

    Readings may be handed over in batches of any length: what would have fired by the clock between two
    readings of a device fires before the second is judged.
    """

    def __init__(
        self, desk: DeskDatabase, rules: Sequence[Rule], codes: CodeCatalogue, signals: SignalTable
    ) -> None:
        self._replayed = Past({rule.name: rule for rule in rules})
        super().__init__(desk, rules, ManualClock(0), codes, signals=signals)

    def reload(self) -> None:
        """Take nothing over: what is open now was not open then."""

    def observe_said(self, kind: Kind, frame: pl.DataFrame) -> None:
        """Judge what models said, by rules alone: the models' own alerts are none of theirs.

        `frame` has `device_id`, `ts`, `site`, and a column for each quantity of the rules.
        """
        self._judge(self._columns[Source.MODELS, kind], frame)

    def absent(self, rule: Rule, device_id: str, last_seen: int, until: int) -> None:
        """Judge that nothing was heard of a device from `last_seen` until `until`, as a tick does."""
        with self._changes() as changes:
            unheard = Unheard(device_id, last_seen, "unknown")
            decision = judge_absence(unheard, rule, last_seen, until)
            if decision.state is not None and changes.track(device_id, rule.fault) is None:
                raise_by_rule(changes, rule, device_id, decision.state, last_seen, {})

    def heard(self, rule: Rule, device_id: str, at: int) -> None:
        """Judge that a device was heard again."""
        with self._changes() as changes:
            track = changes.track(device_id, rule.fault)
            if track is not None:
                decision = judge_heard(track, Unheard(device_id, at, "unknown"), rule)
                if decision.state is not None:
                    changes.move(track, decision, rule.name, at)

    def finish(self, end: int) -> list[Raised]:
        """Let the time up to `end` pass; return what was raised, what is still open then included."""
        with self._changes() as changes:
            for device_id in list(self._replayed.pending):
                changes.come_to(device_id, end)
        fires = [track.alert for track in self._tracks if track.alert.fires]
        still = [_raised(alert, None) for alert in fires]
        return sorted(
            [*self._replayed.raised, *still], key=lambda each: (each.since, each.device_id, each.rule)
        )

    @contextmanager
    def _changes(self, now: int | None = None) -> Iterator[Changes]:
        with self._lock, self._desk.transaction() as session:
            changes = PastChanges(session, self._tracks, now or 0, past=self._replayed)
            yield changes
            for key, track in changes.tracks.items():
                self._tracks.put(key, track)


def _raised(alert: Alert, until: int | None) -> Raised:
    return Raised(alert.device_id, alert.fault, alert.rule, alert.level, alert.since, until)

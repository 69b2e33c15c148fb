"""The alert engine: takes batches, risks and time; raises, fires and ends alerts."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import sleep
from typing import TypeVar

import polars as pl
from sqlalchemy.orm import Session

from alerts.judging.applies import Applies
from alerts.judging.by_absence import (
    absent_devices,
    begin_absence,
    end_absence,
    heard_devices,
    offline_alerts,
    still_unheard,
)
from alerts.judging.by_code import CodeJudge
from alerts.judging.by_event import EventJudge, told_last
from alerts.judging.by_external import judge_external
from alerts.judging.by_model import judge_model
from alerts.judging.by_risk import judge_scoring, modelled, wanted_risks
from alerts.judging.by_rule import judge_readings
from alerts.judging.changes import Changes, again, follow
from alerts.judging.columns import Columns, Past
from alerts.judging.conditions import EventCondition
from alerts.judging.decisions import (
    BY_TICKET,
    DEVICE_REPLACED,
    REFUTED,
    Decision,
    Track,
    judge_expiry,
    judge_person,
    judge_tick,
)
from alerts.judging.quantities import Source
from alerts.judging.rules import BY_CODE, OFFLINE, Rule
from alerts.judging.scope import ZoneOf
from alerts.judging.tracks import Tracks, key_of
from alerts.judging.windows.stretch import Rows
from fleet.alerts import EXTERNAL_RULE, MODEL_RULE, RISK_RULE, Alert, AlertState
from fleet.clock import HOUR_MS, MINUTE_MS, Clock
from fleet.codes import CodeCatalogue, load_codes
from fleet.events import Event
from fleet.external import Report
from fleet.findings import ModelFinding
from fleet.principals import Principal, check_reason
from fleet.readings import ReadingBatch
from fleet.risks import Risk, Wanted
from fleet.signals import STANDARD_SIGNALS, Kind, SignalTable
from fleet.text import Text
from storage.records.alerts import alert_of, alerts_named, each_open_mark, open_alert, open_alerts
from storage.records.database import DeskDatabase
from storage.records.devices import ReportedEvent, traits_of
from storage.records.tickets import sought_in_vain

T = TypeVar("T")
_TIMELESS = frozenset({RISK_RULE, MODEL_RULE, EXTERNAL_RULE})
"""What these rules raise does not change by time alone."""
_AT_ONCE, _PAUSE_S = 200, 0.005
_FORGET_MS = 5 * MINUTE_MS
"""What devices are and where they belong is looked up anew after so long, if the log did not tell of it."""


class AlertEngine:
    """Raises, fires and ends alerts; open ones survive a restart in the desk database.

    `codes` says what makers' codes mean (what ships, unless given), `signals` what there are, `zone_of` by
    whose clock a site lives (UTC, unless given). In the `past` it finds what windows need of a device that it
    has not seen yet; without one they begin with its first reading. Each change is an event of the log, from
    which others learn of it. All methods may be called from any thread, and raise StoreUnavailable when the
    database cannot be reached: the same call may then be repeated, nothing is raised twice.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        rules: Sequence[Rule],
        clock: Clock,
        codes: CodeCatalogue | None = None,
        *,
        signals: SignalTable = STANDARD_SIGNALS,
        zone_of: ZoneOf | None = None,
        past: Past | None = None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._started = clock.now_ms()
        self._lock = threading.RLock()
        self._meanings = codes or load_codes()
        self._signals = signals
        self._zone_of = zone_of
        self._past = past
        self._texts: dict[str, Text] = {}
        self._take(rules)
        self._tracks = Tracks()
        self.reload()

    def use(self, rules: Sequence[Rule]) -> None:
        """Judge by other rules from now on; at the next tick, alerts of rules that are gone end."""
        with self._lock:
            self._take(rules)

    def _take(self, rules: Sequence[Rule]) -> None:
        self._rules = {rule.name: rule for rule in rules}
        self._offline_rules = tuple(rule for rule in rules if rule.when == OFFLINE)
        self._columns = {
            (source, kind): Columns(
                kind,
                tuple(rule for rule in rules if rule.kind is kind and rule.source is source),
                self._signals,
                self._desk,
                self._zone_of,
                self._past if source is Source.READINGS else None,
            )
            for source in Source
            for kind in Kind
        }
        # Events and absence come one by one, and have no columns.
        self._applies = Applies(
            self._desk, [rule for rule in rules if rule.source is None], self._zone_of, Rows()
        )
        self._forgot_at = self._started
        by_code = frozenset(rule.name for rule in rules if rule.fault == BY_CODE)
        self._codes = CodeJudge(self._meanings, by_code)
        events = tuple(rule for rule in rules if isinstance(rule.when, EventCondition))
        self._events = EventJudge(events, self._codes, self._applies.at_moment)
        self._texts |= {name: Text(rule.text.en, rule.text.zh) for name, rule in self._rules.items()}
        for gone in self._texts.keys() - self._rules.keys():
            del self._texts[gone]

    @property
    def rule_texts(self) -> Mapping[str, Text]:
        """What people read when a rule fires, by the name of the rule; always that of the rules at work."""
        return self._texts

    def reload(self) -> None:
        """Take over what the database holds: alerts that a ticket, a person or another process changed.

        Of those that are known already no more than that is read: they may be 100,000.
        """
        with self._lock, self._desk.transaction() as session:
            known = {track.alert.id: track.alert for track in self._tracks}
            changed = []
            for alert_id, updated, state in each_open_mark(session):
                alert = known.pop(alert_id, None)
                if alert is None or (alert.updated, alert.state) != (updated, state):
                    changed.append(alert_id)
            for over in known.values():
                self._tracks.put(key_of(over), None)
            for stored in alerts_named(session, changed):
                if stored.state is not AlertState.RESOLVED:
                    self._tracks.put(key_of(stored), self._remembered(follow(stored)))

    def _remembered(self, stored: Track) -> Track:
        known = self._tracks.get(*key_of(stored.alert))
        if known is None or known.alert.id != stored.alert.id:
            return stored
        return replace(known, alert=stored.alert)

    def open_alerts(self) -> list[Alert]:
        """Return the alerts that the engine follows, the oldest first."""
        with self._lock:
            return sorted((track.alert for track in self._tracks), key=lambda alert: int(alert.id))

    def followed(self) -> set[tuple[str, str]]:
        """Return (device id, fault) of every open alert: what ends them must be told too.

        For an alert of a rule over models that is what the rule looks at.
        """
        modelled = {
            rule.name: rule.quantities for rule in self._rules.values() if rule.source is Source.MODELS
        }
        with self._lock:
            own = {(track.alert.device_id, track.alert.fault) for track in self._tracks}
            also = {
                (track.alert.device_id, quantity.of)
                for track in self._tracks
                for quantity in modelled.get(track.alert.rule, ())
            }
            return own | also

    def observe(self, batch: ReadingBatch) -> None:
        """Judge a batch of readings, in event time. Late readings are judged at their own time.

        Windows take what comes in the order of time: what is late, or came before, changes none.
        """
        self._judge(self._columns[Source.READINGS, batch.kind], batch.frame)

    def observe_hours(self, kind: Kind, tiles: pl.DataFrame, judged_from: int = 0) -> None:
        """Judge the tiles (fleet.tiles) of hours that are over, each as of the end of its hour.

        Those of hours before `judged_from` (epoch ms) only fill windows: at a start they want the hours that
        they go back (`hours_back`). Handed over again, hours change no window.
        """
        over = tiles.with_columns(ts=pl.col("hour") + HOUR_MS).sort("ts", "device_id")
        self._judge(self._columns[Source.HOURS, kind], over, judged_from)

    def hourly_columns(self, kind: Kind) -> tuple[str, ...]:
        """Return the columns of tiles that rules over hours need; none: they need no tiles."""
        return self._columns[Source.HOURS, kind].needed

    def hours_back(self, kind: Kind) -> int:
        """Return how many hours the windows over hours go back."""
        return -(-self._columns[Source.HOURS, kind].lookback_ms // HOUR_MS)

    def _judge(self, columns: Columns, frame: pl.DataFrame, judged_from: int = 0) -> None:
        if not columns.rules or frame.is_empty():
            return
        with self._lock:
            whole = columns.added(frame)
            if judged_from:
                whole = whole.filter(pl.col("ts") > judged_from)
            with self._changes() as changes:
                for rule, rows in columns.scan.in_play(whole, self._concerned()):
                    if rule.fault == BY_CODE:
                        self._codes.judge(changes, rule, rows)
                    else:
                        judge_readings(changes, rule, rows)
            columns.done()

    def _concerned(self) -> Mapping[str, set[str]]:
        """Return the devices whose readings each rule must see because an alert of theirs is open.

        What a device said in one signal may end in another: rules by code share theirs.
        """
        devices = self._tracks.devices
        said: set[str] = set().union(*(devices.get(name, ()) for name in self._codes.names))
        return {**devices, **dict.fromkeys(self._codes.names, said)} if said else devices

    def observe_events(self, events: Sequence[ReportedEvent]) -> None:
        """Judge what devices told of on their event topic; told again, it changes nothing."""
        concerned = [event for event in events if self._events.concerns(event)]
        if not concerned:
            return
        with self._changes() as changes:
            traits = traits_of(changes.session, sorted({event.device_id for event in concerned}))
            for event in sorted(concerned, key=lambda event: event.ts):
                self._events.judge(changes, event, traits)

    def observe_risks(self, risks: Sequence[Risk]) -> None:
        """Judge a scoring: one risk per device and fault, each as of its device's newest reading.

        Risks below their threshold of what is neither `followed` nor `wanted` may be left out: they change
        nothing.
        """
        for kind in Kind:
            columns = self._columns[Source.MODELS, kind]
            if columns.rules:
                self._judge(columns, modelled(risks, kind, columns.quantities))
        with self._changes() as changes:
            for risk in risks:
                judge_scoring(changes, risk)

    def wanted(self) -> Sequence[Wanted]:
        """Return which risks rules want to see, though the models' own thresholds do not call for it."""
        return wanted_risks([rule for rule in self._rules.values() if rule.source is Source.MODELS])

    def observe_models(self, findings: Sequence[ModelFinding]) -> None:
        """Judge what was found about models: an alert of the installation for each that is beyond a limit."""
        with self._changes() as changes:
            for fault in sorted({finding.fault for finding in findings}):
                judge_model(changes, fault, [each for each in findings if each.fault == fault])

    def observe_external(self, reports: Sequence[Report]) -> int:
        """Judge what another system reports of its own alerts; reported again, it changes nothing.

        Returns how many there is no room for.
        """
        by_device: dict[str, list[Report]] = {}
        for report in reports:
            by_device.setdefault(report.device_id, []).append(report)
        with self._changes() as changes:
            return sum(judge_external(changes, *each) for each in sorted(by_device.items()))

    def tick(self, now: int) -> None:
        """Let time pass: what waited long enough fires, silent devices go offline, heard ones return.

        A device's last will counts too: ingest has noted it as the device's status.
        """
        self.reload()
        if now - self._forgot_at >= _FORGET_MS:
            self._forgot_at = now
            self._forget()
        for rule in self._offline_rules:
            self._tick_absence(rule, now)
        with self._lock:
            tracks = [track for track in self._tracks if self._may_be_due(track)]
            offline = offline_alerts(self._tracks, self._offline_rules)
        due = [track for track in tracks if self._elapsed(track, now, offline).state is not None]
        self._in_parts(now, due, lambda changes, track: self._elapse(changes, track, offline))

    def _may_be_due(self, track: Track) -> bool:
        """Tell whether time alone may change an alert: of 100,000 that fire it does not."""
        rule = track.alert.rule
        return rule not in _TIMELESS and (track.alert.state is AlertState.PENDING or rule not in self._rules)

    def _tick_absence(self, rule: Rule, now: int) -> None:
        with self._lock:
            tracks = self._tracks.of_rule(rule.name, rule.fault)
        with self._desk.transaction() as session:
            heard = heard_devices(session, rule, tracks)
        self._in_parts(now, heard, lambda changes, each: end_absence(changes, rule, each))
        with self._desk.transaction() as session:
            absent = absent_devices(session, rule, self._started, now)
        with self._lock:
            new = [each for each in absent if self._tracks.get(each.device_id, rule.fault) is None]
        applies = self._applies.at_moment
        self._in_parts(
            now,
            new,
            lambda changes, each: begin_absence(changes, rule, self._started, applies, each),
            still_unheard,
        )

    def _in_parts(
        self,
        now: int,
        items: Sequence[T],
        do: Callable[[Changes, T], None],
        still: Callable[[Session, Sequence[T]], Sequence[T]] = lambda _session, part: part,
    ) -> None:
        """Do something to each of what may be thousands, some at a time.

        In between readings are judged, and others write: nobody waits for all of them. It may take minutes:
        what comes late is of its own time, so that who waits for the last of them knows, and `still` says of
        which of a part it holds by then.
        """
        begun = self._clock.now_ms()
        for begin in range(0, len(items), _AT_ONCE):
            if begin:
                sleep(_PAUSE_S)
            with self._changes(now + self._clock.now_ms() - begun) as changes:
                for item in still(changes.session, items[begin : begin + _AT_ONCE]):
                    do(changes, item)

    def _elapse(self, changes: Changes, track: Track, offline: Mapping[str, Alert]) -> None:
        current = changes.track(*key_of(track.alert))
        if current is None or current.alert.id != track.alert.id:
            return
        decision = self._elapsed(current, changes.now, offline)
        if decision.state is not None:
            changes.move(current, decision, current.alert.rule, changes.now)

    def _elapsed(self, track: Track, now: int, offline: Mapping[str, Alert]) -> Decision:
        absent = offline.get(track.alert.device_id)
        return judge_tick(track, self._rules.get(track.alert.rule), now, absent)

    def acknowledge(self, alert_id: str, principal: Principal, why: str) -> Alert:
        """Note that someone takes care of a firing alert; return it.

        Raises NotFound, InvalidInput when `why` is blank, Conflict unless it is firing.
        """
        return self._by_person(alert_id, AlertState.ACKNOWLEDGED, principal, why)

    def resolve(self, alert_id: str, principal: Principal, why: str) -> Alert:
        """End an open alert by hand; return it. Raises as `acknowledge`, Conflict when it is over already."""
        return self._by_person(alert_id, AlertState.RESOLVED, principal, why)

    def acknowledgement_expired(self, alert_id: str, principal: Principal) -> Alert:
        """Let an acknowledged alert fire again; return it. Raises NotFound, Conflict unless it is that."""
        with self._changes() as changes:
            alert = alert_of(changes.session, alert_id)
            decision = judge_expiry(alert)
            return changes.by(principal, alert, decision, decision.reason)

    def _by_person(self, alert_id: str, after: AlertState, principal: Principal, why: str) -> Alert:
        check_reason(why)
        with self._changes() as changes:
            alert = alert_of(changes.session, alert_id)
            return changes.by(principal, alert, judge_person(alert, after, principal.name), why)

    def end_with_ticket(self, event: Event) -> None:
        """End the alerts of a ticket that was closed, as the log tells it; those that are over stay so.

        What the device told of after the repair is not mended by it: it is a new alert.
        """
        solved_at = event.data.get("solved_at")
        decision = Decision(AlertState.RESOLVED, f"{BY_TICKET}{event.after}")
        with self._changes(event.at) as changes:
            in_vain = sought_in_vain(changes.session, int(event.subject_id))
            for alert_id in event.data.get("alerts", ()):
                alert = alert_of(changes.session, str(alert_id))
                if alert.state is AlertState.RESOLVED:
                    continue
                said = Decision(AlertState.RESOLVED, REFUTED) if alert.id in in_vain else decision
                changes.by(event.principal, alert, said, event.reason)
                told_at = told_last(alert, self._rules)
                if solved_at is not None and told_at > solved_at:
                    changes.raise_alert(again(alert, told_at))

    def hear(self, event: Event) -> None:
        """Take over what another process did to an alert, as the log tells it; cheap for our own changes."""
        key = str(event.data["device_id"]), str(event.data["fault"])
        with self._lock:
            if self._knows(event, self._tracks.get(*key)):
                return
            with self._desk.transaction() as session:
                stored = open_alert(session, *key)
            self._tracks.put(key, None if stored is None else self._remembered(follow(stored)))

    def learn(self, _event: Event) -> None:
        """Look up anew what devices are and where they belong: the log tells that some of it changed."""
        self._forget()

    def _forget(self) -> None:
        with self._lock:
            for each in (self._applies, *(columns.applies for columns in self._columns.values())):
                each.forget()

    def end_with_device(self, event: Event) -> None:
        """End what was wrong with a device in whose place another came, as the log tells it.

        What the new one has told of since stays open.
        """
        decision = Decision(AlertState.RESOLVED, DEVICE_REPLACED)
        with self._changes(event.at) as changes:
            for alert in open_alerts(changes.session, event.subject_id):
                if alert.since <= event.at:
                    changes.by(event.principal, alert, decision, event.reason)

    @staticmethod
    def _knows(event: Event, track: Track | None) -> bool:
        if track is None or track.alert.id != event.subject_id:
            return track is None and event.after == AlertState.RESOLVED
        as_told = track.alert.state == event.after and track.alert.level == event.data.get("level")
        return as_told and track.alert.opens_ticket == event.data.get("opens_ticket")

    @contextmanager
    def _changes(self, now: int | None = None) -> Iterator[Changes]:
        """Run one unit of work: commit, then remember; when it raises, neither."""
        with self._lock:
            with self._desk.transaction() as session:
                changes = Changes(session, self._tracks, self._clock.now_ms() if now is None else now)
                yield changes
            for key, track in changes.tracks.items():
                self._tracks.put(key, track)

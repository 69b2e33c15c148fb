"""The alert engine: takes batches, risks and time; raises, fires and ends alerts."""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from alerts.judging.by_absence import begin_absence, end_absence, offline_alerts
from alerts.judging.by_code import CodeJudge
from alerts.judging.by_event import EventJudge, told_last
from alerts.judging.by_model import judge_model
from alerts.judging.by_risk import judge_scoring
from alerts.judging.by_rule import judge_readings
from alerts.judging.changes import Changes, again, follow
from alerts.judging.conditions import Condition, EventCondition
from alerts.judging.decisions import (
    BY_TICKET,
    DEVICE_REPLACED,
    Decision,
    Track,
    judge_expiry,
    judge_person,
    judge_tick,
)
from alerts.judging.rules import BY_CODE, OFFLINE, Rule
from alerts.judging.scan import in_play
from alerts.judging.tracks import Tracks, key_of
from fleet.alerts import MODEL_RULE, RISK_RULE, Alert, AlertState
from fleet.clock import Clock
from fleet.codes import CodeCatalogue, load_codes
from fleet.events import Event
from fleet.findings import ModelFinding
from fleet.principals import Principal, check_reason
from fleet.readings import ReadingBatch
from fleet.risks import Risk
from fleet.signals import Kind
from fleet.text import Text
from storage.records.alerts import alert_of, open_alert, open_alerts
from storage.records.database import DeskDatabase
from storage.records.devices import ReportedEvent, traits_of


class AlertEngine:
    """Raises, fires and ends alerts; open ones survive a restart in the desk database.

    `codes` says what makers' codes mean (what ships, unless given). Each change is an event of the log, from
    which others learn of it. All methods may be called from any thread, and raise StoreUnavailable when the
    database cannot be reached: the same call may then be repeated, nothing is raised twice.
    """

    def __init__(
        self, desk: DeskDatabase, rules: Sequence[Rule], clock: Clock, codes: CodeCatalogue | None = None
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._started = clock.now_ms()
        self._lock = threading.RLock()
        self._rules = {rule.name: rule for rule in rules}
        self._offline_rules = tuple(rule for rule in rules if rule.when == OFFLINE)
        self._signal_rules = {
            kind: tuple(rule for rule in rules if rule.kind is kind and isinstance(rule.when, Condition))
            for kind in Kind
        }
        by_code = frozenset(rule.name for rule in rules if rule.fault == BY_CODE)
        self._codes = CodeJudge(codes or load_codes(), by_code)
        events = tuple(rule for rule in rules if isinstance(rule.when, EventCondition))
        self._events = EventJudge(events, self._codes)
        self._tracks = Tracks()
        self.reload()

    @property
    def rule_texts(self) -> Mapping[str, Text]:
        """What people read when a rule fires, by the name of the rule."""
        return {name: Text(rule.text.en, rule.text.zh) for name, rule in self._rules.items()}

    def reload(self) -> None:
        """Take over what the database holds: alerts that a ticket, a person or another process changed."""
        with self._lock, self._desk.transaction() as session:
            stored = [follow(alert) for alert in open_alerts(session)]
            self._tracks = Tracks(self._remembered(track) for track in stored)

    def _remembered(self, stored: Track) -> Track:
        known = self._tracks.get(key_of(stored.alert))
        if known is None or known.alert.id != stored.alert.id:
            return stored
        return Track(stored.alert, known.seen_at, known.judged_at, known.lows)

    def open_alerts(self) -> list[Alert]:
        """Return the alerts that the engine follows, the oldest first."""
        with self._lock:
            return sorted((track.alert for track in self._tracks), key=lambda alert: int(alert.id))

    def followed(self) -> set[tuple[str, str]]:
        """Return (device id, fault) of every open alert: what ends them must be told too."""
        with self._lock:
            return {(track.alert.device_id, track.alert.fault) for track in self._tracks}

    def observe(self, batch: ReadingBatch) -> None:
        """Judge a batch of readings, in event time. Late readings are judged at their own time."""
        with self._changes() as changes:
            for rule, rows in in_play(batch.frame, self._signal_rules[batch.kind], self._concerned()):
                if rule.fault == BY_CODE:
                    self._codes.judge(changes, rule, rows)
                else:
                    judge_readings(changes, rule, rows)

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

        Risks below their threshold of what is not `followed` may be left out: they change nothing.
        """
        with self._changes() as changes:
            for risk in risks:
                judge_scoring(changes, risk)

    def observe_models(self, findings: Sequence[ModelFinding]) -> None:
        """Judge what was found about models: an alert of the installation for each that is beyond a limit."""
        with self._changes() as changes:
            for fault in sorted({finding.fault for finding in findings}):
                judge_model(changes, fault, [each for each in findings if each.fault == fault])

    def tick(self, now: int) -> None:
        """Let time pass: what waited long enough fires, silent devices go offline, heard ones return.

        A device's last will counts too: ingest has noted it as the device's status.
        """
        self.reload()
        with self._changes(now) as changes:
            for rule in self._offline_rules:
                end_absence(changes, rule, self._tracks)
                begin_absence(changes, rule, self._started)
            tracks = changes.all_tracks()
            offline = offline_alerts(tracks, self._offline_rules)
            for track in tracks:
                self._elapse(changes, track, offline.get(track.alert.device_id))

    def _elapse(self, changes: Changes, track: Track, offline: Alert | None) -> None:
        if track.alert.rule in (RISK_RULE, MODEL_RULE):
            return
        decision = judge_tick(track, self._rules.get(track.alert.rule), changes.now, offline)
        if decision.state is not None:
            changes.move(track, decision, track.alert.rule, changes.now)

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
            for alert_id in event.data.get("alerts", ()):
                alert = alert_of(changes.session, str(alert_id))
                if alert.state is AlertState.RESOLVED:
                    continue
                changes.by(event.principal, alert, decision, event.reason)
                told_at = told_last(alert, self._rules)
                if solved_at is not None and told_at > solved_at:
                    changes.raise_alert(again(alert, told_at))

    def hear(self, event: Event) -> None:
        """Take over what another process did to an alert, as the log tells it; cheap for our own changes."""
        key = str(event.data["device_id"]), str(event.data["fault"])
        with self._lock:
            if self._knows(event, self._tracks.get(key)):
                return
            with self._desk.transaction() as session:
                stored = open_alert(session, *key)
            self._tracks.put(key, None if stored is None else self._remembered(follow(stored)))

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
        as_told = track.alert.state == event.after
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

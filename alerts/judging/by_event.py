"""Judges what devices tell of on their event topic: an error, a call for help, a part that was replaced."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from alerts.judging.by_code import TOLD_AGAIN_MS, CodeJudge, Report
from alerts.judging.by_rule import raise_by_rule, rule_evidence
from alerts.judging.changes import Changes
from alerts.judging.conditions import EventCondition
from alerts.judging.decisions import CLEARED, Decision, Track
from alerts.judging.rules import BY_CODE, Rule
from fleet.alerts import Alert, AlertState, said_by_device
from storage.records.devices import DeviceTraits, ReportedEvent
from storage.records.repairs import PART_REPLACED

AppliesAt = Callable[[Rule, str, int], bool]
"""Tells whether a rule applies to a device at a time (alerts.judging.applies)."""
_CODE_KEYS = ("error_code", "code", "errorType")
_TEXT_KEYS = ("message", "text", "description", "errorDescription")
_LONGEST = 200


@dataclass(frozen=True)
class EventJudge:
    """The rules over events, of every kind of device."""

    rules: Sequence[Rule]
    codes: CodeJudge
    applies: AppliesAt

    def concerns(self, event: ReportedEvent) -> bool:
        """Tell whether any rule, or the end of an alert, depends on such an event."""
        return event.code == PART_REPLACED or any(
            _holds(rule, event) or _ends(rule, event) for rule in self.rules
        )

    def judge(self, changes: Changes, event: ReportedEvent, traits: Mapping[str, DeviceTraits]) -> None:
        """Judge one event; the same event again changes nothing."""
        known = traits.get(event.device_id)
        if known is None:
            return
        changes.come_to(event.device_id, event.ts)
        if event.code == PART_REPLACED:
            self.codes.mended(changes, event.device_id, event.detail, event.ts)
        for rule in self.rules:
            if rule.kind != known.kind:
                continue
            if _holds(rule, event) and self.applies(rule, event.device_id, event.ts):
                self._hold(changes, rule, event, known.model)
            elif _ends(rule, event):
                self._end(changes, rule, event)

    def _hold(self, changes: Changes, rule: Rule, event: ReportedEvent, model: str) -> None:
        if rule.fault == BY_CODE:
            code, text = _first(event, _CODE_KEYS), _first(event, _TEXT_KEYS)
            report = Report(event.device_id, event.ts, code or event.code, model, text=text, event=event.code)
            self.codes.hold(changes, rule, report)
            return
        track = changes.track(event.device_id, rule.fault)
        if track is not None:
            if track.alert.rule == rule.name and event.ts > track.judged_at:
                self._told_again(changes, rule, track, event.ts)
            return
        state = AlertState.PENDING if rule.for_ms else AlertState.FIRING
        evidence = rule_evidence(
            rule, signal="event", value=event.code, condition=rule.when_text, ts=event.ts
        )
        raise_by_rule(changes, rule, event.device_id, state, event.ts, evidence, once=True)

    @staticmethod
    def _told_again(changes: Changes, rule: Rule, track: Track, at: int) -> None:
        """Keep with the alert that it was told again: a repair before that has not mended it."""
        evidence = track.alert.evidence
        if at - evidence.get("ts", 0) < TOLD_AGAIN_MS:
            changes.spoke(track, at)
            return
        decision = Decision(track.alert.state, f"told_more_by:{rule.name}")
        changes.revise(track, decision, rule.name, at, evidence=evidence | {"ts": at})

    def _end(self, changes: Changes, rule: Rule, event: ReportedEvent) -> None:
        names = self.codes.names if rule.fault == BY_CODE else {rule.name}
        for track in changes.tracks_of(event.device_id):
            if track.alert.rule in names and event.ts > track.judged_at:
                changes.move(track, Decision(AlertState.RESOLVED, CLEARED), rule.name, event.ts)


def told_last(alert: Alert, rules: Mapping[str, Rule]) -> int:
    """Return when a device last told of a moment that an alert is about (epoch ms); 0 for what lasts.

    What lasts is told by the next reading as well.
    """
    said = said_by_device(alert.evidence)
    rule = rules.get(alert.rule)
    by_event = rule is not None and isinstance(rule.when, EventCondition)
    found = said or (alert.evidence if by_event else {})
    return int(found.get("ts") or 0)


def _holds(rule: Rule, event: ReportedEvent) -> bool:
    return isinstance(rule.when, EventCondition) and event.code in rule.when.codes


def _ends(rule: Rule, event: ReportedEvent) -> bool:
    return isinstance(rule.clear, EventCondition) and event.code in rule.clear.codes


def _first(event: ReportedEvent, keys: Sequence[str]) -> str | None:
    """Return the first of some keys of an event's detail that is text or a number, as text."""
    for key in keys:
        value = event.detail.get(key)
        if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
            return str(value)[:_LONGEST]
    return None

"""Judges what is not heard: a device that the broker reports gone, or that stays unheard."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from alerts.judging.by_rule import raise_by_rule, rule_evidence
from alerts.judging.changes import Changes
from alerts.judging.decisions import Track, judge_absence, judge_heard
from alerts.judging.rules import Rule
from fleet.alerts import Alert, AlertState
from storage.records.alerts import last_heard, unheard_devices


def begin_absence(
    changes: Changes, rule: Rule, started: int, applies: Callable[[Rule, str, int], bool]
) -> None:
    """Raise alerts for devices that were not heard for too long, counted from `started` at the earliest.

    `applies` tells whether a rule applies to a device at a time.
    """
    if changes.now - started < rule.for_ms:
        return
    for unheard in unheard_devices(changes.session, rule.kind, changes.now - rule.for_ms):
        decision = judge_absence(unheard, rule, started, changes.now)
        if decision.state is None or changes.track(unheard.device_id, rule.fault) is not None:
            continue
        if not applies(rule, unheard.device_id, changes.now):
            continue
        seen: dict[str, Any] = {
            "signal": "last_seen",
            "value": unheard.last_seen,
            "threshold": rule.absent_ms,
        }
        if unheard.status == "offline":
            seen = {"signal": "status", "value": "offline", "threshold": "online"}
        evidence = rule_evidence(rule, ts=unheard.last_seen, **seen)
        since = max(unheard.last_seen, started)
        raise_by_rule(changes, rule, unheard.device_id, decision.state, since, evidence)


def end_absence(changes: Changes, rule: Rule, tracks: Iterable[Track]) -> None:
    """End the alerts of an offline rule for devices that were heard again."""
    mine: Mapping[str, Track] = {t.alert.device_id: t for t in tracks if t.alert.rule == rule.name}
    for device_id, heard in last_heard(changes.session, list(mine)).items():
        decision = judge_heard(mine[device_id], heard, rule)
        if decision.state is not None:
            changes.move(mine[device_id], decision, rule.name, heard.last_seen)


def offline_alerts(tracks: Iterable[Track], rules: Iterable[Rule]) -> dict[str, Alert]:
    """Return by device the alerts of offline rules that have fired."""
    names = {rule.name for rule in rules}
    return {
        track.alert.device_id: track.alert
        for track in tracks
        if track.alert.rule in names and track.alert.state is not AlertState.PENDING
    }

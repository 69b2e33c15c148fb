"""Judges what is not heard: a device that the broker reports gone, or that stays unheard."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy.orm import Session

from alerts.judging.by_rule import raise_by_rule, rule_evidence
from alerts.judging.changes import Changes
from alerts.judging.decisions import Track, judge_absence, judge_heard
from alerts.judging.rules import Rule
from alerts.judging.tracks import Tracks
from fleet.alerts import Alert, AlertState
from storage.records.alerts import Unheard, last_heard, unheard_devices

Applies = Callable[[Rule, str, int], bool]
"""Tells whether a rule applies to a device at a time (alerts.judging.applies)."""


def absent_devices(session: Session, rule: Rule, started: int, now: int) -> list[Unheard]:
    """Return the devices that were not heard for too long, counted from `started` at the earliest."""
    if now - started < rule.for_ms:
        return []
    unheard = unheard_devices(session, rule.kind, now - rule.for_ms)
    return [each for each in unheard if judge_absence(each, rule, started, now).state is not None]


def begin_absence(changes: Changes, rule: Rule, started: int, applies: Applies, unheard: Unheard) -> None:
    """Raise the alert of a device that was not heard for too long."""
    decision = judge_absence(unheard, rule, started, changes.now)
    if decision.state is None or changes.track(unheard.device_id, rule.fault) is not None:
        return
    if not applies(rule, unheard.device_id, changes.now):
        return
    seen: dict[str, Any] = {"signal": "last_seen", "value": unheard.last_seen, "threshold": rule.absent_ms}
    if unheard.status == "offline":
        seen = {"signal": "status", "value": "offline", "threshold": "online"}
    evidence = rule_evidence(rule, ts=unheard.last_seen, **seen)
    since = max(unheard.last_seen, started)
    raise_by_rule(changes, rule, unheard.device_id, decision.state, since, evidence)


def still_unheard(session: Session, part: Sequence[Unheard]) -> list[Unheard]:
    """Return those of which nothing was heard since they were looked up."""
    known = last_heard(session, [each.device_id for each in part])
    return [each for each in part if known.get(each.device_id) == each]


def heard_devices(session: Session, rule: Rule, tracks: Iterable[Track]) -> list[Unheard]:
    """Return when those were heard again of which an offline rule has an alert, by its tracks."""
    mine = {track.alert.device_id: track for track in tracks}
    heard = last_heard(session, list(mine)).items()
    return [each for device_id, each in heard if judge_heard(mine[device_id], each, rule).state is not None]


def end_absence(changes: Changes, rule: Rule, heard: Unheard) -> None:
    """End the alert of an offline rule for a device that was heard again."""
    track = changes.track(heard.device_id, rule.fault)
    if track is None or track.alert.rule != rule.name:
        return
    decision = judge_heard(track, heard, rule)
    if decision.state is not None:
        changes.move(track, decision, rule.name, heard.last_seen)


def offline_alerts(tracks: Tracks, rules: Iterable[Rule]) -> dict[str, Alert]:
    """Return by device the alerts of offline rules that have fired."""
    return {
        track.alert.device_id: track.alert
        for rule in rules
        for track in tracks.of_rule(rule.name, rule.fault)
        if track.alert.state is not AlertState.PENDING
    }

"""Judges readings by the rules: what the few readings in play do to the alerts."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from alerts.judging.changes import Changes
from alerts.judging.decisions import WAITING, Decision, Track, Verdict, judge_reading, judge_recurrence
from alerts.judging.rules import Rule
from alerts.judging.scan import WORSE, Sighting
from fleet.alerts import Alert, AlertState
from fleet.faults import Level


def judge_readings(changes: Changes, rule: Rule, sightings: Iterable[Sighting]) -> None:
    """Judge the readings that `Scan.in_play` found for one rule, in order."""
    for device_id, at, value, code in sightings:
        changes.come_to(device_id, at)
        track = changes.track(device_id, rule.fault)
        number, verdict = (code // WORSE, Verdict.HOLD) if code > WORSE else (0, Verdict(code))
        if track is None and verdict is not Verdict.HOLD:
            continue
        decision = judge_reading(track, rule, verdict, at)
        level = Level(f"L{number}") if number else rule.level
        if track is None:
            if decision.state is not None:
                seen = _seen(rule, value, at)
                raise_by_rule(changes, rule, device_id, decision.state, at, seen, level=level)
            continue
        if track.alert.rule != rule.name:
            _join(changes, track, rule, decision, at, value)
        elif verdict is Verdict.HOLD and rule.levels and level < track.alert.level:
            reached = Decision(decision.state or track.alert.state, f"worsened_by:{rule.name}")
            evidence = track.alert.evidence | _seen(rule, value, at)
            changes.revise(track, reached, rule.name, at, level=level, evidence=evidence)
        elif decision.state is None:
            if verdict is Verdict.HOLD and at > track.judged_at:
                changes.spoke(track, at)
        else:
            changes.move(track, decision, rule.name, at)


def _join(
    changes: Changes, track: Track, rule: Rule, decision: Decision, at: int, value: float | bool | str | None
) -> None:
    """Carry out what a rule means for an alert that another rule, or a model, raised."""
    if decision is WAITING:
        changes.wait_beside(track, rule.name, at)
        return
    changes.leave(track, rule.name)
    if decision.state is not None:
        changes.join(track, decision, rule.name, at, _seen(rule, value, at))


def raise_by_rule(  # noqa: PLR0913 - one alert's columns
    changes: Changes,
    rule: Rule,
    device_id: str,
    state: AlertState,
    at: int,
    evidence: dict[str, Any],
    *,
    fault: str | None = None,
    level: Level | None = None,
    opens_ticket: bool | None = None,
    once: bool = False,
) -> None:
    """Raise an alert of a rule unless it is old news; a recurrence names the alert before it.

    Fault, level and ticket are the rule's unless they are given. `once`: it was told of a moment, and what
    ended later ended that too, whoever ended it.
    """
    fault = fault or rule.fault
    previous = changes.previous(device_id, fault)
    news = judge_recurrence(previous, at)
    if news.state is None or (once and previous is not None and at <= previous.resolved_at):
        return
    if previous is not None:
        evidence = evidence | {"previous_alert": previous.id}
    changes.raise_alert(
        Alert(
            id="",
            device_id=device_id,
            fault=fault,
            rule=rule.name,
            level=level or rule.level,
            state=state,
            since=at,
            reason=news.reason,
            opens_ticket=rule.opens_ticket if opens_ticket is None else opens_ticket,
            evidence=evidence,
        )
    )


def rule_evidence(rule: Rule, **seen: Any) -> dict[str, Any]:
    """Return the evidence of a rule's alert: what was `seen` (signal, value, threshold, ts) and its text."""
    return {"source": "rule", "rule": rule.name, "text": _in_both(rule.text.en, rule.text.zh)} | seen


@lru_cache(maxsize=1_000)
def _in_both(en: str, zh: str) -> dict[str, str]:
    """Return a text as evidence has it: one for all alerts of a rule, of which there may be 100,000."""
    return {"en": en, "zh": zh}


def _seen(rule: Rule, value: float | bool | str | None, at: int) -> dict[str, Any]:
    return rule_evidence(
        rule,
        signal=rule.shown_signal,
        value=value,
        threshold=rule.shown.value,
        condition=rule.condition.text,
        ts=at,
    )

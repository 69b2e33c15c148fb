"""Judges what is found about models: drift raises an alert of the whole installation, being well ends it."""

from collections.abc import Sequence

from alerts.judging.changes import Changes
from alerts.judging.decisions import CLEARED, Decision, Previous
from fleet.alerts import INSTALLATION, MODEL_RULE, Alert, AlertState
from fleet.clock import DAY_MS
from fleet.faults import Level
from fleet.findings import ModelFinding

PATIENCE_MS = 7 * DAY_MS
"""After a person ended such an alert the same model is not complained of for so long: mending takes time."""


def judge_model(changes: Changes, fault: str, findings: Sequence[ModelFinding]) -> None:
    """Judge the findings about the champion of one fault; any beyond its limit raises, none ends."""
    track = changes.track(INSTALLATION, fault)
    at = max(finding.at for finding in findings)
    if any(finding.beyond for finding in findings):
        if track is not None:
            changes.spoke(track, at)
        elif (reason := _news(changes.previous(INSTALLATION, fault), changes.now)) is not None:
            changes.raise_alert(_alert(fault, findings, at, reason))
    elif track is not None and track.alert.rule == MODEL_RULE:
        changes.move(track, Decision(AlertState.RESOLVED, CLEARED), MODEL_RULE, at)


def _news(previous: Previous | None, now: int) -> str | None:
    if previous is None:
        return "first"
    if previous.by_person and now < previous.resolved_at + PATIENCE_MS:
        return None
    return f"recurrence_of:{previous.id}"


def _alert(fault: str, findings: Sequence[ModelFinding], at: int, reason: str) -> Alert:
    return Alert(
        id="",
        device_id=INSTALLATION,
        fault=fault,
        rule=MODEL_RULE,
        level=Level.L3,
        state=AlertState.FIRING,
        since=at,
        reason=reason,
        opens_ticket=False,
        evidence={
            "source": "model",
            "model": findings[0].model,
            "findings": [each.to_dict() for each in findings if each.beyond],
            "ts": at,
        },
    )

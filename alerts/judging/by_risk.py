"""Judges the risks of a scoring: at or over its threshold one raises an alert, staying low it ends it."""

from typing import Any

from alerts.judging.changes import Changes
from alerts.judging.decisions import judge_risk, judge_settling
from fleet.alerts import RISK_RULE, Alert, AlertState
from fleet.faults import FAULTS
from fleet.risks import Risk


def judge_scoring(changes: Changes, risk: Risk) -> None:
    """Judge one device's risk of one fault."""
    track = changes.track(risk.device_id, risk.fault)
    decision = judge_risk(track, risk)
    if track is None:
        if decision.state is not None:
            _raise_by_risk(changes, risk)
    elif decision.state is None:
        if track.alert.rule == RISK_RULE and decision.reason != "late":
            changes.spoke(track, risk.ts, track.lows + 1 if decision.reason == "low" else 0)
    elif decision.state is AlertState.RESOLVED:
        changes.move(track, decision, RISK_RULE, risk.ts)
    else:
        changes.want_ticket(track, decision, RISK_RULE, risk.ts, _evidence(risk))


def _raise_by_risk(changes: Changes, risk: Risk) -> None:
    previous = changes.previous(risk.device_id, risk.fault)
    news = judge_settling(previous, risk.ts)
    if news.state is None:
        return
    evidence = _evidence(risk)
    if previous is not None:
        evidence["previous_alert"] = previous.id
    changes.raise_alert(
        Alert(
            id="",
            device_id=risk.device_id,
            fault=risk.fault,
            rule=RISK_RULE,
            level=FAULTS[risk.fault].level,
            state=news.state,
            since=risk.ts,
            reason=news.reason,
            opens_ticket=True,
            evidence=evidence,
        )
    )


def _evidence(risk: Risk) -> dict[str, Any]:
    return {
        "source": "risk",
        "risk": risk.risk,
        "threshold": risk.threshold,
        "confidence": risk.confidence,
        "model": risk.model,
        "drivers": [driver.to_dict() for driver in risk.drivers],
        "ts": risk.ts,
    }

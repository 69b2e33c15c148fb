"""Judges the risks of a scoring: at or over its threshold one raises an alert, staying low it ends it."""

from collections.abc import Iterable, Sequence
from typing import Any

import polars as pl

from alerts.judging.changes import Changes
from alerts.judging.conditions import Condition
from alerts.judging.decisions import judge_risk, judge_settling
from alerts.judging.quantities import Measure, Quantity
from alerts.judging.rules import Rule
from fleet.alerts import RISK_RULE, Alert, AlertState
from fleet.faults import FAULTS
from fleet.risks import Risk, Wanted
from fleet.signals import Kind

_KEPT = ("previous_alert",)


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
    elif track.alert.rule == RISK_RULE and track.alert.state is AlertState.PENDING:
        kept = {key: track.alert.evidence[key] for key in _KEPT if key in track.alert.evidence}
        changes.revise(track, decision, RISK_RULE, risk.ts, evidence=kept | _evidence(risk))
    else:
        changes.join(track, decision, RISK_RULE, risk.ts, _evidence(risk))


def _raise_by_risk(changes: Changes, risk: Risk) -> None:
    previous = changes.previous(risk.device_id, risk.fault)
    news = judge_settling(previous, risk)
    if news.state is None:
        return
    evidence = _evidence(risk)
    if previous is not None:
        evidence["previous_alert"] = previous.id
    changes.raise_alert(alert_of(risk, news.state, news.reason, evidence))


def alert_of(risk: Risk, state: AlertState, reason: str, evidence: dict[str, Any]) -> Alert:
    """Return the alert that a risk raises; it has no id until it is kept."""
    return Alert(
        id="",
        device_id=risk.device_id,
        fault=risk.fault,
        rule=RISK_RULE,
        level=FAULTS[risk.fault].level,
        state=state,
        since=risk.ts,
        reason=reason,
        opens_ticket=True,
        evidence=evidence,
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


def modelled(risks: Sequence[Risk], kind: Kind, quantities: Iterable[Quantity]) -> pl.DataFrame:
    """Return risks and lives as rules see them: a row for each device, a column for each quantity.

    Beside them `device_id`, `ts`, and `site`, empty: models do not know it. What was not told is null.
    """
    wanted = list(quantities)
    rows: dict[str, dict[str, Any]] = {}
    for risk in risks:
        if FAULTS[risk.fault].kind is not kind:
            continue
        row = rows.setdefault(risk.device_id, {"device_id": risk.device_id, "site": "", "ts": risk.ts})
        for quantity in wanted:
            if quantity.of == risk.fault:
                row[quantity.column] = risk.risk if quantity.measure is Measure.RISK else risk.life_d
    schema: dict[str, pl.DataType] = {"device_id": pl.String(), "site": pl.String(), "ts": pl.Int64()}
    schema |= {quantity.column: pl.Float64() for quantity in wanted}
    return pl.DataFrame(list(rows.values()), schema=schema)


def wanted_risks(rules: Iterable[Rule]) -> list[Wanted]:
    """Return from which risk on, and up to which remaining life, rules want to see each fault."""
    found: list[Wanted] = []
    for rule in rules:
        conditions = (rule.when, *rule.levels.values())
        for term in (term for one in conditions if isinstance(one, Condition) for term in one.terms):
            bound, quantity = float(term.value), term.quantity  # type: ignore[arg-type]
            if quantity.measure is Measure.RISK:
                found.append(Wanted(quantity.of, risk=bound if term.operator[0] == ">" else 0.0))
            else:
                found.append(Wanted(quantity.of, life_d=bound if term.operator[0] == "<" else None))
    return found

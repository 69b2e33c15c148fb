"""Rules, their versions and their trials, as the API and the console show them."""

from typing import Any

from alerts.backtest.backtest import Asked, Backtest
from alerts.backtest.outcome import MOST_DEVICES, RuleOutcome
from alerts.book import AtWork
from alerts.judging.rules import Rule
from api.services import ApiServices
from fleet.clock import DAY_MS, SECOND_MS
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.signals import Kind
from storage.records.alert_lists import count_by_rule

RECENT_DAYS = 7


def rules_at_work(services: ApiServices, sites: Sites) -> tuple[AtWork, dict[str, int]]:
    """Return the rules at work, and how many alerts each raised at some sites within RECENT_DAYS."""
    since = services.clock.now_ms() - RECENT_DAYS * DAY_MS
    with services.desk.transaction() as session:
        counts = count_by_rule(session, since, sites)
    return services.book.at_work(), counts


def rule_item(rule: Rule, raised: int) -> dict[str, Any]:
    """Return a rule as the API tells it."""
    return {
        "name": rule.name,
        "kind": str(rule.kind),
        "fault": rule.fault,
        "level": str(rule.level),
        "when": rule.when_text,
        "clear": rule.clear_text,
        "for_s": rule.for_ms / SECOND_MS,
        "absent_s": _seconds(rule.absent_ms),
        "opens_ticket": rule.opens_ticket,
        "text": {"en": rule.text.en, "zh": rule.text.zh},
        "levels": {str(level): condition.text for level, condition in rule.levels.items()},
        "only": {} if rule.only is None else {key: list(names) for key, names in rule.only if names},
        "months": list(rule.months),
        "hours": rule.hours.text if rule.hours else None,
        "stuck_s": _seconds(rule.stuck_ms),
        "examples": len(rule.examples),
        "raised_7d": raised,
    }


def tried_on_the_past(
    services: ApiServices, document: str | None, version: int | None, asked: Asked
) -> Backtest:
    """Replay the past under a document or a version. Raises InvalidInput unless it is one of both."""
    if (document is None) == (version is None):
        raise InvalidInput("give a document or a version, one of both")
    book = services.book
    rules = book.rules_of(version) if version is not None else book.usable(document or "")
    return services.trials.backtest(rules, asked)


def backtest_item(found: Backtest) -> dict[str, Any]:
    """Return what a backtest came to. Whose wristband raised alerts is not told: it is personal."""
    return {
        "start": found.start,
        "end": found.end,
        "devices": found.devices,
        "readings_every_s": _seconds(found.readings_every_ms),
        "rules": [
            {
                "rule": each.rule,
                "stored": each.stored,
                "before": _outcome(each.before, each.kind is Kind.WRISTBAND),
                "after": _outcome(each.after, each.kind is Kind.WRISTBAND),
            }
            for each in found.rules
        ],
    }


def _outcome(found: RuleOutcome | None, personal: bool) -> dict[str, Any] | None:
    if found is None:
        return None
    most = [] if personal else found.devices[:MOST_DEVICES]
    return {
        "alerts": found.alerts,
        "a_day": round(found.a_day, 3),
        "still_open": found.still_open,
        "shortest_s": _seconds(found.shortest_ms),
        "median_s": _seconds(found.median_ms),
        "longest_s": _seconds(found.longest_ms),
        "devices": len(found.devices),
        "most": [{"device_id": device, "alerts": alerts} for device, alerts in most],
        "followed": found.followed,
        "too_early": found.too_early,
        "precision": found.precision,
        "faults": found.faults,
        "foreseen": found.foreseen,
    }


def _seconds(ms: int | None) -> float | None:
    return None if ms is None else ms / SECOND_MS

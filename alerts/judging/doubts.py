"""What in rules can be used, and is yet hardly what somebody meant."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from alerts.judging.conditions import EventCondition
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import Rule
from fleet.text import near, quoted


def doubts(rules: Sequence[Rule]) -> list[str]:
    """Return what to look at again: events that are nearly called as those which are known.

    Makers' devices tell of events of their own, so that any name can be used: no mistake, but it never holds.
    """
    known = _known_events()
    found = []
    for rule in rules:
        for code in _events(rule):
            meant = near(code, known) if code not in known else ""
            if meant:
                found.append(f"rules.{rule.name}: event {quoted(code)} is in no rule that ships{meant}")
    return found


@cache
def _known_events() -> frozenset[str]:
    return frozenset(code for rule in load_rules() for code in _events(rule))


def _events(rule: Rule) -> Iterator[str]:
    conditions: Iterable[object] = (rule.when, rule.clear)
    for each in conditions:
        if isinstance(each, EventCondition):
            yield from each.codes

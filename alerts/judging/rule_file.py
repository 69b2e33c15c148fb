"""Files of rules: read, and checked as far as a rule by itself cannot be; every mistake with its line."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import Field, ValidationError

from alerts.judging.conditions import Condition, check_condition, overlap
from alerts.judging.examples import check_example
from alerts.judging.places import Place, check_places
from alerts.judging.quantities import Measure
from alerts.judging.rules import Rule
from fleet.config import Mistake, Mistakes, Shape, line_of, parse_config, read_text
from fleet.signals import STANDARD_SIGNALS, SignalTable
from fleet.yaml12 import load_yaml

_BESIDE = Path(__file__).with_name("rules.yaml")


def _check_apart(when: Condition, clear: Condition) -> None:
    """Raise ValueError when one value could both raise and clear: such an alert would never rest."""
    for first in when.terms:
        for second in clear.terms:
            if first.quantity == second.quantity and not overlap(first, second):
                return
    raise ValueError(
        f"a value could satisfy both `when` and `clear` ({when.text}; {clear.text}); "
        "let `clear` name a signal of `when` and the other side of its threshold"
    )


class _RuleFile(Shape):
    rules: tuple[Rule, ...] = Field(min_length=1)
    places: tuple[Place, ...] = ()
    groups: dict[str, frozenset[str]] = Field(default_factory=dict)

    @property
    def whole(self) -> tuple[Rule, ...]:
        """Its rules, each with the places and groups that it names."""
        return tuple(self._with_all(rule) for rule in self.rules)

    def _with_all(self, rule: Rule) -> Rule:
        named = {each.of for each in rule.quantities if each.measure is Measure.PLACE}
        groups = rule.only.groups if rule.only else ()
        known = {name: self.groups[name] for name in groups if name in self.groups}
        places = tuple(place for place in self.places if place.name in named)
        return rule.model_copy(update={"places": rule.places + places, "groups": rule.groups | known})


def load_rules(path: Path | None = None, signals: SignalTable = STANDARD_SIGNALS) -> tuple[Rule, ...]:
    """Read and check a rules file; without a path, the one that ships with Sweepwatch.

    Raises ConfigError naming the file, the rule, its key and what is allowed.
    """
    return parse_rules(rules_text(path), str(path or _BESIDE), signals)


def rules_text(path: Path | None = None) -> str:
    """Return what a rules file holds; without a path, the one that ships. Raises ConfigError."""
    return read_text(path or _BESIDE)


@lru_cache(maxsize=8)
def parse_rules(text: str, origin: str, signals: SignalTable = STANDARD_SIGNALS) -> tuple[Rule, ...]:
    """Check rules as they stand in a file; `origin` names it in errors. Raises Mistakes that name each."""
    try:
        rules = parse_config(text, _RuleFile, origin).whole
    except Mistakes as error:
        found = [*error.mistakes, *_mistakes(text, _those_in_form(text), signals)]
        raise Mistakes(origin, sorted(found, key=lambda one: one.line or 0)) from error
    mistakes = _mistakes(text, dict(enumerate(rules)), signals)
    if mistakes:
        raise Mistakes(origin, mistakes)
    return rules


def _those_in_form(text: str) -> dict[int, Rule]:
    """Return the rules of a file that are in form, by their place: they are checked though others are not."""
    try:
        data = load_yaml(text)
    except yaml.YAMLError:
        return {}
    given = data.get("rules") if isinstance(data, dict) else None
    whole: dict[int, Rule] = {}
    for number, rule in enumerate(given if isinstance(given, list) else ()):
        with suppress(ValidationError):
            (whole[number],) = _RuleFile.model_validate(data | {"rules": [rule]}).whole
    return whole


def _mistakes(text: str, rules: Mapping[int, Rule], signals: SignalTable) -> list[Mistake]:
    """Return what is wrong with rules that are in form; by their place in a file's list."""
    mistakes: list[Mistake] = []
    names: set[str] = set()
    for number, rule in rules.items():
        found = {key: _wrong(check, rule, signals) for key, check in _CHECKS.items()}
        if found["when"] is None and found["clear"] is None:
            found["clear"] = _wrong(_check_both, rule, signals)
        if rule.name in names:
            found["name"] = "used twice; each rule needs a name of its own"
        names.add(rule.name)
        mistakes += [
            Mistake(line_of(text, "rules", number, key), f"rules.{rule.name}.{key}: {why}")
            for key, why in found.items()
            if why is not None
        ]
    return mistakes


def _wrong(check: Callable[[Rule, SignalTable], None], rule: Rule, signals: SignalTable) -> str | None:
    try:
        check(rule, signals)
    except ValueError as error:
        return str(error)
    return None


def _check_when(rule: Rule, signals: SignalTable) -> None:
    if isinstance(rule.when, Condition):
        check_condition(rule.when, rule.kind, signals)
        known = {place.name for place in rule.places}
        for quantity in rule.quantities:
            if quantity.measure is Measure.PLACE and quantity.of not in known:
                raise ValueError(f"{quantity.of!r} is no place of the file; describe it under `places`")
        check_places(rule.places, rule.kind, signals)


def _check_clear(rule: Rule, signals: SignalTable) -> None:
    if isinstance(rule.clear, Condition):
        check_condition(rule.clear, rule.kind, signals)
        if rule.clear.source is not rule.source:
            raise ValueError("it is told at another time than `when`; readings, hours and models stay apart")


def _check_both(rule: Rule, _signals: SignalTable) -> None:
    if isinstance(rule.clear, Condition):
        _check_apart(rule.condition, rule.clear)


def _check_levels(rule: Rule, signals: SignalTable) -> None:
    for condition in rule.levels.values():
        check_condition(condition, rule.kind, signals)


def _check_only(rule: Rule, _signals: SignalTable) -> None:
    for name in rule.only.groups if rule.only else ():
        if name not in rule.groups:
            raise ValueError(f"{name!r} is no group of the file; describe it under `groups`")


def _check_examples(rule: Rule, signals: SignalTable) -> None:
    for example in rule.examples:
        check_example(example, rule.kind, signals)


_CHECKS = {
    "when": _check_when,
    "clear": _check_clear,
    "levels": _check_levels,
    "only": _check_only,
    "examples": _check_examples,
}
"""What is checked once a file can be read: by key, what raises ValueError."""

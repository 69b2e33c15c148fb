"""The commands of `sweepwatch rules`; they touch no installation."""

from pathlib import Path

from rich.markup import escape
from rich.table import Table

from alerts.book import how_it_came
from alerts.judging.doubts import doubts
from alerts.judging.rule_file import load_rules
from alerts.judging.rules import Rule
from alerts.trial import try_examples
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.codes import load_codes
from fleet.errors import NotFound, SweepwatchError
from fleet.text import near, quoted
from sweepwatch.printing import Say, console, json_text
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table

_UNITS = (("d", DAY_MS), ("h", HOUR_MS), ("m", MINUTE_MS), ("s", SECOND_MS))


class ExamplesFailed(SweepwatchError):
    """Rules do not do what their examples say."""


def check_rules(settings: Settings, file: Path | None, say: Say) -> None:
    """Say that the rules can be used, and what to look at again.

    Raises ConfigError that names each mistake with its line.
    """
    rules = _rules(settings, file)
    say(f"{len(rules)} rules can be used.")
    for each in doubts(rules):
        say(f"To look at again: {each}")


def list_rules(settings: Settings, file: Path | None, as_json: bool, say: Say) -> None:
    """Print the rules."""
    found = _rules(settings, file)
    if as_json:
        say(json_text([_item(rule) for rule in found]))
        return
    table = Table("rule", "kind", "fault", "level", "when", "for", "clear", "ticket", "examples")
    for rule in found:
        table.add_row(*(escape(cell) for cell in _row(rule)))
    console().print(table)


def show_rule(settings: Settings, name: str, file: Path | None, as_json: bool, say: Say) -> None:
    """Print one rule. Raises NotFound."""
    found = {rule.name: rule for rule in _rules(settings, file)}
    if name not in found:
        raise NotFound(f"there is no rule {quoted(name)}{near(name, found)}")
    rule = found[name]
    if as_json:
        say(json_text(_item(rule)))
        return
    for key, value in _item(rule).items():
        if key != "examples":
            say(f"{key}: {value}")
    for example in rule.examples:
        say(f"example: {example.name}")
        for moment in example.given:
            facts = [f"{key} {_value(value)}" for key, value in moment.signals.items()]
            for what, told in (("risk", moment.risk), ("life", moment.life), ("hourly", moment.hourly)):
                facts += [f"{what} of {name} {_value(value)}" for name, value in told.items()]
            facts += [f"event {moment.event}"] if moment.event else []
            facts += [moment.status] if moment.status else []
            until = f" to {_time(moment.last_ms)}, every {_time(moment.every_ms)}" if moment.every_ms else ""
            say(f"  {_time(moment.at_ms)}{until}: {', '.join(facts) or 'time passes'}")
        say(f"  then: {', '.join(example.then) or 'nothing'}")


def try_rules(settings: Settings, file: Path | None, say: Say) -> None:
    """Try each rule on its examples, and say how each came out. Raises ExamplesFailed."""
    rules = _rules(settings, file)
    tried = list(try_examples(rules, signal_table(settings), load_codes(settings.alerts.codes)))
    failed = [each for each in tried if not each.holds]
    for rule in rules:
        own = [each for each in tried if each.rule is rule]
        held = sum(each.holds for each in own)
        say(f"{rule.name}: {held} of {len(own)} examples hold" if own else f"{rule.name}: no examples")
    if failed:
        raise ExamplesFailed("\n".join(how_it_came(each) for each in failed))


def _value(value: object) -> str:
    return f"{value[0]:g} to {value[1]:g}" if isinstance(value, tuple) else str(value)


def _rules(settings: Settings, file: Path | None) -> tuple[Rule, ...]:
    return load_rules(file or settings.alerts.rules, signal_table(settings))


def _row(rule: Rule) -> tuple[str, ...]:
    when = rule.when_text if rule.absent_ms is None else f"{rule.when_text} {_time(rule.absent_ms)}"
    return (
        rule.name,
        rule.kind,
        rule.fault,
        rule.level,
        when,
        _time(rule.for_ms) if rule.for_ms else "",
        rule.clear_text or "",
        "yes" if rule.opens_ticket else "",
        str(len(rule.examples)),
    )


def _item(rule: Rule) -> dict[str, object]:
    return {
        "name": rule.name,
        "kind": str(rule.kind),
        "fault": rule.fault,
        "level": str(rule.level),
        "when": rule.when_text,
        "absent_s": None if rule.absent_ms is None else rule.absent_ms / SECOND_MS,
        "for_s": rule.for_ms / SECOND_MS,
        "clear": rule.clear_text,
        "levels": {str(level): condition.text for level, condition in rule.levels.items()},
        "only": {} if rule.only is None else rule.only.model_dump(exclude_defaults=True),
        "months": list(rule.months),
        "hours": None if rule.hours is None else rule.hours.text,
        "stuck_s": None if rule.stuck_ms is None else rule.stuck_ms / SECOND_MS,
        "opens_ticket": rule.opens_ticket,
        "text": {"en": rule.text.en, "zh": rule.text.zh},
        "examples": [{"name": one.name, "then": [str(state) for state in one.then]} for one in rule.examples],
    }


def _time(ms: int) -> str:
    """Return a duration as rules write it."""
    for unit, size in _UNITS:
        if ms and ms % size == 0:
            return f"{ms // size}{unit}"
    return f"{ms / SECOND_MS:g}s"

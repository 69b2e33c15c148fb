"""`sweepwatch rules versions|propose|activate|backtest`: versions of the rules, and the past under them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from alerts.backtest.backtest import Asked, Backtest, run_backtest
from alerts.backtest.outcome import MOST_DEVICES, RuleOutcome
from alerts.backtest.replay import Replayed
from alerts.book import RuleBook
from alerts.judging.rule_file import load_rules, rules_text
from alerts.judging.rules import Rule
from alerts.rule_diff import Change, RuleChange
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, SystemClock, to_rfc3339
from fleet.codes import load_codes
from fleet.errors import InvalidInput
from storage.records.database import DeskDatabase
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import check_installed, opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.run.processes import open_services
from sweepwatch.run.stopping import stop_on_signal
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table


def list_versions(settings: Settings, as_json: bool, say: Say) -> None:
    """Print the versions, the newest first."""
    with _opened(settings) as book:
        found = book.versions()
    if as_json:
        names = ("number", "made_by", "note", "activated_by", "active")
        times = ("made_at", "activated_at")
        say(
            json_text(
                [
                    {name: getattr(each, name) for name in names}
                    | {name: _time(getattr(each, name)) or None for name in times}
                    for each in found
                ]
            )
        )
        return
    table = Table("version", "at work", "made", "by", "what for", "activated", "by")
    for each in found:
        note = each.note if each.number else "the file of the settings, or what ships"
        cells = (each.made_by, note, _time(each.activated_at), each.activated_by)
        work = "yes" if each.active else ""
        table.add_row(str(each.number), work, _time(each.made_at), *map(escape, cells))
    console().print(table)


def propose(settings: Settings, file: Path, note: str, say: Say) -> None:
    """Keep a file as a version, and say what it changes."""
    with _opened(settings) as book:
        number = book.propose(rules_text(file), whoever(), note)
        for line in _lines(book.diff(book.active(), number)):
            say(line)
    say(f"Version {number} is kept. `sweepwatch rules activate {number} --why ...` puts it to work.")


def activate(settings: Settings, number: int, why: str, force: bool, say: Say) -> None:
    """Put a version to work in every process of the installation."""
    with _opened(settings) as book:
        before = book.active()
        book.activate(number, whoever(), why, force=force, over=before)
        for line in _lines(book.diff(before, number)):
            say(line)
    say(f"Version {number} is at work; every process takes it over within a second.")


def backtest(
    settings: Settings,
    file: Path | None,
    version: int | None,
    against: str,
    days: float,
    rule: str | None,
    as_json: bool,
    say: Say,
) -> None:
    """Replay the past under a file or a version, and before it under what `against` names."""
    check_installed(settings)
    signals = signal_table(settings)
    proposed = None if file is None else load_rules(file, signals)  # before anything is opened
    with stop_on_signal() as stop, open_services(settings, part="backtest") as services:
        after = _rules(services.book, version) if proposed is None else proposed
        before = () if against == "nothing" else _rules(services.book, _number(against))
        past = Replayed(services.store, services.desk, signals, services.codes, stop.is_set)
        found = run_backtest(past, before, after, Asked(days, rule))
    if as_json:
        say(json_text(_item(found)))
        return
    for line in _told(found):
        say(line)


def _rules(book: RuleBook, version: int | None) -> tuple[Rule, ...]:
    return book.at_work().rules if version is None else book.rules_of(version)


def _number(against: str) -> int | None:
    if against == "current":
        return None
    if not against.isdecimal():
        raise InvalidInput(f"--against {against}: allowed: current, nothing, or the number of a version")
    return int(against)


def _told(found: Backtest) -> Iterator[str]:
    if not found.rules:
        yield "No rule judges otherwise than those at work: there is nothing to compare."
        return
    every = found.readings_every_ms
    span = f"{(found.end - found.start) / DAY_MS:.1f} days up to {to_rfc3339(found.end)}"
    yield f"Replayed: {span}, {found.devices} devices; every stored reading counts, none is thinned out."
    yield "In order of time: what came late counts at its own time, though live it may have been missed."
    if every is not None:
        yield f"A device usually sent every {_length(every)}: no rule is judged finer than that."
    for each in found.rules:
        yield ""
        yield each.rule
        if not each.stored:
            yield "  not replayed: nothing is stored of what would tell it"
            continue
        for name, outcome in (("before", each.before), ("after", each.after)):
            yield f"  {name}: {'no such rule' if outcome is None else _outcome(outcome)}"
            if outcome is not None and outcome.devices:
                most = ", ".join(f"{device} {alerts}" for device, alerts in outcome.devices[:5])
                yield f"    most on: {most}"


def _outcome(found: RuleOutcome) -> str:
    right = "none can be told yet" if found.precision is None else f"{found.precision:.0%} were right"
    early = f", {found.too_early} too early to tell" if found.too_early else ""
    return (
        f"{found.alerts} alerts, {found.a_day:.2f} a day, on {len(found.devices)} devices{_lengths(found)}; "
        f"{found.followed} followed by a confirmed fault ({right}{early}); "
        f"{found.foreseen} of {found.faults} confirmed faults had an alert"
    )


def _lengths(found: RuleOutcome) -> str:
    """Return how long alerts lasted: only those that ended have a length."""
    told = f"; {found.still_open} still open" if found.still_open else ""
    if found.median_ms is None:
        return told
    return f"; half of the {found.ended} that ended were over within {_length(found.median_ms)}{told}"


def _item(found: Backtest) -> dict[str, Any]:
    return {
        "start": to_rfc3339(found.start),
        "end": to_rfc3339(found.end),
        "devices": found.devices,
        "readings_every_ms": found.readings_every_ms,
        "rules": [
            {
                "rule": each.rule,
                "stored": each.stored,
                "before": _figures(each.before),
                "after": _figures(each.after),
            }
            for each in found.rules
        ],
    }


def _figures(found: RuleOutcome | None) -> dict[str, Any] | None:
    if found is None:
        return None
    names = (
        "alerts", "a_day", "still_open", "shortest_ms", "median_ms", "longest_ms", "followed", "too_early",
        "precision", "faults", "foreseen",
    )  # fmt: skip
    most = [{"device_id": device, "alerts": alerts} for device, alerts in found.devices[:MOST_DEVICES]]
    return {name: getattr(found, name) for name in names} | {"devices": len(found.devices), "most": most}


def _lines(changes: list[RuleChange]) -> Iterator[str]:
    for change in changes:
        yield f"{change.change} {change.rule}"
        # Of a rule that is there once alone, its name says all: whole rules would bury what changed.
        for key in change.keys if change.change is Change.CHANGED else ():
            yield f"  {key.key}: {key.before if key.before is not None else '-'} -> {key.after or '-'}"


@contextmanager
def _opened(settings: Settings) -> Iterator[RuleBook]:
    with opened_desk(settings) as desk:
        yield _book(settings, desk)


def _book(settings: Settings, desk: DeskDatabase) -> RuleBook:
    shipped, codes = rules_text(settings.alerts.rules), load_codes(settings.alerts.codes)
    return RuleBook(desk, SystemClock(), signal_table(settings), codes, shipped)


def _time(ms: int | None) -> str:
    return "" if ms is None else to_rfc3339(ms)


def _length(ms: int) -> str:
    """Return a length of time in the unit that suits it."""
    for unit, size in (("d", DAY_MS), ("h", HOUR_MS), ("min", MINUTE_MS)):
        if ms >= 2 * size:
            return f"{ms / size:.3g} {unit}"
    return f"{ms / SECOND_MS:g} s"

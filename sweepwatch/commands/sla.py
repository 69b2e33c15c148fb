"""The commands of `sweepwatch sla`; some look at an installation, and none changes it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from desk.clocks.calendar import OPEN
from desk.clocks.clocks import Clocks, Explained
from desk.clocks.files import load_case, load_clocks
from desk.clocks.recount import Moved, Recount
from desk.clocks.standing import TicketClocks
from desk.people.terms import TermsOfSites
from fleet.clock import HOUR_MS, MINUTE_MS, SECOND_MS, SystemClock, to_rfc3339
from fleet.errors import InvalidInput
from fleet.faults import Level
from fleet.localtime import moment_of
from fleet.sla import Facts, Milestone
from fleet.text import quoted
from fleet.tickets import TicketKind
from storage.records.tickets import ticket
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.settings.settings import Settings
from sweepwatch.zones import zones_of

_UNITS = ((HOUR_MS, "h"), (MINUTE_MS, "m"), (SECOND_MS, "s"))


def check(settings: Settings, policy: Path | None, calendars: Path | None, say: Say) -> None:
    """Print what a policy promises by level and class. Raises ConfigError that names what is wrong."""
    clocks = _clocks(settings, policy, calendars)
    table = Table("promised to", *(str(each).replace("_", " ") for each in Milestone), "calendar")
    for name, facts in _kinds(clocks):
        allowed = clocks.policy.allowed(facts)
        by = ", ".join(dict.fromkeys(each.calendar for each in allowed.values()))
        times = (_length(allowed[each].ms) if each in allowed else "" for each in Milestone)
        table.add_row(escape(name), *times, escape(by))
    console().print(table)
    named = ", ".join(clocks.calendars)
    say(f"{clocks.policy.name} can be used; it warns at {clocks.policy.warn_at:.0%}; calendars: {named}.")


def _kinds(clocks: Clocks) -> list[tuple[str, Facts]]:
    """Return each sort of case that the policy tells apart, with what it is called."""
    found = [(str(level), Facts(TicketKind.REPAIR, level)) for level in Level]
    found += [
        (f"complaint {name}", Facts("complaint", Level.L3, of_class=name))
        for name in clocks.policy.complaints
    ]
    for special in clocks.policy.special:
        cases = special.cases
        facts = Facts(
            cases.kind or TicketKind.REPAIR,
            cases.level or Level.L3,
            cases.plan or "",
            cases.tier or "",
            cases.of_class or "",
        )
        given = cases.model_dump(by_alias=True, exclude_none=True)
        found.append((", ".join(f"{key} {value}" for key, value in given.items()), facts))
    return found


@dataclass(frozen=True, slots=True)
class Asked:
    """By which policy and calendars clocks are explained, else those of the settings, and as of when."""

    settings: Settings
    policy: Path | None
    calendars: Path | None
    now: str | None

    @property
    def clocks(self) -> Clocks:
        """The clocks. Raises ConfigError."""
        return _clocks(self.settings, self.policy, self.calendars)

    def at(self, zone: ZoneInfo) -> int:
        """Return as of when, epoch ms. Raises InvalidInput for a time that is none."""
        return SystemClock().now_ms() if self.now is None else _moment(self.now, zone)


def explain(asked: Asked, case: Path | int, as_json: bool, say: Say) -> None:
    """Print the clocks of a case: a file, or one of the installation by its number.

    Raises ConfigError, NotFound, InvalidInput for a time that is none.
    """
    found, zone = _of_ticket(asked, case) if isinstance(case, int) else _of_file(asked, case)
    if as_json:
        say(json_text({each.clock.milestone: _item(each, zone) for each in found}))
        return
    for each in found:
        _print(each, zone, say)


def _of_file(asked: Asked, case: Path) -> tuple[Sequence[Explained], ZoneInfo]:
    clocks, times = asked.clocks, load_case(case)
    return clocks.explain(times, asked.at(times.zone)), times.zone


def _of_ticket(asked: Asked, number: int) -> tuple[Sequence[Explained], ZoneInfo]:
    with opened_desk(asked.settings) as desk:
        zones = zones_of(asked.settings, desk)
        with desk.transaction() as session:
            case = ticket(session, number)
        zone = zones.of(case.site)
        clocks = TicketClocks(asked.clocks, zones.of, TermsOfSites(desk, SystemClock()).of)
        return clocks.explain(case, asked.at(zone)), zone


def preview(settings: Settings, policy: Path | None, calendars: Path | None, as_json: bool, say: Say) -> None:
    """Print which open tickets would be due at another time."""
    held, other = (
        load_clocks(settings.desk.sla, settings.desk.calendars),
        _clocks(settings, policy, calendars),
    )
    with opened_desk(settings) as desk:
        zones = zones_of(settings, desk)
        clock = SystemClock()
        standing = TicketClocks(held, zones.of, TermsOfSites(desk, clock).of)
        found = list(Recount(desk, standing).preview(other, clock.now_ms()))
    if as_json:
        say(json_text([_moved_item(each) for each in found]))
        return
    table = Table("ticket", "device", "milestone", "due", "would be due", "")
    for each in found:
        times = (to_rfc3339(at) if at is not None else "waits" for at in (each.before, each.after))
        table.add_row(
            str(each.ticket_id),
            escape(each.device_id),
            each.milestone,
            *times,
            "overdue" if each.breaks else "",
        )
    if found:
        console().print(table)
    tickets, broken = len({each.ticket_id for each in found}), sum(each.breaks for each in found)
    say(f"{tickets} open tickets would be due at another time; {broken} milestones would be overdue at once.")


def _moved_item(moved: Moved) -> dict[str, Any]:
    return {
        "ticket": moved.ticket_id,
        "device_id": moved.device_id,
        "milestone": moved.milestone,
        "due": None if moved.before is None else to_rfc3339(moved.before),
        "would_be_due": None if moved.after is None else to_rfc3339(moved.after),
        "overdue_at_once": moved.breaks,
    }


def _clocks(settings: Settings, policy: Path | None, calendars: Path | None) -> Clocks:
    return load_clocks(policy or settings.desk.sla, calendars or settings.desk.calendars)


def _moment(text: str, zone: ZoneInfo) -> int:
    try:
        return moment_of(text, zone)
    except ValueError as error:
        raise InvalidInput(f"--now: {quoted(text)} is no time; write 2026-03-01T08:00:00+08:00") from error


def _item(found: Explained, zone: ZoneInfo) -> dict[str, Any]:
    clock = found.clock
    return {
        "due": _shown(clock.due, zone),
        "warn_at": _shown(clock.warn_at, zone),
        "status": clock.status,
        "counted_ms": clock.counted_ms,
        "allowed_ms": clock.allowed_ms,
        "calendar": clock.calendar,
        "since": _shown(clock.since, zone),
        "done_at": _shown(clock.done_at, zone),
        "provisional": clock.provisional,
        "spans": [
            {
                "start": _shown(each.begin, zone),
                "end": _shown(each.end, zone),
                "counted": each.reason == OPEN,
                "reason": each.reason,
            }
            for each in found.stretches
        ],
    }


def _print(found: Explained, zone: ZoneInfo, say: Say) -> None:
    clock = found.clock
    due = "no due time" if clock.due is None else f"due {_shown(clock.due, zone)}"
    say(
        f"{clock.milestone}: {clock.status}, {due}; "
        f"{_length(clock.counted_ms)} of {_length(clock.allowed_ms)} counted ({clock.calendar})"
    )
    for each in found.stretches:
        sign = "+" if each.reason == OPEN else " "
        span = f"{_shown(each.begin, zone)} to {_shown(each.end, zone)}"
        say(f"  {sign} {span}  {_length(each.end - each.begin)}  {each.reason}")


def _shown(ms: int | None, zone: ZoneInfo) -> str | None:
    """Return a time as RFC 3339 has it, by the zone's clock."""
    if ms is None:
        return None
    moment = datetime.fromtimestamp(ms // 1000, zone).replace(microsecond=ms % 1000 * 1000)
    return moment.isoformat(timespec="milliseconds" if ms % 1000 else "seconds")


def _length(ms: int) -> str:
    """Return a length of time such as `1h 30m`."""
    parts = []
    for unit, letter in _UNITS:
        count, ms = divmod(ms, unit)
        if count:
            parts.append(f"{count}{letter}")
    return " ".join(parts) or "0s"

"""The commands of `sweepwatch duty`, which may run beside an installation.

Whoever can read the data folder, or has the desk's address, is trusted with this.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.markup import escape
from rich.table import Table

from fleet.clock import SystemClock, to_rfc3339
from fleet.errors import ConfigError, InvalidInput
from fleet.localtime import moment_of, shown
from fleet.shifts import DutyVersion, Override
from fleet.text import quoted
from notify.duty.on_call import Now, OnCall, now_in
from notify.duty.plan import parse_plan
from notify.duty.planning import Hours, Planning
from notify.duty.roster import Roster
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.data_folder import DESK
from sweepwatch.printing import Say, console, json_text
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build_duty

_DEFAULTS = "No plan was applied: alerts are told by the default chains, to the managers of the site first."


def say_now(settings: Settings, moment: str | None, as_json: bool, say: Say) -> None:
    """Print who is on call in each schedule at a time, and where nobody is."""
    at = SystemClock().now_ms() if moment is None else _time("--at", moment, ZoneInfo("UTC"))
    with _duty(settings) as (duty, _):
        roster = duty.roster(at)
    found = [now_in(roster, each, at) for each in roster.plan.schedules]
    if as_json:
        say(json_text([_now_item(roster, each) for each in found]))
    elif not found:
        say(_DEFAULTS if roster.number == 0 else "The plan has no schedules.")
    for each in [] if as_json else found:
        say(_now_line(roster, each))


def show_plan(settings: Settings, number: int | None, say: Say) -> None:
    """Print a version of the plan, the one in force unless given."""
    with _duty(settings) as (_, planning):
        found = planning.newest() if number is None else planning.version(number)
    say(_DEFAULTS if found is None else found.text.rstrip())


def list_versions(settings: Settings, as_json: bool, say: Say) -> None:
    """Print the versions of the plan, the newest first."""
    with _duty(settings) as (_, planning):
        found = planning.versions()
    if as_json:
        say(json_text([_version_item(each) for each in found]))
        return
    if not found:
        say(_DEFAULTS)
        return
    table = Table("version", "applied", "by", "why")
    for each in found:
        table.add_row(str(each.number), to_rfc3339(each.made_at), escape(each.made_by), escape(each.why))
    console().print(table)


def check_plan(settings: Settings, file: Path, say: Say) -> None:
    """Say that a plan can be used. Raises ConfigError that names each mistake with its line."""
    text = _text(file)
    plan = parse_plan(text, str(file))
    if settings.desk.url is None and not (settings.data.resolve() / DESK).exists():
        say("There is no installation: people and sites were not looked up.")
    else:
        with _duty(settings) as (_, planning):
            planning.check(text, str(file))
    say(f"The plan can be used: {len(plan.schedules)} schedules, {len(plan.chains)} chains.")


def apply_plan(settings: Settings, file: Path, after: int | None, why: str, say: Say) -> None:
    """Put a plan in force in place of version `after`, or of the newest. Raises Conflict."""
    text = _text(file)
    with _duty(settings) as (_, planning):
        newest = planning.newest()
        planning.check(text, str(file))
        read = after if after is not None else newest.number if newest else 0
        made = planning.apply(text, read, whoever(), why)
    say(f"Version {made.number} of the duty plan is in force.")


def add_override(
    settings: Settings, schedule: str, person: str | None, when: tuple[str | None, str], why: str, say: Say
) -> None:
    """Let somebody, or nobody, take hours of a schedule; `when` is from and to, by the schedule's clock."""
    now = SystemClock().now_ms()
    with _duty(settings) as (duty, planning):
        roster = duty.roster(now)
        zone = roster.plan.zone_of(schedule)
        begins = now if when[0] is None else _time("--from", when[0], zone)
        hours = Hours(schedule, person, begins, _time("--to", when[1], zone))
        made = planning.override(hours, whoever(), why, None)
    times = f"from {shown(made.begins, zone)} to {shown(made.ends, zone)} ({zone.key})"
    say(f"Override {made.id}: {made.person or 'nobody'} is on call in {schedule} {times}.")
    for each in roster.overrides:
        if each.schedule == schedule and each.begins < made.ends and made.begins < each.until:
            say(f"It goes before override {each.id} ({each.person or 'nobody'}) while both last.")


def list_overrides(settings: Settings, as_json: bool, say: Say) -> None:
    """Print the overrides that are not over; times by the schedules' clocks, in JSON in UTC."""
    now = SystemClock().now_ms()
    with _duty(settings) as (duty, _):
        roster = duty.roster(now)
    found = [each for each in roster.overrides if each.until > now]
    if as_json:
        say(json_text([_override_item(each) for each in found]))
        return
    if not found:
        say("There is no override, now or to come.")
        return
    table = Table("id", "schedule", "person", "from", "to", "zone", "by", "why")
    for each in found:
        zone = roster.plan.zone_of(each.schedule)
        times = shown(each.begins, zone), shown(each.until, zone)
        cells = (each.schedule, each.person or "nobody", *times, zone.key, each.made_by, each.why)
        table.add_row(str(each.id), *map(escape, cells))
    console().print(table)


def end_override(settings: Settings, override_id: int, why: str, say: Say) -> None:
    """End an override before its time."""
    with _duty(settings) as (_, planning):
        planning.end(override_id, whoever(), why, None)
    say(f"Override {override_id} is over.")


@contextmanager
def _duty(settings: Settings) -> Iterator[tuple[OnCall, Planning]]:
    with opened_desk(settings) as desk:
        yield build_duty(desk, SystemClock())


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: cannot be read: {error}") from error


def _time(option: str, text: str, zone: ZoneInfo) -> int:
    """Return the epoch ms of a time; without an offset it is of the `zone`'s clock. Raises InvalidInput."""
    try:
        return moment_of(text, zone)
    except ValueError as error:
        raise InvalidInput(
            f"{option}: {quoted(text)} is no time; allowed: 2026-11-22T08:00, or with an offset: "
            "2026-11-22T08:00:00+08:00"
        ) from error


def _now_line(roster: Roster, now: Now) -> str:
    zone = now.schedule.zone
    if now.held.person is not None:
        until = "" if now.until is None else f" until {_local(now.until, zone)}"
        return f"{now.schedule.name}: {roster.people[now.held.person].name} ({now.held.person}){until}"
    back = "nobody in sight" if now.back is None else f"somebody from {_local(now.back, zone)}"
    missing = f" ({now.held.missing})" if now.held.missing else ""
    return f"{now.schedule.name}: NOBODY ON CALL: {now.held.why}{missing}; {back}"


def _local(ms: int, zone: ZoneInfo) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, zone):%a %Y-%m-%d %H:%M} {zone.key}"


def _now_item(roster: Roster, now: Now) -> dict[str, object]:
    person = None if now.held.person is None else roster.people[now.held.person]
    return {
        "schedule": now.schedule.name,
        "zone": now.schedule.zone.key,
        "person": None if person is None else {"id": person.id, "name": person.name, "email": person.email},
        "why": now.held.why,
        "by": now.held.by,
        "missing": now.held.missing,
        "until": None if now.until is None else to_rfc3339(now.until),
        "back": None if now.back is None else to_rfc3339(now.back),
    }


def _version_item(version: DutyVersion) -> dict[str, object]:
    return {
        "number": version.number,
        "made_at": to_rfc3339(version.made_at),
        "made_by": version.made_by,
        "why": version.why,
    }


def _override_item(override: Override) -> dict[str, object]:
    return {
        "id": override.id,
        "schedule": override.schedule,
        "person": override.person,
        "begins": to_rfc3339(override.begins),
        "ends": to_rfc3339(override.until),
        "made_by": override.made_by,
        "why": override.why,
    }

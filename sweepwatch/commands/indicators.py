"""The commands of `sweepwatch indicators`, which may run beside an installation."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from rich.markup import escape
from rich.table import Table

from api.console.render.indicators import figure_text, goal_text, of_text
from desk.clocks.files import load_clocks
from desk.clocks.standing import TicketClocks
from desk.indicators.reports import Reports, indicator_of
from fleet.case_facts import shown_month
from fleet.clock import SystemClock
from fleet.errors import InvalidInput
from fleet.text import quoted
from storage.records.fact_figures import FactFilter
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.settings.settings import Settings
from sweepwatch.wiring import build_facts, reports_of
from sweepwatch.zones import zones_of

_MOST = 1_000
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def show(settings: Settings, month: str | None, as_json: bool, say: Say) -> None:
    """Print the indicators of a month."""
    with _reports(settings) as reports:
        chosen = _month(month, reports)
        figures = reports.figures.month(chosen, FactFilter()).figures.values()
    if as_json:
        rows = [
            {"id": each.indicator.id, "value": each.value, "count": each.count, "hits": each.hits,
             "goal": each.indicator.goal, "missed": each.missed}
            for each in figures
        ]  # fmt: skip
        say(json_text({"month": shown_month(chosen), "indicators": rows}))
        return
    table = Table(f"indicators of {shown_month(chosen)}", "value", "cases", "goal", "")
    for each in figures:
        table.add_row(
            each.indicator.name.en,
            figure_text(each, settings.models.costs.currency, "en"),
            of_text(each, "en"),
            goal_text(each.indicator, "en"),
            "missed" if each.missed else "",
        )
    console().print(table)


def recount(settings: Settings, say: Say) -> None:
    """Work out all facts anew and print how many were different."""
    clocks = load_clocks(settings.desk.sla, settings.desk.calendars)
    with opened_desk(settings) as desk:
        zones = zones_of(settings, desk)
        different = build_facts(desk, TicketClocks(clocks, zones.of), zones, SystemClock()).recount()
    say(f"{different} cases were not counted as they stand; they are now.")


def list_cases(
    settings: Settings, indicator_id: str, month: str | None, missed: bool, as_json: bool, say: Say
) -> None:
    """Print the cases behind a figure, a thousand at most."""
    indicator = indicator_of(indicator_id)
    with _reports(settings) as reports:
        chosen = _month(month, reports)
        found = reports.cases(indicator.id, chosen, FactFilter(), False if missed else None, 0, _MOST)
    if as_json:
        say(json_text([asdict(each) for each in found]))
        return
    table = Table("ticket", "device", "site", "fault", "level", "engineer")
    for each in found:
        cells = (each.device_id, each.site, each.fault, each.level, each.engineer_name)
        table.add_row(str(each.ticket_id), *map(escape, cells))
    if found:
        console().print(table)
    say(f"{len(found)} cases of {indicator.name.en.lower()} in {shown_month(chosen)}.")


@contextmanager
def _reports(settings: Settings) -> Iterator[Reports]:
    with opened_desk(settings) as desk:
        yield reports_of(settings, desk, SystemClock())


def _month(text: str | None, reports: Reports) -> int:
    if text is None:
        return reports.present()
    if not _MONTH.fullmatch(text):
        raise InvalidInput(f"--month: {quoted(text)} is no month; write it as 2026-11")
    return int(text[:4]) * 100 + int(text[5:])

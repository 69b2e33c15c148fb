"""The commands of `sweepwatch sla`: what was promised, and how the clocks of a case come about."""

from pathlib import Path

import click

from sweepwatch.cli_options import JSON, PATH, options, settings_of

_POLICY = click.option(
    "--policy", type=PATH, help="An SLA policy (YAML). [default: that of the settings, desk.sla]"
)
_CALENDAR = click.option(
    "--calendar", type=PATH, help="Service calendars (YAML). [default: those of the settings, desk.calendars]"
)


@click.group()
def sla() -> None:
    """Look at SLA policies and service calendars, and at the clocks of a case."""


@sla.command("check")
@options(_POLICY, _CALENDAR)
def sla_check(config: Path | None, data: Path | None, policy: Path | None, calendar: Path | None) -> None:
    """Say whether a policy and its calendars can be used, and what they promise."""
    from sweepwatch.commands.sla import check

    check(settings_of(config, data), policy, calendar, click.echo)


@sla.command("explain")
@options(_POLICY, _CALENDAR, JSON)
@click.argument("ticket", type=click.IntRange(1), required=False)
@click.option("--case", "case", type=PATH, help="In place of TICKET: a case as a file (docs/desk.md).")
@click.option("--now", metavar="TIME", help="As of when (RFC 3339). [default: now]")
def sla_explain(
    config: Path | None,
    data: Path | None,
    policy: Path | None,
    calendar: Path | None,
    ticket: int | None,
    case: Path | None,
    now: str | None,
    as_json: bool,
) -> None:
    """Say for each milestone of TICKET when it is due, and which time counted or why not."""
    from sweepwatch.commands.sla import Asked, explain

    which = case if ticket is None else ticket
    if which is None or (ticket is not None and case is not None):
        raise click.UsageError("either TICKET, the number of a case, or --case FILE")
    explain(Asked(settings_of(config, data), policy, calendar, now), which, as_json, click.echo)


@sla.command("preview")
@options(_POLICY, _CALENDAR, JSON)
def sla_preview(
    config: Path | None, data: Path | None, policy: Path | None, calendar: Path | None, as_json: bool
) -> None:
    """Say which open tickets a policy or a calendar would move, and which it would make overdue.

    Nothing is changed: the settings (desk.sla, desk.calendars) say what holds.
    """
    from sweepwatch.commands.sla import preview

    preview(settings_of(config, data), policy, calendar, as_json, click.echo)

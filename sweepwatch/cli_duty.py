"""The commands of `sweepwatch duty`: who is on call, and the plan that says so."""

from pathlib import Path

import click

from sweepwatch.cli_options import JSON, PATH, options, settings_of

_FILE = click.argument("file", type=PATH)
_WHY = click.option("--why", required=True, help="Why; kept in the history.")
_TIME = "RFC 3339, such as 2026-11-22T08:00:00+08:00; without an offset it is UTC."
_WALL = "2026-11-22T08:00 by the schedule's clock, or with an offset."


@click.group()
def duty() -> None:
    """Say who is on call, change that, and look at the plan; beside a running installation."""


@duty.command("now")
@options(JSON)
@click.option("--at", "moment", metavar="TIME", help=f"At this time. {_TIME} [default: now]")
def duty_now(config: Path | None, data: Path | None, moment: str | None, as_json: bool) -> None:
    """Say who is on call in each schedule, until when, and where nobody is."""
    from sweepwatch.commands.duty import say_now

    say_now(settings_of(config, data), moment, as_json, click.echo)


@duty.command("show")
@options()
@click.option("--version", "number", type=click.IntRange(1), help="This version. [default: the one in force]")
def duty_show(config: Path | None, data: Path | None, number: int | None) -> None:
    """Print the plan as it was applied."""
    from sweepwatch.commands.duty import show_plan

    show_plan(settings_of(config, data), number, click.echo)


@duty.command("versions")
@options(JSON)
def duty_versions(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List the versions of the plan, the newest first: that one is in force."""
    from sweepwatch.commands.duty import list_versions

    list_versions(settings_of(config, data), as_json, click.echo)


@duty.command("check")
@options()
@_FILE
def duty_check(config: Path | None, data: Path | None, file: Path) -> None:
    """Say whether the plan in FILE can be used: each mistake with its line, and what is allowed.

    Without an installation, people and sites are not looked up.
    """
    from sweepwatch.commands.duty import check_plan

    check_plan(settings_of(config, data), file, click.echo)


@duty.command("apply")
@options()
@click.option(
    "--after", type=click.IntRange(0), help="The version that was read; refused where it is not in force."
)
@_WHY
@_FILE
def duty_apply(config: Path | None, data: Path | None, after: int | None, why: str, file: Path) -> None:
    """Put the plan in FILE in force, at once and for every process."""
    from sweepwatch.commands.duty import apply_plan

    apply_plan(settings_of(config, data), file, after, why, click.echo)


@duty.command("override")
@options()
@click.argument("schedule")
@click.option("--person", metavar="EMAIL", help="Who takes the hours.")
@click.option("--nobody", is_flag=True, help="Nobody is on call then.")
@click.option("--from", "begins", metavar="TIME", help=f"From then on: {_WALL} [default: now]")
@click.option("--to", "ends", metavar="TIME", required=True, help=f"Until then: {_WALL}")
@_WHY
def duty_override(
    config: Path | None,
    data: Path | None,
    schedule: str,
    person: str | None,
    nobody: bool,
    begins: str | None,
    ends: str,
    why: str,
) -> None:
    """Let somebody, or nobody, take hours of SCHEDULE."""
    from sweepwatch.commands.duty import add_override

    if nobody == (person is not None):
        raise click.UsageError("give either --person EMAIL or --nobody")
    add_override(settings_of(config, data), schedule, person, (begins, ends), why, click.echo)


@duty.command("overrides")
@options(JSON)
def duty_overrides(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List the overrides that are not over."""
    from sweepwatch.commands.duty import list_overrides

    list_overrides(settings_of(config, data), as_json, click.echo)


@duty.command("end")
@options()
@click.argument("override", type=click.IntRange(1, 2**63 - 1))
@_WHY
def duty_end(config: Path | None, data: Path | None, override: int, why: str) -> None:
    """End an override by its number, now or before it begins."""
    from sweepwatch.commands.duty import end_override

    end_override(settings_of(config, data), override, why, click.echo)

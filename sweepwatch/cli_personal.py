"""The commands of `sweepwatch personal`: one person's data."""

from pathlib import Path

import click

from sweepwatch.cli_options import PATH, STORE, options, settings_of


@click.group()
def personal() -> None:
    """Export or erase one person's data: what a wristband told of its wearer within a span of time."""


_DEVICE = click.option("--device", required=True, help="The wristband.")
_FROM = click.option("--from", "start", metavar="TIME", help="A date or time (UTC). [default: the first]")
_TO = click.option(
    "--to", "end", metavar="TIME", help="A time, not included, or a date, included. [default: now]"
)


@personal.command("export")
@options(STORE)
@_DEVICE
@_FROM
@_TO
@click.option("--out", type=PATH, metavar="FILE", help="Write it there. [default: to the terminal]")
@click.option("--why", default="asked for", show_default=True, help="Why; kept in the log.")
def personal_export(
    config: Path | None,
    data: Path | None,
    store: str | None,
    device: str,
    start: str | None,
    end: str | None,
    out: Path | None,
    why: str,
) -> None:
    """Write all that is kept of the wearer of a wristband as one JSON object, with units.

    Readings, tiles, events, alerts, cases, evidence, what people wrote, and who looked at it. Where a running
    installation holds the store, ask its API: GET /api/v1/devices/{id}/personal.
    """
    from sweepwatch.commands.personal import export_person

    export_person(settings_of(config, data, store__url=store), device, start, end, out, why)


@personal.command("erase")
@options(STORE)
@_DEVICE
@_FROM
@_TO
@click.option("--why", required=True, help="Why; kept in the log.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def personal_erase(
    config: Path | None,
    data: Path | None,
    store: str | None,
    device: str,
    start: str | None,
    end: str | None,
    why: str,
    yes: bool,
) -> None:
    """Erase what a wristband told of its wearer; that it worked, and what was done, stays known.

    It may run beside an installation: whoever holds the store does its part within seconds. It may be run
    again, and is finished by the installation if it is broken off.
    """
    from sweepwatch.commands.personal import erase_person

    settings = settings_of(config, data, store__url=store)
    erase_person(settings, device, start, end, why, lambda what: yes or click.confirm(what), click.echo)

"""The commands of `sweepwatch indicators`: what after-sales was like, and counting it anew."""

from pathlib import Path

import click

from sweepwatch.cli_options import JSON, options, settings_of

_MONTH = click.option("--month", metavar="YYYY-MM", help="Which month. [default: the present one]")


@click.group()
def indicators() -> None:
    """Look at the indicators of after-sales, and count them anew."""


@indicators.command("show")
@options(_MONTH, JSON)
def indicators_show(config: Path | None, data: Path | None, month: str | None, as_json: bool) -> None:
    """Say what the indicators of a month are."""
    from sweepwatch.commands.indicators import show

    show(settings_of(config, data), month, as_json, click.echo)


@indicators.command("recount")
@options()
def indicators_recount(config: Path | None, data: Path | None) -> None:
    """Work out anew what is counted of each case, and say how many were not as they were kept.

    It is done every night too. An edited calendar or policy, and another region or customer of a site, count
    from then on for cases that are over.
    """
    from sweepwatch.commands.indicators import recount

    recount(settings_of(config, data), click.echo)


@indicators.command("cases")
@click.argument("indicator")
@options(_MONTH, JSON)
@click.option("--missed", is_flag=True, help="Those alone that are not in the numerator.")
def indicators_cases(
    config: Path | None, data: Path | None, indicator: str, month: str | None, as_json: bool, missed: bool
) -> None:
    """List the cases behind a figure."""
    from sweepwatch.commands.indicators import list_cases

    list_cases(settings_of(config, data), indicator, month, missed, as_json, click.echo)

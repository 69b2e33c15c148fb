"""The commands of `sweepwatch stock`: what is where, and what comes, goes and is counted."""

from pathlib import Path

import click

from sweepwatch.cli_options import JSON, WHY, options, settings_of

_SERIAL = click.option("--serial", "serials", multiple=True, help="Number of a piece; once for each.")
_PLACE, _PART = click.argument("place"), click.argument("part")
_QUANTITY = click.argument("quantity", type=click.IntRange(0))


@click.group()
def stock() -> None:
    """Show and change the stock of parts; beside a running installation."""


@stock.command("show")
@options(JSON)
@click.option("--place", help="Only what is at this place.")
@click.option("--part", help="Only this part.")
def show(config: Path | None, data: Path | None, place: str | None, part: str | None, as_json: bool) -> None:
    """List how many pieces of each part are where, held and free."""
    from sweepwatch.commands.stock import show_stock

    show_stock(settings_of(config, data), place, part, as_json=as_json, say=click.echo)


@stock.command("receive")
@options(_SERIAL, WHY)
@_PLACE
@_PART
@_QUANTITY
def receive(
    config: Path | None,
    data: Path | None,
    place: str,
    part: str,
    quantity: int,
    serials: tuple[str, ...],
    why: str | None,
) -> None:
    """Take QUANTITY pieces of PART in at PLACE."""
    from sweepwatch.commands.stock import receive_parts

    receive_parts(settings_of(config, data), place, part, quantity, serials, why or "", click.echo)


@stock.command("move")
@options(_SERIAL, WHY)
@_PLACE
@click.argument("to")
@_PART
@_QUANTITY
def move(
    config: Path | None,
    data: Path | None,
    place: str,
    to: str,
    part: str,
    quantity: int,
    serials: tuple[str, ...],
    why: str | None,
) -> None:
    """Let QUANTITY free pieces of PART go from PLACE to TO."""
    from sweepwatch.commands.stock import move_parts

    move_parts(settings_of(config, data), place, to, part, quantity, serials, why or "", click.echo)


@stock.command("count")
@options(_SERIAL, WHY)
@_PLACE
@_PART
@_QUANTITY
def count(
    config: Path | None,
    data: Path | None,
    place: str,
    part: str,
    quantity: int,
    serials: tuple[str, ...],
    why: str | None,
) -> None:
    """Say that QUANTITY pieces of PART were counted at PLACE: this replaces what was thought."""
    from sweepwatch.commands.stock import count_parts

    count_parts(settings_of(config, data), place, part, quantity, serials, why or "", click.echo)

"""The commands of `sweepwatch store` and `sweepwatch desk`: what is kept, as a whole."""

from pathlib import Path

import click

from sweepwatch.cli_options import HELD, JSON, STORE, URL, options, settings_of


@click.group()
def store() -> None:
    """Set up the time-series store, or move history from one to another."""


@store.command("init")
@options(STORE)
def store_init(config: Path | None, data: Path | None, store: str | None) -> None:
    """Make the store ready: on InfluxDB its bucket or database, with the retention that is set.

    It may be run again: what is there stays, and the retentions are set anew (store.retention_days,
    store.tile_retention_days).
    """
    from sweepwatch.commands.store import init_store

    init_store(settings_of(config, data, store__url=store), click.echo)


@store.command("compact")
@options(STORE)
def store_compact(config: Path | None, data: Path | None, store: str | None) -> None:
    """Write an embedded store's file anew, without the blocks that are unused and may hold what was deleted.

    Stop what uses it first. It takes room for a second file; broken off, the file is as it was.
    """
    from sweepwatch.commands.personal import compact_store

    compact_store(settings_of(config, data, store__url=store), click.echo)


@store.command("copy")
@options()
@click.option("--from", "source", type=URL, metavar="URL", required=True, help=f"The store to read. {HELD}")
@click.option("--to", "target", type=URL, metavar="URL", required=True, help=f"The store to write. {HELD}")
def store_copy(config: Path | None, data: Path | None, source: str, target: str) -> None:
    """Copy all readings, kept tiles and risks from one store to another, and verify them.

    Each device's day is compared by number and checksum before and after; what is equal already is passed
    over, so that a copy that was interrupted goes on where it ended. Ends with 1 if anything differs.
    """
    from sweepwatch.commands.store import copy_stores

    copy_stores(settings_of(config, data), source, target, click.echo)


@click.group()
def desk() -> None:
    """Look after the desk database: devices, alerts, tickets, models, and the log of what happened."""


@desk.command("copy")
@click.option("--from", "source", type=URL, metavar="URL", required=True, help=f"The desk to read. {HELD}")
@click.option(
    "--to", "target", type=URL, metavar="URL", required=True, help=f"The empty desk to fill. {HELD}"
)
def desk_copy(source: str, target: str) -> None:
    """Copy a desk database, as sqlite:///path to postgresql+psycopg://user:pass@host/name or back.

    Stop what uses it first. Every table and the model files are copied, rows are counted on both sides, and
    it is all or nothing: broken off, the target is empty still. A desk of an older version is brought up to
    date first.
    """
    from sweepwatch.commands.desk import copy_desks

    copy_desks(source, target, click.echo)


@desk.command("followers")
@options()
@JSON
def desk_followers(config: Path | None, data: Path | None, as_json: bool) -> None:
    """List who follows the log of events, how far each is, and the events that each has set aside.

    An event that fails again and again is set aside so that the others go on, with what comes later of the
    same alert or ticket. It is tried again every five minutes, and whenever a process starts.
    """
    from sweepwatch.commands.followers import list_followers

    list_followers(settings_of(config, data), as_json, click.echo)

"""`sweepwatch import` and `sweepwatch export`: a history in from files, and out to files."""

from pathlib import Path

import click

from fleet.lists import ListKind
from sweepwatch.cli_options import JSON, PATH, STORE, options, settings_of

_FILES = "a file or a folder of them: CSV, CSV.gz or Parquet"


@click.command("import")
@options(STORE, JSON)
@click.option("--map", "map_file", type=PATH, help="The map (YAML): which column is what.")
@click.option("--telemetry", type=PATH, help=f"Readings: {_FILES}.")
@click.option("--devices", type=PATH, help=f"Devices: {_FILES}.")
@click.option("--repairs", type=PATH, help=f"Repairs that were made: {_FILES}.")
@click.option("--events", type=PATH, help=f"What devices said of themselves: {_FILES}.")
@click.option("--customers", type=PATH, help="The list of customers (CSV, as `lists export` writes it).")
@click.option("--engineers", type=PATH, help="The list of engineers.")
@click.option("--parts", type=PATH, help="The list of parts.")
@click.option("--dry-run", is_flag=True, help="Only look, even with --yes.")
@click.option("--yes", is_flag=True, help="Take it in. Without it, it is only looked at.")
@click.option("--rejects", type=PATH, help="Write every refused row and value to this file (CSV).")
def import_command(  # noqa: PLR0913, PLR0917 - click hands each option over by name
    config: Path | None,
    data: Path | None,
    store: str | None,
    map_file: Path | None,
    telemetry: Path | None,
    devices: Path | None,
    repairs: Path | None,
    events: Path | None,
    customers: Path | None,
    engineers: Path | None,
    parts: Path | None,
    dry_run: bool,
    yes: bool,
    rejects: Path | None,
    as_json: bool,
) -> None:
    """Bring own history in: readings, devices, repairs and events of the past, read by a map.

    It says first what would be taken and what not, row by row and why; with --yes it is taken. Repeated, it
    changes nothing; broken off, the same command goes on where it ended. Nobody is told of the past: there is
    no letter, no notice, no clock. It ends with 1 where a row was refused; docs/own-history.md has more.
    """
    from sweepwatch.commands.history import Given, import_history

    parts_given = {"telemetry": telemetry, "devices": devices, "repairs": repairs, "events": events}
    lists = {ListKind.CUSTOMERS: customers, ListKind.ENGINEERS: engineers, ListKind.PARTS: parts}
    refused = import_history(
        settings_of(config, data, store__url=store),
        Given(
            map_file,
            {name: path for name, path in parts_given.items() if path is not None},
            {kind: path for kind, path in lists.items() if path is not None},
        ),
        take=yes and not dry_run,
        rejects=rejects,
        as_json=as_json,
        say=click.echo,
    )
    if refused:
        raise click.exceptions.Exit(1)


@click.command("export")
@options(STORE)
@click.option("--to", "folder", type=PATH, required=True, help="A folder that is empty, or not there yet.")
@click.option("--since", metavar="DATE", help="From this day on (UTC), such as 2026-01-31.")
@click.option("--until", metavar="DATE", help="Up to this day, without it.")
@click.option("--devices", "chosen", metavar="IDS", help="These devices alone, with commas between them.")
def export_command(
    config: Path | None,
    data: Path | None,
    store: str | None,
    folder: Path,
    since: str | None,
    until: str | None,
    chosen: str | None,
) -> None:
    """Write the history of an installation to a folder, with the map by which another one imports it.

    Readings go to Parquet files of bounded size; devices, repairs that were made, what devices said, and the
    lists of customers, engineers and parts to CSV. Stop what holds an embedded store first.
    """
    from sweepwatch.commands.history_export import export_history

    devices = None if chosen is None else [each.strip() for each in chosen.split(",") if each.strip()]
    export_history(settings_of(config, data, store__url=store), folder, since, until, devices, click.echo)

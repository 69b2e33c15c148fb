"""The commands of `sweepwatch lists`: devices, sites, customers, contracts, engineers, parts, stock."""

from pathlib import Path

import click

from fleet.lists import ListKind
from sweepwatch.cli_options import JSON, PATH, options, settings_of

_KIND = click.argument("kind", type=click.Choice([str(kind) for kind in ListKind]))


@click.group()
def lists() -> None:
    """Give out lists as CSV, and take them in; beside a running installation."""


@lists.command("export")
@options()
@_KIND
@click.argument("file", type=PATH, required=False)
def export(config: Path | None, data: Path | None, kind: str, file: Path | None) -> None:
    """Write a list to FILE, or print it: devices, sites, customers, contracts, engineers, parts or stock."""
    from sweepwatch.commands.lists import export_list

    export_list(settings_of(config, data), ListKind(kind), file, click.echo)


@lists.command("import")
@options(JSON)
@_KIND
@click.argument("file", type=PATH)
@click.option("--dry-run", is_flag=True, help="Change nothing; say what would become of each row.")
@click.option("--all-or-nothing", is_flag=True, help="Take no row where one is refused.")
def import_file(
    config: Path | None,
    data: Path | None,
    kind: str,
    file: Path,
    dry_run: bool,
    all_or_nothing: bool,
    as_json: bool,
) -> None:
    """Take the list in FILE, and say what became of each row that is not as it was.

    CSV in UTF-8 or GB18030, with commas, semicolons or tabs; columns may stand in any order, and those left
    out stay as they are. Repeated, it changes nothing. The exit code is 1 where a row was refused.
    """
    from sweepwatch.commands.lists import import_list

    refused = import_list(
        settings_of(config, data),
        ListKind(kind),
        file,
        dry_run=dry_run,
        all_or_nothing=all_or_nothing,
        as_json=as_json,
        say=click.echo,
    )
    if refused:
        raise click.exceptions.Exit(1)

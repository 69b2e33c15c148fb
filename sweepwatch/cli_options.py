"""What the commands of the command line have in common."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sweepwatch.settings.settings import Settings, load_settings, read_secret

PATH = click.Path(path_type=Path)
Command = Callable[..., Any]

_COMMON = (
    click.option(
        "--config", type=PATH, help="Settings file (TOML). Every setting also has a SWEEPWATCH_* variable."
    ),
    click.option("--data", type=PATH, help="Data folder. [default: ./var]"),
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
WHY = click.option("--why", help="Why; kept in the history.")


class Url(click.ParamType[str]):
    """A URL, or `@FILE` that holds it: others see the command line, and so what stands in it."""

    name = "url"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the URL."""
        return read_secret(Path(value[1:])) if value.startswith("@") else value


URL = Url()
HELD = "@FILE takes it from a file, where others do not see it."
STORE = click.option(
    "--store",
    type=URL,
    metavar="URL",
    help=f"Time-series store: duckdb:///path or influxdb://token@host:port/org/bucket. {HELD} "
    "[default: in the data folder]",
)


def options(*more: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Return a decorator that gives a command these options, and those that every command has."""

    def add(command: Command) -> Command:
        for option in reversed((*more, *_COMMON)):
            command = option(command)
        return command

    return add


def settings_of(config: Path | None, data: Path | None, **flags: Any) -> Settings:
    """Return the settings of a command; `flags` are dotted keys with `__` for each dot."""
    dotted = {key.replace("__", "."): value for key, value in flags.items()}
    return load_settings(config, os.environ, {"data": data, **dotted})

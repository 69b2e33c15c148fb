"""The command `check-config`: everything that is wrong with the settings, at once, and nothing started."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from alerts.judging.rule_file import load_rules
from desk.clocks.files import load_clocks
from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.codes import load_codes
from fleet.demands import load_demands
from fleet.errors import ConfigError
from fleet.signals import STANDARD_SIGNALS
from ingest.dialects.config import load_dialects
from notify.channels.catalogue import channels_of
from storage.records.database import check_desk_url
from storage.series.store_url import parse_store_url
from sweepwatch.printing import Say, console
from sweepwatch.run.demo_time import check_speed
from sweepwatch.run.reach import reach_of
from sweepwatch.settings.notify import channel_settings_of
from sweepwatch.settings.settings import (
    Settings,
    judge_settings,
    setting_keys,
    shown,
    value_of,
    variable_name,
)
from sweepwatch.settings.signals import signal_table

_WIDTH = 20_000
"""Of what is printed into a file or a pipe: wide enough for every row to be whole on its line."""


def check_settings(
    file: Path | None, environment: Mapping[str, str], flags: Mapping[str, Any], show: bool, say: Say
) -> None:
    """Say that the settings are usable; with `show`, list them all.

    Raises ConfigError that names all that is wrong: settings, addresses, the rules file, the dialects file.
    """
    settings, wrong = judge_settings(file, environment, flags)
    if settings is not None:
        wrong += _refusals([partial(reach_of, settings.server, SystemClock().now_ms())])
        wrong += _refusals([partial(_channels, settings)])
        wrong += _refusals([partial(check_speed, settings)])
        wrong += _wrong_addresses(settings) + _wrong_files(settings)
        if show:
            console(_WIDTH).print(_table(settings))
    if wrong:
        lines = "\n".join(f"- {one}" for one in wrong)
        raise ConfigError(wrong[0] if len(wrong) == 1 else f"{len(wrong)} settings are wrong:\n{lines}")
    say("The settings are usable.")


def _channels(settings: Settings) -> object:
    """Build the channels as the installation would; nobody is asked."""
    return channels_of(channel_settings_of(settings.notify), SystemClock())


def _wrong_addresses(settings: Settings) -> list[str]:
    """Return what is wrong with the addresses of broker, store and desk; nobody is asked there."""
    checks: tuple[tuple[Callable[[str], object], str | None], ...] = (
        (parse_broker_url, settings.broker.url),
        (parse_store_url, settings.store.url),
        (check_desk_url, settings.desk.url),
    )
    return _refusals(partial(check, url) for check, url in checks if url is not None)


def _wrong_files(settings: Settings) -> list[str]:
    """Return what is wrong with the files that the settings name, and with the signals."""
    wrong = _refusals([partial(signal_table, settings)])
    signals = STANDARD_SIGNALS if wrong else signal_table(settings)
    return wrong + _refusals(
        [
            partial(load_rules, settings.alerts.rules, signals),
            partial(load_dialects, settings.ingest.dialects, signals),
            partial(load_codes, settings.alerts.codes),
            partial(load_clocks, settings.desk.sla, settings.desk.calendars),
            partial(load_demands, settings.desk.demands),
        ]
    )


def _refusals(checks: Iterable[Callable[[], object]]) -> list[str]:
    """Return what each check that refuses says."""
    wrong = []
    for check in checks:
        try:
            check()
        except ConfigError as error:
            wrong.append(str(error))
    return wrong


def _table(settings: Settings) -> Table:
    table = Table("setting", "value", "variable", "meaning")
    for column in table.columns[:-1]:
        column.overflow = "fold"
    for key, section in setting_keys().items():
        meaning = section.model_fields[key.rpartition(".")[2]].description or ""
        value = value_of(settings, key)
        text = "" if value is None else shown(key, value).strip('"')
        table.add_row(*(escape(each) for each in (key, text, variable_name(key), meaning)))
    return table

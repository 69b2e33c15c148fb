"""`sweepwatch personal ...`: one person's data, exported or erased. May run beside an installation.

Whoever can read the data folder, or has the stores' addresses, is trusted with this; the log says who it was.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep

from access.personal import EVER, PersonalData
from fleet.clock import DAY_MS, SystemClock
from fleet.errors import ConfigError, DataFolderError, StoreUnavailable
from fleet.text import quoted
from storage.ports import TelemetryStore
from storage.records.database import DeskDatabase
from storage.series.duckdb.forgetting import compacted
from storage.series.store_url import DuckDbAddress
from sweepwatch.commands.doors import whoever
from sweepwatch.commands.installed import opened_desk
from sweepwatch.data_folder import for_this_user_alone
from sweepwatch.printing import Say
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.stores import SERVING
from sweepwatch.wiring import open_store_of, store_address

_WAIT_S = 60.0
_LOOK_EVERY_S = 0.5
_MB = 1_000_000
Confirm = Callable[[str], bool]


def export_person(
    settings: Settings, device: str, start: str | None, end: str | None, out: Path | None, why: str
) -> None:
    """Write all that is kept of the wearer of a wristband in a span, as one JSON object.

    To `out`, which is for its user alone, or to the terminal. Raises ConfigError where another process holds
    the store.
    """
    span = _span(start, end)
    with _opened(settings) as (desk, store, held):
        if store is None:
            raise ConfigError(
                f"{held}; or ask the running one, as the safety role of its site: "
                f"GET /api/v1/devices/{device}/personal"
            )
        personal = PersonalData(desk, store, signal_table(settings), SystemClock())
        pieces = personal.export(device, *span, whoever(), why)
        if out is None:
            for piece in pieces:
                sys.stdout.write(piece)
            return
        for_this_user_alone()
        try:
            whole = out.with_name(f"{out.name}.part")
            whole.unlink(missing_ok=True)
            with whole.open("w", encoding="utf-8") as file:
                file.writelines(pieces)
            whole.replace(out)
        except OSError as error:
            raise ConfigError(f"--out {out}: {error.strerror}") from error


def erase_person(
    settings: Settings,
    device: str,
    start: str | None,
    end: str | None,
    why: str,
    confirm: Confirm,
    say: Say,
) -> None:
    """Erase all that is kept of the wearer of a wristband in a span, if `confirm` says so.

    Where another process holds the store, that one does its part; raises StoreUnavailable when it has not
    within a minute: it will when it can.
    """
    span = _span(start, end)
    with _opened(settings) as (desk, store, held):
        personal = PersonalData(desk, store, signal_table(settings), SystemClock())
        shown = f"from {start or 'the first'} to {end or 'now'}"
        if not confirm(f"Erase what {device} told of its wearer, {shown}? This cannot be taken back."):
            say("Nothing was erased.")
            return
        erasure = personal.erase(device, *span, whoever(), why)
        deadline = monotonic() + _WAIT_S
        while erasure.store_done_at is None:
            if monotonic() > deadline:
                raise StoreUnavailable(
                    f"erasure {erasure.id} is noted and the desk's part is done; the store's waits: {held}"
                )
            sleep(_LOOK_EVERY_S)
            erasure = personal.standing(erasure.id)
    say(f"Erasure {erasure.id}: what {device} told of its wearer is gone from the desk and from the store.")
    address = store_address(settings)
    if not isinstance(address, DuckDbAddress):
        say("InfluxDB takes it off the disk when it compacts next.")
    elif store is None:
        say("Unused blocks of the store's file may hold it until they are written to again;")
        say("to be rid of them at once, stop the installation and run `sweepwatch store compact`.")
    else:
        compacted(address.path)
        say("The store's file was written anew without it.")
    say("Copies that were made before (backups, exports) are yours to erase.")


def compact_store(settings: Settings, say: Say) -> None:
    """Write an embedded store's file anew, without unused blocks. Raises DataFolderError while it is held."""
    address = store_address(settings)
    if not isinstance(address, DuckDbAddress) or not address.path.exists():
        raise ConfigError(f"store compact: {address} is no DuckDB file that is there")
    for_this_user_alone()
    before, after = compacted(address.path)
    say(f"{address.path}: {before / _MB:.1f} MB before, {after / _MB:.1f} MB now.")


@contextmanager
def _opened(settings: Settings) -> Iterator[tuple[DeskDatabase, TelemetryStore | None, str]]:
    """Open the desk, and the store unless another process holds it; then say who."""
    for_this_user_alone()
    with opened_desk(settings) as desk:
        address = store_address(settings)
        if isinstance(address, DuckDbAddress) and not address.path.exists():
            raise ConfigError(f"{address.path} is not there; give the installation's --data DIR or --store")
        try:
            store = open_store_of(settings, address, signal_table(settings), SERVING)
        except DataFolderError as error:
            yield desk, None, str(error)
            return
        try:
            yield desk, store, ""
        finally:
            store.close()


def _span(start: str | None, end: str | None) -> tuple[int, int]:
    """Return a span in epoch ms; a day as its end belongs to it."""
    begin = 0 if start is None else _time("--from", start)
    until = EVER if end is None else _time("--to", end) + (DAY_MS if len(end) == len("2026-11-22") else 0)
    if begin >= until:
        raise ConfigError("--from: must be before --to")
    return begin, until


def _time(option: str, text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{option} {quoted(text)} is not usable: allowed: a date (2026-11-22) or a time "
            "(2026-11-22T08:00:00Z); without an offset it is UTC"
        ) from error
    moment = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)

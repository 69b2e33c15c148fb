"""`sweepwatch store ...`: sets a store up, or copies history between two."""

from fleet.clock import DAY_MS, SystemClock, to_rfc3339
from fleet.errors import ConfigError
from storage.series.copying import Difference, StoresDiffer, copy_history
from storage.series.influx.http import InfluxConnection
from storage.series.influx.setup import set_up
from storage.series.store_url import DuckDbAddress, parse_store_url
from sweepwatch.data_folder import for_this_user_alone
from sweepwatch.printing import Say
from sweepwatch.run.progress import bar
from sweepwatch.settings.settings import Settings
from sweepwatch.settings.signals import signal_table
from sweepwatch.stores import open_store_at

_SHOWN = 20


def init_store(settings: Settings, say: Say) -> None:
    """Make the store that is set ready, and say what was done."""
    for_this_user_alone()
    url = settings.store.url
    if url is None:
        raise ConfigError("store init needs a store: --store influxdb://token@host:port/org/bucket")
    address = parse_store_url(url)
    if isinstance(address, DuckDbAddress):
        open_store_at(address, signal_table(settings)).close()
        say(f"{address.path} is ready.")
        return
    connection = InfluxConnection(address, compress=False)
    try:
        done = set_up(connection, settings.store.retention_days, settings.store.tile_retention_days)
        say(f"{address}: {done}.")
    finally:
        connection.close()


def copy_stores(settings: Settings, source_url: str, target_url: str, say: Say) -> None:
    """Copy all history. Raises StoresDiffer when the stores do not hold the same after it."""
    for_this_user_alone()
    source_address, target_address = parse_store_url(source_url), parse_store_url(target_url)
    if source_address == target_address:
        raise ConfigError(f"store copy: --from and --to are the same store, {source_address}")
    if isinstance(source_address, DuckDbAddress) and not source_address.path.exists():
        raise ConfigError(f"store copy: {source_address.path} does not exist")
    oldest = SystemClock().now_ms() - settings.store.personal_retention_days * DAY_MS
    signals, gzip = signal_table(settings), settings.store.influxdb_gzip
    source = open_store_at(source_address, signals, gzip)
    try:
        target = open_store_at(target_address, signals, gzip)
        try:
            source.check()
            target.check()
            with bar(f"Copying {source_address} to {target_address}") as report:
                done = copy_history(source, target, report, personal_from=oldest)
        finally:
            target.close()
    finally:
        source.close()
    say(f"{done.rows} rows copied; {done.copied} device days copied, {done.equal_before} were equal before.")
    for each in done.differences[:_SHOWN]:
        say(_shown(each))
    if done.differences:
        raise StoresDiffer(f"{len(done.differences)} device days differ: the copy is not complete")
    say("Both stores hold the same: numbers and checksums agree for every device and day.")


def _shown(each: Difference) -> str:
    what = "risks" if each.day is None else f"{each.kind} {each.what} of {to_rfc3339(each.day)[:10]}"
    return f"{each.device_id}: {what} differ: {each.source_rows} rows there, {each.target_rows} here"

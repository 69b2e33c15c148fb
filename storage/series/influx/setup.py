"""Makes the two buckets of an installation, readings and kept tiles, and probes both."""

from collections.abc import Container
from contextlib import closing

from fleet.errors import StoreRejected
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.kept import tiles_address
from storage.series.influx.probe import Probe
from storage.series.influx.setup_v2 import Buckets, shard_hours

_SPARE_DAYS = 30
"""So much longer the server keeps readings: the time in which our own job may be away and yet make their
tiles before they go."""


def set_up(
    connection: InfluxConnection, retention_days: int | None, tile_retention_days: int | None = None
) -> str:
    """Make what is missing and set the retentions (None: for ever); return in one line what was done.

    What was made is written to and read back. Raises StoreUnavailable, StoreRefused (a token without the
    right to do it, another organisation's name, a server that has no address for writes) or StoreRejected.
    """
    spared = None if retention_days is None else retention_days + _SPARE_DAYS
    tiles = tiles_address(connection.address).bucket
    wanted = {connection.address.bucket: spared, tiles: tile_retention_days}
    if connection.version.startswith("3"):
        raise StoreRejected(_by_hand(connection, wanted))
    if connection.is_v2:
        made = Buckets(connection).set_up(wanted)
    else:
        made = _set_up_v1(connection, wanted)
        for bucket in wanted:
            _probe(connection, bucket)
    kept = (
        f"readings are kept {_shown(retention_days)}, then their hourly tiles {_shown(tile_retention_days)}"
    )
    return f"{made}; {kept}"


def _probe(connection: InfluxConnection, bucket: str) -> None:
    with closing(connection.beside(bucket)) as beside:
        Probe(beside).run()


def _by_hand(connection: InfluxConnection, wanted: dict[str, int | None]) -> str:
    periods = {
        bucket: "" if days is None else f" --retention-period {days}d" for bucket, days in wanted.items()
    }
    commands = [f"`influxdb3 create database{period} {bucket}`" for bucket, period in periods.items()]
    return (
        f"store {connection.address}: InfluxDB 3 makes databases by its own tools: {' and '.join(commands)}"
    )


def _set_up_v1(connection: InfluxConnection, wanted: dict[str, int | None]) -> str:
    """Make the database, and in it a retention policy for each bucket: its default one, and that of tiles."""
    (bucket, days), (tiles, tile_days) = wanted.items()
    database, _, policy = bucket.partition("/")
    series = connection.json("SHOW DATABASES")[0].get("series", [{}])
    there = [database] in series[0].get("values", [])
    if not there:
        named = influxql.name_of(policy or "autogen")
        connection.json(
            f"CREATE DATABASE {influxql.name_of(database)} WITH DURATION {_duration(days)} NAME {named}",
            change=True,
        )
    policies = _policies(connection, database)
    default = next(name for name, is_default in policies.items() if is_default)
    _set_policy(connection, database, policy or default, days, policies)
    _set_policy(connection, database, tiles.partition("/")[2], tile_days, policies)
    return f"database {database} {'was there' if there else 'made'}"


def _set_policy(
    connection: InfluxConnection, database: str, name: str, days: int | None, there: Container[str]
) -> None:
    change = "ALTER" if name in there else "CREATE"
    query = f"{change} RETENTION POLICY {influxql.name_of(name)} ON {influxql.name_of(database)}"
    query += f" DURATION {_duration(days)}" + ("" if name in there else " REPLICATION 1")
    query += f" SHARD DURATION {shard_hours(days)}h"  # else a lowered retention may be below its shards
    connection.json(query, change=True)


def _duration(days: int | None) -> str:
    return "INF" if days is None else f"{days}d"


def _policies(connection: InfluxConnection, database: str) -> dict[str, bool]:
    """Return the retention policies of a database, and whether each is its default."""
    answer = connection.json(f"SHOW RETENTION POLICIES ON {influxql.name_of(database)}")
    series = answer[0]["series"][0]
    name, default = series["columns"].index("name"), series["columns"].index("default")
    return {str(row[name]): bool(row[default]) for row in series["values"]}


def _shown(retention_days: int | None) -> str:
    return "for ever" if retention_days is None else f"for {retention_days} days"

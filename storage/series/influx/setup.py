"""Makes the two buckets of an installation, readings and kept tiles; on 2.x the organisation too."""

from collections.abc import Container
from typing import Any

from fleet.errors import StoreRejected, StoreUnavailable
from storage.series.influx import query as influxql
from storage.series.influx.http import InfluxConnection
from storage.series.influx.kept import tiles_address

_DAY_S = 86_400
_SPARE_DAYS = 30
"""So much longer the server keeps readings: the time in which our own job may be away and yet make their
tiles before they go."""


def set_up(
    connection: InfluxConnection, retention_days: int | None, tile_retention_days: int | None = None
) -> str:
    """Make what is missing and set the retentions (None: for ever); return in one line what was done.

    Raises StoreUnavailable, StoreRefused (a token without the right to do it) or StoreRejected.
    """
    version = connection.server().removeprefix("v")
    spared = None if retention_days is None else retention_days + _SPARE_DAYS
    tiles = tiles_address(connection.address).bucket
    wanted = {connection.address.bucket: spared, tiles: tile_retention_days}
    if version.startswith("3"):
        raise StoreRejected(_by_hand(connection, wanted))
    made = _set_up_v2(connection, wanted) if version.startswith("2") else _set_up_v1(connection, wanted)
    kept = (
        f"readings are kept {_shown(retention_days)}, then their hourly tiles {_shown(tile_retention_days)}"
    )
    return f"{made}; {kept}"


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
    connection.json(query, change=True)


def _duration(days: int | None) -> str:
    return "INF" if days is None else f"{days}d"


def _policies(connection: InfluxConnection, database: str) -> dict[str, bool]:
    """Return the retention policies of a database, and whether each is its default."""
    answer = connection.json(f"SHOW RETENTION POLICIES ON {influxql.name_of(database)}")
    series = answer[0]["series"][0]
    name, default = series["columns"].index("name"), series["columns"].index("default")
    return {str(row[name]): bool(row[default]) for row in series["values"]}


def _set_up_v2(connection: InfluxConnection, wanted: dict[str, int | None]) -> str:
    from influxdb_client.rest import ApiException
    from urllib3.exceptions import HTTPError

    try:
        return _make_v2(connection, wanted)
    except ApiException as error:
        connection.fail(error.status or 0, error.body or error.reason, error)
    except (HTTPError, OSError) as error:
        raise StoreUnavailable(f"store {connection.address} cannot be reached: {error}") from error


def _make_v2(connection: InfluxConnection, wanted: dict[str, int | None]) -> str:
    """Make organisation and buckets through the v2 API, each with its retention in days (None: for ever)."""
    from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

    # influxdb-client has no annotations there.
    client: Any = connection.client
    rule: Any = BucketRetentionRules
    name = connection.address.org
    organisations = client.organizations_api()
    named = [each for each in organisations.find_organizations() if each.name == name]
    organisation = named[0] if named else organisations.create_organization(name=name)
    buckets = client.buckets_api()
    made = []
    for bucket, days in wanted.items():
        rules = [] if days is None else [rule(type="expire", every_seconds=days * _DAY_S)]
        found = buckets.find_buckets(name=bucket, org_id=organisation.id).buckets
        if found:
            found[0].retention_rules = rules
            buckets.update_bucket(found[0])
        else:
            buckets.create_bucket(bucket_name=bucket, org=organisation, retention_rules=rules)
            made.append(bucket)
    what = f"{' and '.join(made)} made" if made else f"{' and '.join(wanted)} there already"
    return f"buckets of organisation {name}: {what}"


def _shown(retention_days: int | None) -> str:
    return "for ever" if retention_days is None else f"for {retention_days} days"

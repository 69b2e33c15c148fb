"""Makes the bucket of an installation, with its retention; on 2.x the organisation too."""

from typing import Any

from fleet.errors import StoreRejected, StoreUnavailable
from storage import influx_query as influxql
from storage.influx_http import InfluxConnection

_DAY_S = 86_400


def set_up(connection: InfluxConnection, retention_days: int | None) -> str:
    """Make what is missing and set the retention (None: for ever); return in one line what was done.

    Raises StoreUnavailable, StoreRefused (a token without the right to do it) or StoreRejected.
    """
    version = connection.server().removeprefix("v")
    if version.startswith("2"):
        return _set_up_v2(connection, retention_days)
    if version.startswith("3"):
        raise StoreRejected(
            f"store {connection.address}: InfluxDB 3 makes databases by its own tools: "
            f"`influxdb3 create database {connection.address.bucket}`"
        )
    return _set_up_v1(connection, retention_days)


def _set_up_v1(connection: InfluxConnection, retention_days: int | None) -> str:
    bucket = connection.address.bucket
    duration = "INF" if retention_days is None else f"{retention_days}d"
    series = connection.json("SHOW DATABASES")[0].get("series", [{}])
    there = [bucket] in series[0].get("values", [])
    if not there:
        connection.json(
            f"CREATE DATABASE {influxql.name_of(bucket)} WITH DURATION {duration} NAME autogen", change=True
        )
        return f"database {bucket} made; readings are kept {_shown(retention_days)}"
    answer = connection.json(f"SHOW RETENTION POLICIES ON {influxql.name_of(bucket)}")
    policy = influxql.name_of(_default_policy(answer))
    connection.json(
        f"ALTER RETENTION POLICY {policy} ON {influxql.name_of(bucket)} DURATION {duration}",
        change=True,
    )
    return f"database {bucket} was there; readings are kept {_shown(retention_days)}"


def _default_policy(answer: list[dict[str, Any]]) -> str:
    series = answer[0]["series"][0]
    name, default = series["columns"].index("name"), series["columns"].index("default")
    return str(next(row[name] for row in series["values"] if row[default]))


def _set_up_v2(connection: InfluxConnection, retention_days: int | None) -> str:
    from influxdb_client.rest import ApiException
    from urllib3.exceptions import HTTPError

    try:
        return _make_v2(connection, [] if retention_days is None else [retention_days * _DAY_S])
    except ApiException as error:
        connection.fail(error.status or 0, error.body or error.reason, error)
    except (HTTPError, OSError) as error:
        raise StoreUnavailable(f"store {connection.address} cannot be reached: {error}") from error


def _make_v2(connection: InfluxConnection, seconds: list[int]) -> str:
    """Make organisation and bucket through the v2 API. `seconds` is the retention; none: for ever."""
    from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

    # influxdb-client has no annotations there.
    client: Any = connection.client
    rule: Any = BucketRetentionRules
    address = connection.address
    organisations = client.organizations_api()
    named = [each for each in organisations.find_organizations() if each.name == address.org]
    organisation = named[0] if named else organisations.create_organization(name=address.org)
    rules = [rule(type="expire", every_seconds=each) for each in seconds]
    buckets = client.buckets_api()
    found = buckets.find_buckets(name=address.bucket, org_id=organisation.id).buckets
    if not found:
        buckets.create_bucket(bucket_name=address.bucket, org_id=organisation.id, retention_rules=rules)
        return f"bucket {address.bucket} made in organisation {address.org}"
    found[0].retention_rules = rules
    buckets.update_bucket(found[0])
    return f"bucket {address.bucket} of organisation {address.org} was there; its retention is set"


def _shown(retention_days: int | None) -> str:
    return "for ever" if retention_days is None else f"for {retention_days} days"

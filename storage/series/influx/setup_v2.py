"""Makes the buckets of an installation on 2.x, through its API."""

from collections.abc import Callable
from contextlib import closing
from typing import Any

from fleet.errors import StoreRefused, StoreRejected, StoreUnavailable
from storage.series.influx.http import InfluxConnection
from storage.series.influx.probe import Probe

_HOUR_S, _DAY_S = 3_600, 86_400


def shard_hours(days: int | None) -> int:
    """Return how long a shard group is for a retention: as the server decides when it is not told."""
    if days is None or days >= 180:
        return 7 * 24
    return 24 if days >= 2 else 1


class Buckets:
    """The buckets of the organisation that a connection's address names.

    An organisation is never made: the server answers questions from the organisation of the token alone, so
    in one that is made with it nothing could ever be read.
    """

    def __init__(self, connection: InfluxConnection) -> None:
        self._connection = connection
        self._org = connection.address.org
        self._api: Any = connection.client  # influxdb-client has no annotations there

    def set_up(self, wanted: dict[str, int | None]) -> str:
        """Make buckets with their retention in days (None: for ever), probe each; return what was done.

        Raises StoreUnavailable, StoreRefused or StoreRejected. What was made is removed again when it turns
        out to be another organisation's than the token's.
        """
        return str(self._asked(lambda: self._set_up(wanted)))

    def _set_up(self, wanted: dict[str, int | None]) -> str:
        organisation = self._organisation_id(next(iter(wanted)))
        made: list[Any] = []
        try:
            for bucket, days in wanted.items():
                found = self._find(bucket, organisation)
                if found is None:
                    made.append(self._make(bucket, organisation, days))
                else:
                    self._change_retention(found, days)
                self._read_back(bucket, organisation, days)
                with closing(self._connection.beside(bucket)) as beside:
                    Probe(beside).run()
        except StoreRefused:
            for each in made:
                self._api.buckets_api().delete_bucket(each)
            raise
        names = [each.name for each in made]
        what = f"{' and '.join(names)} made" if names else f"{' and '.join(wanted)} there already"
        return f"buckets of organisation {self._org}: {what}"

    def _organisation_id(self, bucket: str) -> str:
        """Return the id of the organisation: most tokens see none, but the buckets of theirs."""
        organisations = self._unless_absent(
            lambda: self._api.organizations_api().find_organizations(org=self._org)
        )
        if organisations is None:
            raise StoreRefused(
                f"store {self._connection.address}: there is no organisation {self._org}; name the one in "
                "which the token was made"
            )
        named = [each.id for each in organisations if each.name == self._org]
        seen = self._unless_absent(lambda: self._api.buckets_api().find_buckets(org=self._org, limit=100))
        named += [each.org_id for each in (seen.buckets if seen else []) or []]
        if not named:
            raise StoreRefused(
                f"store {self._connection.address}: the token sees neither the organisation {self._org} nor "
                f"a bucket in it; give a token that may read the organisation, or make the buckets by hand: "
                f"`influx bucket create --org {self._org} --name {bucket}`, then {bucket}/tiles"
            )
        return str(named[0])

    def _find(self, bucket: str, organisation: str) -> Any:
        """Return a bucket by its name, None when it is not there: which is 404."""
        found = self._unless_absent(
            lambda: self._api.buckets_api().find_buckets(name=bucket, org_id=organisation)
        )
        return found.buckets[0] if found is not None and found.buckets else None

    def _make(self, bucket: str, organisation: str, days: int | None) -> Any:
        return self._api.buckets_api().create_bucket(
            bucket_name=bucket, org=organisation, retention_rules=[_rule(days)]
        )

    def _change_retention(self, bucket: Any, days: int | None) -> None:
        if _every_s(bucket) != (days or 0) * _DAY_S:
            bucket.retention_rules = [_rule(days)]
            self._api.buckets_api().update_bucket(bucket)

    def _read_back(self, bucket: str, organisation: str, days: int | None) -> None:
        found = self._find(bucket, organisation)
        told = None if found is None else _every_s(found)
        if told != (days or 0) * _DAY_S:
            raise StoreRejected(
                f"store {self._connection.address}: bucket {bucket} was to keep what it has for "
                f"{'ever' if days is None else f'{days} days'}, but the server says "
                f"{'that it is not there' if told is None else f'{told} s (0: for ever)'}"
            )

    def _asked(self, ask: Callable[[], Any]) -> Any:
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        try:
            return ask()
        except ApiException as error:
            self._connection.fail(error.status or 0, error.body or error.reason, error)
        except (HTTPError, OSError) as error:
            raise StoreUnavailable(f"store {self._connection.address} cannot be reached: {error}") from error

    @staticmethod
    def _unless_absent(ask: Callable[[], Any]) -> Any:
        from influxdb_client.rest import ApiException

        try:
            return ask()
        except ApiException as error:
            if error.status != 404:
                raise
            return None


def _rule(days: int | None) -> Any:
    """Return a retention. For ever is said too: no rule at all leaves what the server tells of it as it was.

    The shard group goes with it: the server refuses a retention shorter than its present one.
    """
    from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules

    rule: Any = BucketRetentionRules
    return rule(
        type="expire",
        every_seconds=(days or 0) * _DAY_S,
        shard_group_duration_seconds=shard_hours(days) * _HOUR_S,
    )


def _every_s(bucket: Any) -> int:
    """Return after how many seconds a bucket lets go of what it has; 0: never."""
    rules = bucket.retention_rules or []
    return int(rules[0].every_seconds) if rules else 0

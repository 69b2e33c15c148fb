"""What goes over the wire to an InfluxDB, and which of its errors a retry can mend."""

import gzip
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import urlencode

import orjson

from fleet.errors import StoreRefused, StoreRejected, StoreUnavailable
from storage.series.influx.query import name_of
from storage.series.store_url import InfluxAddress

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse

_TIMEOUT_S = 30.0
_BULK_TIMES = 4
"""So many times longer a bulk question may take."""
_LONGEST_PAUSE_S = 300.0
_LONGEST_ADDRESS = 4_000
_PASSING = (408, 425, 429)
# Inside an answer of status 200 there is only a text to go by.
_PASSING_TEXTS = ("timeout", "interrupted", "killed", "shutdown", "shutting down", "engine is closed", "max-")
_ABSENT_TEXTS = ("not found", "default retention policy not set", "no dbrp mappings")
_PARTIAL = "partial write"


class PartlyRejected(StoreRejected):
    """The server dropped some lines of a write, and has kept the others."""


class WriteForbidden(StoreRefused):
    """The token may read, but not write."""


class InfluxConnection:
    """Requests to one bucket; safe to use from several threads.

    `client` is influxdb-client's, for what is not asked here. `compress` sends lines with gzip at
    level 1 (the client's own level 9 costs nine times as much).
    """

    def __init__(
        self,
        address: InfluxAddress,
        *,
        compress: bool,
        timeout_s: float = _TIMEOUT_S,
        now_s: Callable[[], float] = monotonic,
    ) -> None:
        from influxdb_client.client.influxdb_client import InfluxDBClient
        from influxdb_client.service.write_service import WriteService
        from urllib3 import PoolManager, Timeout  # opens a socket at its import

        self.address = address
        self._compress, self._timeout_s = compress, timeout_s
        self.client = InfluxDBClient(
            address.url, address.token, org=address.org, timeout=round(timeout_s * 1000), retries=False
        )
        # WriteApi would drop the header that says how the lines are compressed; this is what it calls.
        self._writer = WriteService(self.client.api_client)  # type: ignore[no-untyped-call] # no annotations
        self._closed = False
        self._now_s = now_s
        self._not_before_s = now_s()
        self._version: str | None = None
        # Two requests that meet would else make a connection each time and warn.
        self._pool = PoolManager(maxsize=8, retries=False)
        self._timeout = Timeout(timeout_s)
        self._bulk_timeout = Timeout(connect=timeout_s, read=_BULK_TIMES * timeout_s)

    def write(self, lines: bytes) -> None:
        """Write lines of ms precision; durable on return.

        Raises StoreUnavailable, StoreRefused, StoreRejected, or PartlyRejected: then other lines are kept.
        """
        from influxdb_client.rest import ApiException
        from urllib3.exceptions import HTTPError

        self._check_open()
        wait_s = self._not_before_s - self._now_s()
        if wait_s > 0:
            raise StoreUnavailable(f"store {self.address} asked us to wait {wait_s:.0f} s more")
        extra = {"content_encoding": "gzip"} if self._compress else {}
        body = gzip.compress(lines, compresslevel=1) if self._compress else lines
        try:
            self._writer.post_write(  # type: ignore[no-untyped-call] # it has no annotations
                self.address.org,
                self.address.bucket,
                body,
                precision="ms",
                **extra,
            )
        except ApiException as error:
            self._not_before_s = self._now_s() + _pause_s(error.headers)
            self._fail_writing(error.status or 0, error.body or error.reason or "", error)
        except (HTTPError, OSError) as error:
            raise self._unreachable(error) from error

    def csv(self, query: str) -> bytes:
        """Return the answer to one statement as CSV; empty when there are no rows."""
        answer = self._ask(query, "application/csv")
        if not answer.strip():
            # An error inside an answer has no place in CSV: only JSON tells "none" from "it failed".
            self.json(query)
        return answer

    def json(self, query: str, *, change: bool = False) -> list[dict[str, Any]]:
        """Return the results of each statement; `change` says that it changes something (POST).

        A deletion that succeeds has no results on 2.x.
        """
        answer = self._ask(query, "application/json", change=change)
        try:
            said = orjson.loads(answer)
            results: list[dict[str, Any]] = said.get("results", []) if change else said["results"]
        except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
            raise StoreUnavailable(f"store {self.address}: its answer is no InfluxDB's") from error
        for result in results:
            if "error" in result:
                self.fail(200, str(result["error"]), None)
        return results

    def answers(self, statements: Sequence[str]) -> list[dict[str, Any]]:
        """Return the results of several statements: in one request, but for 3, which takes one at a time."""
        if self.version.startswith("3"):
            return [result for statement in statements for result in self.json(statement)]
        return self.json("; ".join(statements))

    def delete(self, measurement: str, condition: str) -> None:
        """Delete points of a measurement.

        On 2.x a deletion looks in the default bucket of a database unless the policy stands before the name;
        1.x allows none there, and deletes under all policies.
        """
        policy = self.address.bucket.partition("/")[2]
        source = name_of(measurement)
        if policy and self.is_v2:
            source = f"{name_of(policy)}.{source}"
        self.json(f"DELETE FROM {source} WHERE {condition}", change=True)

    def delete_v2(self, predicate: str) -> None:
        """Delete points by the call of 2.x, which looks in the organisation of the address."""
        names = urlencode({"org": self.address.org, "bucket": self.address.bucket})
        body = {"start": "1970-01-01T00:00:00Z", "stop": "2200-01-01T00:00:00Z", "predicate": predicate}
        kind = {"Content-Type": "application/json"}
        self._request("POST", f"{self.address.url}/api/v2/delete?{names}", orjson.dumps(body), kind)

    @property
    def version(self) -> str:
        """The version of the server, such as `1.8.10` or `2.9.1`; asked for once."""
        if self._version is None:
            self._version = self.server().removeprefix("v")
        return self._version

    @property
    def is_v2(self) -> bool:
        """Whether the server is a 2.x or the Cloud that speaks its API."""
        return self.version.startswith("2") or self.version.lower().startswith("cloud")

    def server(self) -> str:
        """Return the version that the server says it is, such as `1.8.10` or `v2.7.1`."""
        answer = self._request("GET", f"{self.address.url}/ping")
        return answer.headers.get("X-Influxdb-Version", "")

    def beside(self, bucket: str) -> "InfluxConnection":
        """Return a connection of its own to another bucket of the same server and organisation."""
        address = replace(self.address, bucket=bucket)
        return InfluxConnection(address, compress=self._compress, timeout_s=self._timeout_s)

    def close(self) -> None:
        """Close every connection; what is asked for later raises StoreUnavailable."""
        self._closed = True
        self.client.api_client.rest_client.pool_manager.clear()
        self.client.close()  # type: ignore[no-untyped-call] # it has no annotations
        self._pool.clear()

    def _ask(self, query: str, accept: str, *, change: bool = False) -> bytes:
        # In 1.8 a bucket is a database, or `database/policy`; 2 and 3 know theirs by these two as well.
        database, _, policy = self.address.bucket.partition("/")
        names = {"db": database} | ({"rp": policy} if policy else {})
        url = f"{self.address.url}/query?{urlencode(names | {'epoch': 'ms'})}"
        headers = {"Accept": accept}
        question = urlencode({"q": query})
        if change or len(question) > _LONGEST_ADDRESS:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            return self._request("POST", url, question.encode(), headers).data
        return self._request("GET", f"{url}&{question}", None, headers).data

    def _request(
        self, method: str, url: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> "BaseHTTPResponse":
        from urllib3.exceptions import HTTPError

        self._check_open()
        headers = dict(headers or {})
        if self.address.token:
            headers["Authorization"] = f"Token {self.address.token}"
        try:
            timeout = self._bulk_timeout if headers.get("Accept") == "application/csv" else self._timeout
            answer = self._pool.request(method, url, body=body, headers=headers, timeout=timeout)
        except (HTTPError, OSError) as error:
            raise self._unreachable(error) from error
        if answer.status >= 300:
            self.fail(answer.status, answer.data.decode(errors="replace"), None)
        return answer

    def _check_open(self) -> None:
        if self._closed:
            raise StoreUnavailable(f"store {self.address} is closed")

    def _unreachable(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(f"store {self.address} cannot be reached: {_one_line(str(error))}")

    def _fail_writing(self, status: int, said: str, cause: Exception) -> NoReturn:
        text = self._said(status, said)
        if status == 404 and not said.lstrip().startswith("{"):
            raise StoreRefused(
                f"{text}; this server ({self.version or 'of no version'}) has no /api/v2/write, to which we "
                "write: InfluxDB 1.8, 2 or 3 has it"
            ) from cause
        if status == 403:
            raise WriteForbidden(f"{text}; is the token right? It may not write to this bucket") from cause
        if _PARTIAL in text and status in (400, 422):
            raise PartlyRejected(text) from cause
        self.fail(status, said, cause)

    def fail(self, status: int, said: str | None, cause: Exception | None) -> NoReturn:
        """Raise what an answer means. A refusal concerns all that we may send, a rejection only this."""
        text = self._said(status, said or "")
        passing = status == 200 and any(part in text for part in _PASSING_TEXTS)
        absent = status == 404 or (status == 200 and any(part in text for part in _ABSENT_TEXTS))
        if status in (401, 403):
            raise StoreRefused(f"{text}; is the token right?") from cause
        if absent and "organization" in text:
            raise StoreRefused(f"{text}; name the organisation in which the token was made") from cause
        if absent:
            hint = "run `sweepwatch store init` to make it, or give a token that may read it"
            raise StoreRefused(f"{text}; {hint}") from cause
        if (status == 200 and not passing) or (400 <= status < 500 and status not in _PASSING):
            raise StoreRejected(text) from cause
        raise StoreUnavailable(text) from cause

    def _said(self, status: int, said: str) -> str:
        return f"store {self.address}: {_one_line(_message(said))} (HTTP {status})"


def _pause_s(headers: Mapping[str, str] | None) -> float:
    """Return for how long an answer asks us to be quiet; 0 when it does not, or names a date."""
    asked = (headers or {}).get("Retry-After", "")
    return min(float(asked), _LONGEST_PAUSE_S) if asked.isdecimal() else 0.0


def _message(said: str) -> str:
    """Return what the server says in words: 1.8 and 2 wrap it in JSON, each in its own way."""
    try:
        body = orjson.loads(said)
    except orjson.JSONDecodeError:
        return said
    if isinstance(body, dict):
        return str(body.get("message") or body.get("error") or said)
    return said


def _one_line(text: str) -> str:
    return " ".join(text.split())[:500]

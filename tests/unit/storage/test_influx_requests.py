"""What an InfluxDB 2 or 3 is asked: path, parameters, headers and bodies, recorded by a double.

No server of version 3 runs in the tests: this holds the requests to what its documentation says. What 2.9.1
answers stands in tests/contract/storage/test_influx2_store.py.
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from helpers.batches import batch_of
from helpers.influx_probes import ProbeEcho
from helpers.running import serving

from fleet.errors import StoreRefused, StoreRejected, StoreUnavailable
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.ports import Receipt
from storage.series.influx.http import InfluxConnection
from storage.series.influx.kept import tiles_address
from storage.series.influx.setup import set_up
from storage.series.influx.store import InfluxStore
from storage.series.store_url import InfluxAddress

T0 = 1_700_000_000_000
BATCH = batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 1.0}])
LINE = f"robot,device=R1,site=s1 received={T0},battery_pct=1.0 {T0}\n"


@dataclass(frozen=True)
class Request:
    """One request as it arrived; `asked` are the parameters of its address."""

    method: str
    path: str
    asked: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Double:
    """Records requests; a write gets `answer`, a query nothing, the v2 API what a fresh server would say."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.answer: tuple[int, str, dict[str, str]] = (204, "", {})
        self.version = "v2.9.1"
        self.probed = ProbeEcho()
        double = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parts = urlsplit(self.path)
                asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                request = Request(self.command, parts.path, asked, dict(self.headers), body)
                if not double.probed.concerns(request.path + request.asked.get("q", ""), body):
                    double.requests.append(request)
                status, said, headers = double.reply(request)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if status != 204:
                    self.send_header("Content-Length", str(len(said.encode())))
                self.end_headers()
                self.wfile.write(said.encode())

            do_GET = do_POST = do_PATCH = _take  # noqa: N815 - the names that http.server calls

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)

    @property
    def address(self) -> InfluxAddress:
        return InfluxAddress("127.0.0.1", self.http.server_port, False, "s3cret", "acme & co", "fleet")

    def reply(self, request: Request) -> tuple[int, str, dict[str, str]]:
        as_json = {"Content-Type": "application/json"}
        if request.path == "/ping":
            return 204, "", {"X-Influxdb-Version": self.version}
        if request.path == "/api/v2/write":
            self.probed.hear(request.body)
            return self.answer
        if "sweepwatch_probe" in request.asked.get("q", ""):
            return 200, self.probed.answer().decode(), {}
        if request.path == "/query":
            return 200, "" if "csv" in request.headers["Accept"] else '{"results":[{"statement_id":0}]}', {}
        return 404, "", as_json

    def sent(self, path: str) -> list[Request]:
        return [request for request in self.requests if request.path == path]


@pytest.fixture
def double() -> Iterator[Double]:
    made = Double()
    with serving(made.http):
        yield made


@pytest.fixture
def store(double: Double) -> Iterator[InfluxStore]:
    made = InfluxStore(double.address, STANDARD_SIGNALS, now=lambda: T0 + 1)
    yield made
    made.close()


def test_a_write_names_organisation_bucket_and_precision_and_shows_the_token(
    double: Double, store: InfluxStore
) -> None:
    store.write(BATCH)
    (request,) = double.sent("/api/v2/write")
    assert request.method == "POST"
    assert request.asked == {"org": "acme & co", "bucket": "fleet", "precision": "ms"}
    assert request.headers["Authorization"] == "Token s3cret"
    assert request.headers["Content-Type"] == "text/plain"
    assert "Content-Encoding" not in request.headers
    assert request.body.decode() == LINE


def test_a_compressed_write_says_so(double: Double) -> None:
    store = InfluxStore(double.address, STANDARD_SIGNALS, compress=True, now=lambda: T0 + 1)
    try:
        store.write(BATCH)
    finally:
        store.close()
    (request,) = double.sent("/api/v2/write")
    assert request.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(request.body).decode() == LINE


def test_a_question_names_the_bucket_as_a_database_and_asks_for_milliseconds(
    double: Double, store: InfluxStore
) -> None:
    store.newest(Kind.ROBOT)
    request = double.sent("/query")[0]
    assert request.method == "GET"
    assert {name: value for name, value in request.asked.items() if name != "q"} == {
        "db": "fleet",
        "epoch": "ms",
    }
    assert request.headers["Accept"] == "application/csv"
    assert request.headers["Authorization"] == "Token s3cret"


def test_kept_tiles_are_a_bucket_of_their_own_asked_for_as_database_and_policy(
    double: Double, store: InfluxStore
) -> None:
    store.keep_tiles(Kind.ROBOT, store.tiles(Kind.ROBOT, 0, 0), 3_600_000)
    assert double.sent("/api/v2/write")[-1].asked["bucket"] == "fleet/tiles"
    assert double.sent("/api/v2/write")[-1].body == b"kept_tiles,kind=robot until=3600000 3600000\n"
    assert any(request.asked.get("rp") == "tiles" for request in double.sent("/query"))
    assert {request.asked["db"] for request in double.sent("/query")} == {"fleet"}
    nested = InfluxAddress("h", 1, False, "", "o", "fleet/raw")
    assert tiles_address(nested).bucket == "fleet/raw_tiles"


PARTIAL = (
    '{"code":"unprocessable entity","message":"failure writing points to database: partial write: dropped=1"}'
)
ALL_REFUSED = '{"code":"invalid","message":"unable to parse \'robot,device=R1\': missing fields"}'


@pytest.mark.parametrize(
    ("status", "said", "kind", "shown"),
    [
        (422, PARTIAL, StoreRejected, "partial write: dropped=1"),
        (400, ALL_REFUSED, StoreRejected, "missing fields"),
        (401, '{"code":"unauthorized","message":"unauthorized access"}', StoreRefused, "is the token right"),
        (404, '{"code":"not found","message":"bucket \\"fleet\\" not found"}', StoreRefused, "store init"),
        (429, '{"code":"too many requests","message":"slow down"}', StoreUnavailable, "slow down"),
        (503, '{"code":"unavailable","message":"service unavailable"}', StoreUnavailable, "unavailable"),
    ],
)
def test_each_answer_to_a_write_is_taken_for_what_it_means(
    double: Double, store: InfluxStore, status: int, said: str, kind: type[Exception], shown: str
) -> None:
    double.answer = (status, said, {"Content-Type": "application/json"})
    with pytest.raises(kind, match=shown) as caught:
        store.write(BATCH)
    assert (type(caught.value) is StoreRefused) == (kind is StoreRefused)
    assert "s3cret" not in str(caught.value)
    double.answer = (204, "", {})
    assert store.write(BATCH) == Receipt(1, 0, 0), "what was refused counts as written once it is taken"


def test_a_server_that_asks_for_a_pause_gets_it(double: Double) -> None:
    now = [100.0]
    connection = InfluxConnection(double.address, compress=False, now_s=lambda: now[0])
    try:
        double.answer = (429, '{"message":"slow down"}', {"Retry-After": "7"})
        with pytest.raises(StoreUnavailable, match="slow down"):
            connection.write(LINE.encode())
        double.answer = (204, "", {})
        now[0] += 5
        with pytest.raises(StoreUnavailable, match="asked us to wait 2 s more"):
            connection.write(LINE.encode())
        assert len(double.sent("/api/v2/write")) == 1
        now[0] += 2
        connection.write(LINE.encode())
        assert len(double.sent("/api/v2/write")) == 2
    finally:
        connection.close()


def test_set_up_of_3_names_the_commands_that_make_both_databases(double: Double) -> None:
    double.version = "3.4.0"
    connection = InfluxConnection(double.address, compress=False)
    try:
        with pytest.raises(StoreRejected) as caught:
            set_up(connection, 730, None)
    finally:
        connection.close()
    assert "influxdb3 create database --retention-period 760d fleet`" in str(caught.value)
    assert "influxdb3 create database fleet/tiles`" in str(caught.value)


@pytest.mark.parametrize(("version", "statements"), [("v2.9.1", 1), ("1.8.10", 1), ("3.4.0", 31)])
def test_3_is_asked_one_statement_at_a_time(
    double: Double, store: InfluxStore, version: str, statements: int
) -> None:
    double.version = version
    if statements == 1:
        with pytest.raises(ValueError, match="shorter"):
            store.latest(Kind.ROBOT, "R1")  # the double answers as to one statement
    else:
        assert store.latest(Kind.ROBOT, "R1") == {}
    assert len(double.sent("/query")) == statements

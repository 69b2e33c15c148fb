"""Which answers of an InfluxDB a retry can mend: told by a server that gives each of them."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from helpers.batches import batch_of
from helpers.influx_probes import ProbeEcho
from helpers.running import serving

from fleet.errors import StoreRefused, StoreRejected, StoreUnavailable
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.series.influx.store import InfluxStore
from storage.series.store_url import InfluxAddress

BATCH = batch_of([{"device_id": "R1", "ts": 1_700_000_000_000, "battery_pct": 1.0}])


class Server:
    """Answers every write with `status`; queries find nothing, or fail with `query_error`."""

    def __init__(self) -> None:
        server = self
        self.status = 204
        self.query_error = ""
        self.probed = ProbeEcho()

        class Handler(BaseHTTPRequestHandler):
            def _answer(self, status: int, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def do_POST(self) -> None:
                server.probed.hear(self.rfile.read(int(self.headers["Content-Length"])))
                self._answer(server.status, b"" if server.status == 204 else b'{"message": "no, since"}')

            def do_GET(self) -> None:
                if "csv" in self.headers["Accept"]:
                    return self._answer(200, b"")
                if "sweepwatch_probe" in self.path:
                    return self._answer(200, server.probed.answer())
                error = f',"error":"{server.query_error}"' if server.query_error else ""
                return self._answer(200, f'{{"results":[{{"statement_id":0{error}}}]}}'.encode())

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.http = HTTPServer(("127.0.0.1", 0), Handler)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    with serving(made.http):
        yield made


@pytest.fixture
def store(server: Server) -> Iterator[InfluxStore]:
    made = InfluxStore(
        InfluxAddress("127.0.0.1", server.http.server_port, False, "secret", "o", "b"), STANDARD_SIGNALS
    )
    yield made
    made.close()


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_answer_that_blames_the_data_rejects_it(server: Server, store: InfluxStore, status: int) -> None:
    server.status = status
    with pytest.raises(StoreRejected, match=f"no, since.*{status}") as caught:
        store.write(BATCH)
    assert not isinstance(caught.value, StoreRefused)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_an_answer_that_blames_us_refuses_everything(server: Server, store: InfluxStore, status: int) -> None:
    server.status = status
    with pytest.raises(StoreRefused) as caught:
        store.write(BATCH)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_an_answer_that_may_change_asks_for_patience(server: Server, store: InfluxStore, status: int) -> None:
    server.status = status
    with pytest.raises(StoreUnavailable):
        store.write(BATCH)
    server.status = 204
    assert store.write(BATCH).written == 1


def test_an_error_inside_a_query_is_never_taken_for_an_empty_answer(
    server: Server, store: InfluxStore
) -> None:
    assert store.newest(Kind.ROBOT) == {}
    for said, kind in (
        ("database not found: b", StoreRefused),
        ("timeout", StoreUnavailable),
        ("unsupported mean iterator type", StoreRejected),
    ):
        server.query_error = said
        with pytest.raises(kind, match=said):
            store.risk_history("R1", 0, 1)


def test_a_server_that_is_away_asks_for_patience() -> None:
    away = InfluxStore(InfluxAddress("127.0.0.1", 1, False, "", "o", "b"), STANDARD_SIGNALS)
    try:
        for use in (lambda: away.write(BATCH), away.check, lambda: away.newest(Kind.ROBOT)):
            with pytest.raises(StoreUnavailable, match="cannot be reached"):
                use()
    finally:
        away.close()

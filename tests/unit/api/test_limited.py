"""Who asks too often is told when to come again, as a problem or a page; nobody else is."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from socket import create_connection
from urllib.request import urlopen

import pytest
from helpers.api import HTML, House, anonymous, client_of, open_house
from helpers.running import free_port
from prometheus_client import CollectorRegistry

from sweepwatch.run.health import serve_health
from sweepwatch.run.reach import rates_of
from sweepwatch.settings.server import ServerSettings

RATES = ServerSettings(requests_per_minute=20, sign_ins_per_minute=4, refusals_per_minute=3)


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    # On a slow machine the first requests would be made good again before the last are made.
    monkeypatch.setattr("sweepwatch.wiring_api.rates_of", lambda server: rates_of(server, lambda: 0.0))
    with open_house(tmp_path, server=RATES) as made:
        yield made


def test_an_address_that_asks_too_often_waits(house: House) -> None:
    client = client_of(house)
    assert {client.get("/healthz").status_code for _ in range(20)} == {200}
    answer = client.get("/api/v1/devices")
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 3
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["detail"].startswith("too many requests from your address; try again in ")


def test_signing_in_and_links_are_tried_less_often(house: House) -> None:
    client = anonymous(house)
    for path in ("/enter/a", "/enter/b"):
        assert client.get(path).status_code == 404
        assert client.post(path).status_code == 404
    answer = client.get("/enter/c", headers=HTML)
    assert (answer.status_code, "retry-after" in answer.headers) == (429, True)
    refused = client.post("/sign-in", data={"email": "a@b.c", "password": "x"}, headers=HTML)
    assert refused.status_code == 429


def test_tokens_that_are_none_are_refused_less_kindly_and_a_good_one_still_comes_in(house: House) -> None:
    wrong = anonymous(house, {"Authorization": "Bearer sw_x"})
    assert [wrong.get("/api/v1/devices").status_code for _ in range(4)] == [401, 401, 401, 429]
    assert client_of(house).get("/api/v1/devices").status_code == 200
    assert anonymous(house).get("/api/v1/devices").status_code == 401, "to show nothing is no try"


def test_the_figures_have_a_port_of_their_own_on_this_machine_alone() -> None:
    port = free_port()
    with ExitStack() as stack:
        serve_health(ServerSettings(), port, dict, CollectorRegistry(), stack)
        with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
            assert answer.status == 200
            assert "Python" not in answer.headers["Server"]
        with pytest.raises(OSError, match="refused"):  # 127.0.0.2 is this machine, and not the address
            create_connection(("127.0.0.2", port), timeout=5)
    with pytest.raises(OSError, match="refused"):
        create_connection(("127.0.0.1", port), timeout=5)

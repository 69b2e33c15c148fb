"""The URL of a store: what it says, and that a mistake is named without showing the token."""

from pathlib import Path

import pytest

from fleet.errors import ConfigError
from storage.series.store_url import DuckDbAddress, InfluxAddress, parse_store_url


def test_a_duckdb_url_is_a_path() -> None:
    assert parse_store_url("duckdb:///data/t.duckdb") == DuckDbAddress(Path("/data/t.duckdb"))


def test_an_influxdb_url_has_token_host_port_org_and_bucket() -> None:
    address = parse_store_url("influxdbs://to%2Fken==@db.example:443/my%20org/fleet")
    assert address == InfluxAddress("db.example", 443, True, "to/ken==", "my org", "fleet")
    assert isinstance(address, InfluxAddress)
    assert address.url == "https://db.example:443"
    assert "ken" not in str(address)


def test_port_and_token_may_be_left_out_and_1_8_takes_user_and_password() -> None:
    assert parse_store_url("influxdb://h/o/b") == InfluxAddress("h", 8086, False, "", "o", "b")
    found = parse_store_url("influxdb://me:secret@h/o/b")
    assert isinstance(found, InfluxAddress)
    assert found.token == "me:secret"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_loopback_is_known(host: str) -> None:
    found = parse_store_url(f"influxdb://{host}/o/b")
    assert isinstance(found, InfluxAddress)
    assert found.loopback


@pytest.mark.parametrize(
    "url",
    [
        "",
        "duckdb://",
        "duckdb:///",
        "sqlite:///x",
        "influxdb:",
        "influxdb://secret@h",
        "influxdb://secret@h/o",
        "influxdb://secret@h/o/b/c",
        "influxdb://secret@h/o/b?x=1",
        "influxdb://secret@h:port/o/b",
    ],
)
def test_anything_else_says_what_is_allowed_and_hides_the_token(url: str) -> None:
    with pytest.raises(ConfigError, match="store: ") as caught:
        parse_store_url(url)
    assert "secret" not in str(caught.value)

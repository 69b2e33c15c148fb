"""`sweepwatch` with an InfluxDB of its own process: set up, filled from a real broker, copied."""

import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import polars.testing
import pytest
from helpers.batches import batch_of
from helpers.influx import SERVERS, Influxd, running_server
from helpers.influx_real2 import Influxd2
from helpers.mosquitto import Mosquitto
from helpers.publishing import publish, wait_until
from helpers.running import Running, free_port, sweepwatch

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import StoreUnavailable
from fleet.readings import ReadingBatch
from fleet.signals import ROBOT_STATES, STANDARD_SIGNALS, Form, Kind
from storage.ports import Receipt, TelemetryStore
from storage.series.duckdb.store import DuckDbStore
from storage.series.influx.http import InfluxConnection
from storage.series.influx.store import InfluxStore

T0 = int(time.time() * 1000) // DAY_MS * DAY_MS - 2 * DAY_MS


@pytest.fixture(params=SERVERS)
def own_influxd(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Influxd | Influxd2]:
    folder = tmp_path / "own-influxd"
    folder.mkdir()
    with running_server(request.param, folder) as server:
        yield server


def messages(devices: int, begin: int, end: int) -> list[tuple[str, bytes]]:
    return [
        (
            f"sweepwatch/v1/s1/robot/R{device}/telemetry",
            json.dumps({"ts": T0 + number, "seq": number, "battery_pct": 50.0, "state": "idle"}).encode(),
        )
        for number in range(begin, end)
        for device in range(devices)
    ]


def counted(store: TelemetryStore) -> int:
    return int(store.days(Kind.ROBOT)["readings"].sum())


def test_nothing_is_lost_when_influxdb_stops_and_comes_back(
    mosquitto: Mosquitto, own_influxd: Influxd, tmp_path: Path
) -> None:
    """Readings published while InfluxDB is away are acknowledged late, stored once; the ledger adds up."""
    url = own_influxd.url("fleet")
    done = sweepwatch("store", "init", "--store", url)
    assert done.returncode == 0, done.stderr
    assert "made; readings are kept for 730 days" in done.stdout
    port = free_port()
    arguments = ("ingest", "--broker", mosquitto.url, "--store", url, "--data", str(tmp_path / "data"))
    with Running(*arguments, "--metrics-port", str(port), log=tmp_path / "log", port=port) as process:
        process.wait_for("metrics", lambda: "sweepwatch_ingest_connected 1.0" in process.get("/metrics"))
        store = InfluxStore(own_influxd.address("fleet"), STANDARD_SIGNALS)
        try:
            publish(mosquitto.port, messages(20, 0, 20))
            wait_until(lambda: counted(store) == 400, 30)
            own_influxd.stop()
            publish(mosquitto.port, messages(20, 20, 40) + messages(20, 0, 5))
            own_influxd.start()
            publish(mosquitto.port, messages(20, 40, 50))
            wait_until(lambda: counted(store) == 1000, 60)
            history = store.history(Kind.ROBOT, "R7", ["battery_pct"], T0, T0 + DAY_MS, 100)
            assert history["ts"].to_list() == [T0 + number for number in range(50)]
        finally:
            store.close()
        ledger = [f'sweepwatch_ingest_readings_total{{outcome="{name}"}}' for name in ("received", "written")]
        process.wait_for("ledger", lambda: f"{ledger[0]} 1100.0" in process.get("/metrics"), 30)
        assert f"{ledger[1]} 1000.0" in process.get("/metrics")
        assert process.stop() == 0
        assert "1100 readings: 1000 written, 100 duplicate, 0 quarantined" in process.output


def test_compressed_lines_arrive_as_they_are(influxd: Influxd, tmp_path: Path) -> None:
    store = InfluxStore(influxd.bucket_for(tmp_path), STANDARD_SIGNALS, compress=True)
    try:
        batch = batch_of([{"device_id": "R1", "ts": T0 + n, "battery_pct": n / 7} for n in range(6_000)])
        assert store.write(batch).written == 6_000
        assert store.readings(Kind.ROBOT, ["R1"], T0, T0 + DAY_MS).frame.equals(batch.frame)
    finally:
        store.close()


def test_a_late_reading_of_an_attempt_that_failed_after_arriving_is_no_duplicate(
    influxd: Influxd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = InfluxStore(influxd.bucket_for(tmp_path), STANDARD_SIGNALS)
    send = InfluxConnection.write

    def arrive_and_fail(connection: InfluxConnection, lines: bytes) -> None:
        send(connection, lines)
        raise StoreUnavailable("no answer in time")

    try:
        store.write(batch_of([{"device_id": "R1", "ts": T0 + 10, "battery_pct": 1.0}]))
        late = batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 2.0}])
        with monkeypatch.context() as patched:
            patched.setattr(InfluxConnection, "write", arrive_and_fail)
            with pytest.raises(StoreUnavailable):
                store.write(late)
        assert store.write(late) == Receipt(1, 0, 1)
        assert store.write(late) == Receipt(0, 1, 0)
    finally:
        store.close()


@pytest.mark.parametrize("kind", list(Kind))
def test_tiles_are_the_same_whoever_sums_them_up(influxd: Influxd, tmp_path: Path, kind: Kind) -> None:
    """In large pieces or in small ones, made of readings or kept; DuckDB gives the same."""
    rng, count = np.random.default_rng(5), 300
    columns: dict[str, object] = {
        "device_id": [f"D{number % 3}" for number in range(count)],
        "site": ["s1" if number < 120 else "s2" for number in range(count)],
        "ts": T0 + np.sort(rng.choice(5 * HOUR_MS, count, replace=False)),
        "received": np.full(count, T0) + np.arange(count),
    }
    for signal in STANDARD_SIGNALS.for_kind(kind):
        absent = rng.random(count) < 0.3
        if signal.form is Form.BOOLEAN:
            values: list[object] = (rng.random(count) < 0.5).tolist()
        elif signal.form is Form.STATE:
            values = rng.choice(ROBOT_STATES, count).tolist()
        elif signal.form is Form.TEXT:
            values = ["E1"] * count
        else:
            values = rng.uniform(signal.low, min(signal.high, 1e6), count).tolist()
        columns[signal.name] = [None if gone else value for gone, value in zip(absent, values, strict=True)]
    batch = ReadingBatch.from_columns(STANDARD_SIGNALS, kind, columns, count)
    with closing(DuckDbStore.open(tmp_path / "t.duckdb", STANDARD_SIGNALS)) as duck:
        duck.write(batch)
        expected = duck.tiles(kind, T0, T0 + 6 * HOUR_MS)
    for most in (100, 7):
        with closing(InfluxStore(influxd.bucket_for(tmp_path / str(most)), STANDARD_SIGNALS)) as influx:
            influx._hourly._rows._most = most
            influx.write(batch)
            for _ in ("made", "kept"):
                found = influx.tiles(kind, T0, T0 + 6 * HOUR_MS)
                polars.testing.assert_frame_equal(found, expected, rel_tol=1e-9)


def test_init_may_be_repeated_and_names_a_server_that_is_away(influxd: Influxd) -> None:
    for expected in ("made", "there"):
        done = sweepwatch("store", "init", "--store", influxd.url("again"))
        assert done.returncode == 0
        assert expected in done.stdout
    away = sweepwatch("store", "init", "--store", "influxdb://secret@127.0.0.1:1/o/b")
    assert away.returncode == 1
    assert "influxdb://127.0.0.1:1/o/b cannot be reached" in away.stderr
    assert len(away.stderr.splitlines()) == 1
    assert "secret" not in away.stderr


def test_copy_moves_everything_is_resumed_and_tells_a_difference(influxd: Influxd, tmp_path: Path) -> None:
    file = tmp_path / "t.duckdb"
    address = influxd.bucket_for(tmp_path)
    rows = [
        {"device_id": f"R{device}", "ts": T0 + day * DAY_MS + n, "battery_pct": n / 3, "error_code": "E1"}
        for device in range(3)
        for day in range(2)
        for n in range(50)
    ]
    with_file = DuckDbStore.open(file, STANDARD_SIGNALS)
    with_file.write(batch_of(rows))
    with_file.close()
    first = sweepwatch("store", "copy", "--from", f"duckdb://{file}", "--to", influxd.url(address.bucket))
    assert first.returncode == 0, first.stderr
    assert "300 rows copied; 6 device days copied" in first.stdout

    store = InfluxStore(address, STANDARD_SIGNALS)
    try:
        assert counted(store) == 300
        store.write(batch_of([{"device_id": "R1", "ts": T0 + 10_000, "battery_pct": 1.0}]))
    finally:
        store.close()
    again = sweepwatch("store", "copy", "--from", f"duckdb://{file}", "--to", influxd.url(address.bucket))
    assert again.returncode == 1
    assert "50 rows copied; 1 device days copied" in again.stdout
    assert "R1: robot readings of" in again.stdout
    assert "50 rows there, 51 here" in again.stdout
    assert "1 device days differ" in again.stderr

    back = sweepwatch(
        "store", "copy", "--from", influxd.url(address.bucket), "--to", f"duckdb://{tmp_path / 'u.duckdb'}"
    )
    assert back.returncode == 0, back.stderr
    assert "301 rows copied" in back.stdout

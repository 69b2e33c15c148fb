"""The parts that benchmarks are made of measure what they say."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.batches import batch_of

from benchmarks.endurance import Sample, levels
from benchmarks.growth import exponent
from benchmarks.harness.packet_table import STANDARD, PacketTable
from benchmarks.harness.results_table import BEGIN, END, rows_of, update_page
from benchmarks.harness.small_disk import FileLimit
from benchmarks.harness.steady_load import Readings, device_name
from benchmarks.harness.stored import Stored, compare
from benchmarks.harness.strict_broker import StrictBroker
from benchmarks.latency import figures
from fleet.signals import STANDARD_SIGNALS
from ingest.link.frames import FrameCutter
from storage.series.duckdb.store import DuckDbStore


def test_a_turn_is_one_valid_reading_from_each_device_with_its_own_time_number_and_packet_id() -> None:
    table = PacketTable(700, 1)
    frames = FrameCutter(v5=False).feed(table.turn(100).tobytes()).frames
    assert frames is not None
    readings = [json.loads(payload) for payload in frames.payloads]
    assert len(set(frames.topics)) == 700
    assert {(reading["ts"], reading["seq"]) for reading in readings} == {(table.start_ms + 100, 100)}
    assert set(readings[0]) == {"ts", "seq", "state", *STANDARD}
    assert frames.mids.tolist() == [number % 65_535 + 1 for number in range(70_000, 70_700)]


def test_the_strict_broker_never_has_more_in_flight_than_its_window() -> None:
    table = PacketTable(50, 1)
    broker = StrictBroker([row.tobytes() for row in table.turn(0)], 7)
    cutter = FrameCutter(v5=False)
    got: list[int] = []
    acknowledged = 0
    try:
        with socket.create_connection(("127.0.0.1", broker.port), timeout=10) as client:
            client.sendall(b"\x10\x0f\x00\x04MQTT\x04\x00\x00\x00\x00\x03abc\x82\x06\x00\x01\x00\x01#\x01")
            while len(got) < 50:
                frames = cutter.feed(client.recv(65_536)).frames
                got += [] if frames is None else frames.mids.tolist()
                assert len(got) - acknowledged <= 7
                # Some now, some later: the window is never quite empty.
                now = got[acknowledged : acknowledged + 3]
                acknowledged += len(now)
                client.sendall(b"".join(b"\x40\x02" + mid.to_bytes(2, "big") for mid in now))
    finally:
        broker.close()
    assert got == list(range(1, 51))


def test_what_is_missing_twice_or_not_its_own_is_seen(tmp_path: Path) -> None:
    readings = Readings(2)
    rows = []
    for topic, payload in readings.take(8):
        body = json.loads(payload)
        rows.append({"device_id": topic.split("/")[4], **body})
    assert {row["device_id"] for row in rows} == {device_name(0), device_name(1)}
    rows[5]["x_m"] = rows[4]["x_m"]  # a value of another device
    store = DuckDbStore.open(tmp_path / "readings.duckdb", STANDARD_SIGNALS)
    try:
        store.write(batch_of(rows[:-1]))
        assert compare(store, readings) == Stored(rows=7, lost=1, duplicated=0, wrong=1)
    finally:
        store.close()


def test_the_level_of_a_tenth_is_the_median_of_its_samples() -> None:
    samples = [Sample(float(n), n * 10, 100.0 + n) for n in range(101)]
    found = levels(samples, 1000)
    assert found[0] == 105.5
    assert found[-1] == 195.5


@pytest.mark.parametrize("power", [0.5, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    assert exponent([(size, 3 * size**power) for size in (10.0, 100.0, 1000.0)]) == pytest.approx(power)


def test_latencies_leave_out_the_first_seconds_and_count_what_never_came() -> None:
    published = np.arange(10_000, dtype=np.int64) * 1_000_000 + 5
    durable = published + 20_000_000
    acknowledged = durable + 1_000_000
    durable[:100] += 10_000_000_000  # cold: left out
    acknowledged[:100] += 10_000_000_000
    acknowledged[9_999] = 0
    acknowledged[9_998] = durable[9_998] - 1
    found = figures(1000, published, durable, acknowledged)
    assert found["publish_to_durable_ms"]["p99_9"] == 20.0
    assert found["publish_to_acknowledged_ms"]["p50"] == 21.0
    assert (found["lost"], found["acknowledged_before_durable"]) == (1, 1)


def test_the_table_shows_the_worst_rubbish_that_is_held_to_a_bound_and_strangers_beside_it() -> None:
    kinds = [{"rubbish": "huge", "slowdown": 1.1}, {"rubbish": "strangers", "slowdown": 2.7}]
    found = {"worst": "huge", "slowdown": 1.1, "must": {"slowdown": 1.2}, "kinds": kinds}
    held, strangers = rows_of("rubbish", found)
    assert "huge" in held[0]
    assert (held[1:], strangers[1:]) == (("1.1 x", "<= 1.2 x"), ("2.7 x", ""))


def test_the_table_stands_between_its_marks_and_is_made_from_the_results(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"above\n{BEGIN}\nold\n{END}\nbelow\n", encoding="utf-8")
    result = {"rules": 50, "must_us": 2.0, "calm": {"cpu_us_per_reading": 1.5}, "load_average": 3.25}
    (tmp_path / "alerts.json").write_text(json.dumps(result | {"ordinary": result["calm"]}), encoding="utf-8")
    (tmp_path / "unknown.json").write_text("{}", encoding="utf-8")
    update_page(page, tmp_path)
    text = page.read_text(encoding="utf-8")
    assert text.startswith("above\n")
    assert text.endswith(f"{END}\nbelow\n")
    assert "| 50 rules over a reading, calm fleet | 1.5 µs | <= 2.0 µs | 3.2 |" in text
    assert "old" not in text


def test_a_process_under_a_file_limit_meets_a_full_disk_and_goes_on_after_it(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib\n"
        "file = pathlib.Path(sys.argv[1], 'data')\n"
        "file.write_bytes(b'x' * 100_000)\n"
        "for _ in sys.stdin:\n"
        "    try:\n"
        "        with file.open('ab', buffering=0) as data: data.write(b'x' * 10)\n"
        "        print('written', flush=True)\n"
        "    except OSError: print('full', flush=True)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None

        def asked() -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        limit = FileLimit(tmp_path)
        assert asked() == "written"
        limit.fill(process.pid)
        assert asked() == "full"
        limit.free(process.pid)
        assert asked() == "written"
        process.stdin.close()

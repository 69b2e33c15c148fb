"""Several ingesters share the load of one mosquitto through $share."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from helpers.mosquitto import running_mosquitto
from helpers.publishing import publish, wait_until

from fleet.broker_url import parse_broker_url
from fleet.clock import SystemClock
from fleet.signals import STANDARD_SIGNALS, Kind
from ingest.service import IngestService
from ingest.settings import IngestSettings
from storage.records.database import DeskDatabase, open_desk
from storage.records.gaps import Gaps
from storage.series.duckdb.store import DuckDbStore

DEVICES, READINGS = 20, 50
BASE = SystemClock().now_ms() - 3_600_000


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[DuckDbStore, DeskDatabase]]:
    store = DuckDbStore.open(tmp_path / "readings.duckdb", STANDARD_SIGNALS)
    desk = open_desk(f"sqlite:///{tmp_path / 'desk.sqlite'}")
    yield store, desk
    store.close()
    desk.close()


def messages() -> list[tuple[str, bytes]]:
    return [
        (
            f"sweepwatch/v1/s1/robot/R{device}/telemetry",
            b'{"ts": %d, "seq": %d, "battery_pct": %d}' % (BASE + 1000 * number, number, number),
        )
        for number in range(READINGS)
        for device in range(DEVICES)
    ]


def test_each_reading_goes_to_one_of_the_group_and_none_claims_gaps_for_what_the_other_got(
    tmp_path: Path, stores: tuple[DuckDbStore, DeskDatabase]
) -> None:
    store, desk = stores
    folder = tmp_path / "broker"
    folder.mkdir()
    with running_mosquitto(folder) as broker, ExitStack() as stack:
        group = []
        for name in ("one", "two"):
            settings = IngestSettings(parse_broker_url(broker.url), client_id=name, share="crew")
            service = IngestService(settings, store, desk, STANDARD_SIGNALS, SystemClock())
            service.start()
            stack.callback(service.stop)
            group.append(service)
        wait_until(lambda: all(service.connected for service in group), 60)
        publish(broker.port, messages())
        wait_until(lambda: sum(each.ledger.snapshot().received for each in group) >= DEVICES * READINGS, 60)
    counts = [service.ledger.snapshot() for service in group]
    assert [each.received == each.written + each.duplicate + each.quarantined for each in counts] == [
        True
    ] * 2
    assert sum(each.received for each in counts) == DEVICES * READINGS
    assert min(each.received for each in counts) > 0, "both took part"
    for device in range(DEVICES):
        found = store.history(Kind.ROBOT, f"R{device}", ["battery_pct"], 0, 2**53, 10**6)
        assert found["battery_pct"].to_list() == list(range(READINGS))
    assert not Gaps(desk).find(None, 10).items

"""What went wrong on a real InfluxDB 2.9.1, each told by its double."""

from collections.abc import Iterator
from contextlib import closing

import polars as pl
import pytest
from helpers.batches import batch_of
from helpers.influx import Influxd
from helpers.influx2 import ALL, OPERATOR, READ, Influx2

from fleet.clock import DAY_MS, HOUR_MS
from fleet.errors import StoreRefused
from fleet.risks import risk_frame
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.ports import Receipt, Retention, RowsRejected
from storage.series.influx.http import InfluxConnection
from storage.series.influx.probe import now_ms
from storage.series.influx.setup import set_up
from storage.series.influx.store import InfluxStore
from storage.series.store_url import InfluxAddress

NOW = now_ms()
T0 = (NOW - 10 * DAY_MS) // HOUR_MS * HOUR_MS


def init(address: InfluxAddress, days: int | None = 730, tile_days: int | None = None) -> str:
    with closing(InfluxConnection(address, compress=False)) as connection:
        return set_up(connection, days, tile_days)


def opened(address: InfluxAddress) -> InfluxStore:
    return InfluxStore(address, STANDARD_SIGNALS)


@pytest.fixture
def store(influx2: Influx2) -> Iterator[InfluxStore]:
    init(influx2.address())
    with closing(opened(influx2.address())) as made:
        yield made


def test_init_makes_buckets_that_are_absent_and_says_when_they_are_there(influx2: Influx2) -> None:
    assert "fleet and fleet/tiles made" in init(influx2.address())
    assert "there already" in init(influx2.address())
    assert influx2.state.buckets["org1", "fleet"].described_s == 760 * 86_400


def test_a_retention_may_be_lowered_and_raised_and_lifted(influx2: Influx2) -> None:
    for days, seconds in ((730, 760 * 86_400), (1, 31 * 86_400), (None, 0), (10, 40 * 86_400)):
        init(influx2.address(), days, days)
        bucket = influx2.state.buckets["org1", "fleet"]
        assert (bucket.described_s, bucket.retention_s) == (seconds, seconds)
    assert influx2.state.buckets["org1", "fleet/tiles"].retention_s == 10 * 86_400


def test_everything_expires(store: InfluxStore, influx2: Influx2) -> None:
    """On 2.x a deletion that succeeds answers `{}`."""
    for kind in Kind:
        rows = [{"device_id": "D1", "ts": T0 + day * DAY_MS} for day in range(10)]
        store.write(batch_of(rows, kind))
    risk = {"device_id": "D1", "ts": T0, "fault": "brush_wear", "risk": 0.5, "model": "m"}
    store.write_risks(risk_frame(pl.DataFrame([risk])))
    retention = Retention(readings_ms=5 * DAY_MS, risks_ms=DAY_MS, tiles_ms=8 * DAY_MS)
    assert store.expire(retention, NOW) == 3 * 5
    for kind in Kind:
        assert store.days(kind)["readings"].sum() == 5
        tiles = store.tiles(kind, T0, T0 + 11 * DAY_MS)
        assert tiles["hour"].min() == T0 + 3 * DAY_MS, "kept tiles go from the bucket in which they are"
        assert tiles["readings"].sum() == 7
    assert store.latest_risks("D1").is_empty()


def test_another_organisations_name_is_refused_and_nothing_stays_there(influx2: Influx2) -> None:
    """An operator's token writes to the organisation that is named, and reads from its own."""
    influx2.state.orgs.append("org2")
    init(influx2.address())
    wrong = influx2.address(org="org2", token=OPERATOR)
    with pytest.raises(StoreRefused, match="another organisation"):
        init(wrong)
    assert ("org2", "fleet") not in influx2.state.buckets
    influx2.make("org2", "fleet")
    influx2.make("org2", "fleet/tiles")
    with closing(opened(wrong)) as store:
        with pytest.raises(StoreRefused, match="another organisation"):
            store.check()
        with pytest.raises(StoreRefused, match="another organisation"):
            store.write(batch_of([{"device_id": "R1", "ts": T0}]))
    assert influx2.points("org2", "fleet") == 0


@pytest.mark.parametrize("token", [ALL, OPERATOR])
def test_an_organisation_that_is_not_there_is_named(influx2: Influx2, token: str) -> None:
    with pytest.raises(StoreRefused, match="no organisation nobody; name the one in"):
        init(influx2.address(org="nobody", token=token))
    assert influx2.state.orgs == ["org1"]


def test_a_check_tells_of_either_bucket_that_is_gone(store: InfluxStore, influx2: Influx2) -> None:
    store.check()
    influx2.remove("org1", "fleet/tiles")
    with pytest.raises(StoreRefused, match=r"fleet/tiles.*store init"):
        store.check()
    influx2.remove("org1", "fleet")
    with pytest.raises(StoreRefused, match=r"fleet.*store init"):
        store.check()


def test_reading_from_a_bucket_that_is_gone_gives_the_way_out(store: InfluxStore, influx2: Influx2) -> None:
    influx2.remove("org1", "fleet")
    for read in (
        lambda: store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS),
        lambda: store.latest(Kind.ROBOT, "R1"),
        lambda: store.history(Kind.ROBOT, "R1", ["battery_pct"], T0, NOW, 10),
    ):
        with pytest.raises(StoreRefused, match="store init"):
            read()


def test_a_token_that_may_only_read_is_enough_to_read(store: InfluxStore, influx2: Influx2) -> None:
    store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 1.0}]))
    with closing(opened(influx2.address(token=READ))) as reader:
        reader.check()
        assert reader.tiles(Kind.ROBOT, T0, T0 + HOUR_MS)["readings"].to_list() == [1]
        with pytest.raises(StoreRefused, match="may not write"):
            reader.write(batch_of([{"device_id": "R1", "ts": T0 + 1}]))


def test_lines_that_are_in_conflict_cost_a_few_requests_and_no_other_reading(
    store: InfluxStore, influx2: Influx2
) -> None:
    stray = f'robot,device=X battery_pct="high",fan_rpm="fast" {T0}\n'
    influx2.write("org1", "fleet", stray)
    rows = [
        {"device_id": f"R{n % 50}", "ts": T0 + n, ("suction_pa", "battery_pct", "fan_rpm")[n % 3]: 50.0}
        for n in range(3_000)
    ]
    store.check()
    influx2.requests.clear()
    with pytest.raises(RowsRejected) as caught:
        store.write(batch_of(rows))
    assert len(influx2.requests) <= 12
    assert caught.value.receipt == Receipt(1_000, 0, 0)
    assert {ts % 3 for ts in (caught.value.stored.frame["ts"] - T0).to_list()} == {0}
    reasons = {name: len(rows) for rows, why in caught.value.rejected for name in _named(str(why))}
    assert reasons == {"battery_pct": 1_000, "fan_rpm": 1_000}
    assert store.days(Kind.ROBOT)["readings"].sum() == 1_000
    good = [row for row in rows if "suction_pa" in row]
    assert store.write(batch_of(good)) == Receipt(0, 1_000, 0), "what was kept is known to be there"


def _named(text: str) -> list[str]:
    return [name for name in ("battery_pct", "fan_rpm") if f'"{name}"' in text]


def test_a_value_that_another_client_wrote_as_text_is_passed_over_and_told(
    influx2: Influx2, store: InfluxStore, caplog: pytest.LogCaptureFixture
) -> None:
    """In a shard of its own a field may have another type."""
    old = T0 - 21 * DAY_MS
    influx2.write("org1", "fleet", f'robot,device=R1,site=s1 received={old},battery_pct="eighty" {old}\n')
    store.write(batch_of([{"device_id": "R1", "ts": old + 1, "fan_rpm": 9.0}]))
    store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 80.0}]))
    tiles = store.tiles(Kind.ROBOT, old // HOUR_MS * HOUR_MS, T0 + HOUR_MS)
    assert tiles["battery_pct.n"].to_list() == [0, 1]
    assert tiles["fan_rpm.mean"].to_list() == [9.0, None]
    history = store.history(Kind.ROBOT, "R1", ["battery_pct"], old, old + 10, 10)
    assert history["battery_pct"].to_list() == [None, None]
    intervals = store.intervals(Kind.ROBOT, "R1", ["battery_pct", "fan_rpm"], old, NOW, DAY_MS, 100)
    assert intervals["battery_pct.mean"].to_list() == [None, 80.0]
    assert store.latest(Kind.ROBOT, "R1")["battery_pct"].value == 80.0
    assert store.readings(Kind.ROBOT, ["R1"], old, NOW).frame["battery_pct"].to_list() == [None, None, 80.0]
    assert "1 values of battery_pct of robot were written as string by another client" in caplog.text


def test_init_on_a_server_without_our_address_for_writes_says_so(influxd_1: Influxd) -> None:
    address = InfluxAddress("127.0.0.1", influxd_1.port, False, "", "org", "nowrites")
    with pytest.raises(StoreRefused, match=r"1\.6\.7.* has no /api/v2/write") as caught:
        init(address)
    assert "store init" not in str(caught.value)
    with (
        closing(opened(address)) as store,
        pytest.raises(StoreRefused, match="has no /api/v2/write") as caught,
    ):
        store.write(batch_of([{"device_id": "R1", "ts": T0}]))
    assert "store init" not in str(caught.value)


def test_tiles_of_complete_hours_are_kept_when_they_are_first_read(
    store: InfluxStore, influx2: Influx2
) -> None:
    rows = [{"device_id": f"R{n % 3}", "ts": T0 + n * 60_000, "battery_pct": float(n)} for n in range(240)]
    store.write(batch_of(rows))
    first = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS)
    influx2.requests.clear()
    again = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS)
    assert again.equals(first)
    asked = [request.asked.get("q", "") for request in influx2.requests]
    assert not any('"battery_pct"::float' in question for question in asked), "no reading is read again"
    some = store.tiles(Kind.ROBOT, T0, T0 + 4 * HOUR_MS, ["R1"], ["battery_pct.mean"])
    assert some.equals(first.filter(pl.col("device_id") == "R1").select(some.columns))


def test_a_late_reading_renews_the_kept_tile_of_its_hour(influx2: Influx2, store: InfluxStore) -> None:
    """Whoever stores it: the mark is on the server."""
    store.write(batch_of([{"device_id": "R1", "ts": T0 + 5, "battery_pct": 4.0, "state": "idle"}]))
    assert store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS)["battery_pct.mean"].to_list() == [4.0]
    with closing(opened(influx2.address())) as other:
        other.write(batch_of([{"device_id": "R1", "ts": T0 + 5, "state": "cleaning"}]))
        other.write(batch_of([{"device_id": "R2", "ts": T0 + 6, "battery_pct": 8.0}]))
        other.write(batch_of([{"device_id": "R1", "ts": T0 + 1, "battery_pct": 6.0}]))
    tiles = store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS)
    assert tiles["battery_pct.mean"].to_list() == [5.0, 8.0]
    assert tiles["battery_pct.first"].to_list() == [6.0, 8.0]
    assert tiles["state.idle.n"].to_list() == [0, 0], "a count that falls to 0 is 0"
    assert store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS).equals(tiles)


def test_tiles_of_hours_that_still_run_are_not_kept(influx2: Influx2, store: InfluxStore) -> None:
    hour = NOW // HOUR_MS * HOUR_MS
    store.write(batch_of([{"device_id": "R1", "ts": hour, "battery_pct": 4.0}]))
    store.tiles(Kind.ROBOT, hour, hour + HOUR_MS)
    assert influx2.points("org1", "fleet/tiles") == 0


def test_clearing_leaves_nothing(influx2: Influx2, store: InfluxStore) -> None:
    store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 4.0}]))
    store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS)
    store.clear()
    assert store.newest(Kind.ROBOT) == {}
    assert store.tiles(Kind.ROBOT, T0, T0 + HOUR_MS).is_empty()
    assert store.write(batch_of([{"device_id": "R1", "ts": T0, "battery_pct": 4.0}])) == Receipt(1, 0, 0)

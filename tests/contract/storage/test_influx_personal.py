"""What an earlier version stored among other fields is brought over to where personal values stand apart."""

from contextlib import closing
from pathlib import Path

import pytest
from helpers.influx import Influxd

from fleet.clock import DAY_MS, HOUR_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from storage.ports import LatestValue
from storage.series.influx.http import InfluxConnection
from storage.series.influx.kept import tiles_address
from storage.series.influx.store import InfluxStore

T0 = 1_700_000_000_000 // HOUR_MS * HOUR_MS
RATES = [91.125, 92.125]


def lines(ts: int, rate: float) -> bytes:
    tags = "wristband,device=W1,site=s1"
    return f"{tags} received={ts}.0,battery_pct=64.0,heart_rate_bpm={rate},lat=0.0 {ts}\n".encode()


@pytest.mark.parametrize("broken_off", [False, True])
def test_what_stood_among_other_fields_is_brought_over(
    influxd_1: Influxd, tmp_path: Path, broken_off: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = influxd_1.bucket_for(tmp_path)
    with (
        closing(InfluxConnection(address, compress=False)) as raw,
        closing(InfluxConnection(tiles_address(address), compress=False)) as tiles,
        closing(InfluxStore(address, STANDARD_SIGNALS)) as store,
    ):
        for day, rate in enumerate(RATES):
            raw.write(lines(T0 + day * DAY_MS, rate))
        tiles.write(
            f'wristband_tile,device=W1 site="s1",readings=9.0,battery_pct.mean=64.0,heart_rate_bpm.n=9.0,'
            f"heart_rate_bpm.mean={RATES[0]} {T0 - DAY_MS}\n"
            f"kept_tiles,kind=wristband until={T0} {T0}\n".encode()
        )
        if broken_off:
            noted = type(store._bringing_over)._noted
            monkeypatch.setattr(type(store._bringing_over), "_noted", lambda *_: False)
            store.forget_personal(0, 1)
            store._bringing_over._done.clear()
            monkeypatch.setattr(type(store._bringing_over), "_noted", noted)
            tiles.delete("personal_apart", f"time < {T0}ms")
        store.forget_personal(0, 1)
        shown = store.history(Kind.WRISTBAND, "W1", ["battery_pct", "heart_rate_bpm", "lat"], 0, 2**45, 9)
        assert shown.rows() == [(T0, 64.0, RATES[0], 0.0), (T0 + DAY_MS, 64.0, RATES[1], 0.0)]
        (tile,) = store.tiles(Kind.WRISTBAND, T0 - DAY_MS, T0).to_dicts()
        assert (tile["readings"], tile["battery_pct.mean"], tile["heart_rate_bpm.mean"]) == (
            9,
            64.0,
            RATES[0],
        )
        for connection, measurement in ((raw, "wristband"), (tiles, "wristband_tile")):
            left = connection.csv(f"SELECT * FROM {measurement}")
            assert left.count(b"-1000000000") > 0
            assert not any(str(rate).encode() in left for rate in RATES)
        assert store.forget_personal(0, T0 + 1) == 1
        assert "heart_rate_bpm" in store.latest(Kind.WRISTBAND, "W1")
        assert store.forget_personal(0, 2**45) == 1
        assert store.latest(Kind.WRISTBAND, "W1") == {"battery_pct": LatestValue(64.0, T0 + DAY_MS)}
        (tile,) = store.tiles(Kind.WRISTBAND, T0 - DAY_MS, T0).to_dicts()
        assert (tile["heart_rate_bpm.n"], tile["heart_rate_bpm.mean"]) == (0, None)

"""Rules that ship raise nothing over a fleet in which nothing fails, whatever it sends while it stands."""

from collections.abc import Iterator
from contextlib import closing

import polars as pl
import pytest

from alerts.backtest.backtest import Asked, Backtest, run_backtest
from alerts.backtest.replay import Replayed
from alerts.judging.rule_file import load_rules
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.codes import load_codes
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from storage.records.database import open_desk
from storage.records.devices import Devices, Placement
from storage.series.duckdb.store import DuckDbStore

END = 1_795_000_020_000
DAYS = 2
MEASURED = (
    "brush_rpm", "fan_rpm", "drive_rpm", "localization_pct", "wheel_slip_pct", "suction_pa",
    "brush_current_a", "drive_current_a",
)  # fmt: skip
OWN_WORD = {"stands_in_error", "reports_code", "dustbin_full", "filter_clogged", "tool_consumable_spent"}
"""What a healthy device tells too: somebody has to empty, clean or lift it."""


def with_zeros(batch: ReadingBatch) -> ReadingBatch:
    """Return readings as of a maker who sends zeros where ours sends nothing."""
    frame = batch.frame
    names = (
        MEASURED if batch.kind is Kind.ROBOT else ("heart_rate_bpm",) if batch.kind is Kind.WRISTBAND else ()
    )
    filled = [pl.col(name).fill_null(0).cast(frame.schema[name]) for name in names]
    return ReadingBatch(batch.kind, frame.with_columns(filled))


@pytest.fixture(scope="module", params=["nothing", "zeros"])
def raised(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backtest]:
    """Yield what the rules that ship raise over two days of a fleet in which nothing fails by itself."""
    folder = tmp_path_factory.mktemp("healthy")
    simulator = FleetSimulator(FleetConfig(30, 5, END - DAYS * DAY_MS, hazard=0, world="a"), STANDARD_SIGNALS)
    with (
        closing(DuckDbStore.open(folder / "t.duckdb", STANDARD_SIGNALS)) as store,
        closing(open_desk(f"sqlite:///{folder}/desk.sqlite")) as desk,
    ):
        simulator.begin_at(END - DAYS * DAY_MS)
        places = {card.id: Placement(card.site, Kind(card.kind)) for card in simulator.cards}
        Devices(desk).register(places, END - DAYS * DAY_MS)
        for _ in range(DAYS * 24 // 6):
            for kind, columns in simulator.run(6 * HOUR_MS // MINUTE_MS, MINUTE_MS).items():
                batch = simulator.batch(kind, columns, MINUTE_MS)
                store.write(with_zeros(batch) if request.param == "zeros" else batch)
        past = Replayed(store, desk, STANDARD_SIGNALS, load_codes())
        yield run_backtest(past, (), load_rules(), Asked(DAYS))


def test_nothing_is_raised_but_what_devices_say_of_themselves(raised: Backtest) -> None:
    found = {
        each.rule: each.after.alerts for each in raised.rules if each.after is not None and each.after.alerts
    }
    assert raised.devices == 30
    assert len(raised.rules) == len(load_rules())
    assert found.keys() <= OWN_WORD

"""One battery over models trained on a simulated past, and their risks judged by the simulator's truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score
from threadpoolctl import threadpool_limits

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, ManualClock
from fleet.errors import NotEnoughHistory
from fleet.faults import FAULTS
from fleet.readings import ReadingBatch
from fleet.risks import UNSURE, Risk
from fleet.signals import STANDARD_SIGNALS, Kind
from models.features.history import gather
from models.learning.pipeline import TrainingReport, examples_of, train_models
from models.learning.settings import TrainingSettings
from models.learning.training import Trained, train_fault
from models.registry.registry import LoadedModel, ModelRegistry
from models.registry.review import look_at_inputs
from models.scoring.explanation import sentence
from models.scoring.scorer import Scorer
from simulators.fleet_simulator import FleetConfig, FleetSimulator
from simulators.history import write_history
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device
from storage.records.model_cards import CHAMPION, UNPROVEN
from storage.series.duckdb.store import DuckDbStore

END = 1_795_200_000_000
DAYS = 50
STEP = 30 * MINUTE_MS


@dataclass
class Fleet:
    """A fleet with a past of which the models have learned."""

    simulator: FleetSimulator
    store: DuckDbStore
    desk: DeskDatabase
    folder: Path
    report: TrainingReport

    def registry(self) -> ModelRegistry:
        return ModelRegistry(self.desk, self.folder / "models")

    def live(self, hours: int) -> None:
        """Let the fleet live on, unrepaired by anyone who knows the truth."""
        for kind, columns in self.simulator.run(hours * HOUR_MS // STEP, STEP).items():
            self.store.write(self.simulator.batch(kind, columns, STEP))

    def really_failing(self, risks: list[Risk]) -> np.ndarray:
        truth = self.simulator.truth
        return np.array([truth.is_failing(risk.device_id, risk.fault, risk.ts) for risk in risks])


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("trained")
    simulator = FleetSimulator(FleetConfig(40, 21, END - DAYS * DAY_MS), STANDARD_SIGNALS)
    store = DuckDbStore.open(folder / "telemetry.duckdb", STANDARD_SIGNALS)
    desk = open_desk(f"sqlite:///{folder}/desk.sqlite")
    write_history(simulator, store, desk, DAYS, end_ms=END, step_ms=STEP)
    report = train_models(store, desk, ModelRegistry(desk, folder / "models"), 5, ManualClock(END))
    yield Fleet(simulator, store, desk, folder, report)
    store.close()
    desk.close()


@pytest.fixture(scope="module")
def models(fleet: Fleet) -> dict[str, LoadedModel]:
    return fleet.registry().load()


def test_every_fault_has_a_model_or_a_reason(fleet: Fleet, models: dict[str, LoadedModel]) -> None:
    for each in fleet.report.faults:
        assert (each.fault in models) == (each.state == CHAMPION)
        assert each.fault in each.message
        if each.model is None:
            assert "needed" in each.message
        elif each.state == UNPROVEN:
            assert "not proved to be better than chance" in each.message
    assert fleet.report.trained == len(models) >= 2


def test_the_risks_of_failing_robots_rank_above_those_of_healthy_ones(fleet: Fleet) -> None:
    """Judged on three days after the last reading that training saw, over every robot and fault in use."""
    scorer, risks = Scorer(fleet.store, fleet.desk, fleet.registry()), []
    for _ in range(3):
        fleet.live(24)
        risks += scorer.score().risks()
    failing = fleet.really_failing(risks)
    assert failing.sum() >= 4  # of the faults whose models this fleet proves
    assert roc_auc_score(failing, [risk.risk for risk in risks]) >= 0.75


def test_incremental_scores_equal_those_after_a_restart(fleet: Fleet) -> None:
    old = Scorer(fleet.store, fleet.desk, fleet.registry())
    old.score()
    fleet.live(5)
    kept = {(r.device_id, r.fault): r.risk for r in old.score().risks()}
    fresh = {
        (r.device_id, r.fault): r.risk
        for r in Scorer(fleet.store, fleet.desk, fleet.registry()).score().risks()
    }
    assert kept.keys() == fresh.keys()
    assert kept == pytest.approx(fresh, abs=1e-6)


def test_risks_are_stored_and_the_highest_stands_with_its_device(fleet: Fleet) -> None:
    risks = Scorer(fleet.store, fleet.desk, fleet.registry()).score().risks()
    device = risks[0].device_id
    own = [risk for risk in risks if risk.device_id == device]
    stored = fleet.store.latest_risks(device).filter(pl.col("ts") == own[0].ts)
    assert sorted(stored["risk"].to_list()) == sorted(risk.risk for risk in own)
    highest = max(own, key=lambda risk: risk.risk)
    with fleet.desk.transaction() as session:
        row = session.get_one(Device, device)
        assert (row.risk, row.fault, row.risk_ts) == (highest.risk, highest.fault, highest.ts)
        assert row.confidence == highest.confidence


def test_what_drove_a_risk_is_said_in_two_languages(fleet: Fleet) -> None:
    risks = Scorer(fleet.store, fleet.desk, fleet.registry()).score().risks()
    told = max(risks, key=lambda risk: risk.risk)
    assert 1 <= len(told.drivers) <= 3
    assert [each.weight for each in told.drivers] == sorted((d.weight for d in told.drivers), reverse=True)
    assert all(each.weight > 0 and each.signal in STANDARD_SIGNALS for each in told.drivers)
    for driver in told.drivers:
        assert sentence(driver, STANDARD_SIGNALS, "en").isascii() or driver.unit
        assert sentence(driver, STANDARD_SIGNALS, "zh") != sentence(driver, STANDARD_SIGNALS, "en")


def test_the_same_seed_and_data_train_the_same_model(fleet: Fleet) -> None:
    settings = TrainingSettings()
    first, second = (gather(fleet.store, fleet.desk, settings) for _ in range(2))
    np.testing.assert_array_equal(first.features, second.features)
    fault = FAULTS[next(each.fault for each in fleet.report.faults if each.model)]
    with threadpool_limits(1):
        once, again = (
            train_fault(fault, examples_of(fault, history), settings, 5) for history in (first, second)
        )
    assert isinstance(once, Trained)
    assert isinstance(again, Trained)
    matrix = examples_of(fault, first).features
    np.testing.assert_array_equal(
        once.classifier.predict_proba(matrix), again.classifier.predict_proba(matrix)
    )
    assert once.threshold == again.threshold


def test_every_model_survives_missing_signals_and_any_order_of_rows(models: dict[str, LoadedModel]) -> None:
    rng = np.random.default_rng(0)
    for model in models.values():
        matrix = rng.normal(size=(40, len(model.features)))
        matrix[rng.random(matrix.shape) < 0.3] = np.nan
        matrix[0] = np.nan
        risk = model.risk(matrix)
        assert ((risk >= 0) & (risk <= 1)).all()
        order = rng.permutation(40)
        np.testing.assert_array_equal(model.risk(matrix[order]), risk[order])


def test_a_tampered_champion_is_refused_and_said_so(fleet: Fleet, models: dict[str, LoadedModel]) -> None:
    fault, model = next(iter(models.items()))
    path = fleet.folder / "models" / model.card.path
    sound = path.read_bytes()
    path.write_bytes(sound[:-1] + bytes([sound[-1] ^ 1]))
    try:
        registry = fleet.registry()
        assert fault not in registry.load()
        assert "SHA-256" in registry.problems[0]
    finally:
        path.write_bytes(sound)


def test_training_stops_when_told_to(fleet: Fleet, tmp_path: Path) -> None:
    registry = ModelRegistry(fleet.desk, tmp_path)
    report = train_models(fleet.store, fleet.desk, registry, 5, ManualClock(END), cancelled=lambda: True)
    assert report.cancelled
    assert report.trained == 0


def test_robots_with_little_history_are_not_judged(
    models: dict[str, LoadedModel], fleet: Fleet, tmp_path: Path
) -> None:
    store = DuckDbStore.open(tmp_path / "young.duckdb", STANDARD_SIGNALS)
    scorer = Scorer(store, fleet.desk, fleet.registry())
    simulator = FleetSimulator(FleetConfig(10, 3, END), STANDARD_SIGNALS)

    def live(hours: int) -> None:
        batch = simulator.batch(Kind.ROBOT, simulator.run(hours * HOUR_MS // STEP, STEP)[Kind.ROBOT], STEP)
        store.write(batch)

    with pytest.raises(NotEnoughHistory, match="no robot has sent"):
        gather(store, fleet.desk, TrainingSettings())
    live(12)
    assert len(scorer.score()) == 0
    live(24)
    risks = scorer.score().risks()
    assert {risk.fault for risk in risks} == set(models)
    assert {risk.confidence for risk in risks} == {UNSURE}
    store.close()


def test_a_fault_whose_signals_never_arrive_is_not_scored_and_that_is_said(
    models: dict[str, LoadedModel], fleet: Fleet, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Half the fleet sends nothing of its brush, then all of it."""
    simulator = FleetSimulator(FleetConfig(10, 4, END), STANDARD_SIGNALS)
    columns = simulator.run(30 * HOUR_MS // STEP, STEP)[Kind.ROBOT]
    frame = simulator.batch(Kind.ROBOT, columns, STEP).frame
    devices = frame["device_id"].unique().sort()
    brush = [name for name in frame.columns if name.startswith("brush")]
    assert {"brush_jam", "brush_wear"} & set(models)
    for mute in (devices[: len(devices) // 2], devices):
        store = DuckDbStore.open(tmp_path / f"mute-{len(mute)}.duckdb", STANDARD_SIGNALS)
        silent = pl.col("device_id").is_in(mute.to_list())
        nulls = [pl.when(silent).then(None).otherwise(pl.col(name)).alias(name) for name in brush]
        store.write(ReadingBatch(Kind.ROBOT, frame.with_columns(nulls)))
        scored = Scorer(store, fleet.desk, fleet.registry()).score().frame
        store.close()
        of_brush = scored.filter(pl.col("fault").str.starts_with("brush"))
        assert not set(of_brush["device_id"]) & set(mute)
        assert (of_brush.height == 0) == (len(mute) == len(devices))
        others = scored.filter(~pl.col("fault").str.starts_with("brush"))
        assert set(others["device_id"]) == set(scored["device_id"])
    told = [record.getMessage() for record in caplog.records if "is not predicted" in record.getMessage()]
    assert all("brush" in line for line in told)
    assert told


def _dipped(frame: pl.DataFrame) -> pl.DataFrame:
    """Return readings in which once a day the counters say 0, half, or far too much, and are back."""
    slot = pl.col("ts") // STEP % (DAY_MS // STEP)
    number = pl.col("device_id").rank("dense").cast(pl.Int64)
    position = number % 3
    # The first reading of an hour, the last, and the last with the first of the next.
    wrong = (
        ((position == 0) & (slot == 20))
        | ((position == 1) & (slot == 21))
        | ((position == 2) & slot.is_in([21, 22]))
    )
    return frame.with_columns(
        pl.when(wrong)
        .then(
            pl.when(number // 3 % 3 == 0)
            .then(pl.col(name) * 0)
            .when(number // 3 % 3 == 1)
            .then((pl.col(name) / 2).floor())
            .otherwise(pl.col(name) + 90_000)
        )
        .otherwise(pl.col(name))
        for name in ("run_s", "area_m2", "bumper_hits", "charge_cycles")
    )


@pytest.mark.parametrize("days_more", [0, 1, 2])
def test_robots_that_differ_only_in_dips_of_their_counters_differ_in_no_risk(
    fleet: Fleet, tmp_path: Path, days_more: int
) -> None:
    """Looked at on several days, since a risk is nearer to its threshold on one than on another."""
    if days_more:
        fleet.live(24 * days_more)
    newest = fleet.store.newest(Kind.ROBOT)
    end = max(newest.values()) + 1
    frame = fleet.store.readings(Kind.ROBOT, sorted(newest), end - 12 * DAY_MS, end).frame
    dipped = _dipped(frame)
    assert not dipped.equals(frame)
    scored = []
    for kind, rows in (("true", frame), ("dipped", dipped)):
        store = DuckDbStore.open(tmp_path / f"{kind}.duckdb", STANDARD_SIGNALS)
        store.write(ReadingBatch(Kind.ROBOT, rows))
        found = Scorer(store, fleet.desk, fleet.registry()).score().frame
        scored.append(found.select("device_id", "fault", "risk"))
        store.close()
    both = scored[0].join(scored[1], on=["device_id", "fault"], how="full", coalesce=True)
    assert both.height == scored[0].height > 100
    apart = both.with_columns(apart=(pl.col("risk") - pl.col("risk_right")).abs()).sort("apart")
    assert apart["apart"].max() <= 0.02, apart.tail(5)  # type: ignore[operator]


def test_a_fleet_that_lives_on_has_not_drifted(fleet: Fleet) -> None:
    """Nothing is said in the first day, and that nothing has changed when there is enough to compare."""
    scorer = Scorer(fleet.store, fleet.desk, fleet.registry())
    for _ in range(3):
        scorer.score()
        fleet.live(24)
    scorer.score()
    used = scorer.in_use()
    found = [
        look_at_inputs(each, used.recent, used.devices, used.times, used.newest)
        for each in used.champions.values()
    ]
    assert len(found) == len(used.champions) >= 2
    assert not [each for each in found if each is None or each.beyond]

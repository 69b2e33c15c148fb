"""A foreign fleet in a store and a desk, scored as the product would."""

from pathlib import Path

from benchmarks.harness.foreign_fleet import ForeignFleet
from fleet.readings import ReadingBatch
from fleet.signals import STANDARD_SIGNALS, Kind
from models.registry.registry import ModelRegistry
from models.scoring.scorer import Scorer
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import Device
from storage.series.duckdb.store import DuckDbStore


class ForeignRoom:
    """Stores in `folder` that know a fleet's devices but none of their readings yet."""

    def __init__(self, folder: Path, fleet: ForeignFleet) -> None:
        folder.mkdir(exist_ok=True)
        self.fleet = fleet
        self.store = DuckDbStore.open(folder / "telemetry.duckdb", STANDARD_SIGNALS)
        self.desk: DeskDatabase = open_desk(f"sqlite:///{folder}/desk.sqlite")
        with self.desk.transaction() as session:
            for device in fleet.devices:
                session.add(
                    Device(
                        id=device,
                        kind="robot",
                        site=fleet.sites[device],
                        model=fleet.models[device],
                        registered_at=0,
                        status="online",
                    )
                )
        self.scorer = Scorer(self.store, self.desk, ModelRegistry(self.desk, folder / "models"))

    def feed(self, batch: ReadingBatch | None = None) -> None:
        """Store a batch, or all readings of the fleet."""
        self.store.write(batch or self.fleet.batch)

    def risks(self) -> dict[str, float]:
        """Score, and return the risk that stands with each device."""
        self.scorer.score()
        with self.desk.transaction() as session:
            rows = session.query(Device.id, Device.risk).all()
        return {device: risk for device, risk in rows if risk is not None}

    def close(self) -> None:
        """Let go of both stores."""
        self.store.close()
        self.desk.close()


def part_of(fleet: ForeignFleet, devices: list[str]) -> ReadingBatch:
    """Return the readings of some devices."""
    frame = fleet.batch.frame
    return ReadingBatch(Kind.ROBOT, frame.filter(frame["device_id"].is_in(devices)))

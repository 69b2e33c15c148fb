"""Pasts to be replayed: simulated robots' tiles in memory, with their cases, and ways to change what came."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import polars as pl

from fleet.past_cases import PastCase
from fleet.signals import Kind
from simulators.lived import LivedFleet, live
from storage.records.devices import ReportedEvent
from yardsticks.proof.past import PastDevice, PastFleet

END = 1_760_000_400_000 // 86_400_000 * 86_400_000


@dataclass(frozen=True)
class TilesInMemory:
    """A store that holds nothing but tiles."""

    frame: pl.DataFrame

    def first_hour(self, kind: Kind) -> int | None:
        """Return the oldest hour."""
        del kind
        return self.frame["hour"].min()  # type: ignore[return-value]

    def tiles(
        self,
        kind: Kind,
        start: int,
        end: int,
        devices: Sequence[str] | None = None,
        columns: Collection[str] | None = None,
    ) -> pl.DataFrame:
        """Return tiles of a range."""
        del kind
        found = self.frame.filter(pl.col("hour").is_between(start, end, closed="left"))
        if devices is not None:
            found = found.filter(pl.col("device_id").is_in(list(devices)))
        keys = ("device_id", "site", "hour", "readings")
        if columns is None:
            return found
        return found.select([name for name in found.columns if name in keys or name in columns])


def past_of(lived: LivedFleet) -> PastFleet:
    """Return what a desk knew of a simulated life."""
    devices = {name: PastDevice(lived.sites[name], model) for name, model in lived.models.items()}
    cases = [
        PastCase(
            device,
            opened,
            () if confirmed == "none" else (confirmed,),
            suspected=(fault,) if confirmed == "none" else (),
            repaired=ended,
            confirmed=ended,
        )
        for device, fault, confirmed, opened, ended in lived.repairs.iter_rows()
    ]
    renewed = lived.renewals.join(
        lived.confirmed().select("device_id", "fault", ts="ended"),
        on=["device_id", "fault", "ts"],
        how="anti",
    )
    events = [
        ReportedEvent(device, ts, "part_replaced", {"fault": fault}, ts)
        for device, fault, ts in renewed.iter_rows()
    ]
    return PastFleet(devices, cases, events)


def small_past(robots: int, days: int, seed: int = 3, world: str = "fast") -> tuple[TilesInMemory, PastFleet]:
    """Return the past of a few robots."""
    lived = live(world, seed, robots, days, end_ms=END)
    return TilesInMemory(lived.tiles), past_of(lived)

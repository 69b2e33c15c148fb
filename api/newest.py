"""The newest that is known of a device in its present life: what another one sent under its id is past."""

from dataclasses import dataclass

import polars as pl

from api.services import ApiServices
from fleet.signals import Kind
from storage.ports import LatestValue
from storage.records.registering import life_began


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest values by signal, and the newest risks (a risk frame)."""

    values: dict[str, LatestValue]
    risks: pl.DataFrame


def newest_of(services: ApiServices, device_id: str, kind: Kind) -> Newest:
    """Return the newest values and risks of a device. Raises StoreUnavailable."""
    with services.desk.transaction() as session:
        began = life_began(session, device_id)
    values = services.store.latest(kind, device_id)
    risks = services.store.latest_risks(device_id)
    return Newest(
        {name: value for name, value in values.items() if value.ts >= began},
        risks.filter(pl.col("ts") >= began),
    )

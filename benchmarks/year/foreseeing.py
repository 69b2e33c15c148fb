"""What stock is planned by: the forecast that ships, learned once a night. No store here knows risks."""

from typing import cast

import polars as pl
from sqlalchemy.orm import Session

from desk.parts.demand import Demand
from desk.parts.fleet_demand import Foreseeing
from fleet.clock import HOUR_MS
from storage.ports import TelemetryStore

_NIGHT_MS = 4 * HOUR_MS
_NO_RISKS = pl.DataFrame(
    schema={
        "device_id": pl.String, "ts": pl.Int64, "fault": pl.String, "risk": pl.Float64, "model": pl.String,
        "life_p10_d": pl.Float64, "life_p50_d": pl.Float64, "life_p90_d": pl.Float64,
    }
)  # fmt: skip


class _NoRisks:
    """Answers what the forecast asks of a store: no device was ever told of any risk."""

    def fleet_risks(self, *_asked: object, **_more: object) -> pl.DataFrame:
        """Return none."""
        return _NO_RISKS

    def risk_history(self, *_asked: object) -> pl.DataFrame:
        """Return none."""
        return _NO_RISKS


class NightlyDemand:
    """The house's forecast by what was used; the product learns it anew with each line of the ledger."""

    def __init__(self) -> None:
        self._learn = Foreseeing(cast(TelemetryStore, _NoRisks()))
        self._kept: tuple[int, Demand] | None = None

    def __call__(self, session: Session, now: int) -> Demand:
        """Return what it foresaw this night."""
        if self._kept is None or now - self._kept[0] >= _NIGHT_MS:
            self._kept = now, self._learn(session, now)
        return self._kept[1]

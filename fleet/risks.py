"""What a fault risk is: a calibrated probability of a fault within its horizon, and what drove it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import polars as pl

from fleet.faults import UNUSUAL

LIFE_COLUMNS: dict[str, pl.DataType] = {
    f"life_{quantile}_{unit}": pl.Float64() for unit in ("d", "h") for quantile in ("p10", "p50", "p90")
}
"""Remaining life in days (`_d`) and in run hours (`_h`): what it exceeds with 90, 50 and 10 %.

Where no end is in sight `life_p50_d` is the fault's cap, and the others are null."""
CONFIDENT, UNSURE = "normal", "low"
"""How sure a risk is: low where a device has too little history to be told from others."""
HINDCAST = "hindcast:"
"""What the `model` of a risk begins with that was computed after its time, by models of a later day."""
RISK_COLUMNS: dict[str, pl.DataType] = {
    "device_id": pl.String(),
    "ts": pl.Int64(),
    "fault": pl.String(),
    "risk": pl.Float64(),
    "drivers": pl.String(),
    "model": pl.String(),
    "confidence": pl.String(),
    **LIFE_COLUMNS,
}
"""A risk frame. `ts` (epoch ms) is the device's newest reading at scoring, `drivers` a JSON array of
`Driver.to_dict`, the strongest first, `model` the id of the model card that scored. `confidence` and
remaining life are null where nobody judged them: in risks of older versions, for faults that are no wear."""


FLEET_RISK_COLUMNS = {name: RISK_COLUMNS[name] for name in ("device_id", "ts", "fault", "risk", "model")}
"""What stores tell of the risks of a whole fleet."""
LIVES_IN_DAYS = tuple(name for name in LIFE_COLUMNS if name.endswith("_d"))
"""What they tell besides where lives are asked for."""


def risk_frame(columns: pl.DataFrame) -> pl.DataFrame:
    """Return a risk frame of some of its columns, in any order; those not given are null."""
    absent = [pl.lit(None, dtype).alias(name) for name, dtype in RISK_COLUMNS.items() if name not in columns]
    return columns.with_columns(absent).select(pl.col(name).cast(kind) for name, kind in RISK_COLUMNS.items())


@dataclass(frozen=True, slots=True)
class Course:
    """How a driving signal came to where it is: a level for each interval of `every` ms from `start` on.

    `own` is the device's, `cohort` that of all others like it, null where unknown; `baseline` is the device's
    own level in its first healthy time since the last repair. Times are epoch ms, levels in its unit.
    """

    start: int
    every: int
    own: tuple[float | None, ...]
    cohort: tuple[float | None, ...]
    baseline: float | None

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        levels = {"own": list(self.own), "cohort": list(self.cohort), "baseline": self.baseline}
        return {"start": self.start, "every": self.every, **levels}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Course":
        """Return what `to_dict` made."""
        own, cohort = tuple(stored["own"]), tuple(stored["cohort"])
        return cls(stored["start"], stored["every"], own, cohort, stored["baseline"])


@dataclass(frozen=True, slots=True)
class Driver:
    """One signal that drove a risk, the strongest first.

    `weight` is its share of the push towards the fault (log-odds, positive raises the risk), `value` what the
    device shows, `usual` what is usual for it (its cohort, or its own past), both in the signal's `unit`.
    `days` is for how long it has been so, today included; null where that cannot be said. `course` is there
    for the first driver of a risk that raises an alert. `part` is the component that unusual behaviour points
    at, of its first driver alone.
    """

    signal: str
    feature: str
    weight: float
    value: float | None
    usual: float | None
    unit: str
    days: int | None = None
    course: Course | None = None
    part: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {
            "signal": self.signal,
            "feature": self.feature,
            "weight": round(self.weight, 4),
            "value": self.value,
            "usual": self.usual,
            "unit": self.unit,
            "days": self.days,
            "course": self.course.to_dict() if self.course else None,
            "part": self.part,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Driver":
        """Return what `to_dict` made, in this version or an older one."""
        course = stored.get("course")
        return cls(**{**stored, "course": Course.from_dict(course) if course else None})


@dataclass(frozen=True, slots=True)
class Risk:
    """One device's risk of one fault, with its drivers, as handed to the alert engine.

    `threshold` is the model's own: at or above it the expected cost of a visit is lower than that of waiting.
    """

    device_id: str
    fault: str
    ts: int
    risk: float
    threshold: float
    model: str
    drivers: Sequence[Driver]
    confidence: str | None = None
    life_d: float | None = None
    """The remaining life in days that it exceeds with 50 %, the fault's cap where no end is in sight."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which risks of a fault matter to rules: from `risk` on, or with a life of at most `life_d`."""

    fault: str
    risk: float | None = None
    life_d: float | None = None


@dataclass(frozen=True, slots=True)
class Scoring:
    """What one scoring said: `frame` has RISK_COLUMNS, `thresholds` are the models' own by model id."""

    frame: pl.DataFrame
    thresholds: Mapping[str, float]

    def __len__(self) -> int:
        return self.frame.height

    def risks(self) -> list[Risk]:
        """Return every risk as an object: for a few devices, or for tests."""
        return self._objects(self.frame)

    def notable(self, followed: Collection[tuple[str, str]], wanted: Iterable[Wanted] = ()) -> list[Risk]:
        """Return the risks that matter to alerts: over their threshold, or of (device, fault) `followed`.

        So do those that are `wanted`. Unusual behaviour that a fault over its own threshold explains is none.
        """
        if not self.frame.height:
            return []  # nothing was scored, so there may be no threshold either
        keys = pl.DataFrame(
            list(followed), schema={"device_id": pl.String, "fault": pl.String}, orient="row"
        ).with_columns(followed=pl.lit(value=True))
        limit = pl.col("model").replace_strict(dict(self.thresholds), return_dtype=pl.Float64)
        over, strange = pl.col("risk") >= limit, pl.col("fault") == UNUSUAL
        explained = (over & ~strange).any().over("device_id") & strange
        chosen = self.frame.join(keys, on=["device_id", "fault"], how="left", maintain_order="left").filter(
            pl.col("followed").fill_null(value=False) | (over & ~explained) | _any_of(wanted)
        )
        return self._objects(chosen)

    def _objects(self, frame: pl.DataFrame) -> list[Risk]:
        return [
            Risk(
                row["device_id"],
                row["fault"],
                row["ts"],
                row["risk"],
                self.thresholds[row["model"]],
                row["model"],
                tuple(Driver.from_dict(driver) for driver in orjson.loads(row["drivers"])),
                row["confidence"],
                row["life_p50_d"],
            )
            for row in frame.iter_rows(named=True)
        ]


def _any_of(wanted: Iterable[Wanted]) -> pl.Expr:
    """Return whether a risk of a risk frame is one of those that are wanted."""
    found = pl.lit(value=False)
    for each in wanted:
        mine = pl.lit(value=True)
        if each.risk is not None:
            mine = mine & (pl.col("risk") >= each.risk)
        if each.life_d is not None:
            mine = mine & (pl.col("life_p50_d") <= each.life_d).fill_null(value=False)
        found = found | ((pl.col("fault") == each.fault) & mine)
    return found

"""The fleet's own risks as threats to stock: which devices may need which part, from which depot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from desk.parts.demand import depots_by_region
from desk.parts.forecast.counts import Floats
from desk.parts.forecast.lifetimes import Hazards, chances_within
from fleet.faults import FAULTS
from fleet.part_catalogue import Part
from fleet.stock import StockPlace
from storage.records.needed_parts import NeededPart

_PRIOR_TAKEN = 4
"""That mending a fault takes its part is believed as if so many repairs had shown it."""
_COLUMNS = ("risk", "horizon_d", "early", "late", "uses")


@dataclass(frozen=True, slots=True)
class _Group:
    """Devices that may need one part from one depot: a row a risk, `starts` where each device's begin."""

    hazards: Hazards
    starts: Sequence[int]

    def chances(self, days: float) -> Floats:
        """Return the chance that each device needs the part: of its faults that take it any one."""
        none = 1 - chances_within(self.hazards, days)
        return np.asarray(1 - np.multiply.reduceat(none, self.starts))


@dataclass(frozen=True, slots=True)
class Known:
    """What threats are made of beside the risks.

    `regions` has device_id, model, region. `needs` are what open cases need, `held` those (case, part) for
    which pieces are put aside. `taken` says of each fault and part how many repairs took it, and of how many.
    """

    places: Sequence[StockPlace]
    regions: pl.DataFrame
    catalogue: Mapping[str, Part]
    needs: Sequence[NeededPart]
    held: Collection[tuple[int, str]]
    taken: Mapping[tuple[str, str], tuple[int, int]]


class Threats:
    """Which devices may need which part, by part and depot.

    `risks` has device_id, fault, risk, and the days of life that it exceeds with 90 and 10 %. A device is
    served by the depot of its region, else by that which serves all. A device whose open case needs the part
    is no risk any more: the piece is put aside for it, or needed for sure.
    """

    def __init__(self, risks: pl.DataFrame, known: Known) -> None:
        depots = depots_by_region(known.places)
        self._groups = {key: _group(rows) for key, rows in _placed(risks, known, depots)}
        self._sure: dict[tuple[str, str], int] = {}
        for need in known.needs:
            place = depots.get(need.region, depots.get(""))
            if place is not None and (need.ticket, need.part) not in known.held:
                self._sure[need.part, place] = self._sure.get((need.part, place), 0) + 1

    def chances(self, part: str, place: str, days: float) -> Floats:
        """Return the chance of each device that may need a part from a depot within some days."""
        group = self._groups.get((part, place))
        sure = np.ones(self._sure.get((part, place), 0))
        return sure if group is None else np.concatenate([sure, group.chances(days)])


def _placed(
    risks: pl.DataFrame, known: Known, depots: Mapping[str, str]
) -> list[tuple[tuple[str, str], pl.DataFrame]]:
    """Return the rows of each part and depot, in order of device."""
    mended = [
        (each.code, each.part, float(each.horizon_days), _share(known.taken.get((each.code, each.part))))
        for each in FAULTS.values()
        if each.part is not None and each.horizon_days is not None
    ]
    faults = pl.DataFrame(mended, schema=["fault", "part", "horizon_d", "uses"], orient="row")
    supplied = known.regions["region"].unique().to_list()
    names = {region: depots.get(region, depots.get("")) for region in supplied}
    whose = pl.DataFrame({"region": list(names), "place": list(names.values())}, schema=_PLACES)
    rows = (
        risks.join(faults, on="fault")
        .join(known.regions, on="device_id")
        .join(whose, on="region")
        .filter(pl.col("place").is_not_null())
        .join(_served(known.needs), on=["device_id", "part"], how="anti")
    )
    rows = _fitting(rows, known.catalogue).with_columns(
        early=pl.col("life_p10_d").fill_null(float("nan")), late=pl.col("life_p90_d").fill_null(float("nan"))
    )
    parts = rows.sort("device_id", "fault").partition_by("part", "place", as_dict=True)
    return [((str(part), str(place)), frame) for (part, place), frame in parts.items()]


_PLACES = {"region": pl.String, "place": pl.String}


def _served(needs: Sequence[NeededPart]) -> pl.DataFrame:
    rows = [(each.device_id, each.part) for each in needs]
    return pl.DataFrame(rows, schema={"device_id": pl.String, "part": pl.String}, orient="row").unique()


def _fitting(rows: pl.DataFrame, catalogue: Mapping[str, Part]) -> pl.DataFrame:
    """Leave out the devices that a part does not fit, where the catalogue says which it does."""
    for code, part in catalogue.items():
        if part.fits:
            rows = rows.filter((pl.col("part") != code) | pl.col("model").is_in(sorted(part.fits)))
    return rows


def _group(rows: pl.DataFrame) -> _Group:
    devices = rows["device_id"].to_numpy()
    starts = np.flatnonzero(np.r_[True, devices[1:] != devices[:-1]])
    columns = (rows[name].to_numpy().astype(np.float64) for name in _COLUMNS)
    return _Group(Hazards(*columns), starts.tolist())


def _share(taken: tuple[int, int] | None) -> float:
    """Return how often mending a fault takes its part: as seen, drawn towards always."""
    used, repairs = taken or (0, 0)
    return (used + _PRIOR_TAKEN) / (repairs + _PRIOR_TAKEN)

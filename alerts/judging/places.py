"""Places: polygons on a site, and which readings are within."""

from typing import Annotated, Literal, Self

import numpy as np
import polars as pl
from pydantic import Field, StringConstraints, model_validator

from fleet.config import Shape
from fleet.signals import Kind, SignalTable

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
_FEWEST_CORNERS = 3
_MOST_CORNERS = 200
_AXES = {"degrees": ("lat", "lon"), "metres": ("x_m", "y_m")}


class Place(Shape):
    """An area of one site; several of one name are the places of that name at their sites.

    `corners` are pairs of latitude and longitude, or of x and y where `in` is `metres`; the last joins the
    first. Across the 180th meridian a place is two.
    """

    name: _Name
    site: str = Field(min_length=1)
    measured_in: Literal["degrees", "metres"] = Field(default="degrees", alias="in")
    corners: tuple[tuple[float, float], ...] = Field(min_length=_FEWEST_CORNERS, max_length=_MOST_CORNERS)

    @model_validator(mode="after")
    def _on_earth(self) -> Self:
        if self.measured_in == "degrees":
            for lat, lon in self.corners:
                if not (abs(lat) <= 90 and abs(lon) <= 180):
                    raise ValueError(f"[{lat:g}, {lon:g}] is no latitude and longitude")
        return self

    @property
    def axes(self) -> tuple[str, str]:
        """The two signals that say where a device is."""
        return _AXES[self.measured_in]

    def contains(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Tell which points are within: an odd number of edges lies on one side of them (ray casting)."""
        inside = np.zeros(first.shape, dtype=bool)
        ends = (*self.corners[1:], self.corners[0])
        for (a, b), (c, d) in zip(self.corners, ends, strict=True):
            if b == d:
                continue  # it runs along the ray and crosses it nowhere
            between = (b > second) != (d > second)
            inside ^= between & (first < (c - a) * (second - b) / (d - b) + a)
        return inside


def check_places(places: tuple[Place, ...], kind: Kind, signals: SignalTable) -> None:
    """Raise ValueError unless a kind of device says where it is by the axes of these places."""
    known = {signal.name for signal in signals.for_kind(kind)}
    for place in places:
        if not known.issuperset(place.axes):
            fitting = [word for word, axes in _AXES.items() if known.issuperset(axes)]
            raise ValueError(
                f"place {place.name} is in {place.measured_in}, in which a {kind} does not say where it is; "
                f"allowed: {', '.join(fitting) or 'none'}"
            )


def within(frame: pl.DataFrame, places: list[Place]) -> pl.Series:
    """Return for each reading whether it is in one of these places; null where its site has none of them.

    So it is where the reading does not say where the device is.
    """
    site = frame["site"]
    found = np.full(frame.height, np.nan)
    for place in places:
        first, second = (frame[name].to_numpy() for name in place.axes)
        known = (site == place.site).to_numpy() & ~np.isnan(first) & ~np.isnan(second)
        rows = np.flatnonzero(known)
        if rows.size:
            here = place.contains(first[rows], second[rows])
            found[rows] = np.fmax(found[rows], here.astype(np.float64))
    unknown = np.isnan(found)
    inside = pl.Series(found == 1)
    return inside.set(pl.Series(unknown), None) if unknown.any() else inside

"""Whose each row of telemetry is: known devices, and those that a map lets be registered."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from fleet.signals import Kind
from fleet.text import quoted
from fleet.wire import RESERVED_SITE, Reason, is_id
from ingest.history.origins import Mask, text_of
from ingest.history.shapes import TelemetryMap
from storage.records.devices import Placement

UNLISTED = "unlisted"
"""Why a row is refused whose word the map does not list."""
_KEYS = ("device", "kind", "site", "model")


class Owner(NamedTuple):
    """What one spelling of a device comes to: the device, or why its rows are refused."""

    id: str
    place: Placement | None
    reason: str = ""
    detail: str = ""


class Owned(NamedTuple):
    """The device of each row: `ids`, `sites`, `kinds`; `refused` marks rows by reason and what to say."""

    ids: pl.Series
    sites: pl.Series
    kinds: dict[Kind, Mask | None]
    refused: dict[tuple[str, str], Mask]


class Owners:
    """Finds the devices of rows; `known` grows by those that it lets be registered, `new` are these."""

    def __init__(self, shape: TelemetryMap, known: Mapping[str, Placement]) -> None:
        self._shape = shape
        self.known = dict(known)
        self.new: dict[str, tuple[Placement, str | None]] = {}
        self._found: dict[tuple[str | None, ...], Owner] = {}

    def of(self, frame: pl.DataFrame, path: Path) -> Owned:
        """Return whose the rows of a file are."""
        said = {"device": self._shape.device, "kind": self._shape.kind, "site": self._shape.site}
        said["model"] = self._shape.model
        texts = {name: text_of(origin, frame, path) for name, origin in said.items() if origin is not None}
        varying = [
            name
            for name in texts
            if (origin := said[name]) is not None and (origin.source or name == "device")
        ]
        words = pl.DataFrame([texts[name].values.alias(name) for name in varying])
        rows = words.unique(maintain_order=True)
        fixed = {name: each.values[0] for name, each in texts.items() if name not in varying and frame.height}
        owners = [self._owner({**fixed, **row}) for row in rows.iter_rows(named=True)]
        refused = {
            (UNLISTED, name): each.unlisted for name, each in texts.items() if each.unlisted is not None
        }
        return _laid_over(words, rows, owners, refused)

    def _owner(self, said: dict[str, str | None]) -> Owner:
        key = tuple(said.get(name) for name in _KEYS)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._look(*key)
        return found

    def _look(self, device: str | None, kind: str | None, site: str | None, model: str | None) -> Owner:
        if device is None or not is_id(device := device.strip()):
            said = f"{quoted(device)} is no id: 1 to 64 of A-Z a-z 0-9 _ -"
            return Owner("", None, Reason.BAD_ID, said)
        if kind is not None and kind not in list(Kind):
            allowed = ", ".join(Kind)
            return Owner(device, None, Reason.UNKNOWN_KIND, f"{quoted(kind)} is no kind; allowed: {allowed}")
        place = self.known.get(device)
        if place is not None:
            return _known(device, place, kind, site)
        if self._shape.site is not None:
            return self._admit(device, Kind(kind or Kind.ROBOT), site, model)
        return Owner(device, None, Reason.UNREGISTERED, f"{device} is no registered device")

    def _admit(self, device: str, kind: Kind, site: str | None, model: str | None) -> Owner:
        site = (site or "").strip()
        if not is_id(site) or site == RESERVED_SITE:
            return Owner(device, None, Reason.BAD_ID, f"{quoted(site)} is no site's id")
        place = self.known[device] = Placement(site, kind)
        self.new[device] = (place, model)
        return Owner(device, place)


def _known(device: str, place: Placement, kind: str | None, site: str | None) -> Owner:
    """Return a device that is known, unless the row says otherwise of it."""
    if kind is not None and place.kind != kind:
        return Owner(device, None, Reason.KIND_MISMATCH, f"{device} is a {place.kind}, not a {kind}")
    if site is not None and place.site != site.strip():
        return Owner(device, None, Reason.SITE_MISMATCH, f"{device} belongs to {place.site}, not to {site}")
    return Owner(device, place)


def _laid_over(
    words: pl.DataFrame, rows: pl.DataFrame, owners: list[Owner], refused: dict[tuple[str, str], Mask]
) -> Owned:
    """Return for each row what its spelling came to."""
    places = [each.place for each in owners if each.place is not None and not each.reason]
    plain = len(places) == len(owners) and words.width == 1
    same = plain and all(each.id == word for each, word in zip(owners, rows.to_series(), strict=True))
    if same and len(set(places)) == 1:
        site = pl.Series([places[0].site]).new_from_index(0, words.height)
        return Owned(words.to_series(), site, {places[0].kind: None}, refused)
    number = pl.Series(range(len(owners)), dtype=pl.Int64)
    if words.width == 1:
        of = words.to_series().replace_strict(rows.to_series(), number, default=None, return_dtype=pl.Int64)
    else:
        numbered = rows.with_columns(number.alias("number"))
        of = words.join(numbered, on=rows.columns, how="left", nulls_equal=True, maintain_order="left")[
            "number"
        ]
    codes = of.fill_null(-1).to_numpy()
    none = rows.to_series().null_count() if words.width == 1 else 0
    if none:  # replace_strict leaves what is null as it is
        codes = np.where(codes < 0, rows.to_series().is_null().arg_true()[0], codes)
    ids = pl.Series([each.id for each in owners], dtype=pl.String).gather(codes)
    sites = pl.Series(["" if each.place is None else each.place.site for each in owners], dtype=pl.String)
    bad: dict[tuple[str, str], Mask] = dict(refused)
    for one, each in enumerate(owners):
        if each.reason:
            mine = codes == one
            key = (str(each.reason), each.detail)
            bad[key] = bad[key] | mine if key in bad else mine
    kinds: dict[Kind, Mask | None] = {}
    for kind in dict.fromkeys(place.kind for place in places):
        mine = np.array([each.place is not None and each.place.kind is kind for each in owners])[codes]
        kinds[kind] = None if mine.all() else mine
    return Owned(ids, sites.gather(codes), kinds, bad)

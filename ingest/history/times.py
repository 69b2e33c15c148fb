"""Columns of times as epoch ms: text, numbers, dates, or steps since a start; null where unreadable."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl

from fleet.errors import ConfigError
from ingest.dialects.times import zone_of
from ingest.history.shapes import TimeShape

_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}
_ISO = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%dT%H:%MZ",
    "%Y-%m-%d",
)
_LONGEST_MS = 2.0**53


class Times:
    """How one column of times is read. Raises ConfigError for a start that is no time."""

    def __init__(self, shape: TimeShape, place: str) -> None:
        self._shape = shape
        self._zone = zone_of(shape.zone)
        self._start = 0 if shape.start is None else _start(shape.start, self._zone, place)

    @property
    def numeric(self) -> bool:
        """Whether the column is one of numbers."""
        return self._shape.unit in ("s", "ms") or self._shape.cycles is not None

    def read(self, column: pl.Series | None, rows: pl.Series) -> pl.Series:
        """Return the times of a column, without one of its `rows` (their numbers in the file, from 0)."""
        if column is None or self._shape.source is None:
            return rows.cast(pl.Int64) * (self._shape.cycles or 0) + self._start
        if self._shape.cycles is not None:
            return _whole(_float(column) * self._shape.cycles + self._start)
        if isinstance(column.dtype, pl.Datetime | pl.Date):
            return self._typed(column)
        if self._shape.unit is not None:
            return _since_1970(column, self._shape.unit)
        return self._text(column.cast(pl.String))

    def _typed(self, column: pl.Series) -> pl.Series:
        """Return moments of Parquet; those without a zone are in that of the map."""
        moments = (
            column.cast(pl.Datetime("ms")) if column.dtype == pl.Date else column.dt.cast_time_unit("ms")
        )
        here = getattr(column.dtype, "time_zone", None) is None
        return local_ms(moments.dt.timestamp("ms"), self._zone) if here else moments.dt.timestamp("ms")

    def _text(self, column: pl.Series) -> pl.Series:
        formats = _likely_first(column) if self._shape.format is None else (self._shape.format,)
        found = pl.Series([None], dtype=pl.Int64).new_from_index(0, len(column))
        left = column
        for each in formats:
            ms = _parsed(left, each, self._zone)
            found = ms if ms.null_count() == 0 else found.zip_with(found.is_not_null(), ms)
            if found.null_count() <= column.null_count():
                return found
            left = left.set(found.is_not_null(), None)
        stripped = column.str.strip_chars()
        return found if stripped.equals(column) else self._text(stripped)


def _likely_first(column: pl.Series) -> list[str]:
    """Return the forms of ISO 8601, that of the first text first: one that fits none costs as much as one."""
    first = column.drop_nulls().head(1)
    return sorted(_ISO, key=lambda form: _parsed(first, form, ZoneInfo("UTC")).null_count())


def _parsed(text: pl.Series, form: str, zone: ZoneInfo) -> pl.Series:
    """Return texts of one form as epoch ms, null where they are of another."""
    try:
        if "z" in form:
            moment = text.str.to_datetime(form, time_unit="ms", time_zone="UTC", strict=False)
            return moment.dt.timestamp("ms")
        ms = text.str.to_datetime(form, time_unit="ms", strict=False).dt.timestamp("ms")
    except pl.exceptions.PolarsError:
        return pl.Series([None], dtype=pl.Int64).new_from_index(0, len(text))
    return ms if form.endswith("Z") else local_ms(ms, zone)


def local_ms(wall: pl.Series, zone: ZoneInfo) -> pl.Series:
    """Return epoch ms of what the clocks of a zone show (as ms of the same figures in UTC).

    Of a doubled hour a reading is in the second where the one before it in the file is later than it
    otherwise; a missing hour is read as if the clock had not moved.
    """
    if zone.key == "UTC":
        return wall
    naive = wall.cast(pl.Datetime("ms"))
    first, second = (
        naive.dt.replace_time_zone(zone.key, ambiguous=which, non_existent="null").dt.timestamp("ms")
        for which in ("earliest", "latest")
    )
    missing = wall.is_not_null() & first.is_null()
    if missing.any():
        # As if the clock had not moved: what the zone was ahead a day before.
        before = (wall - 86_400_000).cast(pl.Datetime("ms"))
        day = before.dt.replace_time_zone(zone.key, ambiguous="earliest", non_existent="null")
        moved = day.dt.timestamp("ms") + 86_400_000
        first, second = first.zip_with(~missing, moved), second.zip_with(~missing, moved)
    if (first != second).any():
        turned = (first != second) & (first < first.shift(1))
        again = turned.fill_null(False).cast(pl.Int8).cum_sum() > 0
        first = first.zip_with(~((first != second) & again), second)
    return first


def _since_1970(column: pl.Series, unit: str) -> pl.Series:
    ns = _NS[unit]
    if unit in ("us", "ns") and not column.dtype.is_float():  # exact: beyond 2**53 a float is not
        whole = column.cast(pl.Int64, strict=False)
        return whole // (1_000_000 // ns)
    return _whole(_float(column) * (ns / 1_000_000))


def _float(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        column = column.str.strip_chars()
    return column.cast(pl.Float64, strict=False)


def _whole(ms: pl.Series) -> pl.Series:
    """Return times without the fraction of a millisecond; null where it is none that can be counted."""
    countable = (ms.abs() < _LONGEST_MS).fill_null(False)
    if not countable.all():
        ms = ms.set(~countable, None)
    return (ms + 1e-6).floor().cast(pl.Int64)  # 0.1 s steps must not fall a millisecond short


def _start(text: str, zone: ZoneInfo, place: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigError(
            f"{place}.start: {text!r} is no time; write 2020-01-01 or 2020-01-01T08:00:00Z"
        ) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC).timestamp() * 1000)

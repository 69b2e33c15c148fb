"""Line protocol, built with column expressions: one measurement for each kind of device, one for risks.

Tags are `device` and `site` (risks: `device` and `fault`); everything else is a field. Numbers are always
written as floats, since the first write fixes a field's type for ever; what is absent is left out.
"""

from collections.abc import Sequence

import polars as pl

from fleet.errors import StoreRejected
from fleet.readings import ReadingBatch

RISKS = "risk"
_PLAIN = r"^[A-Za-z0-9_.:-]+$"
_KEYS = ("device_id", "site", "ts", "received")
# A backslash in a tag cannot be escaped, and a line break ends the line.
_UNFIT_TAG = r"[\x00-\x1f\x7f\\]"
_UNFIT_TEXT = r"[\x00\r]"


def reading_lines(batch: ReadingBatch) -> pl.Series:
    """Return one line for each reading, in order.

    Raises StoreRejected for what InfluxDB cannot hold: an empty id, a control character or backslash in an
    id, an infinite number, a reading without its received time.
    """
    frame = _checked(batch.frame.fill_nan(None), ["device_id", "site"], ["ts", "received"])
    fields = [name for name in frame.columns if name not in _KEYS and frame[name].null_count() < len(frame)]
    return frame.select(
        pl.concat_str(
            pl.lit(f"{batch.kind},device="),
            _tag(frame, "device_id"),
            pl.lit(",site="),
            _tag(frame, "site"),
            pl.lit(" received="),
            pl.col("received"),
            *(piece for name in fields for piece in _field(frame, name)),
            pl.lit(" "),
            pl.col("ts"),
            ignore_nulls=True,
        )
    ).to_series()


def risk_lines(risks: pl.DataFrame) -> pl.Series:
    """Return one line for each row of a risk frame, in order. Raises StoreRejected, as `reading_lines`."""
    frame = _checked(risks, ["device_id", "fault"], ["ts", "risk"])
    return frame.select(
        pl.concat_str(
            pl.lit(f"{RISKS},device="),
            _tag(frame, "device_id"),
            pl.lit(",fault="),
            _tag(frame, "fault"),
            pl.lit(" risk="),
            pl.col("risk"),
            *(piece for name in ("drivers", "model") for piece in _field(frame, name)),
            pl.lit(" "),
            pl.col("ts"),
            ignore_nulls=True,
        )
    ).to_series()


def _field(frame: pl.DataFrame, name: str) -> list[pl.Expr]:
    """Return the pieces of `,name=value`: nothing where the value is null."""
    column, value = frame[name], pl.col(name)
    absent = column.null_count() > 0
    if column.dtype == pl.String and not _all_plain(column):
        if column.str.contains(_UNFIT_TEXT).any():
            raise StoreRejected(f"{name} has a character that InfluxDB cannot hold")
        value = pl.when(value != "").then(value)  # an empty text is an absent one
        value = value.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
        absent = True
    if column.dtype in (pl.String, pl.Enum):
        pieces = [pl.lit(f',{name}="'), value.cast(pl.String), pl.lit('"')]
    else:
        pieces = [pl.lit(f",{name}="), value]
    return [pl.concat_str(pieces)] if absent else pieces  # one piece, so that a null takes its name along


def _tag(frame: pl.DataFrame, name: str) -> pl.Expr:
    value = pl.col(name)
    if not _all_plain(frame[name]):
        value = value.str.replace_all(r"([,= ])", r"\$1")
    return value


def _all_plain(texts: pl.Series) -> bool:
    return bool(texts.str.contains(_PLAIN).all())


def _checked(frame: pl.DataFrame, tags: Sequence[str], required: Sequence[str]) -> pl.DataFrame:
    for name in tags:
        column = frame[name]
        if _all_plain(column) and not column.null_count():
            continue
        unfit = frame.filter(
            pl.col(name).is_null()
            | (pl.col(name) == "")
            | (pl.col(name).str.strip_chars() != pl.col(name))
            | pl.col(name).str.contains(_UNFIT_TAG)
        )
        if unfit.height:
            raise StoreRejected(f"{name} {unfit[name][0]!r} cannot be stored in InfluxDB")
    for name in required:
        if frame[name].null_count():
            raise StoreRejected(f"a row without {name} cannot be stored")
    infinite = frame.select(pl.selectors.float().is_infinite().any())
    for name, found in zip(infinite.columns, infinite.row(0), strict=True):
        if found:
            raise StoreRejected(f"{name} is infinite, which InfluxDB cannot hold")
    return frame

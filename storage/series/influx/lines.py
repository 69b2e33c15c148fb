"""Line protocol, built with column expressions: one measurement for each kind of device, one for risks.

Tags are `device` and `site` (risks: `device` and `fault`); everything else is a field. Numbers are always
written as floats, since the first write fixes a field's type for ever; what is absent is left out.
"""

from collections.abc import Iterator, Sequence
from io import BytesIO

import polars as pl
from polars import selectors

from fleet.errors import StoreRejected
from fleet.readings import ReadingBatch
from fleet.risks import RISK_COLUMNS
from fleet.signals import Kind

RISKS, SHADOW_RISKS = "risk", "shadow_risk"
CLEARED = "(none)"
"""How an empty text is stored, which says that none is left: in CSV answers it would look like an absent one.

No decoder lets such a text pass as a code.
"""
_PLAIN = r"^[A-Za-z0-9_.:-]+$"
_KEYS = ("device_id", "site", "ts", "received")
_RISK_KEYS = ("device_id", "fault", "ts", "risk")
# A backslash in a tag cannot be escaped, and a line break ends the line.
_UNFIT_TAG = r"[\x00-\x1f\x7f\\]"
_UNFIT_TEXT = r"[\x00\r]"
Pieces = list[pl.Expr]


def reading_lines(batch: ReadingBatch, measurement: str | None = None) -> pl.Series:
    """Return one line for each reading, in order, without its line break; `measurement` is the kind's.

    Raises StoreRejected for what InfluxDB cannot hold: an empty id, a control character or backslash in an
    id, an infinite number, a reading without its received time.
    """
    frame = _checked(batch.frame, ["device_id", "site"], ["ts", "received"])
    ended = [
        one.name for one in frame if one.name not in _KEYS and one.dtype == pl.String and (one == "").any()
    ]
    frame = frame.with_columns(pl.col(ended).replace("", CLEARED)) if ended else frame
    tags = [*_tag(frame, "device", "device_id"), *_tag(frame, "site", "site")]
    fields = [name for name in frame.columns if name not in _KEYS]
    received = [pl.lit(" received="), pl.col("received")]
    return _lines(frame, measurement or batch.kind, tags, [*received, *_fields(frame, fields)])


def risk_lines(risks: pl.DataFrame, measurement: str = RISKS) -> pl.Series:
    """Return one line for each row of a risk frame, in order. Raises StoreRejected, as `reading_lines`."""
    frame = _checked(risks, ["device_id", "fault"], ["ts", "risk"])
    tags = [*_tag(frame, "device", "device_id"), *_tag(frame, "fault", "fault")]
    fields = [name for name in RISK_COLUMNS if name in frame.columns and name not in _RISK_KEYS]
    return _lines(frame, measurement, tags, [pl.lit(" risk="), pl.col("risk"), *_fields(frame, fields)])


def tile_lines(measurement: str, tiles: pl.DataFrame, *, zeros: bool = False) -> pl.Series:
    """Return one line for each row of a tile frame, in order; the site is a field there.

    Counts of 0 are left out but with `zeros`: they have to be there where another count is overwritten.
    Raises StoreRejected, as `reading_lines`.
    """
    counts = pl.col(r"^.*\.n$")
    frame = tiles.rename({"hour": "ts"}).with_columns(
        pl.when((counts != 0) | pl.lit(zeros)).then(counts).name.keep(),
        # A sum of squares may be beyond a double though each value is within.
        pl.when(selectors.float().is_finite()).then(selectors.float()).name.keep(),
    )
    frame = _checked(frame, ["device_id"], ["site", "ts", "readings"])
    fields = [name for name in frame.columns if name not in ("device_id", "ts", "readings")]
    readings = [pl.lit(" readings="), pl.col("readings")]
    tags = _tag(frame, "device", "device_id")
    return _lines(frame, measurement, tags, [*readings, *_fields(frame, fields)])


def tile_measurement(kind: Kind) -> str:
    """Return where kept tiles are: not under the name of readings, whose DELETE would take them along."""
    return f"{kind}_tile"


def bodies(lines: pl.Series, most: int) -> Iterator[bytes]:
    """Yield lines as the bodies of requests, of up to `most` lines each.

    No line becomes a Python object. Written as a CSV without quotes, they cost a quarter of what they do as
    Arrow's texts, of which a copy of all must be made first.
    """
    for begin in range(0, len(lines), most):
        body = BytesIO()
        lines.slice(begin, most).to_frame().write_csv(body, include_header=False, quote_style="never")
        yield body.getvalue()


def _lines(frame: pl.DataFrame, measurement: str, tags: Pieces, fields: Pieces) -> pl.Series:
    pieces = [pl.lit(measurement), *tags, *fields, pl.lit(" "), pl.col("ts")]
    return frame.select(pl.concat_str(pieces, ignore_nulls=True)).to_series()


def _fields(frame: pl.DataFrame, names: Sequence[str]) -> Pieces:
    return [piece for name in names for piece in _field(frame[name])]


def _field(column: pl.Series) -> Pieces:
    """Return the pieces of `,name=value`: nothing where the value is null."""
    name, value = column.name, pl.col(column.name)
    if isinstance(column.dtype, pl.Enum):
        # There are few states: each is renamed to its whole piece.
        return [
            value.to_physical().cat.to(pl.Enum([f',{name}="{state}"' for state in column.dtype.categories]))
        ]
    absent = column.null_count() > 0
    if column.dtype == pl.String and not _all_plain(column):
        if column.str.contains(_UNFIT_TEXT).any():
            raise StoreRejected(f"{name} has a character that InfluxDB cannot hold")
        value = pl.when(value != "").then(value)  # an empty text is an absent one
        value = value.str.replace_all("\\", "\\\\", literal=True).str.replace_all('"', '\\"', literal=True)
        absent = True
    quote = [pl.lit('"')] if column.dtype == pl.String else []
    pieces = [pl.lit(f",{name}=" + '"' * len(quote)), value, *quote]
    return [pl.concat_str(pieces)] if absent else pieces  # one piece, so that a null takes its name along


def _tag(frame: pl.DataFrame, tag: str, name: str) -> Pieces:
    value = pl.col(name)
    if not _all_plain(frame[name]):
        value = value.str.replace_all(r"([,= ])", r"\$1")
    return [pl.lit(f",{tag}="), value]


def _all_plain(texts: pl.Series) -> bool:
    return bool(texts.unique().str.contains(_PLAIN).all())


def _checked(frame: pl.DataFrame, tags: Sequence[str], required: Sequence[str]) -> pl.DataFrame:
    """Return the columns that hold anything, NaN as null; refuse what cannot be written."""
    for name in tags:
        _check_tag(frame[name])
    for name in required:
        if frame[name].null_count():
            raise StoreRejected(f"a row without {name} cannot be stored")
    frame = _filled(frame)
    numbers = selectors.float()
    finite = frame.select(pl.lit(True).alias(""), numbers.is_finite().all())
    if all(finite.row(0)):
        return frame
    frame = _filled(frame.with_columns(numbers.fill_nan(None)))
    infinite = frame.select(pl.lit(False).alias(""), numbers.is_infinite().any())
    for name, found in zip(infinite.columns, infinite.row(0), strict=True):
        if found:
            raise StoreRejected(f"{name} is infinite, which InfluxDB cannot hold")
    return frame


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    nulls = zip(frame.columns, frame.null_count().row(0), strict=True)
    return frame.select(name for name, count in nulls if count < frame.height)


def _check_tag(column: pl.Series) -> None:
    if not column.null_count() and _all_plain(column):
        return
    text = pl.col(column.name)
    unfit = column.to_frame().filter(
        text.is_null() | (text == "") | (text.str.strip_chars() != text) | text.str.contains(_UNFIT_TAG)
    )
    if unfit.height:
        raise StoreRejected(f"{column.name} {unfit.item(0, 0)!r} cannot be stored in InfluxDB")

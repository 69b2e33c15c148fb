"""What both stores do with repeats and late readings: the same device and time again is one reading."""

import polars as pl


def merge_repeats(frame: pl.DataFrame) -> pl.DataFrame:
    """Merge rows of the same device and time: the last one wins, field by field."""
    merged = frame.group_by(["device_id", "ts"], maintain_order=True).agg(pl.all().drop_nulls().last())
    return merged.select(frame.columns)


def spans_of(frame: pl.DataFrame) -> pl.DataFrame:
    """Return for each device its first and last time, its number of rows and of different times."""
    ts = pl.col("ts")
    return frame.group_by("device_id").agg(
        ts.min().alias("first"), ts.max().alias("last"), ts.len().alias("rows"), ts.n_unique().alias("times")
    )


def without_repeats(frame: pl.DataFrame, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the frame with repeats merged; the rows of devices that repeat something are the last ones."""
    repeating = spans["device_id"].filter(spans["times"] < spans["rows"])
    if repeating.is_empty():
        return frame
    # To merge costs more than all else that is done with a row: one device must not make it everyone's price.
    theirs = frame["device_id"].is_in(repeating.implode())
    return pl.concat([frame.filter(~theirs), merge_repeats(frame.filter(theirs))])


def not_newer(frame: pl.DataFrame, spans: pl.DataFrame, newest: dict[str, int]) -> pl.DataFrame:
    """Return the rows whose time is not after the newest one known of their device."""
    firsts = zip(spans["device_id"].to_list(), spans["first"].to_list(), strict=True)
    behind = [device for device, first in firsts if first <= newest.get(device, first - 1)]
    if not behind:
        return frame.clear()
    times = {"device_id": behind, "newest": [newest[device] for device in behind]}
    known = pl.DataFrame(times, schema={"device_id": pl.String, "newest": pl.Int64})
    tops = frame.join(known, on="device_id", how="inner", maintain_order="left")
    return tops.filter(pl.col("ts") <= pl.col("newest")).drop("newest")

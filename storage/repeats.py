"""What both stores do with repeats: the same device and time again is one reading."""

import polars as pl


def merge_repeats(frame: pl.DataFrame) -> pl.DataFrame:
    """Merge rows of the same device and time: the last one wins, field by field."""
    merged = frame.group_by(["device_id", "ts"], maintain_order=True).agg(pl.all().drop_nulls().last())
    return merged.select(frame.columns)

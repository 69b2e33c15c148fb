"""What both stores do with repeats: the same device and time again is one reading."""

import numpy as np
import polars as pl

from fleet.device_codes import Codes


def merge_repeats(frame: pl.DataFrame) -> pl.DataFrame:
    """Merge rows of the same device and time: the last one wins, field by field."""
    merged = frame.group_by(["device_id", "ts"], maintain_order=True).agg(pl.all().drop_nulls().last())
    return merged.select(frame.columns)


def without_repeats(frame: pl.DataFrame, codes: Codes) -> pl.DataFrame:
    """Return the frame with repeats merged; `codes` has a number for each row's device.

    The rows of devices whose times do not rise, which may repeat one, are the last ones.
    """
    order = np.argsort(codes, kind="stable")
    devices, ts = codes[order], frame["ts"].to_numpy()[order]
    falls = (devices[1:] == devices[:-1]) & (ts[1:] <= ts[:-1])
    if not falls.any():
        return frame
    # To merge costs more than all else that is done with a row: one device must not make it everyone's price.
    theirs = pl.Series(np.isin(codes, devices[1:][falls]))
    return pl.concat([frame.filter(~theirs), merge_repeats(frame.filter(theirs))])

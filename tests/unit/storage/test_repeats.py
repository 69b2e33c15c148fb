"""What both stores know of the newest times and make of repeats, against the plain way to say it."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from storage.series.newest import NewestTimes
from storage.series.repeats import merge_repeats, without_repeats

_READINGS = st.lists(st.tuples(st.sampled_from(["a", "b", "ü", "d 4"]), st.integers(0, 6)), max_size=12)


def framed(readings: list[tuple[str, int]]) -> pl.DataFrame:
    columns = {"device_id": pl.String, "ts": pl.Int64}
    frame = pl.DataFrame(readings, schema=columns, orient="row").with_row_index("x_m")
    return frame.select("device_id", "ts", pl.col("x_m").cast(pl.Float64))


def in_order(frame: pl.DataFrame) -> list[tuple[object, ...]]:
    return sorted(frame.rows())


@given(_READINGS)
def test_repeats_are_merged_as_if_every_row_were_looked_at(readings: list[tuple[str, int]]) -> None:
    frame = framed(readings)
    codes = NewestTimes({}).codes(frame["device_id"])
    assert in_order(without_repeats(frame, codes)) == in_order(merge_repeats(frame))


@given(st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(0, 6)), st.lists(_READINGS, max_size=4))
def test_the_newest_times_are_those_of_a_dictionary(
    known: dict[str, int], batches: list[list[tuple[str, int]]]
) -> None:
    newest, plain = NewestTimes(known), dict(known)
    for readings in batches:
        frame = framed(readings)
        codes = newest.codes(frame["device_id"])
        behind = newest.not_newer(codes, frame["ts"]).to_list()
        assert behind == [device in plain and ts <= plain[device] for device, ts in readings]
        newest.rise(codes, frame["ts"])
        for device, ts in readings:
            plain[device] = max(ts, plain.get(device, ts))
        assert newest.as_dict() == plain

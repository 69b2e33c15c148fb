"""The InfluxQL of the InfluxDB store, and how its CSV answers are read. Served by 1.8, 2 and 3."""

import re
from collections.abc import Iterable, Sequence
from io import BytesIO

import polars as pl

from fleet.signals import Form, Signal
from fleet.tiles import tile_column
from storage.ports import Sought

FIRST_MS = -9_223_372_036_854
LAST_MS = 9_223_372_036_854
"""InfluxDB's own bounds of time, in epoch ms."""
_CASTS = {Form.BOOLEAN: "boolean", Form.STATE: "string", Form.TEXT: "string"}
_ESCAPED = re.compile(r"\\(.)")


def name_of(name: str) -> str:
    """Return a quoted identifier."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def value_of(signal: Signal) -> str:
    """Return a signal's field, as the type that it has here.

    Another client may have written a field in another type, of which no two can be in one shard but any in
    two: such a value is passed over, where else a mean would fail, or text come where a number is due.
    """
    return f"{name_of(signal.name)}::{_CASTS.get(signal.form, 'float')}"


def text_of(text: str) -> str:
    """Return a quoted string."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def times(start: int, end: int) -> str:
    """Return the condition for a range that includes its start and excludes its end, clipped where needed."""
    bounds = (max(FIRST_MS, min(bound, LAST_MS)) for bound in (start, end))
    return "time >= {}ms AND time < {}ms".format(*bounds)


def among(devices: Iterable[str]) -> str:
    """Return the condition for any of some devices."""
    return "(" + " OR ".join(f"device = {text_of(device)}" for device in devices) + ")"


def times_among(start: int, end: int, devices: Sequence[str] | None) -> str:
    """Return the condition for a range of time, of all devices or any of some."""
    if devices is None:
        return times(start, end)
    return f"{times(start, end)} AND {among(devices)}" if devices else f"{times(start, start)}"


def is_one_of(signal: Signal, sought: Sought) -> str:
    """Return the condition for values that are looked for, begun with AND where there is any."""
    value = value_of(signal)
    if signal.form is Form.BOOLEAN:
        fitting = [word for word, number in (("false", 0.0), ("true", 1.0)) if _within(number, sought)]
        return f" AND ({' OR '.join(f'{value} = {word}' for word in fitting)})" if fitting else ""
    tests = [
        f"{value} {sign} {bound!r}"
        for sign, bound in ((">=", sought.low), ("<=", sought.high))
        if bound is not None
    ]
    if sought.words is not None:
        tests.append(f"({' OR '.join(f'{value} = {text_of(word)}' for word in sought.words)})")
    return "".join(f" AND {test}" for test in tests)


def _within(number: float, sought: Sought) -> bool:
    low, high = sought.low, sought.high
    return (low is None or number >= low) and (high is None or number <= high)


def last_of_each(signals: Iterable[tuple[Signal, str]], device: str) -> list[str]:
    """Return one statement for each signal, given with its measurement: its newest value of one device."""
    return [
        f"SELECT last({value_of(signal)}) AS value FROM {name_of(where)} WHERE device = {text_of(device)}"
        for signal, where in signals
    ]


def statistics(signal: Signal) -> list[str]:
    """Return the columns of a signal's tile that InfluxDB computes; `stddev` stands in for `m2`.

    Of a boolean there are only count, first and last: what else a tile holds follows from how many are true.
    """
    value = value_of(signal)
    stats = {"n": "count", "first": "first", "last": "last"}
    if signal.form is not Form.BOOLEAN:
        stats |= {"mean": "mean", "stddev": "stddev", "min": "min", "max": "max"}
    return [
        f"{function}({value}) AS {name_of(tile_column(signal.name, stat))}"
        for stat, function in stats.items()
    ]


def grouped(kind: str, columns: Sequence[str], where: str, groups: str) -> str:
    """Return the query that summarises readings, by tags and time if any; empty groups are left out."""
    query = f"SELECT {', '.join(columns)} FROM {name_of(kind)} WHERE {where}"
    return query + (f" GROUP BY {groups}" if groups else "") + (" fill(none)" if "time(" in groups else "")


def read_csv(answer: bytes, types: dict[str, pl.DataType]) -> pl.DataFrame:
    """Read a CSV answer of one statement: `tags`, `time`, then the columns of `types`, null where empty.

    An empty answer is an empty frame.
    """
    schema: dict[str, pl.DataType] = {"tags": pl.String(), "time": pl.Int64(), **types}
    if not answer.strip():
        return pl.DataFrame(schema=schema)
    found = pl.read_csv(BytesIO(answer), schema_overrides=schema)
    missing = [pl.lit(None, dtype).alias(name) for name, dtype in schema.items() if name not in found.columns]
    return found.with_columns(missing).select(*schema)


def joined(answers: Iterable[bytes]) -> bytes:
    """Return the CSV answers to statements that ask for the same columns as one, under one line of names."""
    names, rows = b"", []
    for answer in answers:
        if answer.strip():
            names, _, found = answer.partition(b"\n")
            rows.append(found.rstrip(b"\n"))
    return b"\n".join([names, *rows])


def with_tags(frame: pl.DataFrame, *names: str) -> pl.DataFrame:
    """Replace the column `tags` (`device=R1,site=s1`) by one column for each name."""
    tags = frame["tags"].unique()
    split = {tag: _split(tag) for tag in tags}
    columns = {name: pl.Series([split[tag].get(name, "") for tag in tags], dtype=pl.String) for name in names}
    return frame.join(pl.DataFrame({"tags": tags, **columns}), on="tags", how="left").drop("tags")


def _split(tags: str) -> dict[str, str]:
    """Take `name=value,name=value` apart, in which a comma, equals sign or blank of a value is escaped."""
    pairs = (pair.partition("=") for pair in re.split(r"(?<!\\),", tags))
    return {name: _ESCAPED.sub(r"\1", value) for name, _, value in pairs}

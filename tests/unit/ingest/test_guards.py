"""Each guard of the bulk decoder matters: without it, the comparison of both decoders finds a difference.

A guard is taken out by changing the source of the module that has it (helpers.decoders.without).
"""

from collections.abc import Sequence
from types import ModuleType
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest
from helpers.decoders import in_bulk, outcome, reference, without
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.clock import DAY_MS
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS, EARLIEST_TS, MAX_PAYLOAD_BYTES
from ingest.decode import bulk, bulk_columns, bulk_screen
from ingest.decode.bulk_columns import ColumnParser
from ingest.messages import Message
from storage.records.devices import Placement

NOW = 1_763_800_000_000
CROWD = 200
KNOWN = {f"R{number}": Placement("s1", Kind.ROBOT) for number in range(CROWD)}

Batches = Sequence[Sequence[Message]]
Changes = Sequence[tuple[str, str]]


def said(payload: bytes, device: str = "R0", *, site: str = "s1", retain: bool = False) -> Message:
    return Message(f"sweepwatch/v1/{site}/robot/{device}/telemetry", payload, 1, retain, 1, NOW)


def crowd(*odd: Message, good: int = CROWD - 1) -> list[Message]:
    """Return a reading of each of many devices, each at its own place, with odd messages in the middle."""
    normal = [
        said(b'{"ts":%d,"seq":%d,"x_m":%d}' % (NOW - 1000, number, number), f"R{number}")
        for number in range(1, good + 1)
    ]
    return [*normal[: good // 2], *odd, *normal[good // 2 :]]


def body(text: bytes, ts: int = NOW) -> bytes:
    return b'{"ts":%d,%b}' % (ts, text)


def odd(*payloads: bytes) -> Batches:
    return [crowd(*map(said, payloads))]


TWO_LINES = body(b'"x_m":0') + b"\n" + body(b'"x_m":9')
DEEP = body(b'"x_m":1,"a":' + b'{"a":' * 40 + b"1" + b"}" * 40)
DEEP_ARRAY = body(b'"x_m":1,"a":' + b"[" * 40 + b"]" * 40)
HALF = body(b'"x_m":1,"note":"\\ud800"')
TWICE = body(b'"x_m":true,"x_m":1')

MARKS = "{_BREAK, _OPEN, _CLOSE, _ARRAY, _BACKSLASH, *_COLONS}"
ORDER = ('(b"{}\\n" * lines)[:-1]', 'b"{}" * lines')
DOUBTFUL_BRACES = (
    ("(per_line(text == _OPEN) != 1)", "(breaks < -9)"),
    ("(per_line(text == _CLOSE) != 1)", "(breaks < -9)"),
)
NO_DOUBT = ("fine = ~doubtful(lines, joined)", "fine = np.ones(len(lines), dtype=bool)")

GUARDS: dict[str, tuple[ModuleType, Changes, Batches]] = {
    "a batch has a line break after each line alone": (
        bulk_screen,
        [(MARKS, MARKS.replace("_BREAK, ", "")), ORDER],
        odd(b"", TWO_LINES),
    ),
    "a batch has one brace each way a line": (
        bulk_screen,
        [(MARKS, MARKS.replace("_OPEN, _CLOSE, ", "")), (ORDER[0], 'b"\\n" * (lines - 1)')],
        odd(DEEP),
    ),
    "a batch has no array": (bulk_screen, [(MARKS, MARKS.replace("_ARRAY, ", ""))], odd(DEEP_ARRAY)),
    "a batch has no escaped character": (
        bulk_screen,
        [(MARKS, MARKS.replace("_BACKSLASH, ", ""))],
        odd(HALF),
    ),
    # Either of these alone is made good by the other.
    "a line has no break and one brace each way": (
        bulk_screen,
        [("(breaks != 0)", "(breaks < -9)"), *DOUBTFUL_BRACES],
        odd(b"", TWO_LINES),
    ),
    "a line has one brace each way": (bulk_screen, DOUBTFUL_BRACES, odd(DEEP)),
    "a line has no array": (
        bulk_screen,
        [("odd |= per_line(text == _ARRAY) != 0", "pass")],
        odd(DEEP_ARRAY),
    ),
    "a line has no escaped character": (
        bulk_screen,
        [("odd |= per_line(escapes) != 0", "pass")],
        odd(HALF),
    ),
    "what is doubtful stays out": (bulk, [NO_DOUBT], odd(HALF)),
    "what is too large stays out": (
        bulk,
        [("max(map(len, lines)) > MAX_PAYLOAD_BYTES", "False")],
        odd(body(b'"x_m":1,"pad":"' + b"x" * MAX_PAYLOAD_BYTES + b'"')),
    ),
    "halves are parsed in the order of arrival": (
        bulk_columns,
        [("return [(middle, stop), (start, middle)]", "return [(start, middle), (middle, stop)]")],
        odd(body(b'"x_m":true')),
    ),
    "a piece that is refused again is not taken": (
        bulk_columns,
        [("sound[start:stop] = fine & (frame is not None)", "sound[start:stop] = fine")],
        odd(body(b'"x_m":true'), TWICE, TWICE),
    ),
    "the parser is asked about what JSON allows": (
        bulk_columns,
        [("if fine.all() and left_to_ask", "if False and left_to_ask"), ("& (frame is not None)", "")],
        odd(TWICE),
    ),
    "a reading without ts is looked at": (
        bulk_columns,
        [("return result", "return result | ts.is_null().to_numpy()")],
        odd(b'{"x_m":1}'),
    ),
    "a reading is not expired": (
        bulk_columns,
        [("np.maximum(EARLIEST_TS, received - retention)", "EARLIEST_TS")],
        odd(body(b'"x_m":1', NOW - DEFAULT_RETENTION_MS - 1)),
    ),
    "a reading is not of the future": (
        bulk_columns,
        [("& (times < received + (FUTURE_TOLERANCE_MS + 1))", "")],
        odd(body(b'"x_m":1', NOW + 600_001)),
    ),
    "a seq at the end of what a double can tell is looked at": (
        bulk_columns,
        [("kept &= ~_mask(seq == float(MAX_SEQ))", "pass")],
        odd(body(b'"x_m":1,"seq":9007199254740993')),
    ),
    "a seq is whole and not negative": (
        bulk_columns,
        [("(seq >= 0) & (seq <= float(MAX_SEQ)) & (seq.floor() == seq)", "(seq <= float(MAX_SEQ))")],
        odd(body(b'"x_m":1,"seq":-1'), body(b'"y_m":1,"seq":5.5')),
    ),
    "a reading has a signal": (
        bulk_columns,
        [("kept &= _any_value(columns.values(), frame.height)", "pass")],
        odd(body(b'"seq":1')),
    ),
    "values dropped of a refused reading are not counted": (
        bulk_columns,
        [("np.flatnonzero(where & kept)", "np.flatnonzero(where)")],
        odd(body(b'"x_m":99999', 5)),
    ),
    "a number is in its range": (
        bulk_columns,
        [("if low is None or (low >= signal.low and high <= signal.high):", "if True:")],
        odd(body(b'"lat":3,"x_m":10001')),
    ),
    "a counter at the end of what a double can tell is looked at": (
        bulk_columns,
        [("self._kept &= ~_mask(column == MAX_COUNT)", "pass")],
        odd(body(b'"x_m":1,"run_s":9007199254740993')),
    ),
    "a whole number is whole": (
        bulk_columns,
        [("broken = column.floor() != column", "broken = column != column")],
        odd(body(b'"x_m":1,"floor":1.5')),
    ),
    "a state that may have been a number is looked at": (
        bulk_columns,
        [("self._look_closer(column.name, where)\n", "pass\n")],
        odd(body(b'"x_m":1,"state":5')),
    ),
    "a text that may have been a number is looked at": (
        bulk_columns,
        [("if scalars:", "if False:")],
        odd(body(b'"x_m":1,"error_code":1e3')),
    ),
    "an empty error code stays": (
        bulk_columns,
        [("and not signal.clearable", "")],
        odd(body(b'"x_m":1,"error_code":""')),
    ),
    "a text is a code": (
        bulk_columns,
        [("if text and not is_code(text)", "if False")],
        odd(body(b'"x_m":1,"error_code":"a b"')),
    ),
    "a column that did not come of late is found by the colons": (
        bulk_columns,
        [("_values(frame) != colons", "False")],
        [crowd(), crowd(said(body(b'"x_m":0,"suction_pa":5')))],
    ),
    "a retained copy tells nothing of when a device was heard": (
        bulk,
        [("self.kinds[messages.retain] = ONE_BY_ONE", "pass")],
        [crowd(said(body(b'"x_m":1'), retain=True))],
    ),
    "a device speaks from where it belongs": (
        bulk,
        [("if not roster.is_settled(topic):", "if False:")],
        [crowd(said(body(b'"x_m":1'), site="s2"))],
    ),
    "a new device that speaks from two places is judged in the order of arrival": (
        bulk,
        [("if any((topic.site, topic.kind) != (first.site, first.kind) for topic in topics):", "if False:")],
        [crowd(said(body(b'"x_m":1'), "N1"), said(body(b'"x_m":2'), "N1", site="s2"))],
    ),
    "what one device said by either path stays in its order": (
        bulk,
        [
            (
                "places.extend([at] * (len(rows) - len(places)))",
                "places.extend([0] * (len(rows) - len(places)))",
            )
        ],
        odd(body(b'"x_m":1'), b"[" + body(b'"x_m":2') + b"]"),
    ),
}


def compared(
    module: ModuleType, batches: Batches, retention_ms: int = DEFAULT_RETENTION_MS
) -> tuple[list[Any], list[Any]]:
    """Return what the bulk decoder of `module` makes of the batches in turn, and what the reference does."""
    decoder, line = in_bulk(KNOWN, module, retention_ms), reference(KNOWN, retention_ms)
    # Twice: the second time, the bulk decoder has learned what comes.
    twice = [*batches, *batches]
    return [outcome(decoder, batch) for batch in twice], [outcome(line, batch) for batch in twice]


@pytest.mark.parametrize("name", GUARDS)
def test_without_the_guard_the_decoders_differ_and_with_it_they_do_not(name: str) -> None:
    module, changes, batches = GUARDS[name]
    made, expected = compared(bulk, batches)
    assert made == expected
    try:
        made, expected = compared(without(module, *changes), batches)
    except (pl.exceptions.PolarsError, ValueError, IndexError):
        return  # what is inconsistent cannot even be put together
    assert made != expected, "nothing was found: this guard is not tested"


def test_a_reading_of_before_2015_is_refused_though_the_retention_is_longer() -> None:
    batches = odd(body(b'"x_m":1', EARLIEST_TS - 1))
    retention_ms = NOW - EARLIEST_TS + DAY_MS
    made, expected = compared(bulk, batches, retention_ms)
    assert made == expected
    lax = without(bulk_columns, ("np.maximum(EARLIEST_TS, received - retention)", "received - retention"))
    made, expected = compared(lax, batches, retention_ms)
    assert made != expected


def test_lines_that_give_more_or_fewer_rows_are_no_batch() -> None:
    """The last guard, if all others were to fail: an empty line gives no row."""
    with pytest.raises(pl.exceptions.ComputeError, match="3 lines gave 2 rows"):
        ColumnParser(STANDARD_SIGNALS, Kind.ROBOT).parse(b'{"ts":1}\n\n{"ts":2}', 3, 2)


def test_a_batch_of_nothing_but_what_is_too_large_is_refused_one_by_one() -> None:
    huge = said(body(b'"x_m":1,"pad":"' + b"x" * MAX_PAYLOAD_BYTES + b'"'))
    made, expected = compared(bulk, [[huge, huge]])
    assert made == expected
    assert len(made[0]["refused"]) == 2


def test_the_search_for_culprits_ends_though_every_line_is_one() -> None:
    batch = [said(TWICE, f"R{number}") for number in range(CROWD)]
    with patch.object(bulk_columns, "_MOST_ASKED", 10), patch.object(bulk_columns, "_PIECE", 8):
        made, expected = compared(bulk, [batch])
    assert made == expected


TOKENS = st.sampled_from(
    [
        *(
            b"{",
            b"}",
            b"[",
            b"]",
            b":",
            b",",
            b'"',
            b"\n",
            b"\r\n",
            b" ",
            b"\t",
            b"\0",
            b"\\",
            b"\\u",
            b"\\ud800",
        ),
        *(
            b"true",
            b"null",
            b"NaN",
            b"1e400",
            b"-",
            b"0",
            b"01",
            b"5",
            b"1.5",
            b"\xef\xbb\xbf",
            b"\xff",
            b"\xc3",
        ),
        *(b'"x_m"', b'"ts"', b'"worn"', b'"state"', b'"a"', b"%d" % NOW),
        *(body(b'"x_m":0'), body(b'"x_m":true'), TWICE, b'{"x_m":0}', b"{}", b"[]", TWO_LINES),
    ]
)
MADE = st.lists(TOKENS, max_size=8).map(b"".join) | st.binary(max_size=12)


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 29), MADE), min_size=1, max_size=6), st.sampled_from([1, 4, 64]))
def test_no_payload_however_made_shifts_a_reading_onto_another_device(
    placed: list[tuple[int, bytes]], piece: int
) -> None:
    batch = crowd(good=30)
    for at, payload in sorted(placed, reverse=True):
        batch.insert(at, said(payload))
    decoder, line = in_bulk(KNOWN), reference(KNOWN)
    with patch.object(bulk_columns, "_PIECE", piece):
        for _ in range(2):
            made = outcome(decoder, batch)
            assert made == outcome(line, batch)
            rows, schema = made["frames"][Kind.ROBOT]
            device, x = list(schema).index("device_id"), list(schema).index("x_m")
            there = {row[device]: row[x] for row in rows if row[device] != "R0"}
            assert there == {f"R{number}": float(number) for number in range(1, 31)}


def test_after_the_first_odd_payload_of_a_device_nobody_is_looked_through_for_it() -> None:
    decoder = in_bulk(KNOWN)
    for payload in (b"", TWO_LINES, HALF, b"rubbish"):
        decoder.decode(crowd(said(payload)))
    with patch.object(bulk, "doubtful", side_effect=AssertionError("looked through all")):
        for payload in (b"", TWO_LINES, HALF, b"rubbish", DEEP):
            out = decoder.decode(crowd(said(payload)))
            assert out.columns[Kind.ROBOT].frame.height == CROWD - 1


def test_a_site_that_comes_back_with_its_backlogs_is_not_kept_off_the_fast_path() -> None:
    decoder = in_bulk(KNOWN)
    backlog = b"[" + body(b'"x_m":1') + b"]"
    decoder.decode([said(backlog, f"R{number}") for number in range(100)] + crowd()[100:])
    out = decoder.decode(crowd())
    assert out.columns[Kind.ROBOT].frame.height == CROWD - 1

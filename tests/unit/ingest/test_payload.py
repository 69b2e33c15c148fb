"""The payload section of docs/wire.md: what is JSON to us, and the name of the reason when it is not."""

import json

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.wire import MAX_DEPTH, MAX_PAYLOAD_BYTES, Reason
from ingest.decode.payload import depth, elements, parse
from ingest.messages import Refusal


def nested(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


REFUSED = [
    ("over the size", b'{"a":"' + b"x" * MAX_PAYLOAD_BYTES + b'"}', Reason.TOO_LARGE),
    (
        "over the size and not UTF-8: the size comes first",
        b"\xff" * (MAX_PAYLOAD_BYTES + 1),
        Reason.TOO_LARGE,
    ),
    ("over the size, all white space", b" " * (MAX_PAYLOAD_BYTES + 1), Reason.TOO_LARGE),
    ("Latin-1", '{"zone":"é"}'.encode("latin-1"), Reason.BAD_ENCODING),
    ("overlong UTF-8", b'{"a":"\xc0\xaf"}', Reason.BAD_ENCODING),
    ("a surrogate in UTF-8", b'{"a":"\xed\xa0\x80"}', Reason.BAD_ENCODING),
    ("UTF-16", '{"a":1}'.encode("utf-16"), Reason.BAD_ENCODING),
    ("not UTF-8 and not JSON: the encoding comes first", b"{\xff", Reason.BAD_ENCODING),
    ("a byte-order mark", b'\xef\xbb\xbf{"a":1}', Reason.BAD_JSON),
    ("a byte-order mark alone", b"\xef\xbb\xbf", Reason.BAD_JSON),
    ("NaN", b'{"a":NaN}', Reason.BAD_JSON),
    ("Infinity", b'{"a":Infinity}', Reason.BAD_JSON),
    ("-Infinity", b'{"a":-Infinity}', Reason.BAD_JSON),
    ("beyond a double", b'{"a":1e400}', Reason.BAD_JSON),
    ("beyond a double, negative", b'{"a":-1e400}', Reason.BAD_JSON),
    ("beyond a double, digits", b'{"a":' + b"9" * 400 + b"}", Reason.BAD_JSON),
    ("a lone high surrogate", b'{"a":"\\ud800"}', Reason.BAD_JSON),
    ("a lone low surrogate", b'{"a":"\\udc00"}', Reason.BAD_JSON),
    ("surrogates in the wrong order", b'{"a":"\\ude00\\ud83d"}', Reason.BAD_JSON),
    ("a lone surrogate in a key", b'{"\\ud800":1}', Reason.BAD_JSON),
    ("a second value", b'{"a":1}{"a":2}', Reason.BAD_JSON),
    ("a second value on a line of its own", b'{"a":1}\n{"a":2}', Reason.BAD_JSON),
    ("a NUL after the value", b'{"a":1}\x00', Reason.BAD_JSON),
    ("a control character in a string", b'{"a":"\x01"}', Reason.BAD_JSON),
    ("a trailing comma", b'{"a":1,}', Reason.BAD_JSON),
    ("a leading zero", b'{"a":01}', Reason.BAD_JSON),
    ("a plus sign", b'{"a":+1}', Reason.BAD_JSON),
    ("no digit before the point", b'{"a":.5}', Reason.BAD_JSON),
    ("no digit after the point", b'{"a":5.}', Reason.BAD_JSON),
    ("single quotes", b"{'a':1}", Reason.BAD_JSON),
    ("a comment", b'{"a":1}//', Reason.BAD_JSON),
    ("cut off", b'{"a":1', Reason.BAD_JSON),
    ("white space that JSON does not know", b'\x0b{"a":1}', Reason.BAD_JSON),
    ("a no-break space alone", b"\xc2\xa0", Reason.BAD_JSON),
    ("33 levels of objects", nested(MAX_DEPTH + 1), Reason.TOO_DEEP),
    ("33 levels of arrays", b"[" * 33 + b"]" * 33, Reason.TOO_DEEP),
    ("levels behind a repeated key", b'{"a":' + nested(33) + b',"a":1}', Reason.TOO_DEEP),
    ("more levels than the parser takes", nested(5_000), Reason.TOO_DEEP),
    ("as deep as the size allows", b"[" * 131_072 + b"]" * 131_072, Reason.TOO_DEEP),
    ("too deep and never closed: JSON comes first", b"[" * 40, Reason.BAD_JSON),
    ("far too deep and never closed: JSON comes first", b"[" * 5_000, Reason.BAD_JSON),
    ("far too deep and wrongly closed", b"[" * 5_000 + b"}" * 5_000, Reason.BAD_JSON),
    ("far too deep and wrong inside", b"[" * 5_000 + b"NaN" + b"]" * 5_000, Reason.BAD_JSON),
    ("far too deep and a second value", b"[" * 5_000 + b"]" * 5_000 + b"1", Reason.BAD_JSON),
    ("nothing", b"", Reason.EMPTY),
    ("only white space", b" \t\r\n", Reason.EMPTY),
    ("an empty array", b" [ ] ", Reason.EMPTY),
    ("a number", b"1", Reason.NOT_OBJECT),
    ("a string", b'"a"', Reason.NOT_OBJECT),
    ("a bool", b"true", Reason.NOT_OBJECT),
    ("null", b"null", Reason.NOT_OBJECT),
]


@pytest.mark.parametrize(("payload", "reason"), [c[1:] for c in REFUSED], ids=[c[0] for c in REFUSED])
def test_a_payload_is_refused_whole_for_the_first_reason_that_holds(payload: bytes, reason: Reason) -> None:
    refusal = parse(payload)
    assert isinstance(refusal, Refusal)
    assert refusal.reason == reason
    assert refusal.detail
    assert "\n" not in refusal.detail


TAKEN = [
    ("exactly the size", b'{"a":"' + b"x" * (MAX_PAYLOAD_BYTES - 8) + b'"}'),
    ("line breaks as white space", b'{\r\n"a"\n:\n1\n}\n'),
    ("32 levels", nested(MAX_DEPTH)),
    ("brackets in strings nest nothing", b'{"a":"' + b"[{" * 40 + b'","b":"\\"' + b"[" * 40 + b'"}'),
    ("a surrogate pair", b'{"a":"\\ud83d\\ude00"}'),
    ("an escaped NUL", b'{"a":"\\u0000"}'),
    ("a repeated key", b'{"a":1,"a":2}'),
    ("the largest double", b'{"a":1.7976931348623157e308}'),
    ("too small for a double", b'{"a":1e-400}'),
    ("an array of many flat objects", b"[" + b",".join([b'{"a":1}'] * 1000) + b"]"),
    ("scalars in an array, which are judged one by one", b"[1,null]"),
    ("an empty object, which is judged as a reading", b"{}"),
]


@pytest.mark.parametrize("payload", [c[1] for c in TAKEN], ids=[c[0] for c in TAKEN])
def test_what_rfc_8259_allows_within_the_limits_is_taken(payload: bytes) -> None:
    assert not isinstance(parse(payload), Refusal)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.lists(json_values, min_size=1), st.booleans())
def test_the_elements_of_an_array_keep_their_own_bytes(values: list[object], spaced: bool) -> None:
    options = {"indent": 2} if spaced else {"separators": (",", ":")}
    payload = json.dumps(values, **options).encode("utf-8", "surrogatepass")  # type: ignore[arg-type]
    if isinstance(parse(payload), Refusal):  # a lone surrogate, escaped
        return
    parts = elements(payload)
    assert [orjson.loads(part) for part in parts] == orjson.loads(payload)
    assert all(part in payload for part in parts)


def levels_of(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(levels_of, value.values()), default=0)
    return 1 + max(map(levels_of, value), default=0) if isinstance(value, list) else 0


@given(json_values)
def test_depth_counts_levels_whatever_the_strings_hold(value: object) -> None:
    assert depth(json.dumps(value).encode()) == levels_of(value)

"""The rules of docs/wire.md for topics, times, values and arrays, one case a line."""

import json
from collections.abc import Collection
from typing import Any

import pytest

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.commands import Reply, ReplyState
from fleet.errors import StoreUnavailable
from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS, Dropped, Reason
from ingest.decode.decoded import Decoded
from ingest.decode.lines import LineDecoder
from ingest.messages import Message
from ingest.watch.roster import Roster
from storage.records.devices import Placement

NOW = 1_763_800_000_000
TOPIC = "sweepwatch/v1/s1/robot/R1/telemetry"


def nobody(_: Collection[str]) -> dict[str, Placement]:
    return {}


def decoder(*, open_registration: bool = True, known: dict[str, Placement] | None = None) -> LineDecoder:
    roster = Roster(nobody, open_registration=open_registration)
    roster.load(known or {})
    return LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)


def message(payload: object, topic: str = TOPIC, *, retain: bool = False) -> Message:
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, body, 1, retain, 1, NOW)


def decode(payload: object, topic: str = TOPIC, *, retain: bool = False) -> Decoded:
    return decoder().decode([message(payload, topic, retain=retain)])


def one_row(payload: object, kind: Kind = Kind.ROBOT) -> dict[str, Any]:
    rows = decode(payload, f"sweepwatch/v1/s1/{kind}/R1/telemetry").rows[kind]
    assert len(rows) == 1
    return rows[0]


def reasons(out: Decoded) -> list[str]:
    return [evidence.reason for evidence in out.refused]


# Topics


@pytest.mark.parametrize(
    ("topic", "reason", "device"),
    [
        ("sweepwatch/v1/s 1/robot/R1/telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/s1/robot/R1\n/telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/s1\n/robot/R1/telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/s1/robot//telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/s1/robot/" + "x" * 65 + "/telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/s1/robot/Rö/telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/events/robot/R1/telemetry", Reason.BAD_ID, None),
        ("sweepwatch/v1/s1/toaster/R1/telemetry", Reason.UNKNOWN_KIND, "R1"),
        ("sweepwatch/v1/s1/Robot/R1/telemetry", Reason.UNKNOWN_KIND, "R1"),
    ],
)
def test_a_topic_that_is_not_ours_is_quarantined(topic: str, reason: Reason, device: str | None) -> None:
    out = decode({"ts": NOW, "battery_pct": 5}, topic)
    assert reasons(out) == [reason]
    assert out.refused[0].device_id == device
    assert not out.rows
    assert out.counts.received == out.counts.quarantined.total() == 1


def test_the_topic_is_judged_before_the_payload() -> None:
    assert reasons(decode(b"\xff", "sweepwatch/v1/s1/robot/a b/telemetry")) == [Reason.BAD_ID]


def test_a_long_topic_or_one_with_a_nul_is_shown_as_the_database_takes_it() -> None:
    out = decode(b"{}", f"sweepwatch/v1/s\0/robot/{'é' * 5000}/telemetry")
    assert len(out.refused[0].topic) <= 513
    assert "\0" not in out.refused[0].topic


def test_a_device_belongs_to_the_site_and_kind_of_its_first_message() -> None:
    subject = decoder()
    first = message(b"rubbish", "sweepwatch/v1/s1/robot/R1/telemetry")
    reading = {"ts": NOW, "battery_pct": 5}
    others = [
        message(reading, "sweepwatch/v1/s2/robot/R1/telemetry"),
        message(reading, "sweepwatch/v1/s1/tool/R1/telemetry"),
        message(reading, "sweepwatch/v1/s1/robot/R1/telemetry"),
    ]
    out = subject.decode([first, *others])
    assert reasons(out) == [Reason.BAD_JSON, Reason.SITE_MISMATCH, Reason.KIND_MISMATCH]
    assert len(out.rows[Kind.ROBOT]) == 1


def test_an_unknown_device_is_refused_where_registration_is_closed() -> None:
    known = {"R1": Placement("s1", Kind.ROBOT)}
    subject = decoder(open_registration=False, known=known)
    reading = {"ts": NOW, "battery_pct": 5}
    stranger = message(reading, "sweepwatch/v1/s1/robot/R2/telemetry")
    out = subject.decode([stranger, message(reading)])
    assert reasons(out) == [Reason.UNREGISTERED]
    assert [row["device_id"] for row in out.rows[Kind.ROBOT]] == ["R1"]


def test_a_device_that_the_desk_moved_is_found_there() -> None:
    desk = {"R1": Placement("s2", Kind.ROBOT)}
    roster = Roster(lambda ids: {i: desk[i] for i in ids if i in desk}, open_registration=True)
    roster.load({"R1": Placement("s1", Kind.ROBOT)})
    subject = LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    out = subject.decode([message({"ts": NOW, "battery_pct": 5}, "sweepwatch/v1/s2/robot/R1/telemetry")])
    assert not out.refused


def test_mismatches_ask_the_desk_at_most_every_five_seconds_a_device() -> None:
    asked: list[str] = []

    def ask(ids: Collection[str]) -> dict[str, Placement]:
        asked.extend(ids)
        return {"R1": Placement("s1", Kind.ROBOT)}

    roster = Roster(ask, open_registration=True)
    roster.load({"R1": Placement("s1", Kind.ROBOT)})
    subject = LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    wrong = message({"battery_pct": 5}, "sweepwatch/v1/s9/robot/R1/telemetry")
    subject.decode([wrong, wrong, wrong._replace(received=NOW + 4_999)])
    assert asked == ["R1"]
    subject.decode([wrong._replace(received=NOW + 5_000)])
    assert asked == ["R1", "R1"]


def test_the_same_messages_can_be_decoded_again_after_the_desk_was_away() -> None:
    away = [True]

    def ask(_: Collection[str]) -> dict[str, Placement]:
        if away[0]:
            raise StoreUnavailable("desk database: locked")
        return {}

    subject = LineDecoder(STANDARD_SIGNALS, Roster(ask, open_registration=True), DEFAULT_RETENTION_MS)
    messages = [message({"ts": NOW, "battery_pct": 5})]
    with pytest.raises(StoreUnavailable):
        subject.decode(messages)
    away[0] = False
    assert len(subject.decode(messages).rows[Kind.ROBOT]) == 1


# Times


@pytest.mark.parametrize(
    ("ts", "taken"),
    [
        (NOW, NOW),
        (float(NOW), NOW),
        (NOW + 0.999, NOW),
        (1.75e12, 1_750_000_000_000),
        (NOW + 10 * MINUTE_MS, NOW + 10 * MINUTE_MS),
        (NOW - DEFAULT_RETENTION_MS, NOW - DEFAULT_RETENTION_MS),
        (None, None),
    ],
)
def test_a_ts_that_is_taken(ts: float | None, taken: int | None) -> None:
    assert one_row({"ts": ts, "battery_pct": 5})["ts"] == taken


@pytest.mark.parametrize(
    ("ts", "reason"),
    [
        (b'"1763800000000"', Reason.BAD_TS),
        (b"true", Reason.BAD_TS),
        (b"[1763800000000]", Reason.BAD_TS),
        (b"{}", Reason.BAD_TS),
        (b"0", Reason.BAD_TS),
        (b"-1763800000000", Reason.BAD_TS),
        (b"1763800000", Reason.BAD_TS),
        (b"1420070399999", Reason.BAD_TS),
        (b"1420070400000", Reason.EXPIRED),
        (str(NOW - DEFAULT_RETENTION_MS - 1).encode(), Reason.EXPIRED),
        (str(NOW + 10 * MINUTE_MS + 1).encode(), Reason.FUTURE),
        (b"1e300", Reason.FUTURE),
        (b"99999999999999999999999", Reason.FUTURE),
    ],
)
def test_a_ts_that_is_refused(ts: bytes, reason: Reason) -> None:
    out = decode(b'{"ts":' + ts + b',"battery_pct":5}')
    assert reasons(out) == [reason]
    assert not out.rows


def test_seconds_taken_for_milliseconds_are_named_in_the_detail() -> None:
    assert "seconds" in decode({"ts": NOW // 1000, "battery_pct": 5}).refused[0].detail


def test_retention_is_a_setting() -> None:
    subject = LineDecoder(STANDARD_SIGNALS, Roster(nobody, open_registration=True), DAY_MS)
    out = subject.decode([message({"ts": NOW - DAY_MS - 1, "battery_pct": 5})])
    assert reasons(out) == [Reason.EXPIRED]


def test_a_retained_copy_needs_a_ts() -> None:
    assert not decode({"ts": NOW, "battery_pct": 5}, retain=True).refused
    assert reasons(decode({"battery_pct": 5}, retain=True)) == [Reason.RETAINED_WITHOUT_TS]


def test_ts_is_judged_before_the_signals() -> None:
    assert reasons(decode({"ts": "x"})) == [Reason.BAD_TS]


@pytest.mark.parametrize(
    ("seq", "taken"),
    [
        (b"0", 0),
        (b"5", 5),
        (b"5.0", 5),
        (b"9007199254740992", 2**53),
        (b"9007199254740993", None),
        (b"-1", None),
        (b"5.5", None),
        (b"true", None),
        (b'"5"', None),
        (b"null", None),
        (b"1e300", None),
        (b"[5]", None),
    ],
)
def test_a_seq_that_cannot_be_counted_leaves_a_good_reading(seq: bytes, taken: int | None) -> None:
    assert one_row(b'{"ts":%d,"battery_pct":5,"seq":%s}' % (NOW, seq))["seq"] == taken


# Values

KEPT = [
    (Kind.ROBOT, "battery_pct", b"81.5", 81.5),
    (Kind.ROBOT, "battery_pct", b"0", 0.0),
    (Kind.ROBOT, "battery_pct", b"100", 100.0),
    (Kind.ROBOT, "battery_pct", b"-0.0", 0.0),
    (Kind.ROBOT, "floor", b"5.0", 5.0),
    (Kind.ROBOT, "floor", b"-20", -20.0),
    (Kind.ROBOT, "run_s", b"9007199254740992", 2.0**53),
    (Kind.ROBOT, "state", b'"docked"', "docked"),
    (Kind.ROBOT, "error_code", b'"E.17:a-b_c"', "E.17:a-b_c"),
    (Kind.ROBOT, "error_code", b"17", "17"),
    (Kind.ROBOT, "error_code", b"17.50", "17.5"),
    (Kind.ROBOT, "error_code", b"true", "true"),
    (Kind.TOOL, "zone", b'"' + b"z" * 64 + b'"', "z" * 64),
    (Kind.TOOL, "in_use", b"false", False),
    (Kind.WRISTBAND, "sos", b"true", True),
]


@pytest.mark.parametrize(("kind", "name", "value", "stored"), KEPT)
def test_a_value_that_is_kept(kind: Kind, name: str, value: bytes, stored: object) -> None:
    row = one_row(b'{"ts":%d,"%s":%s}' % (NOW, name.encode(), value), kind)
    assert row[name] == stored
    assert type(row[name]) is type(stored)


DROPPED = [
    (Kind.ROBOT, "battery_pct", b'"81.5"', Dropped.WRONG_TYPE),
    (Kind.ROBOT, "battery_pct", b"true", Dropped.WRONG_TYPE),
    (Kind.ROBOT, "battery_pct", b"[81.5]", Dropped.WRONG_TYPE),
    (Kind.ROBOT, "battery_pct", b'{"v":1}', Dropped.WRONG_TYPE),
    (Kind.ROBOT, "battery_pct", b"100.01", Dropped.OUT_OF_RANGE),
    (Kind.ROBOT, "battery_pct", b"-1", Dropped.OUT_OF_RANGE),
    (Kind.ROBOT, "battery_pct", b"1e300", Dropped.OUT_OF_RANGE),
    (Kind.ROBOT, "floor", b"5.5", Dropped.WRONG_TYPE),
    (Kind.ROBOT, "floor", b"1000.5", Dropped.WRONG_TYPE),
    (Kind.ROBOT, "floor", b"201", Dropped.OUT_OF_RANGE),
    (Kind.ROBOT, "run_s", b"-1", Dropped.OUT_OF_RANGE),
    (Kind.ROBOT, "run_s", b"0.5", Dropped.WRONG_TYPE),
    (Kind.ROBOT, "run_s", b"1e30", Dropped.OUT_OF_RANGE),
    (Kind.ROBOT, "state", b'"Docked"', Dropped.UNKNOWN_STATE),
    (Kind.ROBOT, "state", b'""', Dropped.UNKNOWN_STATE),
    (Kind.ROBOT, "state", b"3", Dropped.WRONG_TYPE),
    (Kind.ROBOT, "error_code", b'"E 17"', Dropped.BAD_TEXT),
    (Kind.ROBOT, "error_code", b'"E17\\n"', Dropped.BAD_TEXT),
    (Kind.ROBOT, "error_code", b'"' + b"e" * 65 + b'"', Dropped.BAD_TEXT),
    (Kind.ROBOT, "error_code", b'["E17"]', Dropped.WRONG_TYPE),
    (Kind.TOOL, "in_use", b"1", Dropped.WRONG_TYPE),
    (Kind.TOOL, "in_use", b'"true"', Dropped.WRONG_TYPE),
    (Kind.WRISTBAND, "worn", b"0", Dropped.WRONG_TYPE),
]


@pytest.mark.parametrize(("kind", "name", "value", "reason"), DROPPED)
def test_a_bad_value_is_dropped_and_counted_while_the_reading_stays(
    kind: Kind, name: str, value: bytes, reason: Dropped
) -> None:
    topic = f"sweepwatch/v1/s1/{kind}/R1/telemetry"
    out = decode(b'{"ts":%d,"x_m":1,"%s":%s}' % (NOW, name.encode(), value), topic)
    (row,) = out.rows[kind]
    assert name not in row
    assert row["x_m"] == 1.0
    assert out.counts.dropped == {reason: 1}
    assert not out.refused


def test_null_is_absent_not_dropped() -> None:
    out = decode(b'{"ts":%d,"x_m":1,"error_code":null}' % NOW)
    assert "error_code" not in out.rows[Kind.ROBOT][0]
    assert not out.counts.dropped


def test_an_empty_error_code_is_a_reading_that_says_that_no_error_is_left() -> None:
    out = decode(b'{"ts":%d,"error_code":""}' % NOW)
    assert out.rows[Kind.ROBOT][0]["error_code"] == ""
    assert not out.refused
    assert not out.counts.dropped


def test_an_offline_is_no_sign_of_life_and_a_retained_copy_of_nothing_is() -> None:
    """A will is the broker's word; a retained copy may be years old."""
    for text in (b"offline", b"online"):
        status = "sweepwatch/v1/s1/robot/R1/status"
        copy = message({"ts": NOW, "x_m": 1}, "sweepwatch/v1/s1/robot/R2/telemetry", retain=True)
        out = decoder().decode([message(text, status, retain=text == b"online"), copy])
        assert out.news.statuses == {"R1": text.decode()}
        assert out.news.status_at == {"R1": NOW}
        assert out.news.seen == {}


def test_unknown_keys_and_signals_of_other_kinds_are_left_out_silently() -> None:
    out = decode({"ts": NOW, "battery_pct": 5, "colour": "red", "heart_rate_bpm": 60, "device_id": "R9"})
    (row,) = out.rows[Kind.ROBOT]
    assert set(row) == {"device_id", "site", "ts", "received", "seq", "battery_pct"}
    assert row["device_id"] == "R1"
    assert not out.counts.dropped


@pytest.mark.parametrize(
    "reading", [{}, {"ts": NOW}, {"ts": NOW, "colour": 1}, {"ts": NOW, "battery_pct": None, "seq": 5}]
)
def test_a_reading_without_a_known_signal_is_quarantined(reading: dict[str, object]) -> None:
    out = decode(reading)
    assert reasons(out) == [Reason.NO_SIGNAL]
    assert not out.rows


def test_values_dropped_from_a_reading_that_ends_in_quarantine_are_not_counted() -> None:
    out = decode({"ts": NOW, "battery_pct": 500})
    assert reasons(out) == [Reason.NO_SIGNAL]
    assert not out.counts.dropped


def test_of_a_repeated_key_a_value_counts() -> None:
    row = one_row(b'{"ts":%d,"battery_pct":5,"battery_pct":6}' % NOW)
    assert row["battery_pct"] in (5.0, 6.0)


# Arrays


def test_each_element_of_an_array_stands_for_itself() -> None:
    payload = (
        b'[ {"ts":%d,"battery_pct":1}, 7 ,{"battery_pct": 2},{"ts":"x" , "a":"],[\\"{"},'
        b'{"ts":%d,"battery_pct":3},null,{}, {"ts":%d, "battery_pct":400} ]' % (NOW, NOW + 1, NOW)
    )
    out = decode(payload)
    assert [row["battery_pct"] for row in out.rows[Kind.ROBOT]] == [1.0, 3.0]
    assert [(e.reason, e.payload) for e in out.refused] == [
        (Reason.NOT_OBJECT, b"7"),
        (Reason.BAD_TS, b'{"battery_pct": 2}'),
        (Reason.BAD_TS, b'{"ts":"x" , "a":"],[\\"{"}'),
        (Reason.NOT_OBJECT, b"null"),
        (Reason.BAD_TS, b"{}"),
        (Reason.NO_SIGNAL, b'{"ts":%d, "battery_pct":400}' % NOW),
    ]
    assert out.counts.received == 8
    assert out.counts.quarantined.total() == 6
    assert out.counts.messages == {("telemetry", "accepted"): 1}


def test_an_undecodable_message_counts_as_one_reading() -> None:
    out = decode(b"[[[")
    assert out.counts.received == 1
    assert out.counts.quarantined == {Reason.BAD_JSON: 1}


# Status, info, events, replies


def other(channel: str, payload: object, *, retain: bool = False) -> Decoded:
    return decode(payload, f"sweepwatch/v1/s1/robot/R1/{channel}", retain=retain)


def test_status_is_the_bare_word() -> None:
    assert other("status", b"offline", retain=True).news.statuses == {"R1": "offline"}


@pytest.mark.parametrize(
    ("channel", "payload", "reason"),
    [
        ("status", b"", Reason.EMPTY),
        ("status", b"ONLINE", Reason.BAD_STATUS),
        ("status", b'"online"', Reason.BAD_STATUS),
        ("status", b"\xff", Reason.BAD_STATUS),
        ("info", b"", Reason.EMPTY),
        ("info", b"[]", Reason.EMPTY),
        ("info", b"[1]", Reason.NOT_OBJECT),
        ("info", b"\xff", Reason.BAD_ENCODING),
        ("info", b"x" * 262_145, Reason.TOO_LARGE),
        ("event", b'{"ts":1763800000000}', Reason.BAD_EVENT),
        ("event", b'{"ts":1763800000000,"code":"a b"}', Reason.BAD_EVENT),
        ("event", b'{"ts":1763800000000,"code":5}', Reason.BAD_EVENT),
        ("event", b'{"ts":1763800000000,"code":"E1","detail":[1]}', Reason.BAD_EVENT),
        ("event", b'{"ts":"now","code":"E1"}', Reason.BAD_TS),
        ("event", b'[{"ts":1763800000000,"code":"E1"}]', Reason.NOT_OBJECT),
        ("cmd/reply", b"ok", Reason.BAD_JSON),
        ("cmd/reply", b"[" * 33 + b"]" * 33, Reason.TOO_DEEP),
        ("cmd/reply", b'{"state":"done"}', Reason.BAD_REPLY),
        ("cmd/reply", b'{"id":7,"state":"done"}', Reason.BAD_REPLY),
        ("cmd/reply", b'{"id":"7"}', Reason.BAD_REPLY),
        ("cmd/reply", b'{"id":"7","state":"sent"}', Reason.BAD_REPLY),
        ("cmd/reply", b'{"id":"7","state":["done"]}', Reason.BAD_REPLY),
        ("cmd/reply", b'{"id":"7","state":"done","reason":"a\\u0000b"}', Reason.BAD_REPLY),
        ("cmd/reply", b'{"id":"7","state":"done","reason":1}', Reason.BAD_REPLY),
    ],
)
def test_other_bad_messages_are_quarantined_but_the_ledger_counts_telemetry_alone(
    channel: str, payload: bytes, reason: Reason
) -> None:
    out = other(channel, payload)
    assert reasons(out) == [reason]
    assert out.counts.received == out.counts.quarantined.total() == 0
    assert out.counts.messages == {(channel, "quarantined"): 1}


def test_info_takes_what_fits_and_leaves_the_rest() -> None:
    out = other("info", {"model": "CR-200", "firmware": 14, "serial": "a\0b", "commissioned": "2026-03-01"})
    (info,) = out.news.infos
    assert (info.model, info.firmware, info.serial, info.commissioned) == ("CR-200", None, None, "2026-03-01")
    assert out.counts.messages == {("info", "accepted"): 1}


def test_an_event_is_dated_by_its_ts_or_its_arrival() -> None:
    dated = other("event", {"ts": NOW - 5, "code": "part_replaced", "detail": {"part": "main-brush"}})
    (event,) = dated.news.events
    assert (event.ts, event.code, event.detail) == (NOW - 5, "part_replaced", {"part": "main-brush"})
    assert other("event", {"code": "E1"}).news.events[0].ts == NOW
    assert reasons(other("event", {"code": "E1"}, retain=True)) == [Reason.RETAINED_WITHOUT_TS]


def test_a_reply_is_its_devices_and_counted() -> None:
    out = other("cmd/reply", {"id": "7", "state": "refused", "reason": "busy", "ts": NOW, "more": [1]})
    assert out.news.replies == [Reply("R1", "7", ReplyState.REFUSED, NOW, "busy")]
    assert out.counts.messages == {("cmd/reply", "accepted"): 1}


def test_a_device_was_heard_when_its_message_came_unless_it_is_a_retained_copy() -> None:
    assert decode(b"rubbish").news.seen == {"R1": NOW}
    assert other("status", b"online", retain=True).news.seen == {}

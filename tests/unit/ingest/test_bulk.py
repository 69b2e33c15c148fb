"""The traps of bulk decoding: each test fails without the guard that it names."""

from collections.abc import Sequence

import pytest
from helpers.decoders import heard

from fleet.signals import STANDARD_SIGNALS, Kind
from fleet.wire import DEFAULT_RETENTION_MS, Dropped, Reason, Topic
from ingest.decode.bulk import BulkDecoder
from ingest.decode.columns import merged
from ingest.decode.decoded import Decoded
from ingest.decode.lines import LineDecoder
from ingest.messages import Message
from ingest.watch.roster import Roster
from storage.records.devices import Placement

NOW = 1_763_800_000_000
CROWD = 120


def made(few: int = 1) -> BulkDecoder:
    roster = Roster(lambda _: {}, open_registration=True)
    roster.load({f"R{number}": Placement("s1", Kind.ROBOT) for number in range(CROWD)})
    return BulkDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS, few=few)


def said(device: str, payload: bytes, *, retain: bool = False, site: str = "s1") -> Message:
    return Message(f"sweepwatch/v1/{site}/robot/{device}/telemetry", payload, 1, retain, 1, NOW)


def good(number: int, turn: int = 0) -> Message:
    return said(f"R{number}", b'{"ts":%d,"seq":%d,"x_m":%d}' % (NOW - 1000 + turn, turn, number))


def crowd(*odd: Message, turn: int = 0) -> list[Message]:
    """Return a good reading of each of many devices, with odd messages in the middle."""
    normal = [good(number, turn) for number in range(1, CROWD)]
    return [*normal[:20], *odd, *normal[20:]]


def places(out: Decoded) -> dict[str, float]:
    """Return where each device is: the good ones stand at their own number."""
    columns, rows = out.columns.get(Kind.ROBOT), out.rows.get(Kind.ROBOT, [])
    frame = merged(columns, rows, out.rows_at.get(Kind.ROBOT, []), Kind.ROBOT, STANDARD_SIGNALS).frame
    return dict(frame.select("device_id", "x_m").iter_rows())


def reasons(out: Decoded) -> list[str]:
    return [evidence.reason for evidence in out.refused]


TS = b'"ts":%d' % NOW
DEEP = b"{" + TS + b',"a":' + b'{"a":' * 40 + b"1" + b"}" * 41


@pytest.mark.parametrize(
    ("payloads", "expected"),
    [
        ([b""], [Reason.EMPTY]),
        ([b" "], [Reason.EMPTY]),
        ([b"{" + TS + b',\n"x_m":0}'], []),
        ([b"{" + TS + b',"x_m":0}\n{' + TS + b',"x_m":9}'], [Reason.BAD_JSON]),
        ([b"", b"{" + TS + b',"x_m":0}\n{' + TS + b',"x_m":9}'], [Reason.EMPTY, Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":0}{' + TS + b',"x_m":9}'], [Reason.BAD_JSON]),
        ([b"", b"{" + TS + b',"x_m":0}{' + TS + b',"x_m":9}'], [Reason.EMPTY, Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":0} 5'], [Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":0}}'], [Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":1e400}'], [Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":NaN}'], [Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":1,"note":"\\ud800"}'], [Reason.BAD_JSON]),
        ([b"{" + TS + b',"x_m":1,"note":"\xff"}'], [Reason.BAD_ENCODING]),
        ([b"{" + TS + b',"x_m":1,"pad":"' + b"x" * 262_144 + b'"}'], [Reason.TOO_LARGE]),
        ([DEEP], [Reason.TOO_DEEP]),
        ([b"5"], [Reason.NOT_OBJECT]),
        ([b"[]"], [Reason.EMPTY]),
        ([b"{}"], [Reason.NO_SIGNAL]),
        ([b'{"ts":"%d","x_m":0}' % NOW], [Reason.BAD_TS]),
        ([b'{"ts":1763800000,"x_m":0}'], [Reason.BAD_TS]),
        ([b'{"ts":%d,"x_m":0}' % (NOW + 600_001)], [Reason.FUTURE]),
        ([b'{"ts":%d,"x_m":0}' % (NOW - DEFAULT_RETENTION_MS - 1)], [Reason.EXPIRED]),
    ],
)
def test_no_payload_shifts_a_reading_onto_another_device(
    payloads: Sequence[bytes], expected: list[str]
) -> None:
    subject = made()
    for _ in range(2):
        out = subject.decode(crowd(*[said("R0", payload) for payload in payloads]))
        assert reasons(out) == expected
        found = places(out)
        assert {device: x for device, x in found.items() if device != "R0"} == {
            f"R{number}": float(number) for number in range(1, CROWD)
        }
    assert out.columns, "nothing was decoded in bulk"


@pytest.mark.parametrize(
    "payload",
    [
        b'{"ts":%d,"x_m":true}' % NOW,
        b'{"ts":%d,"x_m":"5"}' % NOW,
        b'{"ts":%d,"x_m":1e400}' % NOW,
        b'{"ts":%d,"x_m":true,"x_m":0}' % NOW,
        b"rubbish",
        b"",
        b"[1,2]",
        b'{"ts":%d,"x_m":[1]}' % NOW,
        b'{"ts":1,"x_m":0}',
        b'{"x_m":0}',
    ],
)
def test_one_device_that_sends_rubbish_in_every_batch_leaves_the_others_on_the_fast_path(
    payload: bytes,
) -> None:
    subject = made()
    rounds = 10
    for turn in range(rounds):
        out = subject.decode(crowd(said("R0", payload), turn=turn))
        assert out.columns[Kind.ROBOT].frame.height == CROWD - 1
    assert subject.one_by_one == rounds


def test_a_retained_copy_without_ts_is_refused_among_others() -> None:
    out = made().decode(crowd(said("R0", b'{"x_m":1}', retain=True)))
    assert reasons(out) == [Reason.RETAINED_WITHOUT_TS]
    assert "R0" not in heard(out)


def test_a_device_heard_from_elsewhere_is_judged_in_the_order_of_arrival() -> None:
    elsewhere = said("R0", b'{"ts":%d,"x_m":7}' % NOW, site="s2")
    out = made().decode(crowd(elsewhere, good(0)))
    assert reasons(out) == [Reason.SITE_MISMATCH]
    assert places(out)["R0"] == 0.0


def test_the_last_one_received_wins_whichever_path_it_took() -> None:
    for first, second in (
        (b'{"ts":%d,"x_m":1}', b'[{"ts":%d,"x_m":2}]'),
        (b'[{"ts":%d,"x_m":1}]', b'{"ts":%d,"x_m":2}'),
    ):
        out = made().decode(crowd(said("R0", first % NOW), said("R0", second % NOW)))
        assert places(out)["R0"] == 2.0


@pytest.mark.parametrize(
    ("value", "dropped"),
    [
        (b'"x_m":10001', {Dropped.OUT_OF_RANGE: 1}),
        (b'"floor":1.5', {Dropped.WRONG_TYPE: 1}),
        (b'"floor":201', {Dropped.OUT_OF_RANGE: 1}),
        (b'"run_s":9007199254740993', {Dropped.OUT_OF_RANGE: 1}),
        (b'"state":"washing"', {Dropped.UNKNOWN_STATE: 1}),
        (b'"state":5', {Dropped.WRONG_TYPE: 1}),
        (b'"error_code":"a b"', {Dropped.BAD_TEXT: 1}),
        (b'"error_code":""', {}),
        (b'"error_code":1e3', {}),
        (b'"colour":"red"', {}),
        (b'"y_m":null', {}),
    ],
)
def test_values_are_dropped_and_counted_as_one_by_one(value: bytes, dropped: dict[Dropped, int]) -> None:
    odd = said("R0", b'{"ts":%d,"y_m":3,"x_m":0,%b}' % (NOW, value))
    if value.startswith((b'"x_m"', b'"y_m"')):
        odd = said("R0", b'{"ts":%d,"lat":3,%b}' % (NOW, value))
    out = made().decode(crowd(odd))
    roster = Roster(lambda _: {}, open_registration=True)
    (expected,) = LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS).decode([odd]).rows[Kind.ROBOT]
    assert dict(+out.counts.dropped) == dropped
    columns, rows = out.columns[Kind.ROBOT], out.rows.get(Kind.ROBOT, [])
    frame = merged(columns, rows, out.rows_at.get(Kind.ROBOT, []), Kind.ROBOT, STANDARD_SIGNALS).frame
    (row,) = [row for row in frame.iter_rows(named=True) if row["device_id"] == "R0"]
    assert {name: item for name, item in row.items() if item is not None} == {
        name: item for name, item in expected.items() if item is not None
    }


def test_a_column_that_was_not_seen_of_late_is_found_when_it_comes_again() -> None:
    subject = made()
    subject.decode(crowd())
    newer = [said("R0", b'{"ts":%d,"x_m":0,"suction_pa":5}' % (NOW + number)) for number in range(3)]
    out = subject.decode(crowd(*newer))
    assert out.columns[Kind.ROBOT].frame["suction_pa"].sum() == 15.0
    assert subject.one_by_one == 0


@pytest.mark.parametrize("text", [b'"y_m":7', b'"nobody":7', b'"y_m":null', b'"error_code":"E:7"'])
def test_a_device_that_says_more_than_the_others_is_taken_by_itself(text: bytes) -> None:
    subject = made()
    subject.decode(crowd())
    for rounds in (1, 2):
        out = subject.decode(crowd(said("R0", b'{"ts":%d,"x_m":-5,%b}' % (NOW, text))))
        assert places(out) == {f"R{number}": number for number in range(1, CROWD)} | {"R0": -5}
        assert subject.one_by_one == rounds
        (row,) = out.rows[Kind.ROBOT]
        assert row.get("y_m") == (7 if text == b'"y_m":7' else None)
        assert row.get("error_code") == ("E:7" if b"E:7" in text else None)


def test_a_few_messages_are_decoded_one_by_one() -> None:
    out = made(few=CROWD).decode(crowd())
    assert not out.columns
    assert len(out.rows[Kind.ROBOT]) == CROWD - 1


def test_a_device_that_was_moved_is_refused_from_its_old_place_however_often_it_was_heard_there() -> None:
    desk = {f"R{number}": Placement("s1", Kind.ROBOT) for number in range(CROWD)}
    roster = Roster(lambda asked: {device: desk[device] for device in asked}, open_registration=True)
    roster.load(desk)
    decoder = BulkDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS, few=1)
    assert not decoder.decode(crowd()).refused
    desk["R7"] = Placement("s2", Kind.ROBOT)
    assert roster.admit(Topic("s2", Kind.ROBOT, "R7", "telemetry"), NOW) is None, "it is heard from there"
    (refused,) = decoder.decode(crowd(turn=1)).refused
    assert (refused.device_id, refused.reason) == ("R7", Reason.SITE_MISMATCH)


def test_a_device_heard_from_two_places_is_judged_in_the_order_of_arrival_though_one_was_settled() -> None:
    outcomes = []
    for decoder_of in (BulkDecoder, LineDecoder):
        desk = {f"R{number}": Placement("s1", Kind.ROBOT) for number in range(CROWD)}
        roster = Roster(lambda asked, desk=desk: {one: desk[one] for one in asked}, open_registration=True)
        roster.load(desk)
        decoder = decoder_of(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
        decoder.decode(crowd())
        desk["R7"] = Placement("s2", Kind.ROBOT)
        moved = said("R7", b'{"ts":%d,"x_m":1}' % NOW, site="s2")
        out = decoder.decode([*crowd(turn=1), moved, *crowd(turn=2)])
        outcomes.append([(one.device_id, one.reason, one.payload) for one in out.refused])
    assert outcomes[0] == outcomes[1] != []

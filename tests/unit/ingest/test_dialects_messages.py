"""What each dialect makes of messages that are easy to get wrong."""

import gzip
import json
import zlib
from typing import Any

import pytest
from helpers.captures import balance, decode, decoder, told
from hypothesis import given, settings
from hypothesis import strategies as st

from fleet.errors import StoreUnavailable
from fleet.signals import STANDARD_SIGNALS
from fleet.wire import DEFAULT_RETENTION_MS
from ingest.decode.lines import LineDecoder
from ingest.dialects.config import parse_dialects
from ingest.dialects.decoder import DialectDecoder
from ingest.dialects.intake import Intake
from ingest.dialects.sparkplug_payload import MAX_INFLATED_BYTES, _classes, inflate
from ingest.messages import Message, Refusal
from ingest.watch.roster import Roster

NOW = 1_795_323_900_000
SPARKPLUG = "dialects: [{type: sparkplug}]"
NODE = "spBv1.0/g/{}/n"
VALETUDO = """
dialects:
  - type: valetudo
    site: home
    consumables: {filter-main: {signal: filter_clog_pct, life_h: 1}}
"""


def message(topic: str, payload: Any, at: int = 0, *, retain: bool = False) -> Message:
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Message(topic, data, 1, retain, 1, NOW + at)


def payload(*metrics: dict[str, Any], seq: int | None = None, ts: int | None = NOW, **more: Any) -> bytes:
    made = _classes()[0](**more)
    if seq is not None:
        made.seq = seq
    if ts is not None:
        made.timestamp = ts
    for metric in metrics:
        made.metrics.add(**metric)
    return bytes(made.SerializeToString())


def born(seq: int = 1, **metric: Any) -> list[Message]:
    """Return the births of node n and of its device d, whose alias 1 is battery_pct."""
    described = {"name": "battery_pct", "alias": 1, "datatype": 9, "float_value": 50.0, **metric}
    return [
        message(
            NODE.format("NBIRTH"), payload({"name": "bdSeq", "long_value": 3, "datatype": 4}, seq=seq - 1)
        ),
        message(NODE.format("DBIRTH") + "/d", payload(described, seq=seq)),
    ]


def data(value: float, seq: int, at: int = 0, **metric: Any) -> Message:
    body = payload({"alias": 1, "float_value": value, **metric}, seq=seq, ts=NOW + at)
    return message(NODE.format("DDATA") + "/d", body, at)


def battery(out: dict[str, Any]) -> list[float]:
    return [row["battery_pct"] for row in out["rows"]]


def test_a_sequence_wraps_at_255_without_a_rebirth() -> None:
    messages = [*born(seq=254), data(49, 255, 1), data(48, 0, 2), data(47, 1, 3)]
    out = told(decode(SPARKPLUG, messages))
    assert battery(out) == [50, 49, 48, 47]
    assert out["requests"] == []


def test_a_gap_asks_for_one_rebirth_and_keeps_the_data() -> None:
    messages = [*born(), data(49, 4, 1), data(48, 9, 2), data(47, 12, 11_000)]
    out = told(decode(SPARKPLUG, messages))
    assert battery(out) == [50, 49, 48, 47]
    assert out["requests"] == ["spBv1.0/g/NCMD/n", "spBv1.0/g/NCMD/n"]


def test_the_same_message_again_is_no_gap() -> None:
    assert told(decode(SPARKPLUG, [*born(), data(49, 2, 1), data(49, 2, 1)]))["requests"] == []


def test_an_unknown_alias_is_refused_alone_and_asks_for_a_rebirth() -> None:
    body = payload({"alias": 1, "float_value": 40.0}, {"alias": 7, "float_value": 1.0}, seq=2)
    out = told(decode(SPARKPLUG, [*born(), message(NODE.format("DDATA") + "/d", body)]))
    assert battery(out) == [50, 40]
    assert [reason for _, _, reason in out["refused"]] == ["unknown_alias"]
    assert out["requests"] == ["spBv1.0/g/NCMD/n"]


@pytest.mark.parametrize(("metric_ts", "stored"), [(NOW - 60_000, True), (NOW + 1_000, False), (None, False)])
def test_a_historical_value_is_stored_only_where_it_cannot_be_the_latest(
    metric_ts: int | None, stored: bool
) -> None:
    dated = {} if metric_ts is None else {"timestamp": metric_ts}
    out = told(decode(SPARKPLUG, [*born(), data(10, 2, 2_000, is_historical=True, **dated)]))
    assert battery(out) == ([50, 10] if stored else [50])
    assert [reason for _, _, reason in out["refused"]] == ([] if stored else ["historical"])


def test_after_a_death_data_is_refused_until_the_next_birth() -> None:
    death = message(NODE.format("NDEATH"), payload({"name": "bdSeq", "long_value": 3}))
    out = told(decode(SPARKPLUG, [*born(), death, data(49, 2), *born()]))
    assert battery(out) == [50, 50]
    assert [reason for _, _, reason in out["refused"]] == ["not_born"]
    assert out["statuses"] == {"g--n--d": "online"}


def test_the_death_of_an_earlier_session_is_no_death() -> None:
    death = message(NODE.format("NDEATH"), payload({"name": "bdSeq", "long_value": 2}))
    assert told(decode(SPARKPLUG, [*born(), death]))["statuses"] == {"g--n--d": "online"}


def test_negative_integers_travel_as_twos_complement() -> None:
    described = {"name": "rssi_dbm", "datatype": 2, "int_value": 65_536 - 70}
    out = told(
        decode(SPARKPLUG, [born()[0], message(NODE.format("DBIRTH") + "/d", payload(described, seq=1))])
    )
    assert out["rows"][0]["rssi_dbm"] == -70


@pytest.mark.parametrize("algorithm", ["GZIP", "DEFLATE"])
def test_a_compressed_payload_is_read_and_a_bomb_is_refused(algorithm: str) -> None:
    pack = gzip.compress if algorithm == "GZIP" else zlib.compress
    marked = {"uuid": "SPBV1.0_COMPRESSED", "ts": None}
    named = {"name": "algorithm", "string_value": algorithm}
    inner = payload({"alias": 1, "float_value": 33.0}, seq=2)
    good = message(NODE.format("DDATA") + "/d", payload(named, body=pack(inner), **marked))
    assert battery(told(decode(SPARKPLUG, [*born(), good]))) == [50, 33]
    bomb = inflate(pack(bytes(MAX_INFLATED_BYTES + 1)), algorithm)
    assert isinstance(bomb, Refusal) and bomb.reason == "too_large"
    cut = inflate(pack(b"some bytes")[:-6], algorithm)
    assert isinstance(cut, Refusal) and cut.reason == "bad_dialect"


def test_messages_that_are_decoded_again_are_not_told_to_a_dialect_twice() -> None:
    """While the desk is away a commit is tried again: the sequence must not seem to have a gap."""
    away = [StoreUnavailable("away")]

    def look_up(_: object) -> dict[str, Any]:
        if away:
            raise away.pop()
        return {}

    roster = Roster(look_up, open_registration=True)
    own = LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    intake = Intake(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    speaker = DialectDecoder(own, parse_dialects(SPARKPLUG, STANDARD_SIGNALS), intake)
    messages = [*born(), data(49, 2), data(48, 3)]
    with pytest.raises(StoreUnavailable):
        speaker.decode(messages)
    out = told(speaker.decode(messages))
    assert battery(out) == [50, 49, 48]
    assert (out["requests"], out["refused"]) == ([], [])


def test_a_closed_registration_refuses_a_dialect_s_devices_and_the_ledger_adds_up() -> None:
    out = decoder(SPARKPLUG, open_registration=False).decode([*born(), data(49, 2)])
    assert {one.reason for one in out.refused} == {"unregistered"}
    assert out.rows == {} and balance(out) == (2, 2)


def test_a_will_with_an_older_time_still_takes_the_robot_offline() -> None:
    config = "dialects: [{type: vda5050, site: hall}]"
    topic = "uagv/v2/A/7/connection"
    online = {"connectionState": "ONLINE", "timestamp": "2026-11-22T05:04:26.663Z"}
    broken = {"connectionState": "CONNECTIONBROKEN", "timestamp": "2026-11-22T05:00:00.000Z"}
    messages = [message(topic, online), message(topic, broken, 5_000)]
    out = decoder(config).decode(messages)
    assert out.news.statuses == {"A--7": "offline"}
    assert out.news.seen == {"A--7": NOW}, "the broker's will is not the robot's voice"


@pytest.mark.parametrize(
    ("more", "state"),
    [
        ({"driving": True}, "cleaning"),
        ({"driving": False}, "idle"),
        ({"driving": True, "paused": True}, "paused"),
        ({"operatingMode": "MANUAL", "driving": True}, "manual"),
        ({"batteryState": {"charging": True}}, "charging"),
        ({"errors": [{"errorLevel": "WARNING", "errorType": "x"}]}, "idle"),
        ({"errors": [{"errorLevel": "FATAL", "errorType": "x"}], "paused": True}, "error"),
        ({"safetyState": {"eStop": "MANUAL"}}, "error"),
    ],
)
def test_a_vda_state_is_one_of_ours(more: dict[str, Any], state: str) -> None:
    body = {"timestamp": "2026-11-22T05:04:26.663Z", **more}
    out = told(decode("dialects: [{type: vda5050, site: hall}]", [message("uagv/v2/A/7/state", body)]))
    assert out["rows"][0]["state"] == state


def test_a_retained_value_counts_only_while_its_device_is_alive() -> None:
    config = "dialects: [{type: homie, site: lab, signals: {battery_pct: n/p}}]"
    waiting = message("homie/d/n/p", 80, retain=True)
    alive = message("homie/d/$state", b"ready", 1, retain=True)
    assert told(decode(config, [waiting]))["rows"] == []
    assert battery(told(decode(config, [waiting, alive]))) == [80]
    assert battery(told(decode(config, [alive, waiting]))) == [80]
    gone = message("homie/d/$state", b"lost", 1, retain=True)
    assert told(decode(config, [waiting, gone]))["rows"] == []


def test_valetudo_seconds_need_a_life_and_a_percentage_does_not() -> None:
    topic = "valetudo/r/ConsumableMonitoringCapability/filter-main"
    seconds = told(decode(VALETUDO, [message(topic, 900)]))
    percent = told(decode(VALETUDO, [message(f"{topic}/$unit", b"%"), message(topic, 90)]))
    unknown = told(decode("dialects: [{type: valetudo, site: home}]", [message(topic, 900)]))
    assert seconds["rows"][0]["filter_clog_pct"] == 25
    assert percent["rows"][0]["filter_clog_pct"] == 90
    assert unknown["rows"] == [] and unknown["unknown"] == ["ConsumableMonitoringCapability/filter-main"]


def test_a_map_that_inflates_too_far_is_refused() -> None:
    bomb = zlib.compress(bytes(9 * 1024 * 1024))
    out = told(decode(VALETUDO, [message("valetudo/r/MapData/map-data", bomb)]))
    assert [reason for _, _, reason in out["refused"]] == ["too_large"]


TOPICS = (
    *("spBv1.0/g/NBIRTH/n", "spBv1.0/g/DBIRTH/n/d", "spBv1.0/g/DDATA/n/d", "spBv1.0/g/NDEATH/n"),
    *("uagv/v2/A/7/state", "uagv/v2/A/7/connection", "uagv/v2/A/7/visualization", "uagv/v2/A/7/factsheet"),
    *("homie/d/$state", "homie/d/$description", "homie/d/n/battery_pct", "homie/d/n/p/$unit"),
    *("valetudo/r/StatusStateAttribute/error", "valetudo/r/MapData/map-data", "valetudo/r/$state"),
    *("senml/s/d", "f/s/d", "sweepwatch/v1/s1/robot/R1/telemetry"),
)
EVERY = """
dialects:
  - {type: sparkplug}
  - {type: vda5050, site: hall}
  - {type: homie, site: lab}
  - {type: valetudo, site: home}
  - {type: senml, name: senml, topic: "senml/{site}/{device}"}
  - {type: json, name: f, topic: "f/{site}/{device}", signals: {battery_pct: "a.b | [0]", state: s}}
"""
KEYS = (
    *("a", "b", "s", "n", "v", "t", "bn", "bt", "kind", "unit", "x", "mapId", "timestamp", "severity"),
    *("batteryState", "agvPosition", "errors", "errorLevel", "nodes", "properties", "connectionState"),
    "typeSpecification",
)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-10, 10**12) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
PAYLOADS = st.binary(max_size=40) | JSON_VALUES.map(lambda value: json.dumps(value).encode())


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(TOPICS), PAYLOADS, st.booleans()), max_size=12))
def test_whatever_comes_is_accounted_for_and_no_translator_fails(
    sent: list[tuple[str, bytes, bool]],
) -> None:
    messages = [message(topic, body, retain=retain) for topic, body, retain in sent]
    out = decoder(EVERY).decode(messages)
    assert "dialect_failed" not in {one.reason for one in out.refused}
    received, accounted = balance(out)
    assert received == accounted
    assert len(out.refused) == out.counts.quarantined.total()


def models(out: Any) -> list[tuple[str, str]]:
    return [(info.device_id, info.model) for info in out.news.infos if info.model is not None]


def test_a_model_comes_from_what_a_device_says_of_itself() -> None:
    homie = "dialects: [{type: homie, site: lab}, {type: valetudo, site: home}]"
    out = decode(
        homie,
        [
            message("homie/a/$fw/name", b"sweeper-x2"),
            message("homie/b/$description", {"homie": "5.0", "type": "CR-200"}),
            message("valetudo/bot/$name", b"Valetudo Roborock S5 bot"),
            message("valetudo/kitchen/$name", b"The one in the kitchen"),
        ],
    )
    assert models(out) == [("a", "sweeper-x2"), ("b", "CR-200"), ("bot", "Roborock S5")]
    named = "dialects: [{type: homie, site: lab, model: info/model}]"
    assert models(decode(named, [message("homie/a/info/model", b"CR-9")])) == [("a", "CR-9")]


def test_a_model_that_a_mapping_names_is_told_once_until_it_changes() -> None:
    config = """dialects:
  - {name: x, type: json, topic: "a/{site}/{device}", model: type, signals: {battery_pct: soc}}
  - {name: y, type: senml, topic: "b/{site}/{device}", model: model}
  - {type: sparkplug, model: Properties/Model}
"""
    said = [message("a/s/R1", {"type": kind, "soc": 5}, at) for at, kind in enumerate(["A", "A", "B"])]
    pack = message("b/s/R2", [{"n": "model", "vs": "C"}, {"n": "battery_pct", "v": 5}])
    birth = message(
        NODE.format("NBIRTH"),
        payload({"name": "Properties/Model", "datatype": 12, "string_value": "D"}, seq=0),
    )
    assert models(decode(config, [*said, pack, birth])) == [
        ("R1", "A"),
        ("R1", "B"),
        ("R2", "C"),
        ("g--n", "D"),
    ]


def test_a_retained_birth_teaches_names_and_is_no_sign_of_life() -> None:
    retained = [one._replace(retain=True) for one in born()]
    made = decoder(SPARKPLUG)
    out = made.decode(retained)
    assert (out.news.statuses, out.news.seen) == ({}, {})
    data = payload({"alias": 1, "float_value": 40.0}, seq=2, ts=NOW + 1)
    later = made.decode([message(NODE.format("DDATA") + "/d", data, 1)])
    assert [row["battery_pct"] for rows in later.rows.values() for row in rows] == [40.0]
    assert later.news.seen == {"g--n--d": NOW + 1}
    gone = made.decode([message(NODE.format("NDEATH"), payload(), 2, retain=True)])
    assert gone.news.statuses == {}


def test_whoever_says_that_we_are_not_there_is_contradicted() -> None:
    made = decoder("dialects: [{type: sparkplug, host: desk}]")
    topic = "spBv1.0/STATE/desk"
    assert made.decode([message(topic, {"online": True, "timestamp": 1})]).requests == []
    assert [one.topic for one in made.decode([message(topic, {"online": False})]).requests] == [topic]
    assert made.decode([message(topic, b"OFFLINE")]).refused == []

"""Devices that misbehave: bad topics and payloads, each with what the wire contract makes of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic

import orjson
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from fleet.clock import DAY_MS, MINUTE_MS
from fleet.errors import BrokerUnavailable
from fleet.signals import Kind
from fleet.wire import DEFAULT_RETENTION_MS, MAX_DEPTH, MAX_PAYLOAD_BYTES, ROOT, Dropped, Reason, topic_of
from simulators.connections import parse_tcp_url

SITE = "misbehaving-01"


@dataclass(frozen=True, slots=True)
class BadMessage:
    """One message that no device should send.

    `reason` is why it is quarantined, or None where the reading stays; `dropped` why one of its values is
    dropped then. `readings` is what the ledger counts it as: an undecodable or empty message is one.
    """

    name: str
    topic: str
    payload: bytes
    reason: Reason | None
    dropped: Dropped | None = None
    readings: int = 1


def _nested(depth: int) -> bytes:
    return b'{"ts":1,"battery_pct":' + b"[" * depth + b"]" * depth + b"}"


def _payloads(now: int) -> Iterator[tuple[str, bytes, Reason | None, Dropped | None]]:
    """Yield name, payload, reason and dropped value of bad telemetry on a good topic."""
    good = {"ts": now, "battery_pct": 50.0}

    def with_(**changes: object) -> bytes:
        return orjson.dumps(good | changes)

    yield "too-large", b'{"ts":1,"x":"' + b"a" * MAX_PAYLOAD_BYTES + b'"}', Reason.TOO_LARGE, None
    yield "not-utf8", b'{"ts":1,"battery_pct":"\xff\xfe"}', Reason.BAD_ENCODING, None
    yield "byte-order-mark", b"\xef\xbb\xbf" + orjson.dumps(good), Reason.BAD_JSON, None
    yield "not-a-number", b'{"ts":%d,"battery_pct":NaN}' % now, Reason.BAD_JSON, None
    yield "beyond-a-double", b'{"ts":%d,"battery_pct":1e400}' % now, Reason.BAD_JSON, None
    yield "lone-surrogate", b'{"ts":%d,"zone":"\\ud800"}' % now, Reason.BAD_JSON, None
    yield "two-values", orjson.dumps(good) + orjson.dumps(good), Reason.BAD_JSON, None
    yield "cut-short", orjson.dumps(good)[:-4], Reason.BAD_JSON, None
    yield "too-deep", _nested(MAX_DEPTH + 8), Reason.TOO_DEEP, None
    yield "white-space", b" \n\t ", Reason.EMPTY, None
    yield "nothing", b"", Reason.EMPTY, None
    yield "empty-array", b"[]", Reason.EMPTY, None
    yield "scalar", b"42", Reason.NOT_OBJECT, None
    yield "array-of-scalars", b"[17]", Reason.NOT_OBJECT, None
    yield "ts-in-seconds", with_(ts=now // 1000), Reason.BAD_TS, None
    yield "ts-as-text", with_(ts=str(now)), Reason.BAD_TS, None
    yield "ts-missing-in-array", b'[{"battery_pct":50}]', Reason.BAD_TS, None
    yield "future", with_(ts=now + 60 * MINUTE_MS), Reason.FUTURE, None
    yield "expired", with_(ts=now - DEFAULT_RETENTION_MS - 30 * DAY_MS), Reason.EXPIRED, None
    yield "no-signal", orjson.dumps({"ts": now, "colour": "red"}), Reason.NO_SIGNAL, None
    yield "empty-object", b"{}", Reason.NO_SIGNAL, None
    yield "text-for-number", with_(battery_temp_c="warm"), None, Dropped.WRONG_TYPE
    yield "bool-for-number", with_(battery_temp_c=True), None, Dropped.WRONG_TYPE
    yield "out-of-range", with_(battery_temp_c=900), None, Dropped.OUT_OF_RANGE
    yield "unknown-state", with_(state="dancing"), None, Dropped.UNKNOWN_STATE
    yield "bad-text", with_(error_code="E 12;"), None, Dropped.BAD_TEXT
    yield "unknown-signal", with_(colour="red"), None, None
    yield "bad-seq", with_(seq=-3), None, None
    yield "line-breaks", b'{\n"ts":%d,\n"battery_pct":50\n}' % now, None, None


def catalogue(now: int) -> list[BadMessage]:
    """Return the catalogue, with times around `now` (epoch ms); each payload comes from its own device.

    Topics that a broker may refuse to carry (wildcards, line breaks) are left out.
    """
    messages = [
        BadMessage(name, topic_of(SITE, Kind.ROBOT, f"bad-{name}", "telemetry"), payload, reason, dropped)
        for name, payload, reason, dropped in _payloads(now)
    ]
    good = orjson.dumps({"ts": now, "battery_pct": 50.0})
    telemetry = topic_of(SITE, Kind.ROBOT, "bad-topic", "telemetry")
    messages += [
        BadMessage("id-with-blank", telemetry.replace("bad-topic", "bad id"), good, Reason.BAD_ID),
        BadMessage("id-too-long", telemetry.replace("bad-topic", "x" * 65), good, Reason.BAD_ID),
        BadMessage("site-named-events", f"{ROOT}/events/robot/bad-site/telemetry", good, Reason.BAD_ID),
        # Registered by its first message, then seen elsewhere and as something else: in this order.
        BadMessage("good-at-first", topic_of(SITE, Kind.ROBOT, "bad-mover", "telemetry"), good, None),
        BadMessage(
            "other-site",
            topic_of("misbehaving-02", Kind.ROBOT, "bad-mover", "telemetry"),
            good,
            Reason.SITE_MISMATCH,
        ),
        BadMessage(
            "other-kind", topic_of(SITE, Kind.TOOL, "bad-mover", "telemetry"), good, Reason.KIND_MISMATCH
        ),
        BadMessage("unknown-kind", f"{ROOT}/{SITE}/drone/bad-kind/telemetry", good, Reason.UNKNOWN_KIND),
        BadMessage(
            "bad-event",
            topic_of(SITE, Kind.ROBOT, "bad-event", "event"),
            b'{"ts":%d}' % now,
            Reason.BAD_EVENT,
            readings=0,
        ),
        BadMessage(
            "bad-reply",
            topic_of(SITE, Kind.ROBOT, "bad-reply", "cmd/reply"),
            b'{"id":"7","state":"obeyed"}',
            Reason.BAD_REPLY,
            readings=0,
        ),
        BadMessage(
            "bad-status",
            topic_of(SITE, Kind.ROBOT, "bad-status", "status"),
            b"perhaps",
            Reason.BAD_STATUS,
            readings=0,
        ),
    ]
    return messages


def publish_catalogue(broker_url: str, now: int, timeout_s: float = 10.0) -> int:
    """Publish the whole catalogue once at QoS 1; return how many messages the broker acknowledged.

    Raises BrokerUnavailable when it does not answer in time.
    """
    address = parse_tcp_url(broker_url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="sim-misbehaving")
    if address.username is not None:
        client.username_pw_set(address.username, address.password)
    if address.tls:
        client.tls_set()
    end = monotonic() + timeout_s
    try:
        client.connect(address.host, address.port)
        client.loop_start()
        sent = [client.publish(message.topic, message.payload, qos=1) for message in catalogue(now)]
        for info in sent:
            info.wait_for_publish(max(0.0, end - monotonic()))
    except (OSError, RuntimeError, ValueError) as error:
        raise BrokerUnavailable(f"broker {address.host}:{address.port}: {error}") from error
    finally:
        client.disconnect()
        client.loop_stop()
    return sum(info.is_published() for info in sent)

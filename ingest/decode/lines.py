"""The reference decoder: one message after the other, each rule of docs/wire.md in its order."""

from collections.abc import Iterator, Sequence
from functools import lru_cache

from fleet.signals import Kind, SignalTable
from fleet.wire import CHANNELS, Reason, Topic, is_our_own, parse_topic
from ingest.decode.decoded import Decoded, Row
from ingest.decode.device_messages import (
    OFFLINE,
    parse_event,
    parse_info,
    parse_reply,
    parse_status,
    undated_copy,
    unknown_in,
)
from ingest.decode.payload import JsonObject, elements, no_signal, not_object, parse
from ingest.decode.times import check_seq, check_ts
from ingest.decode.values import ValueChecks
from ingest.messages import Message, Refusal
from ingest.watch.roster import Roster
from storage.records.quarantine import Evidence

ACCEPTED = "accepted"
QUARANTINED = "quarantined"
IGNORED = "ignored"
BESIDE = "beside"
"""The channel of what no channel of ours is, in counts."""
_LONGEST_TOPIC = 512
_TOPICS_REMEMBERED = 65_536


class LineDecoder:
    """A Decoder that takes each message by itself.

    `retention_ms` is how old a reading may be.
    """

    def __init__(self, signals: SignalTable, roster: Roster, retention_ms: int) -> None:
        self._roster = roster
        self._retention = retention_ms
        self._parse_topic = lru_cache(_TOPICS_REMEMBERED)(parse_topic)
        self._checks = {kind: ValueChecks(signals, kind) for kind in Kind}

    def decode(self, messages: Sequence[Message]) -> Decoded:
        """Return what the messages say, in their order; see Decoder.decode."""
        out = Decoded()
        for message in messages:
            self.take(message, out)
        return out

    def take(self, message: Message, out: Decoded) -> None:
        """Add to `out` what one message says."""
        topic = self._parse_topic(message.topic)
        if not isinstance(topic, Topic):
            if topic is not None:
                _refuse_topic(message, topic, out)
            elif not is_our_own(message.topic):
                out.beside.append(message)
                out.counts.messages[BESIDE, IGNORED] += 1
            return
        refusal = self._roster.admit(topic, message.received)
        if refusal is not None:
            _refuse(message, topic, refusal, out)
            return
        if not message.retain and not _is_will(message, topic):
            out.news.seen[topic.device_id] = message.received
        if topic.channel == "telemetry":
            self._take_telemetry(message, topic, out)
        else:
            refusal = self._take_other(message, topic, out)
            if refusal is not None:
                _refuse(message, topic, refusal, out)
            else:
                out.counts.messages[topic.channel, ACCEPTED] += 1

    def _take_telemetry(self, message: Message, topic: Topic, out: Decoded) -> None:
        value = parse(message.payload)
        if isinstance(value, Refusal):
            _refuse(message, topic, value, out)
            return
        if isinstance(value, dict):
            refusal = self._take_reading(message, topic, value, out, alone=True)
            if refusal is not None:
                _refuse(message, topic, refusal, out)
                return
            out.counts.received += 1
            out.counts.messages[topic.channel, ACCEPTED] += 1
            return
        refusals = [
            self._take_reading(message, topic, element, out, alone=False)
            if isinstance(element, dict)
            else not_object(element)
            for element in value
        ]
        out.counts.received += len(refusals)
        outcome = QUARANTINED if all(refusals) else ACCEPTED
        out.counts.messages[topic.channel, outcome] += 1
        for evidence in _bad_elements(message, topic, refusals):
            out.counts.quarantined[Reason(evidence.reason)] += 1
            out.refused.append(evidence)

    def _take_reading(
        self, message: Message, topic: Topic, reading: JsonObject, out: Decoded, *, alone: bool
    ) -> Refusal | None:
        """Add one reading's row, or return why it is refused."""
        ts = self._time_of(message, reading.get("ts"), alone=alone)
        if isinstance(ts, Refusal):
            return ts
        values, dropped = self._checks[topic.kind].check(reading)
        if not values:
            return no_signal(topic.kind, reading, dropped)
        if dropped:
            out.drops.add(topic.device_id, dropped, message.received)
        row: Row = {
            "device_id": topic.device_id,
            "site": topic.site,
            "ts": ts,
            "received": message.received,
            "seq": check_seq(reading.get("seq")),
            **values,
        }
        out.rows.setdefault(topic.kind, []).append(row)
        return None

    def _time_of(self, message: Message, value: object, *, alone: bool) -> int | Refusal | None:
        if value is not None:
            return check_ts(value, message.received, self._retention)
        if not alone:
            return Refusal(Reason.BAD_TS, "a reading in an array needs a ts of its own")
        return undated_copy() if message.retain else None

    def _take_other(self, message: Message, topic: Topic, out: Decoded) -> Refusal | None:
        match topic.channel:
            case "status":
                status = parse_status(message.payload)
                if isinstance(status, Refusal):
                    return status
                out.news.tell(topic.device_id, status, message.received)
            case "info":
                info = parse_info(message.payload, topic)
                if isinstance(info, Refusal):
                    return info
                out.news.infos.append(info.info)
                out.drops.add(topic.device_id, info.drops, message.received)
            case "event":
                event = parse_event(message, topic, self._retention)
                if isinstance(event, Refusal):
                    return event
                out.news.events.append(event)
                out.drops.add(topic.device_id, unknown_in(event), message.received)
            case _:
                reply = parse_reply(message, topic)
                if isinstance(reply, Refusal):
                    return reply
                out.news.replies.append(reply)
        return None


def _is_will(message: Message, topic: Topic) -> bool:
    """Tell whether a message may be the broker's word: an `offline` is a last will as a rule."""
    return topic.channel == "status" and message.payload == OFFLINE


def _bad_elements(message: Message, topic: Topic, refusals: Sequence[Refusal | None]) -> Iterator[Evidence]:
    """Yield the refused elements of an array, each with its own bytes."""
    if not any(refusals):
        return
    for refusal, payload in zip(refusals, elements(message.payload), strict=True):
        if refusal is not None:
            yield _evidence(message, topic.device_id, refusal, payload)


def _refuse(message: Message, topic: Topic, refusal: Refusal, out: Decoded) -> None:
    _count_refused(topic.channel, refusal.reason, out)
    out.refused.append(_evidence(message, topic.device_id, refusal, message.payload))


def _refuse_topic(message: Message, reason: Reason, out: Decoded) -> None:
    channel = next((name for name in CHANNELS if message.topic.endswith(f"/{name}")), "other")
    _count_refused(channel, reason, out)
    detail = "the topic's kind is none of robot, tool, wristband"
    device_id = None
    if reason is Reason.UNKNOWN_KIND:
        device_id = message.topic.split("/")[4]
    elif reason is Reason.BAD_ID:
        detail = "site and device ids are 1 to 64 of A-Z a-z 0-9 _ -; events is no site"
    out.refused.append(_evidence(message, device_id, Refusal(reason, detail), message.payload))


def _count_refused(channel: str, reason: Reason, out: Decoded) -> None:
    if channel == "telemetry":
        out.counts.received += 1
        out.counts.quarantined[reason] += 1
    out.counts.messages[channel, QUARANTINED] += 1


def _evidence(message: Message, device_id: str | None, refusal: Refusal, payload: bytes) -> Evidence:
    return Evidence(
        _shown(message.topic),
        device_id,
        str(refusal.reason),
        refusal.detail,
        payload,
        message.received,
    )


def _shown(topic: str) -> str:
    """Return a topic as the database takes it: an index entry has its limits, and text has no NUL."""
    return topic[:_LONGEST_TOPIC].replace("\0", "\\0")

"""Spoils messages, those of real captures and some of our own, in their bytes, their JSON, their topic."""

import base64
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fleet.signals import ROBOT_STATES, STANDARD_SIGNALS, Form, Kind, Signal
from fleet.wire import CHANNELS, MAX_PAYLOAD_BYTES, topic_of

DIALECTS = """
dialects:
  - {type: sparkplug, signals: {drive_rpm: motor/rpm}}
  - {type: vda5050, interface: vda, site: hall, floors: {local: 2}}
  - {type: homie, site: lab, signals: {battery_pct: status/battery, battery_temp_c: status/temperature}}
  - {type: homie, name: homie5, prefix: homie/5, site: lab, signals: {battery_pct: power/level}}
  - type: valetudo
    site: home
    consumables: {filter-main: {signal: filter_clog_pct, life_h: 150, shows: used}}
  - type: senml
    name: tags
    topic: senml/{site}/data
    kind: tool
    names: "urn:dev:mac:{device}:{name}"
    signals: {consumable_pct: level, use_s: {from: used, unit: h}}
  - name: vendor-x
    type: json
    topic: acme/{site}/{part}/{device}/up
    id: [part, device]
    readings: reports
    time: {path: at, unit: iso8601}
    seq: n
    signals: {battery_pct: {from: battery.soc, unit: ratio}, error_code: fault}
"""
"""Every dialect, as an installation would configure them: those of the golden folders and the captures."""

ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 5.0, 5.5, 2**53, 2**53 + 1, 1e300, -0.0, 1_763_800_000),
    *("", "5", "1e3", "true", "idle", "washing", "a b", "é", "\x00", "x" * 65, [], {}, [1, [2]], {"a": {}}),
)
_TOKENS = (
    *(b"{", b"}", b"[", b"]", b":", b",", b'"', b"\n", b"\r\n", b" ", b"\0", b"\\", b"\\u", b"\\ud800"),
    *(b"true", b"null", b"NaN", b"Infinity", b"1e400", b"-", b"01", b"\xef\xbb\xbf", b"\xff", b"\xc3", b"5"),
)
_DEVICES = 40
_REMEMBERED = 2_000
_SITES = ("s1", "s2")


class Sample(NamedTuple):
    """A topic and what is published on it."""

    topic: str
    payload: bytes


def read_samples(file: Path) -> list[Sample]:
    """Return the messages of a capture: one JSON object a line, `payload` text or `payload_b64`."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return [
        Sample(
            line["topic"],
            line["payload"].encode() if "payload" in line else base64.b64decode(line["payload_b64"]),
        )
        for line in lines
    ]


class Spoiler:
    """Makes messages from real `samples` and from nothing; the same seed makes the same ones."""

    def __init__(self, samples: Sequence[Sample], seed: int) -> None:
        self._samples = samples
        self._chance = random.Random(seed)
        self._made: list[Sample] = []
        self._seq = 0
        self._by_bytes: tuple[Callable[[bytes], bytes], ...] = (
            self._flipped,
            self._cut_out,
            self._put_in,
            self._doubled,
            self._cut_short,
            self._spliced,
        )

    def message(self, now: int) -> Sample:
        """Return the next message as of `now` (epoch ms): own or of a dialect, whole or spoiled."""
        chance = self._chance
        if len(self._made) == _REMEMBERED and chance.random() < 0.8:
            # What was made before, spoiled once more: three times as quick as to make everything anew.
            topic, payload = chance.choice(self._made)
            return Sample(topic, chance.choice(self._by_bytes)(payload) if chance.random() < 0.5 else payload)
        made = self._new(now)
        if len(self._made) < _REMEMBERED:
            self._made.append(made)
        else:
            self._made[chance.randrange(_REMEMBERED)] = made
        return made

    def _new(self, now: int) -> Sample:
        chance = self._chance
        topic, payload = self._own(now) if chance.random() < 0.6 or not self._samples else self._real()
        if chance.random() < 0.6:
            for _ in range(chance.choice((1, 1, 1, 2, 5))):
                payload = self._spoiled(payload)
        if chance.random() < 0.02:
            topic = self._elsewhere(topic)
        return Sample(topic, payload)

    def payload(self, kind: Kind, now: int) -> bytes:
        """Return telemetry of a kind of device, whole or spoiled."""
        payload = json.dumps(self._reading(kind, now)).encode()
        return self._spoiled(payload) if self._chance.random() < 0.6 else payload

    def _real(self) -> Sample:
        topic, payload = self._chance.choice(self._samples)
        if self._chance.random() < 0.05:  # a dialect's payload on a topic of another
            topic = self._chance.choice(self._samples).topic
        elif self._chance.random() < 0.05:  # or on one of ours
            topic = topic_of("s1", Kind.ROBOT, "R1", self._chance.choice(CHANNELS))
        return Sample(topic, payload)

    def _own(self, now: int) -> Sample:
        chance = self._chance
        kind = chance.choice(tuple(Kind))
        channel = chance.choice(("telemetry",) * 12 + CHANNELS)
        topic = topic_of(chance.choice(_SITES[:1] * 30 + _SITES), kind, self._device(kind), channel)
        if channel == "telemetry":
            if chance.random() < 0.05:
                readings = [self._reading(kind, now) for _ in range(chance.randrange(20))]
                return Sample(topic, json.dumps(readings).encode())
            separators = chance.choice(((",", ":"), (", ", ": ")))
            return Sample(topic, json.dumps(self._reading(kind, now), separators=separators).encode())
        said = {
            "status": b"online",
            "info": b'{"model": "CR-200", "firmware": "1.4.2", "commissioned": "2026-03-01"}',
            "event": b'{"ts": %d, "code": "part_replaced", "detail": {"part": "fan"}}' % now,
        }
        return Sample(topic, said.get(channel, b'{"id": 7}'))

    def _device(self, kind: Kind) -> str:
        return f"{kind[0].upper()}{self._chance.randrange(_DEVICES)}"

    def _reading(self, kind: Kind, now: int) -> dict[str, Any]:
        chance = self._chance
        age = chance.randrange(3_600_000) if chance.random() < 0.1 else chance.randrange(200)
        self._seq += 1
        reading: dict[str, Any] = {"ts": now - age, "seq": self._seq}
        for signal in chance.sample(STANDARD_SIGNALS.for_kind(kind), chance.randint(1, 6)):
            reading[signal.name] = self._value(signal)
        return reading

    def _value(self, signal: Signal) -> Any:
        chance = self._chance
        match signal.form:
            case Form.NUMBER:
                return round(chance.uniform(signal.low, signal.high), 2)
            case Form.WHOLE:
                return chance.randint(int(signal.low), int(min(signal.high, 10**6)))
            case Form.BOOLEAN:
                return chance.random() < 0.5
            case Form.STATE:
                return chance.choice(ROBOT_STATES)
            case Form.TEXT:
                return f"E{chance.randrange(20)}"

    def _elsewhere(self, topic: str) -> str:
        """Return a topic with one level spoiled."""
        levels = topic.split("/")
        at = self._chance.randrange(len(levels))
        odd = (
            "",
            "events",
            "a b",
            "é",
            "x" * 65,
            "robot",
            "tool",
            "\x00",
            f"N{self._chance.randrange(2000)}",
        )
        levels[at] = self._chance.choice(odd)
        return "/".join(levels)

    def _spoiled(self, payload: bytes) -> bytes:
        if self._chance.random() < 0.5:
            spoiled = self._by_json(payload)
            if spoiled is not None:
                return spoiled
        return self._chance.choice(self._by_bytes)(payload)

    def _by_json(self, payload: bytes) -> bytes | None:
        """Return the payload with one thing changed in its JSON; None where it is none."""
        try:
            value = json.loads(payload)
        except (ValueError, RecursionError):
            return None
        chance = self._chance
        match chance.randrange(6):
            case 0:
                return json.dumps(value, indent=1).encode()
            case 1:
                return json.dumps([value] * chance.randint(0, 3)).encode()
            case 2:
                return json.dumps({"a": value}).encode()
            case 3 if isinstance(value, dict) and value:
                one = chance.choice(list(value))
                return (
                    payload.rstrip()[:-1] + b"," + json.dumps({one: chance.choice(ODD_VALUES)}).encode()[1:]
                )
            case _:
                return json.dumps(self._changed(value)).encode()

    def _changed(self, value: Any) -> Any:
        chance = self._chance
        if isinstance(value, dict) and value:
            one = chance.choice(list(value))
            if chance.random() < 0.2:
                return {name: item for name, item in value.items() if name != one}
            if chance.random() < 0.1:
                return value | {chance.choice(("colour", "", "ts ", "a:b", "é")): chance.choice(ODD_VALUES)}
            return value | {one: self._changed(value[one])}
        if isinstance(value, list) and value and chance.random() < 0.8:
            at = chance.randrange(len(value))
            return [*value[:at], self._changed(value[at]), *value[at + 1 :]]
        return chance.choice(ODD_VALUES)

    def _at(self, payload: bytes) -> int:
        return self._chance.randrange(len(payload) + 1)

    def _flipped(self, payload: bytes) -> bytes:
        at = self._at(payload)
        return payload[:at] + bytes([self._chance.randrange(256)]) + payload[at + 1 :]

    def _cut_out(self, payload: bytes) -> bytes:
        at = self._at(payload)
        return payload[:at] + payload[at + self._chance.randint(1, 20) :]

    def _put_in(self, payload: bytes) -> bytes:
        at = self._at(payload)
        token = self._chance.choice(_TOKENS)
        times = 1
        if self._chance.random() < 0.002:  # too deep, or too large
            times = self._chance.choice((40, 2_000, MAX_PAYLOAD_BYTES))
        return payload[:at] + token * times + payload[at:]

    def _doubled(self, payload: bytes) -> bytes:
        return payload + self._chance.choice((b"", b"\n", b" ")) + payload

    def _cut_short(self, payload: bytes) -> bytes:
        return payload[: self._at(payload)]

    def _spliced(self, payload: bytes) -> bytes:
        other = self._chance.choice(self._samples).payload if self._samples else b"{}"
        return payload[: self._at(payload)] + other[self._at(other) :]

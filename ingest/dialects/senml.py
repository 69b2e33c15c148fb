"""SenML (RFC 8428) in JSON: records that resolve to names, times and values, mapped to signals."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fleet.config import Shape
from fleet.signals import Kind, SignalTable
from fleet.wire import Reason
from ingest.decode.device_messages import undated_copy
from ingest.decode.payload import parse
from ingest.decode.shown import shown_value
from ingest.dialects.ids import make_id
from ingest.dialects.mapping import Mapper, SourcesField, put
from ingest.dialects.ports import About, Reading, Said, Speaker
from ingest.dialects.topics import TopicPattern
from ingest.messages import Message, Refusal

_CAPTURES = ("site", "device")
_VERSION = 10
_ABSOLUTE_FROM_S = 2.0**28
"""RFC 8428, 4.5.3: a smaller time is relative to now."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*")
_NAME_PARTS = re.compile(r"(\{device\}|\{name\})")


class SenmlShape(Shape):
    """A dialect of type `senml`: where it is published, and what its names mean.

    `names` takes a resolved name apart: `urn:dev:mac:{device}:{name}`. Without `{device}` in it, the device
    is captured from `topic`. `signals` maps each name to a signal; `model` is the name of a device's model.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["senml"]
    topic: str
    kind: Kind = Kind.ROBOT
    site: str | None = None
    names: str = "{name}"
    model: str | None = None
    signals: SourcesField = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_site_and_device(self) -> Self:
        captures = TopicPattern(self.topic, _CAPTURES).names
        if ("site" in captures) == (self.site is not None):
            raise ValueError(
                "the site comes either from {site} in topic or from the key site: give one of them"
            )
        if self.names.count("{name}") != 1 or self.names.count("{device}") > 1:
            raise ValueError("names: must contain {name} once and {device} at most once")
        if ("device" in captures) == ("{device}" in self.names):
            raise ValueError("the device comes either from {device} in topic or from {device} in names")
        return self


@dataclass(frozen=True, slots=True)
class Record:
    """One resolved record: its full name, epoch seconds (or seconds relative to receipt), unit and value."""

    name: str
    time: float
    unit: str | None
    value: Any


def resolve(pack: list[Any]) -> list[Record | Refusal] | Refusal:
    """Return a pack's records with its base fields applied; a bad record is refused alone.

    Refused whole: a version newer than 10, or a field that must be understood (its name ends in `_`).
    """
    base: dict[str, Any] = {"bn": "", "bt": 0.0, "bu": None, "bv": 0.0, "bver": _VERSION}
    records: list[Record | Refusal] = []
    for raw in pack:
        if not isinstance(raw, dict):
            records.append(_bad("a record must be an object"))
            continue
        strange = [key for key in raw if key.endswith("_")]
        if strange:
            return _bad(f"field {strange[0]:.40} must be understood, and is not")
        wrong = _take_base(raw, base)
        if wrong is not None:
            return wrong
        record = _record(raw, base)
        if record is not None:
            records.append(record)
    return records


def _take_base(raw: dict[str, Any], base: dict[str, Any]) -> Refusal | None:
    """Carry a record's base fields over to it and those after it."""
    for key in ("bn", "bt", "bu", "bv", "bver"):
        if raw.get(key) is None:
            continue
        value = raw[key]
        if not (isinstance(value, str) if key in ("bn", "bu") else _is_number(value)):
            return _bad(f"{key} has the wrong type: {shown_value(value)}")
        base[key] = value
    if base["bver"] > _VERSION:
        return _bad(f"bver {base['bver']} is newer than {_VERSION}")
    return None


def _record(raw: dict[str, Any], base: Mapping[str, Any]) -> Record | Refusal | None:
    """Return one record resolved; None where it holds base fields or a sum alone."""
    given = [key for key in ("v", "vs", "vb", "vd") if raw.get(key) is not None]
    if not given:
        return None
    if len(given) > 1:
        return _bad(f"a record has one value, not {' and '.join(given)}")
    time, name = raw.get("t") or 0.0, base["bn"] + str(raw.get("n") or "")
    if not _is_number(time):
        return Refusal(Reason.BAD_TS, f"t must be a number of seconds, got {shown_value(time)}")
    if not _NAME.fullmatch(name):
        return _bad(f"{shown_value(name)} is no name of RFC 8428")
    value = raw[given[0]]
    if given[0] == "v":
        if not _is_number(value):
            return _bad(f"v must be a number, got {shown_value(value)}")
        value = value + base["bv"]
    unit = raw.get("u") or base["bu"]
    return Record(name, base["bt"] + time, unit if isinstance(unit, str) else None, value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bad(detail: str) -> Refusal:
    return Refusal(Reason.BAD_DIALECT, f"SenML: {detail}")


class SenmlDialect:
    """Translates packs by a SenmlShape. Raises ConfigError for what does not fit the signal table."""

    def __init__(self, shape: SenmlShape, signals: SignalTable) -> None:
        self.name = shape.name
        self._shape = shape
        self._pattern = TopicPattern(shape.topic, _CAPTURES)
        self.subscriptions = (self._pattern.filter,)
        self._mapper = Mapper(shape.signals, shape.kind, signals, f"dialects.{shape.name}")
        self._names = _names_regex(shape.names)

    def wants(self, topic: str) -> bool:
        """Tell whether a topic fits the pattern."""
        return self._pattern.match(topic) is not None

    def translate(self, message: Message) -> Said:
        """Return one reading for each device and time in a pack."""
        said = Said()
        captured = self._pattern.match(message.topic) or {}
        pack = parse(message.payload)
        if isinstance(pack, dict):
            pack = _bad("a pack is an array of records")
        resolved = pack if isinstance(pack, Refusal) else resolve(pack)
        if isinstance(resolved, Refusal):
            said.refusals.append((self._speaker(captured, captured.get("device")), resolved))
            return said
        groups: dict[tuple[Speaker, float], Reading] = {}
        for record in resolved:
            self._take(record, captured, groups, said, message.received)
        for (speaker, time), reading in groups.items():
            if message.retain and time < _ABSOLUTE_FROM_S:  # relative to when it was published, not received
                said.refusals.append((speaker, undated_copy()))
            else:
                said.readings.append(reading)
        if not said.readings and not said.refusals and not said.about:
            why = Refusal(Reason.NO_SIGNAL, "no record has a value of a known signal")
            said.refusals.append((self._speaker(captured, captured.get("device")), why))
        return said

    def _take(
        self,
        record: Record | Refusal,
        captured: Mapping[str, str],
        groups: dict[tuple[Speaker, float], Reading],
        said: Said,
        received: int,
    ) -> None:
        if isinstance(record, Refusal):
            said.refusals.append((self._speaker(captured, captured.get("device")), record))
            return
        parts = self._names.fullmatch(record.name)
        found = parts.groupdict() if parts else {}
        speaker = self._speaker(captured, found.get("device") or captured.get("device"))
        if speaker is None or parts is None:
            why = _bad(f"{record.name:.80} does not fit names: {self._shape.names}")
            said.refusals.append((speaker, why))
            return
        if found["name"] == self._shape.model:
            if isinstance(record.value, str):
                said.about.append(About(speaker, model=record.value))
            return
        sources = self._mapper.named(found["name"])
        if not sources:
            said.unknown.append((speaker, found["name"]))
            return
        key = speaker, record.time
        reading = groups.setdefault(key, Reading(speaker, {}, _ts(record.time, received)))
        put(sources, record.value, reading.values, reading.dropped, record.unit)

    def _speaker(self, captured: Mapping[str, str], device: str | None) -> Speaker | None:
        if not device:
            return None
        return Speaker(make_id(self._shape.site or captured["site"]), self._shape.kind, make_id(device))


def _names_regex(pattern: str) -> re.Pattern[str]:
    # With a device before it, a signal's name has no separator; else all of the name is the signal's.
    name = "[^:/]+" if "{device}" in pattern else ".+"
    captures = {"{device}": "(?P<device>.+)", "{name}": f"(?P<name>{name})"}
    parts = [captures.get(part) or re.escape(part) for part in _NAME_PARTS.split(pattern)]
    return re.compile("".join(parts), re.DOTALL)


def _ts(time: float, received: int) -> float | None:
    if time >= _ABSOLUTE_FROM_S:
        return float(round(time * 1000))
    return received + time * 1000 if time else None

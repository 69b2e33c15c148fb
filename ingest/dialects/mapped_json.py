"""JSON of any shape, told by a mapping: a topic pattern, and a JMESPath expression for each signal."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.parser import ParsedResult
from pydantic import BeforeValidator, Field, model_validator

from fleet.config import Shape
from fleet.errors import ConfigError
from fleet.signals import Kind, SignalTable
from fleet.wire import Dropped, Reason
from ingest.decode.drops import Drop
from ingest.decode.payload import not_object, parse
from ingest.decode.times import check_seq
from ingest.dialects.ids import join_id, make_id
from ingest.dialects.mapping import Mapper, Source, SourcesField, put
from ingest.dialects.ports import About, Reading, Said, Speaker
from ingest.dialects.times import LocalTimes, TimeUnit, to_ms, zone_of
from ingest.dialects.topics import TopicPattern
from ingest.messages import Message, Refusal

_MOST_DEVICES = 100_000
CAPTURES = ("site", "device", "part")


def _zone(value: object) -> object:
    return zone_of(value) if isinstance(value, str) else value


class PlaceShape(Shape):
    """Where a name or a time stands: a path of the reading, or of the whole message around it.

    Without `of`, the reading is looked at first, then the message.
    """

    path: str = Field(min_length=1)
    of: Literal["reading", "message"] | None = None


class TimeShape(PlaceShape):
    """Where a reading's time stands, in which unit, and in which zone a time without an offset is."""

    unit: TimeUnit = "ms"
    zone: Annotated[ZoneInfo | None, BeforeValidator(_zone)] = None

    @model_validator(mode="after")
    def _zone_is_of_texts(self) -> Self:
        if self.zone is not None and self.unit != "iso8601":
            raise ValueError(f"zone: a time in {self.unit} has none; it is for unit: iso8601")
        return self


def _from_path(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class JsonShape(Shape):
    """A dialect of type `json`; every path is JMESPath.

    `topic` captures `{site}`, `{device}` and `{part}`; `id` says which captures make the device's id.
    The site is captured or `site`; the device is captured or read from `device`. `readings` is the path of an
    array of readings; `device`, `time` and `model` may stand beside it (PlaceShape). Without `time`, a
    reading holds at receipt.
    """

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["json"]
    topic: str
    kind: Kind = Kind.ROBOT
    site: str | None = None
    device: Annotated[PlaceShape | None, BeforeValidator(_from_path)] = None
    model: Annotated[PlaceShape | None, BeforeValidator(_from_path)] = None
    id: tuple[str, ...] = ("device",)
    readings: str | None = None
    time: Annotated[TimeShape | None, BeforeValidator(_from_path)] = None
    seq: str | None = None
    signals: SourcesField = Field(min_length=1)

    @model_validator(mode="after")
    def _names_site_and_device(self) -> Self:
        names = TopicPattern(self.topic, CAPTURES).names
        if ("site" in names) == (self.site is not None):
            raise ValueError(
                "the site comes either from {site} in topic or from the key site: give one of them"
            )
        if ("device" in names) == (self.device is not None):
            raise ValueError("the device comes either from {device} in topic or from the path device")
        for part in self.id:
            if part != "device" and part not in names:
                raise ValueError(f"id: {part!r} is no capture of topic; allowed: device, {', '.join(names)}")
        if "device" not in self.id:
            raise ValueError("id: must contain device")
        return self


class JsonDialect:
    """Translates messages by a JsonShape. Raises ConfigError for what does not fit the signal table."""

    def __init__(self, shape: JsonShape, signals: SignalTable) -> None:
        self.name = shape.name
        self._shape = shape
        self._pattern = TopicPattern(shape.topic, CAPTURES)
        self.subscriptions = (self._pattern.filter,)
        origin = f"dialects.{shape.name}"
        # Only what the mapping names is read: names of theirs that happen to be ours may be nested anywhere.
        mapper = Mapper(shape.signals, shape.kind, signals, origin)
        self._sources = [
            (_compiled(source.shape.source, f"{origin}: signals.{source.signal.name}"), source)
            for source in mapper.each()
            if source.signal.name in shape.signals
        ]
        self._readings = _compiled(shape.readings, f"{origin}: readings") if shape.readings else None
        self._device = _Place(shape.device, f"{origin}: device") if shape.device else None
        self._model = _Place(shape.model, f"{origin}: model") if shape.model else None
        self._time = _Place(shape.time, f"{origin}: time.path") if shape.time else None
        self._local = LocalTimes(shape.time.zone) if shape.time and shape.time.zone else None
        self._models: dict[str, str] = {}
        self._seq = _compiled(shape.seq, f"{origin}: seq") if shape.seq else None
        self._top_level = _first_names(shape)

    def wants(self, topic: str) -> bool:
        """Tell whether a topic fits the pattern."""
        return self._pattern.match(topic) is not None

    def translate(self, message: Message) -> Said:
        """Return the readings of a message: one, or each of an array by itself."""
        said = Said()
        captured = self._pattern.match(message.topic) or {}
        value = parse(message.payload)
        if isinstance(value, Refusal):
            said.refusals.append((self._speaker(captured, {}, {}), value))
            return said
        found = _searched(self._readings, value) if self._readings else value
        if self._readings and found is None:
            why = Refusal(Reason.BAD_DIALECT, f"nothing at readings: {self._shape.readings}")
            said.refusals.append((self._speaker(captured, {}, value), why))
        elif isinstance(found, list):
            for element in found:
                self._take(element, value, captured, said, message.received, alone=False)
        else:
            self._take(found, value, captured, said, message.received, alone=True)
        return said

    def _take(
        self,
        reading: Any,
        whole: Any,
        captured: Mapping[str, str],
        said: Said,
        received: int,
        *,
        alone: bool,
    ) -> None:
        if not isinstance(reading, dict):
            said.refusals.append((self._speaker(captured, {}, whole), not_object(reading)))
            return
        speaker = self._speaker(captured, reading, whole)
        if speaker is None:
            place = self._shape.device.path if self._shape.device else "topic"
            said.refusals.append((None, Refusal(Reason.BAD_DIALECT, f"no device's name at {place}")))
            return
        self._take_model(speaker, reading, whole, said)
        ts = self._time_of(speaker, reading, whole, received, alone=alone)
        if isinstance(ts, Refusal):
            said.refusals.append((speaker, ts))
            return
        seq = check_seq(_searched(self._seq, reading)) if self._seq else None
        taken = Reading(speaker, {}, ts, seq)
        for path, source in self._sources:
            _put(path, source, reading, taken)
        said.unknown += [(speaker, name) for name in reading if name not in self._top_level]
        said.readings.append(taken)

    def _take_model(self, speaker: Speaker, reading: Any, whole: Any, said: Said) -> None:
        """Tell of a device's model where it is news: most say it with every reading."""
        found = self._model.find(reading, whole) if self._model else None
        if isinstance(found, str) and found and self._models.get(speaker.device_id) != found:
            if len(self._models) > _MOST_DEVICES:
                self._models.clear()
            self._models[speaker.device_id] = found
            said.about.append(About(speaker, model=found))

    def _speaker(self, captured: Mapping[str, str], reading: Any, whole: Any) -> Speaker | None:
        device = captured.get("device")
        if self._device is not None:
            found = self._device.find(reading, whole)
            device = str(found) if isinstance(found, str | int) and not isinstance(found, bool) else None
        if not device:
            return None
        parts = {**captured, "device": device}
        names = [parts[part] for part in self._shape.id]
        site = make_id(self._shape.site or captured["site"])
        return Speaker(site, self._shape.kind, make_id(device) if len(names) == 1 else join_id(names))

    def _time_of(
        self, speaker: Speaker, reading: Any, whole: Any, received: int, *, alone: bool
    ) -> float | Refusal | None:
        value = self._time.find(reading, whole) if self._time else None
        if value is not None and self._local is not None:
            return self._local.to_ms(value, speaker.device_id, received)
        if value is not None and self._shape.time is not None:
            return to_ms(value, self._shape.time.unit)
        return None if alone else Refusal(Reason.BAD_TS, "a reading in an array needs a time of its own")


class _Place:
    """Finds what a PlaceShape names, in a reading and the message around it."""

    def __init__(self, shape: PlaceShape, origin: str) -> None:
        self._path = _compiled(shape.path, origin)
        self._of = shape.of

    def find(self, reading: Any, whole: Any) -> Any:
        """Return what stands there; None where nothing does."""
        found = _searched(self._path, reading) if self._of != "message" else None
        return _searched(self._path, whole) if found is None and self._of != "reading" else found


def _searched(path: ParsedResult, value: Any) -> Any:
    try:
        return path.search(value)
    except JMESPathError:  # a function of the path got another type than it takes
        return None


def _put(path: ParsedResult, source: Source, reading: Any, into: Reading) -> None:
    try:
        raw = path.search(reading)
    except JMESPathError:  # a function of the path got another type than it takes
        raw = None
    if raw is not None:
        put([source], raw, into.values, into.dropped)
    elif _has_function(path.parsed) and any(reading.get(name) is not None for name in _fields(path)):
        there = {name: reading.get(name) for name in _fields(path) if reading.get(name) is not None}
        into.dropped.append(Drop(source.signal.name, Dropped.NOT_CONVERTED, there))


def _has_function(node: Any) -> bool:
    """Tell whether a path converts at its end: null is then no sign of absence."""
    if node["type"] == "pipe":
        node = node["children"][-1]
    return bool(node["type"] == "function_expression")


def _fields(path: ParsedResult) -> set[str]:
    """Return the names that a path is made of."""
    names: set[str] = set()
    _collect_fields(path.parsed, names)
    return names


def _compiled(path: str, place: str) -> ParsedResult:
    try:
        return jmespath.compile(path)
    except JMESPathError as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{place}: {path!r} is not JMESPath: {reason}") from error


def _first_names(shape: JsonShape) -> frozenset[str]:
    """Return the top-level keys that the mapping may read, so that only others are listed as unknown."""
    paths = [source.source for source in shape.signals.values()]
    paths += [shape.seq] if shape.seq else []
    paths += [place.path for place in (shape.device, shape.time, shape.model) if place]
    names: set[str] = set()
    for path in paths:
        _collect_fields(jmespath.compile(path).parsed, names)
    return frozenset(names)


def _collect_fields(node: Any, names: set[str]) -> None:
    if node.get("type") == "field":
        names.add(node["value"])
    for child in node.get("children", ()):
        if isinstance(child, dict):
            _collect_fields(child, names)

"""The Homie convention, versions 3 to 5: one topic a value, without a time; `$state` tells who is alive."""

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import Field

from fleet.config import Shape
from fleet.signals import Kind, SignalTable
from fleet.wire import MAX_PAYLOAD_BYTES, Reason
from ingest.decode.device_messages import parse_object
from ingest.decode.shown import shown_value
from ingest.dialects.ids import make_id
from ingest.dialects.mapping import Mapper, SourcesField, SourceShape, from_text, put
from ingest.dialects.ports import About, Reading, Said, Speaker
from ingest.dialects.topics import PREFIX
from ingest.messages import Message, Refusal

_ALIVE = ("ready", "sleeping", "alert")
_GONE = ("disconnected", "lost")
_STARTING = "init"
_VERSIONS = ("3", "4", "5")
_ATTRIBUTES = ("$state", "$description", "$homie", "$implementation", "$name", "$type")
_EMPTY = "\0"
"""An empty text in version 5: an empty payload deletes a topic."""
_MODEL = "$fw/name"
"""What is closest to a model before version 5: such firmware is written for one product."""
_MOST_DEVICES = 100_000
_MOST_PROPERTIES = 1_000


class HomieShape(Shape):
    """A dialect of type `homie`: `prefix` is what stands before the device, `homie/5` in version 5.

    `signals` maps `node/property` to signals; the unit that a device gives a property (`$unit`, or
    `$description` in version 5) is converted unless the mapping names another. `model` is the attribute or
    property that has a device's model; without it, `type` of its `$description`, else `$fw/name`.
    """

    name: str = Field("homie", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["homie"]
    prefix: str = Field("homie", pattern=PREFIX)
    site: str = Field(min_length=1)
    kind: Kind = Kind.ROBOT
    model: str | None = None
    signals: SourcesField = Field(default_factory=dict)


@dataclass(slots=True)
class DeviceState:
    """What is known of a device: its `$state`, its units, and retained values that wait for it.

    `spoken` is False for one that follows a version which is not read.
    """

    spoken: bool = True
    state: str | None = None
    units: dict[str, str] = field(default_factory=dict)
    held: dict[str, bytes] = field(default_factory=dict)
    last: dict[str, str] = field(default_factory=dict)


class HomieDialect:
    """Translates values, states and metadata. Units are learnt from the broker's retained copies at a start.

    A value without a time holds at receipt. One that the broker kept (retained) is what its device still
    stands for while its `$state` is alive, and nothing once it is gone; until the state is known it waits.
    """

    def __init__(self, shape: HomieShape, signals: SignalTable) -> None:
        self.name = shape.name
        self._setup(shape.prefix, make_id(shape.site), shape.kind, shape.model)
        self._mapper = Mapper(shape.signals, shape.kind, signals, f"dialects.{shape.name}")

    def _setup(self, prefix: str, site: str, kind: Kind, model: str | None = None) -> None:
        self._model = model
        self._root = f"{prefix}/"
        self._site = site
        self._kind = kind
        self._devices: dict[str, DeviceState] = {}
        # In this order a broker sends its retained copies: units before values, liveness last.
        self.subscriptions: tuple[str, ...] = (
            f"{prefix}/+/$homie",
            f"{prefix}/+/$implementation",
            f"{prefix}/+/$name",
            f"{prefix}/+/$type",
            f"{prefix}/+/$description",
            f"{prefix}/+/+/+/$unit",
            f"{prefix}/+/+/+",
            f"{prefix}/+/$state",
        )

    def wants(self, topic: str) -> bool:
        """Tell whether a topic is a value, a unit, an attribute or a state; a command is not."""
        if not topic.startswith(self._root):
            return False
        levels = topic.removeprefix(self._root).split("/")
        match len(levels):
            case 2:
                return levels[1] in _ATTRIBUTES
            case 3:
                return True
            case 4:
                return levels[3] == "$unit"
        return False

    def translate(self, message: Message) -> Said:
        """Return what a message on one of a device's topics says."""
        said = Said()
        name, *rest = message.topic.removeprefix(self._root).split("/")
        if len(self._devices) > _MOST_DEVICES:  # made-up devices cost no memory for ever
            self._devices.clear()
        device = self._devices.setdefault(name, DeviceState())
        speaker = Speaker(self._site, self._kind, make_id(name))
        path = "/".join(rest[:2])
        if rest == ["$homie"]:
            _take_version(device, speaker, message, said)
        elif not device.spoken:
            pass  # its version was refused: nobody knows what it means
        elif rest == ["$state"]:
            self._take_state(device, speaker, message, said)
        elif rest == ["$description"]:
            self._take_description(device, speaker, message, said)
        elif len(rest) == 3:
            _remember(device.units, path, message.payload.decode(errors="replace"))
        elif path.startswith("$"):
            self._take_attribute(speaker, path, message.payload.decode(errors="replace"), said)
        elif not rest[1].startswith("$"):
            self._take_property(device, speaker, path, message, said)
        return said

    def _take_attribute(self, speaker: Speaker, path: str, text: str, said: Said) -> None:
        """Take what an attribute says of the device itself."""
        if path == "$fw/version":
            said.about.append(About(speaker, firmware=text))
        if path == (self._model or _MODEL):
            said.about.append(About(speaker, model=text))

    def _take_state(self, device: DeviceState, speaker: Speaker, message: Message, said: Said) -> None:
        state = message.payload.decode(errors="replace")
        if state not in (*_ALIVE, *_GONE, _STARTING):
            allowed = ", ".join((*_ALIVE, *_GONE, _STARTING))
            why = Refusal(Reason.BAD_STATUS, f"$state {shown_value(state)} is unknown; allowed: {allowed}")
            said.refusals.append((speaker, why))
            return
        device.state = state
        if state == _STARTING:  # flaps between init and ready are no news
            return
        held, device.held = device.held, {}
        said.heard, said.standing = state != "lost", True
        said.statuses.append((speaker, "online" if state in _ALIVE else "offline"))
        if state in _ALIVE:
            for path, payload in held.items():
                self._take_value(device, speaker, path, payload, said, retained=True)

    def _take_description(self, device: DeviceState, speaker: Speaker, message: Message, said: Said) -> None:
        """Learn the units and the model of version 5, which has them in one document."""
        value = parse_object(message.payload)
        if isinstance(value, Refusal):
            said.refusals.append((speaker, value))
            return
        model = value.get("type")
        if self._model is None and isinstance(model, str):
            said.about.append(About(speaker, model=model))
        for node, content in _objects(value.get("nodes")):
            for name, described in _objects(content.get("properties")):
                if isinstance(described.get("unit"), str):
                    _remember(device.units, f"{node}/{name}", described["unit"])

    def _take_property(
        self, device: DeviceState, speaker: Speaker, path: str, message: Message, said: Said
    ) -> None:
        if not message.retain:
            self._take_value(device, speaker, path, message.payload, said, retained=False)
        elif device.state in _ALIVE:
            self._take_value(device, speaker, path, message.payload, said, retained=True)
        elif device.state not in _GONE:
            _remember(device.held, path, message.payload)

    def _take_value(
        self,
        device: DeviceState,
        speaker: Speaker,
        path: str,
        payload: bytes,
        said: Said,
        *,
        retained: bool,
    ) -> None:
        """Add a value as a reading of its own, or list its name where no signal has it."""
        if path == self._model:
            said.about.append(About(speaker, model=payload.decode(errors="replace")))
            return
        sources = self._mapper.named(path) or self._mapper.named(path.rpartition("/")[2])
        if not sources:
            said.unknown.append((speaker, path))
            return
        if not payload:  # a cleared value, not a measured one
            return
        text = _text(payload)
        if text == _EMPTY:
            text = ""
        if isinstance(text, Refusal):
            said.refusals.append((speaker, text))
            return
        reading = Reading(speaker, {}, current=retained)
        for source in sources:
            raw = text if source.shape.values else from_text(text, source.signal.form)
            put([source], raw, reading.values, reading.dropped, device.units.get(path))
        said.readings.append(reading)


def _take_version(device: DeviceState, speaker: Speaker, message: Message, said: Said) -> None:
    """Take the version of the convention that a device follows; of an unknown one nothing is read."""
    version = message.payload.decode(errors="replace")
    device.spoken = version.partition(".")[0] in _VERSIONS
    if not device.spoken:
        allowed = ", ".join(_VERSIONS)
        why = Refusal(Reason.BAD_DIALECT, f"version {version!r:.40} of Homie is not read; allowed: {allowed}")
        said.refusals.append((speaker, why))


def _text(payload: bytes) -> str | Refusal:
    if len(payload) > MAX_PAYLOAD_BYTES:
        return Refusal(Reason.TOO_LARGE, f"{len(payload)} bytes; at most {MAX_PAYLOAD_BYTES} are taken")
    try:
        return payload.decode()
    except UnicodeDecodeError as wrong:
        return Refusal(Reason.BAD_ENCODING, f"not UTF-8: {wrong.reason} at byte {wrong.start}")


def _remember(where: dict[str, Any], path: str, value: Any) -> None:
    if path in where or len(where) < _MOST_PROPERTIES:
        where[path] = value


def _objects(value: Any) -> list[tuple[str, dict[str, Any]]]:
    if not isinstance(value, dict):
        return []
    return [(key, inner) for key, inner in value.items() if isinstance(inner, dict)]


def default_sources(texts: dict[str, dict[str, Any]]) -> dict[str, SourceShape]:
    """Return built-in sources, written as in a mapping."""
    return {name: SourceShape.model_validate(text) for name, text in texts.items()}

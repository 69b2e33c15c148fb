"""Valetudo: open firmware of robot vacuums, which speaks Homie with topics and payloads of its own."""

import zlib
from typing import Any, Literal, Self

import orjson
from pydantic import Field, model_validator

from fleet.config import Shape
from fleet.errors import ConfigError
from fleet.signals import Kind, SignalTable
from fleet.wire import Reason
from ingest.decode.device_messages import parse_object
from ingest.decode.shown import shown_value
from ingest.dialects.homie import DeviceState, HomieDialect, default_sources
from ingest.dialects.ids import make_id
from ingest.dialects.mapping import Mapper, SourcesField
from ingest.dialects.ports import About, Event, Reading, Said, Speaker
from ingest.dialects.topics import PREFIX
from ingest.dialects.vda5050 import error_code
from ingest.messages import Message, Refusal

MAX_MAP_BYTES = 8 * 1024 * 1024
ERROR_EVENT = "robot_error"
_IMPLEMENTATION = b"Valetudo"
_OWN_NAME = "Valetudo "
_MOST_SEEN = 100_000
_STATES = {
    "docked": "docked",
    "cleaning": "cleaning",
    "returning": "returning",
    "idle": "idle",
    "paused": "paused",
    "error": "error",
    "manual_control": "manual",
    "moving": "manual",
}
_STATUS, _CHARGING = "StatusStateAttribute/status", "BatteryStateAttribute/status"
_ERROR, _MAP = "StatusStateAttribute/error", "MapData/map-data"
_CONSUMABLES = "ConsumableMonitoringCapability/"
_IGNORED = ("hass/", "ValetudoEvents/", "MapData/", "StatusStateAttribute/error_description")
"""Copies of values in other units, old events, maps for others, and the text that an error has besides."""

_SOURCES: dict[str, dict[str, Any]] = {
    "battery_pct": {"from": "BatteryStateAttribute/level"},
    "rssi_dbm": {"from": "WifiConfigurationCapability/signal"},
    "run_s": {"from": "TotalStatisticsCapability/time"},
    "area_m2": {"from": "TotalStatisticsCapability/area", "unit": "cm²"},
}


class ConsumableShape(Shape):
    """A consumable: the signal it feeds, its service life in hours, and whether that is what is left or used.

    Valetudo publishes the seconds left without the life, so that a percentage needs `life_h`; a consumable
    with the unit `%` needs none.
    """

    signal: str
    life_h: float | None = Field(None, gt=0)
    shows: Literal["left", "used"] = "left"


class ValetudoShape(Shape):
    """A dialect of type `valetudo`; `consumables` goes by Valetudo's names, such as `filter-main`."""

    name: str = Field("valetudo", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["valetudo"]
    prefix: str = Field("valetudo", pattern=PREFIX)
    site: str = Field(min_length=1)
    consumables: dict[str, ConsumableShape] = Field(default_factory=dict)
    signals: SourcesField = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_signal_once(self) -> Self:
        named = [one.signal for one in self.consumables.values()]
        if len(named) != len(set(named)):
            raise ValueError("consumables: two of them feed the same signal")
        return self


class ValetudoDialect(HomieDialect):
    """Translates a robot vacuum's topics. It has no motor speed (only a fan preset), and none is made up."""

    def __init__(self, shape: ValetudoShape, signals: SignalTable) -> None:
        self.name = shape.name
        self._setup(shape.prefix, make_id(shape.site), Kind.ROBOT)
        self._seen: set[str] = set()
        sources = default_sources(_SOURCES) | shape.signals
        self._mapper = Mapper(sources, Kind.ROBOT, signals, f"dialects.{shape.name}")
        self._consumables = shape.consumables
        known = {signal.name for signal in signals.numeric(Kind.ROBOT)}
        for name, consumable in shape.consumables.items():
            if consumable.signal not in known:
                place = f"dialects.{shape.name}.consumables.{name}.signal"
                raise ConfigError(f"{place}: {consumable.signal} is no numeric signal of a robot")

    def recognises(self, message: Message) -> bool:
        """Tell whether a message under our prefix is of a robot of Valetudo's, or of another device of Homie.

        It says so of itself; and its nodes begin with a capital letter, which no id of Homie has.
        """
        name, _, rest = message.topic.removeprefix(self._root).partition("/")
        if (rest == "$implementation" and message.payload == _IMPLEMENTATION) or rest[:1].isupper():
            if len(self._seen) > _MOST_SEEN:
                self._seen.clear()
            self._seen.add(name)
        return name in self._seen

    def translate(self, message: Message) -> Said:
        """Return what a message on one of a robot's topics says; its name holds its model."""
        said = super().translate(message)
        name, _, rest = message.topic.removeprefix(self._root).partition("/")
        text = message.payload.decode(errors="replace")
        if rest == "$name" and text.startswith(_OWN_NAME) and text.endswith(f" {name}"):
            model = text.removeprefix(_OWN_NAME).removesuffix(f" {name}")
            speaker = Speaker(self._site, self._kind, make_id(name))
            said.about.append(About(speaker, model=model))
        return said

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
        values: dict[str, Any] | Refusal = {}
        if path in (_STATUS, _CHARGING):
            values = _state(device, path, payload)
        elif path == _ERROR:
            values = _error(speaker, payload, said, retained=retained)
        elif path == _MAP:
            values = _position(payload)
        elif path.removeprefix(_CONSUMABLES) in self._consumables:
            values = self._consumable(device, speaker, path, payload, said)
        elif not path.startswith(_IGNORED):
            super()._take_value(device, speaker, path, payload, said, retained=retained)
        if isinstance(values, Refusal):
            said.refusals.append((speaker, values))
        elif values:
            said.readings.append(Reading(speaker, values, current=retained))

    def _consumable(
        self, device: DeviceState, speaker: Speaker, path: str, payload: bytes, said: Said
    ) -> dict[str, Any] | Refusal:
        consumable = self._consumables[path.removeprefix(_CONSUMABLES)]
        try:
            left = float(payload)
        except ValueError:
            return Refusal(
                Reason.BAD_DIALECT, f"a consumable's rest must be a number, got {shown_value(payload[:40])}"
            )
        if device.units.get(path) != "%":
            if consumable.life_h is None:
                said.unknown.append((speaker, path))
                return {}
            left = 100.0 * left / (3600.0 * consumable.life_h)
        return {consumable.signal: left if consumable.shows == "left" else 100.0 - left}


def _state(device: DeviceState, path: str, payload: bytes) -> dict[str, Any]:
    """Return a robot's state: what it does, but `charging` for one that is docked and charges."""
    device.last[path] = payload.decode(errors="replace")
    status = device.last.get(_STATUS)
    if status is None:
        return {}
    if status == "docked" and device.last.get(_CHARGING) == "charging":
        return {"state": "charging"}
    if path == _CHARGING and status != "docked":
        return {}
    return {"state": _STATES.get(status, status)}


def _error(speaker: Speaker, payload: bytes, said: Said, *, retained: bool) -> dict[str, Any] | Refusal:
    """Return the error code of a present error, and tell of it as an event; "" where there is none."""
    value = parse_object(payload)
    if isinstance(value, Refusal):
        return value
    severity = value.get("severity")
    kind = severity.get("kind") if isinstance(severity, dict) else None
    parts = [value.get(name) for name in ("subsystem", "message")]
    texts = [part for part in parts if isinstance(part, str) and part not in ("", "none")]
    if kind == "none" or not (kind or texts):
        return {"error_code": ""}
    code = error_code(":".join(texts) or kind)
    if not retained:
        said.events.append(Event(speaker, ERROR_EVENT, {"error_code": code, **value}))
    return {"error_code": code}


def _position(payload: bytes) -> dict[str, Any] | Refusal:
    """Return where the robot is on its deflated map: metres, from the map's top left corner, y downwards."""
    inflater = zlib.decompressobj()
    try:
        text = inflater.decompress(payload, MAX_MAP_BYTES)
        if inflater.unconsumed_tail:
            return Refusal(Reason.TOO_LARGE, f"a map that inflates to more than {MAX_MAP_BYTES} bytes")
        entities = orjson.loads(text)["entities"]
        found = next((one for one in entities if one["type"] == "robot_position"), None)
        if found is None:
            return {}
        x, y = found["points"]
        return {"x_m": x / 100.0, "y_m": y / 100.0}
    except (zlib.error, orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        unreadable = isinstance(error, zlib.error | orjson.JSONDecodeError)
        why = "it is no deflated JSON" if unreadable else "its robot_position is not as Valetudo writes it"
        return Refusal(Reason.BAD_DIALECT, f"the map cannot be read: {why}")

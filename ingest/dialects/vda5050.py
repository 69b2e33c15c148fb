"""VDA 5050, versions 1 to 3: mobile robots that report to a master control; we only listen."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeGuard

from pydantic import Field

from fleet.config import Shape
from fleet.errors import ConfigError
from fleet.signals import ROBOT_STATES, Kind, SignalTable
from fleet.wire import Dropped, Reason, is_code
from ingest.decode.device_messages import parse_object
from ingest.decode.drops import Drop
from ingest.decode.shown import shown_value
from ingest.decode.times import check_seq
from ingest.dialects.ids import join_id, make_id
from ingest.dialects.ports import About, Reading, Said, Speaker
from ingest.dialects.times import to_ms
from ingest.dialects.topics import PREFIX
from ingest.messages import Message, Refusal

_CHANNELS = ("connection", "state", "visualization", "factsheet")
_STOPPING = ("FATAL", "CRITICAL")
_LEVELS = (*_STOPPING, "URGENT", "WARNING")
_HEADER = ("timestamp", "headerId", "version", "manufacturer", "serialNumber")
_CONDITION = ("driving", "paused", "errors", "operatingMode", "safetyState")


@dataclass(frozen=True, slots=True)
class Names:
    """What one major version calls things; its JSON schemas are the source."""

    position: str
    localized: str
    battery: str
    charge: str
    stop: str
    by_hand: tuple[str, ...]
    statuses: Mapping[str, str]

    @property
    def known(self) -> frozenset[str]:
        """The top-level keys of a state that are read, or say what kind of message it is."""
        return frozenset((*_HEADER, *_CONDITION, self.position, self.battery))


_V2 = Names(
    position="agvPosition",
    localized="positionInitialized",
    battery="batteryState",
    charge="batteryCharge",
    stop="eStop",
    by_hand=("MANUAL", "SERVICE", "TEACHIN"),
    statuses={"ONLINE": "online", "OFFLINE": "offline", "CONNECTIONBROKEN": "offline"},
)
_V3 = Names(
    position="mobileRobotPosition",
    localized="localized",
    battery="powerSupply",
    charge="stateOfCharge",
    stop="activeEmergencyStop",
    by_hand=("MANUAL", "SERVICE", "TEACH_IN", "INTERVENED"),
    # A hibernating robot holds its connection and comes back when it is told to.
    statuses={
        "ONLINE": "online",
        "HIBERNATING": "online",
        "OFFLINE": "offline",
        "CONNECTION_BROKEN": "offline",
    },
)
# The states of 1.1, 2.0 and 2.1 differ only in what is not read here.
_VERSIONS = {"1": _V2, "2": _V2, "3": _V3}
_BROKEN = ("CONNECTIONBROKEN", "CONNECTION_BROKEN")


class VdaShape(Shape):
    """A dialect of type `vda5050`: `interface` and `version` are the first levels of its topics.

    `driving` is the state of a robot that drives on an order. `floors` gives each map its floor.
    """

    name: str = Field("vda5050", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["vda5050"]
    interface: str = Field("uagv", pattern=PREFIX)
    version: Literal["v1", "v2", "v3"] = "v2"
    site: str = Field(min_length=1)
    driving: str = "cleaning"
    floors: dict[str, int] = Field(default_factory=dict)


class VdaDialect:
    """Translates connection, state, visualization and factsheet, by the names of each message's version."""

    def __init__(self, shape: VdaShape, _: SignalTable) -> None:
        if shape.driving not in ROBOT_STATES:
            allowed = ", ".join(ROBOT_STATES)
            raise ConfigError(
                f"dialects.{shape.name}.driving: {shape.driving!r} is no state; allowed: {allowed}"
            )
        self.name = shape.name
        self._shape = shape
        self._root = f"{shape.interface}/{shape.version}/"
        self.subscriptions = tuple(f"{self._root}+/+/{channel}" for channel in _CHANNELS)

    def wants(self, topic: str) -> bool:
        """Tell whether a topic is one of those that robots publish."""
        levels = topic.removeprefix(self._root).split("/")
        return topic.startswith(self._root) and len(levels) == 3 and levels[2] in _CHANNELS

    def translate(self, message: Message) -> Said:
        """Return what a robot says on one of its topics."""
        said = Said()
        manufacturer, serial, channel = message.topic.removeprefix(self._root).split("/")
        speaker = Speaker(make_id(self._shape.site), Kind.ROBOT, join_id([manufacturer, serial]))
        value = parse_object(message.payload)
        names = value if isinstance(value, Refusal) else self._names(value)
        if isinstance(names, Refusal) or isinstance(value, Refusal):
            said.refusals.append((speaker, names))  # type: ignore[arg-type]  # the one or the other
        elif channel == "connection":
            _take_connection(value, names, speaker, said)
        elif channel == "factsheet":
            series = _object(value, "typeSpecification").get("seriesName")
            said.about.append(About(speaker, series if isinstance(series, str) else None, serial=serial))
        else:
            self._take_state(value, names, speaker, said, whole=channel == "state")
        return said

    def _names(self, value: Mapping[str, Any]) -> Names | Refusal:
        """Return the names of the version that a message says it has, else of that of its topic."""
        told = value.get("version")
        major = told.strip().lstrip("vV").partition(".")[0] if isinstance(told, str) else ""
        found = _VERSIONS.get(major or self._shape.version[1:])
        allowed = ", ".join(_VERSIONS)
        return found or Refusal(
            Reason.BAD_DIALECT, f"version {told!r:.40} of VDA 5050 is not read; allowed: {allowed}"
        )

    def _take_state(
        self, value: dict[str, Any], names: Names, speaker: Speaker, said: Said, *, whole: bool
    ) -> None:
        ts = to_ms(value.get("timestamp"), "iso8601")
        if isinstance(ts, Refusal):
            said.refusals.append((speaker, ts))
            return
        # headerId counts per topic: only that of state counts readings of one kind.
        reading = Reading(speaker, {}, ts, check_seq(value.get("headerId")) if whole else None)
        reading.values.update(self._position(_object(value, names.position), names))
        if whole:
            reading.values.update(_battery(_object(value, names.battery), names))
            reading.values["state"] = self._state(value, names)
            if not isinstance(value.get("errors"), list | None):
                reading.dropped.append(Drop("error_code", Dropped.NOT_CONVERTED, value["errors"]))
            reading.values["error_code"] = _worst(value.get("errors"))
            said.unknown += [(speaker, name) for name in value if name not in names.known]
        if whole or reading.values:
            said.readings.append(reading)

    def _position(self, position: Mapping[str, Any], names: Names) -> dict[str, Any]:
        if position.get(names.localized) is False:
            return {}
        found = {"x_m": position.get("x"), "y_m": position.get("y")}
        score = position.get("localizationScore")
        found["localization_pct"] = score * 100.0 if _is_number(score) else score
        if isinstance(position.get("mapId"), str):
            found["floor"] = self._shape.floors.get(position["mapId"])
        return {name: one for name, one in found.items() if one is not None}

    def _state(self, value: Mapping[str, Any], names: Names) -> str:
        """Return the state: what stops a robot first, then charging and the rest."""
        stopped = _object(value, "safetyState").get(names.stop) not in (None, "NONE")
        if stopped or any(one.get("errorLevel") in _STOPPING for one in _errors(value.get("errors"))):
            return "error"
        if _object(value, names.battery).get("charging") is True:
            return "charging"
        mode = value.get("operatingMode")
        if isinstance(mode, str) and mode in names.by_hand:
            return "manual"
        if value.get("paused") is True:
            return "paused"
        return self._shape.driving if value.get("driving") is True else "idle"


def _take_connection(value: Mapping[str, Any], names: Names, speaker: Speaker, said: Said) -> None:
    """Take a robot's connection, in the order of arrival.

    The time in it does not count: a will (CONNECTIONBROKEN) carries that of the connect, which is older than
    the ONLINE before it.
    """
    state = value.get("connectionState")
    status = names.statuses.get(state) if isinstance(state, str) else None
    if status is None:
        allowed = ", ".join(names.statuses)
        why = Refusal(
            Reason.BAD_STATUS, f"connectionState {shown_value(state)} is unknown; allowed: {allowed}"
        )
        said.refusals.append((speaker, why))
        return
    said.heard, said.standing = state not in _BROKEN, True
    said.statuses.append((speaker, status))


def _battery(battery: Mapping[str, Any], names: Names) -> dict[str, Any]:
    found = {
        "battery_pct": battery.get(names.charge),
        "battery_voltage_v": battery.get("batteryVoltage"),
        "battery_health_pct": battery.get("batteryHealth"),
        "battery_current_a": battery.get("batteryCurrent"),
    }
    current, charging = found["battery_current_a"], battery.get("charging")
    if _is_number(current) and isinstance(charging, bool):  # the standard leaves its sign open
        found["battery_current_a"] = abs(current) if charging else -abs(current)
    return {name: one for name, one in found.items() if one is not None}


def _worst(errors: Any) -> str | None:
    """Return the code of the worst error, an empty one when the list says that there is none."""
    if errors == []:
        return ""
    found = _errors(errors)
    if not found:
        return None
    ranked = sorted(found, key=lambda one: _rank(one.get("errorLevel")))
    return error_code(ranked[0].get("errorType")) or error_code(ranked[0].get("errorLevel"))


def _rank(level: Any) -> int:
    return _LEVELS.index(level) if level in _LEVELS else len(_LEVELS)


def _errors(told: Any) -> list[Mapping[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def error_code(text: object) -> str | None:
    """Return what a device calls an error as an error code of ours; `_` stands for what does not fit."""
    if not isinstance(text, str) or not text:
        return None
    if is_code(text):
        return text
    return "".join(one if is_code(one) else "_" for one in text)[:64]


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}

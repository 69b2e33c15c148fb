"""VDA 5050, version 2: mobile robots that report to a master control; we only listen."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from fleet.config import Shape
from fleet.errors import ConfigError
from fleet.signals import ROBOT_STATES, Kind, SignalTable
from fleet.wire import Reason, is_code
from ingest.decode.device_messages import parse_object
from ingest.decode.shown import shown_value
from ingest.decode.times import check_seq
from ingest.dialects.ids import join_id, make_id
from ingest.dialects.ports import About, Reading, Said, Speaker
from ingest.dialects.times import to_ms
from ingest.messages import Message, Refusal

_CHANNELS = ("connection", "state", "visualization", "factsheet")
_STATUSES = {"ONLINE": "online", "OFFLINE": "offline", "CONNECTIONBROKEN": "offline"}
_BY_HAND = ("MANUAL", "SERVICE", "TEACHIN")
_KNOWN = frozenset(
    (
        *("timestamp", "headerId", "version", "manufacturer", "serialNumber", "batteryState"),
        *("agvPosition", "driving", "paused", "errors", "operatingMode", "safetyState"),
    )
)


class VdaShape(Shape):
    """A dialect of type `vda5050`: `interface` and `version` are the first two levels of its topics.

    `driving` is the state of a robot that drives on an order. `floors` gives each map its floor.
    """

    name: str = Field("vda5050", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["vda5050"]
    interface: str = Field("uagv", pattern=r"^[^/+#$][^/+#]*$")
    version: str = Field("v2", pattern=r"^v\d+$")
    site: str = Field(min_length=1)
    driving: str = "cleaning"
    floors: dict[str, int] = Field(default_factory=dict)


class VdaDialect:
    """Translates connection, state, visualization and factsheet."""

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
        if isinstance(value, Refusal):
            said.refusals.append((speaker, value))
        elif channel == "connection":
            _take_connection(value, speaker, said)
        elif channel == "factsheet":
            series = _object(value, "typeSpecification").get("seriesName")
            said.about.append(About(speaker, series if isinstance(series, str) else None, serial=serial))
        else:
            self._take_state(value, speaker, said, whole=channel == "state")
        return said

    def _take_state(self, value: dict[str, Any], speaker: Speaker, said: Said, *, whole: bool) -> None:
        ts = to_ms(value.get("timestamp"), "iso8601")
        if isinstance(ts, Refusal):
            said.refusals.append((speaker, ts))
            return
        values = self._position(_object(value, "agvPosition"))
        if whole:
            values |= _battery(_object(value, "batteryState"))
            values |= self._condition(value)
            said.unknown += [(speaker, name) for name in value if name not in _KNOWN]
        # headerId counts per topic: only that of state counts readings of one kind.
        seq = check_seq(value.get("headerId")) if whole else None
        if whole or values:
            said.readings.append(Reading(speaker, values, ts, seq))

    def _position(self, position: Mapping[str, Any]) -> dict[str, Any]:
        if position.get("positionInitialized") is False:
            return {}
        found = {"x_m": position.get("x"), "y_m": position.get("y")}
        score = position.get("localizationScore")
        if isinstance(score, int | float) and not isinstance(score, bool):
            found["localization_pct"] = score * 100.0
        if isinstance(position.get("mapId"), str):
            found["floor"] = self._shape.floors.get(position["mapId"])
        return found

    def _condition(self, value: Mapping[str, Any]) -> dict[str, Any]:
        """Return state and error code: fatal errors first, then charging and the rest."""
        told = value.get("errors")
        errors = [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []
        fatal = [one for one in errors if one.get("errorLevel") == "FATAL"]
        worst = next(iter(fatal or errors), {}).get("errorType")
        return {"state": self._state(value, fatal=bool(fatal)), "error_code": error_code(worst)}

    def _state(self, value: Mapping[str, Any], *, fatal: bool) -> str:
        stopped = _object(value, "safetyState").get("eStop") not in (None, "NONE")
        if fatal or stopped:
            return "error"
        if _object(value, "batteryState").get("charging") is True:
            return "charging"
        mode = value.get("operatingMode")
        if isinstance(mode, str) and mode in _BY_HAND:
            return "manual"
        if value.get("paused") is True:
            return "paused"
        return self._shape.driving if value.get("driving") is True else "idle"


def _take_connection(value: Mapping[str, Any], speaker: Speaker, said: Said) -> None:
    """Take a robot's connection, in the order of arrival.

    The time in it does not count: a will (CONNECTIONBROKEN) carries that of the connect, which is older than
    the ONLINE before it.
    """
    state = value.get("connectionState")
    status = _STATUSES.get(state) if isinstance(state, str) else None
    if status is None:
        allowed = ", ".join(_STATUSES)
        why = Refusal(
            Reason.BAD_STATUS, f"connectionState {shown_value(state)} is unknown; allowed: {allowed}"
        )
        said.refusals.append((speaker, why))
        return
    said.heard = state != "CONNECTIONBROKEN"
    said.statuses.append((speaker, status))


def _battery(battery: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "battery_pct": battery.get("batteryCharge"),
        "battery_voltage_v": battery.get("batteryVoltage"),
        "battery_health_pct": battery.get("batteryHealth"),
    }


def error_code(text: object) -> str | None:
    """Return what a device calls an error as an error code of ours; `_` stands for what does not fit."""
    if not isinstance(text, str) or not text:
        return None
    if is_code(text):
        return text
    return "".join(one if is_code(one) else "_" for one in text)[:64]


def _object(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = value.get(key)
    return found if isinstance(found, dict) else {}

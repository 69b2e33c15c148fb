"""Sparkplug B 3.0: births define, data follows by alias, deaths make stale, gaps ask for a rebirth."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import Field

from fleet.clock import SECOND_MS
from fleet.config import Shape
from fleet.signals import Kind, SignalTable
from fleet.wire import Reason
from ingest.decode.decoded import Request
from ingest.decode.device_messages import parse_object
from ingest.dialects.ids import join_id, make_id
from ingest.dialects.mapping import Mapper, SourcesField, put
from ingest.dialects.ports import About, Reading, Said, Speaker
from ingest.dialects.sparkplug_payload import Metric, Payload, read, signed, write
from ingest.messages import Message, Refusal

NAMESPACE = "spBv1.0"
TYPES = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
_ASK_AGAIN_MS = 10 * SECOND_MS
_LEVELS_OF_NODE, _LEVELS_OF_DEVICE = 4, 5
_MOST_NODES = 100_000
_OF_THE_PROTOCOL = ("bdSeq", "Node Control/", "Device Control/")


class SparkplugShape(Shape):
    """A dialect of type `sparkplug`; a device's site is its group, unless `site` names one for all.

    `groups` are those to listen to (default: all); `signals` maps metric names to signals, and `model` is the
    metric that has a device's model. `rebirth` says whether edge nodes may be asked for their births. `host`
    is the id under which we say that a host application is there: edge nodes may wait for it.
    """

    name: str = Field("sparkplug", pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$")
    type: Literal["sparkplug"]
    kind: Kind = Kind.ROBOT
    site: str | None = None
    groups: tuple[str, ...] = ()
    rebirth: bool = True
    model: str | None = None
    host: str | None = Field(None, pattern=r"^[^/+#$][^/+#]*$")
    signals: SourcesField = Field(default_factory=dict)


@dataclass(slots=True)
class _Device:
    """What the birth of a device (or of a node's own metrics) said, and when it last spoke live.

    An edge node is `listed` once it has signals of its own: without, it is a gateway and no device.
    """

    alive: bool = False
    listed: bool = False
    names: dict[int, str] = field(default_factory=dict)
    types: dict[str, int | None] = field(default_factory=dict)
    newest: int = 0


@dataclass(slots=True)
class _Node:
    """An edge node: its last `seq`, its death's number, when it was asked for a rebirth, its devices."""

    seq: int | None = None
    death: int | None = None
    asked: int = -_ASK_AGAIN_MS
    devices: dict[str, _Device] = field(default_factory=dict)


class SparkplugDialect:
    """Translates what edge nodes publish. After a start of ours, nodes are asked for their births."""

    def __init__(self, shape: SparkplugShape, signals: SignalTable) -> None:
        self.name = shape.name
        self._shape = shape
        self.state_topic = f"{NAMESPACE}/STATE/{shape.host}" if shape.host else None
        groups = shape.groups or ("+",)
        data = [
            f"{NAMESPACE}/{group}/{kind}/+{'/+' if kind[0] == 'D' else ''}"
            for group in groups
            for kind in TYPES
        ]
        self.subscriptions = (self.state_topic, *data) if self.state_topic else tuple(data)
        self._mapper = Mapper(shape.signals, shape.kind, signals, f"dialects.{shape.name}")
        self._nodes: dict[tuple[str, str], _Node] = {}

    def wants(self, topic: str) -> bool:
        """Tell whether a topic is a birth, data or a death of a group that is listened to."""
        if topic == self.state_topic:
            return True
        levels = topic.split("/")
        if len(levels) < _LEVELS_OF_NODE or levels[0] != NAMESPACE or levels[2] not in TYPES:
            return False
        expected = _LEVELS_OF_DEVICE if levels[2][0] == "D" else _LEVELS_OF_NODE
        return len(levels) == expected and (not self._shape.groups or levels[1] in self._shape.groups)

    def translate(self, message: Message) -> Said:
        """Return what a birth, data or a death says."""
        said = Said()
        if message.topic == self.state_topic:
            self._hear_of_us(message, said)
            return said
        _, group, kind, name, *rest = message.topic.split("/")
        device = rest[0] if rest else ""
        speaker = self._speaker(group, name, device)
        payload = read(message.payload)
        if isinstance(payload, Refusal):
            said.refusals.append((speaker, payload))
            return said
        if len(self._nodes) > _MOST_NODES:  # made-up nodes cost no memory for ever: real ones are born again
            self._nodes.clear()
        node = self._nodes.setdefault((group, name), _Node())
        match kind:
            case "NDEATH" | "DDEATH" if message.retain:
                pass  # of some session before: a live one says what holds
            case "NDEATH":
                self._die(node, group, name, payload, said)
            case "DDEATH":
                self._follow(node, group, name, payload, message, said)
                node.devices.setdefault(device, _Device()).alive = False
                said.statuses.append((speaker, "offline"))
            case "NBIRTH" | "DBIRTH":
                if kind == "NBIRTH":
                    self._begin(node, payload)
                else:
                    self._follow(node, group, name, payload, message, said)
                self._bear(node, device, speaker, payload, said)
            case _:
                self._follow(node, group, name, payload, message, said)
                self._hear(node, (group, name, device), speaker, payload, message, said)
        return said

    def _hear_of_us(self, message: Message, said: Said) -> None:
        """Contradict whoever says that we are not there: the last will of an earlier connection, say."""
        value = parse_object(message.payload)
        if isinstance(value, dict) and value.get("online") is False:
            said.requests.append(Request(message.topic, b""))

    def _begin(self, node: _Node, payload: Payload) -> None:
        """Start a node anew: all of its devices have to be born again."""
        node.seq = payload.seq
        node.death = _death_number(payload)
        node.devices.clear()

    def _follow(
        self, node: _Node, group: str, name: str, payload: Payload, message: Message, said: Said
    ) -> None:
        """Check the sequence of a node: it counts from 0 to 255 and around; a gap asks for a rebirth.

        A retained copy is out of it: nobody knows when it was sent.
        """
        if message.retain:
            return
        seq, last = payload.seq, node.seq
        if seq is not None and last is not None and seq not in (last, (last + 1) % 256):
            self._ask(node, group, name, message.received, said)
        node.seq = seq if seq is not None else last

    def _ask(self, node: _Node, group: str, name: str, now: int, said: Said) -> None:
        """Ask a node for its births, at most every ten seconds."""
        if self._shape.rebirth and now - node.asked >= _ASK_AGAIN_MS:
            node.asked = now
            payload = write(now, [("Node Control/Rebirth", True)])
            said.requests.append(Request(f"{NAMESPACE}/{group}/NCMD/{name}", payload))

    def _die(self, node: _Node, group: str, name: str, payload: Payload, said: Said) -> None:
        """Take a node's death, unless it is that of an earlier session: its number then is another."""
        said.heard = False
        number = _death_number(payload)
        if None not in (node.death, number) and node.death != number:
            return
        for device, state in node.devices.items():
            if state.listed:
                said.statuses.append((self._speaker(group, name, device), "offline"))
            state.alive = False
        node.seq = None

    def _bear(self, node: _Node, device: str, speaker: Speaker, payload: Payload, said: Said) -> None:
        born = node.devices[device] = _Device(alive=True)
        for metric in payload.metrics:
            if metric.name:
                born.types[metric.name] = metric.datatype
                if metric.alias is not None:
                    born.names[metric.alias] = metric.name
        self._take(born, speaker, payload, [(one.name or "", one) for one in payload.metrics], said)
        born.listed = bool(device or said.readings)
        if born.listed:
            said.statuses.append((speaker, "online"))

    def _hear(
        self,
        node: _Node,
        who: tuple[str, str, str],
        speaker: Speaker,
        payload: Payload,
        message: Message,
        said: Said,
    ) -> None:
        """Take data, if a birth came before it: without one nobody knows what its aliases mean."""
        group, name, device = who
        born = node.devices.get(device)
        if born is None or not born.alive:
            self._ask(node, group, name, message.received, said)
            why = Refusal(Reason.NOT_BORN, "data before the birth of its device")
            said.refusals.append((speaker, why))
            return
        named: list[tuple[str, Metric]] = []
        for metric in payload.metrics:
            known = metric.name or born.names.get(-1 if metric.alias is None else metric.alias)
            if known is None:
                self._ask(node, group, name, message.received, said)
                why = Refusal(Reason.UNKNOWN_ALIAS, f"alias {metric.alias} was in no birth")
                said.refusals.append((speaker, why))
            else:
                named.append((known, metric))
        self._take(born, speaker, payload, named, said)

    def _take(
        self,
        born: _Device,
        speaker: Speaker,
        payload: Payload,
        named: list[tuple[str, Metric]],
        said: Said,
    ) -> None:
        """Add a reading for each time, live ones first: a historical value must not become the latest."""
        live: dict[int | None, Reading] = {}
        historical: dict[int | None, Reading] = {}
        for name, metric in named:
            self._put(name, metric, born, speaker, said, (historical if metric.historical else live), payload)
        for ts, reading in live.items():
            said.readings.append(reading)
            born.newest = max(born.newest, ts or 0)
        for ts, reading in historical.items():
            if ts is not None and ts < born.newest:
                said.readings.append(reading)
            else:
                why = Refusal(Reason.HISTORICAL, "is_historical, and not older than the newest live value")
                said.refusals.append((speaker, why))

    def _put(
        self,
        name: str,
        metric: Metric,
        born: _Device,
        speaker: Speaker,
        said: Said,
        into: dict[int | None, Reading],
        payload: Payload,
    ) -> None:
        if name == self._shape.model and isinstance(metric.value, str):
            said.about.append(About(speaker, model=metric.value))
            return
        sources = self._mapper.named(name)
        if not sources:
            if not name.startswith(_OF_THE_PROTOCOL):
                said.unknown.append((speaker, name))
            return
        if metric.value is None:
            return
        datatype = metric.datatype if metric.datatype is not None else born.types.get(name)
        # The time of the payload is when it was sent: it does not date a historical value.
        ts = metric.ts if metric.ts is not None or metric.historical else payload.ts
        reading = into.setdefault(ts, Reading(speaker, {}, ts))
        put(sources, signed(metric.value, datatype), reading.values, reading.dropped)

    def _speaker(self, group: str, node: str, device: str) -> Speaker:
        names = [group, node, device] if device else [group, node]
        return Speaker(make_id(self._shape.site or group), self._shape.kind, join_id(names))


def _death_number(payload: Payload) -> int | None:
    value = next((one.value for one in payload.metrics if one.name == "bdSeq"), None)
    return value if isinstance(value, int) else None

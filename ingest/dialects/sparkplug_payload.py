"""The payload of Sparkplug B 3.0: the few Protobuf messages of it that matter here, and its compression.

The fields are declared from the numbers and types of the specification (section 6.4.1); what is not declared
(data sets, templates, properties) is skipped by Protobuf as unknown fields.
"""

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from fleet.wire import MAX_PAYLOAD_BYTES, Reason
from ingest.decode.shown import shown_value
from ingest.messages import Refusal

MAX_INFLATED_BYTES = 4 * 1024 * 1024
COMPRESSED_UUID = "SPBV1.0_COMPRESSED"
_F = FieldDescriptorProto
_METRIC_FIELDS = (
    ("name", 1, _F.TYPE_STRING),
    ("alias", 2, _F.TYPE_UINT64),
    ("timestamp", 3, _F.TYPE_UINT64),
    ("datatype", 4, _F.TYPE_UINT32),
    ("is_historical", 5, _F.TYPE_BOOL),
    ("is_null", 7, _F.TYPE_BOOL),
    ("int_value", 10, _F.TYPE_UINT32),
    ("long_value", 11, _F.TYPE_UINT64),
    ("float_value", 12, _F.TYPE_FLOAT),
    ("double_value", 13, _F.TYPE_DOUBLE),
    ("boolean_value", 14, _F.TYPE_BOOL),
    ("string_value", 15, _F.TYPE_STRING),
)
_PAYLOAD_FIELDS = (
    ("timestamp", 1, _F.TYPE_UINT64),
    ("seq", 3, _F.TYPE_UINT64),
    ("uuid", 4, _F.TYPE_STRING),
    ("body", 5, _F.TYPE_BYTES),
)
_VALUE_FIELDS = tuple(name for name, _, _ in _METRIC_FIELDS if name.endswith("_value"))
_SIGNED_BITS = {1: 8, 2: 16, 3: 32, 4: 64}
"""Int8 to Int64: a negative number travels as its two's complement in an unsigned field."""
BOOLEAN = 11


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `value` is None where it is null or of a type that is no scalar. Times are epoch ms."""

    name: str | None
    alias: int | None
    ts: int | None
    datatype: int | None
    historical: bool
    value: Any


@dataclass(frozen=True, slots=True)
class Payload:
    """One payload; `seq` is 0 to 255, or None where it has none."""

    ts: int | None
    seq: int | None
    metrics: tuple[Metric, ...]


@cache
def _classes() -> tuple[Any, Any]:
    metric = DescriptorProto(name="Metric", field=[_field(*one) for one in _METRIC_FIELDS])
    payload = DescriptorProto(name="Payload", field=[_field(*one) for one in _PAYLOAD_FIELDS])
    payload.field.append(
        _F(name="metrics", number=2, type=_F.TYPE_MESSAGE, label=_F.LABEL_REPEATED, type_name=".sw.Metric")
    )
    pool = DescriptorPool()
    pool.Add(
        FileDescriptorProto(name="sw.proto", package="sw", syntax="proto2", message_type=[metric, payload])
    )
    return tuple(GetMessageClass(pool.FindMessageTypeByName(f"sw.{name}")) for name in ("Payload", "Metric"))  # type: ignore[return-value]


def _field(name: str, number: int, kind: "FieldDescriptorProto.Type.ValueType") -> FieldDescriptorProto:
    return _F(name=name, number=number, type=kind, label=_F.LABEL_OPTIONAL)


def read(data: bytes) -> Payload | Refusal:
    """Return a payload, inflated where it is compressed (to at most 4 MiB), or why it is refused."""
    if len(data) > MAX_PAYLOAD_BYTES:
        return Refusal(Reason.TOO_LARGE, f"{len(data)} bytes; at most {MAX_PAYLOAD_BYTES} are taken")
    if not data:
        return Refusal(Reason.EMPTY, "no payload")
    message = _parsed(data)
    if isinstance(message, Refusal) or message.uuid != COMPRESSED_UUID:
        return message if isinstance(message, Refusal) else _payload(message)
    algorithm = next((one.string_value for one in message.metrics if one.name == "algorithm"), "DEFLATE")
    inflated = inflate(message.body, algorithm)
    inner = inflated if isinstance(inflated, Refusal) else _parsed(inflated)
    if isinstance(inner, Refusal):
        return inner
    if inner.uuid == COMPRESSED_UUID:
        return Refusal(Reason.BAD_DIALECT, "a compressed payload inside a compressed payload")
    return _payload(inner, outer=message)


def inflate(data: bytes, algorithm: str) -> bytes | Refusal:
    """Return data inflated with GZIP or DEFLATE (with a zlib header or raw), or why not."""
    windows = {"GZIP": (16 + zlib.MAX_WBITS,), "DEFLATE": (zlib.MAX_WBITS, -zlib.MAX_WBITS)}
    if algorithm.upper() not in windows:
        return Refusal(
            Reason.BAD_DIALECT, f"compression {shown_value(algorithm)} is unknown; allowed: GZIP, DEFLATE"
        )
    for window in windows[algorithm.upper()]:
        inflater = zlib.decompressobj(window)
        try:
            out = inflater.decompress(data, MAX_INFLATED_BYTES)
        except zlib.error:
            continue
        if inflater.eof:
            return out
        if inflater.unconsumed_tail:
            return Refusal(Reason.TOO_LARGE, f"inflates to more than {MAX_INFLATED_BYTES} bytes")
        break
    return Refusal(Reason.BAD_DIALECT, f"the compressed body is no complete {algorithm}")


def _parsed(data: bytes) -> Any:
    try:
        message = _classes()[0].FromString(data)
    except DecodeError:
        return Refusal(Reason.BAD_DIALECT, "no Sparkplug B payload: not this Protobuf message")
    # Text that is not UTF-8 comes as bytes, and an absent one as an empty text.
    texts = (text for one in message.metrics for text in (one.name, one.string_value))
    if isinstance(message.uuid, bytes) or any(isinstance(text, bytes) for text in texts):
        return Refusal(Reason.BAD_DIALECT, "no Sparkplug B payload: a text in it is not UTF-8")
    return message


def _payload(message: Any, outer: Any = None) -> Payload:
    return Payload(
        _first("timestamp", message, outer),
        _first("seq", message, outer),
        tuple(_metric(one) for one in message.metrics),
    )


def _first(name: str, *messages: Any) -> int | None:
    """Return a field of the first message that has it."""
    return next((getattr(one, name) for one in messages if one is not None and one.HasField(name)), None)


def _metric(raw: Any) -> Metric:
    return Metric(
        raw.name if raw.HasField("name") else None,
        _first("alias", raw),
        _first("timestamp", raw),
        _first("datatype", raw),
        raw.is_historical,
        None
        if raw.is_null
        else next((getattr(raw, one) for one in _VALUE_FIELDS if raw.HasField(one)), None),
    )


def signed(value: Any, datatype: int | None) -> Any:
    """Return a metric's value with its sign, which its type alone (given in the birth) tells."""
    bits = _SIGNED_BITS.get(datatype or 0)
    if bits is None or not isinstance(value, int) or isinstance(value, bool):
        return value
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def write(ts: int, metrics: Iterable[tuple[str, bool]]) -> bytes:
    """Return a payload of Boolean metrics, as a command to an edge node is."""
    message = _classes()[0](timestamp=ts)
    for name, value in metrics:
        message.metrics.add(name=name, timestamp=ts, datatype=BOOLEAN, boolean_value=value)
    return bytes(message.SerializeToString())

"""JSON Schema and AsyncAPI documents of the wire contract, generated from the signals table.

`python -m fleet.schema docs/schema` writes them; a test fails when the committed ones are stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

from fleet.commands import COMMANDS, PARAMETERS, ReplyState
from fleet.signals import ROBOT_STATES, STANDARD_SIGNALS, Form, Kind, Role, Signal, SignalTable
from fleet.wire import EARLIEST_TS, MAX_PAYLOAD_BYTES, MAX_SEQ, ROOT

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ID_PATTERN = "^[A-Za-z0-9_-]{1,64}$"
_CODE_PATTERN = "^[A-Za-z0-9_.:-]{1,64}$"
_CODE_OR_NONE_PATTERN = "^[A-Za-z0-9_.:-]{0,64}$"


def signal_schema(signal: Signal) -> dict[str, Any]:
    """Return the JSON Schema of one signal's value; null means absent."""
    shape: dict[str, Any] = {"title": signal.label.en}
    if signal.unit:
        shape["x-unit"] = signal.unit
    match signal.form:
        case Form.BOOLEAN:
            shape |= {"type": ["boolean", "null"]}
        case Form.STATE:
            shape |= {"enum": [*ROBOT_STATES, None]}
        case Form.TEXT:
            pattern = _CODE_OR_NONE_PATTERN if signal.clearable else _CODE_PATTERN
            shape |= {"type": ["string", "null"], "pattern": pattern}
        case Form.WHOLE | Form.NUMBER:
            number = "integer" if signal.form is Form.WHOLE else "number"
            shape |= {"type": [number, "null"], "minimum": signal.low, "maximum": signal.high}
    return shape


def telemetry_schema(signals: SignalTable, kind: Kind) -> dict[str, Any]:
    """Return the JSON Schema of a telemetry payload of one kind: one reading, or an array of readings."""
    properties: dict[str, Any] = {
        "ts": {"type": ["number", "null"], "minimum": EARLIEST_TS, "description": "epoch milliseconds"},
        "seq": {"type": ["integer", "null"], "minimum": 0, "maximum": MAX_SEQ},
    }
    properties |= {signal.name: signal_schema(signal) for signal in signals.for_kind(kind)}
    return {
        "$schema": _DIALECT,
        "title": f"Telemetry of a {kind}",
        "oneOf": [
            {"$ref": "#/$defs/reading"},
            {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/dated_reading"}},
        ],
        "$defs": {
            "reading": {"type": "object", "minProperties": 1, "properties": properties},
            "dated_reading": {
                "allOf": [{"$ref": "#/$defs/reading"}],
                "required": ["ts"],
                "properties": {"ts": {"type": "number"}},
            },
        },
    }


_INFO = {
    "type": "object",
    "properties": {
        "model": {"type": "string"},
        "firmware": {"type": "string"},
        "serial": {"type": "string"},
        "commissioned": {"type": "string", "format": "date"},
    },
}
_EVENT = {
    "type": "object",
    "required": ["code"],
    "properties": {
        "ts": {"type": ["number", "null"]},
        "code": {"type": "string", "pattern": _CODE_PATTERN},
        "detail": {"type": "object"},
    },
}
_STATUS = {"type": "string", "enum": ["online", "offline"]}


def command_schema() -> dict[str, Any]:
    """Return the JSON Schema of a command, as it is published for a device."""
    set_parameter = {
        "type": "object",
        "required": ["name", "value"],
        "properties": {"name": {"enum": list(PARAMETERS)}, "value": {"type": "integer"}},
    }
    offer_firmware = {
        "type": "object",
        "required": ["version", "url", "sha256", "size"],
        "properties": {
            "version": {"type": "string"},
            "url": {"type": "string", "format": "uri"},
            "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "size": {"type": "integer", "minimum": 1, "description": "bytes"},
        },
    }
    params = {"set_parameter": set_parameter, "offer_firmware": offer_firmware}
    return {
        "type": "object",
        "required": ["id", "command", "params", "expires"],
        "properties": {
            "id": {
                "type": "string",
                "pattern": _ID_PATTERN,
                "description": "Unique; the same id again is the same command",
            },
            "command": {"enum": list(COMMANDS)},
            "params": {"type": "object"},
            "expires": {"type": "integer", "description": "Epoch ms; not to be begun after it"},
        },
        "allOf": [
            {
                "if": {"properties": {"command": {"const": name}}},
                "then": {"properties": {"params": params.get(name, {"maxProperties": 0})}},
            }
            for name in COMMANDS
        ],
    }


def reply_schema() -> dict[str, Any]:
    """Return the JSON Schema of what a device answers to a command."""
    return {
        "type": "object",
        "required": ["id", "state"],
        "properties": {
            "id": {"type": "string", "pattern": _ID_PATTERN, "description": "That of the command"},
            "state": {"enum": [str(state) for state in ReplyState]},
            "reason": {"type": ["string", "null"], "maxLength": 500},
            "ts": {"type": ["number", "null"]},
        },
    }


def cloud_event_schema() -> dict[str, Any]:
    """Return the JSON Schema of what programs at the broker are told: CloudEvents 1.0, structured."""
    text = {"type": ["string", "null"]}
    return {
        "type": "object",
        "required": ["specversion", "id", "source", "type", "time", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {"type": "string", "description": "Of the log; told twice, it is the same"},
            "source": {"const": "/sweepwatch"},
            "type": {"type": "string", "examples": ["sweepwatch.alert.firing"]},
            "time": {"type": "string", "format": "date-time"},
            "subject": {"type": "string", "examples": ["alert/12"]},
            "sequence": {"type": "string", "pattern": "^[0-9]{20}$", "description": "Sorts as it happened"},
            "datacontenttype": {"const": "application/json"},
            "data": {
                "type": "object",
                "required": ["subject", "id", "what"],
                "properties": {
                    "subject": {"type": "string", "examples": ["alert"]},
                    "id": {"type": "string"},
                    "what": {"type": "string"},
                    "site": text,
                    "before": text,
                    "after": text,
                    "by": {"type": "object", "properties": {"kind": {"type": "string"}}},
                },
            },
        },
    }


def _message(name: str, content_type: str, payload: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "contentType": content_type, "payload": payload}


def _parameters(kind: Kind | None) -> dict[str, Any]:
    names: dict[str, Any] = {
        "site": {"description": f"Site id, {_ID_PATTERN}; not `events`"},
        "device_id": {"description": f"Device id, {_ID_PATTERN}, unique in the installation"},
    }
    return names if kind else names | {"kind": {"enum": [str(k) for k in Kind]}}


def asyncapi(signals: SignalTable) -> dict[str, Any]:
    """Return the AsyncAPI 3 document of what devices publish and what the platform subscribes to."""
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}

    def add(
        name: str,
        address: str,
        message: dict[str, Any],
        kind: Kind | None,
        summary: str,
        action: str = "receive",
        parameters: dict[str, Any] | None = None,
    ) -> None:
        channels[name] = {
            "address": address,
            "parameters": _parameters(kind) if parameters is None else parameters,
            "messages": {"message": message},
        }
        operations[f"{action}_{name}"] = {
            "action": action,
            "summary": summary,
            "channel": {"$ref": f"#/channels/{name}"},
            "bindings": {"mqtt": {"qos": 1, "bindingVersion": "0.2.0"}},
        }

    for kind in Kind:
        add(
            f"{kind}_telemetry",
            f"{ROOT}/{{site}}/{kind}/{{device_id}}/telemetry",
            _message(
                f"{kind}_telemetry",
                "application/json",
                {"$ref": f"telemetry-{kind}.schema.json"},
            ),
            kind,
            f"Readings of a {kind}, at most {MAX_PAYLOAD_BYTES} bytes; acknowledged once they are durable",
        )
    device = f"{ROOT}/{{site}}/{{kind}}/{{device_id}}"
    for name, payload, content, summary in (
        ("info", _INFO, "application/json", "Retained: model, firmware, serial number"),
        ("status", _STATUS, "text/plain", "Retained: online, or offline as the last will"),
        ("event", _EVENT, "application/json", "Errors, SOS, parts replaced"),
        ("cmd/reply", reply_schema(), "application/json", "The answer to a command, correlated by its id"),
    ):
        safe = name.replace("/", "_")
        add(safe, f"{device}/{name}", _message(safe, content, payload), None, summary)
    command = _message("cmd", "application/json", command_schema())
    add("cmd", f"{device}/cmd", command, None, "Commands, each published once, never retained", "send")
    told = _message("events", "application/cloudevents+json", cloud_event_schema())
    levels = {"subject": {"examples": ["alert"]}, "what": {"examples": ["firing"]}}
    summary = "What happened, for other programs: at least once, in order"
    add("events", f"{ROOT}/events/{{subject}}/{{what}}", told, None, summary, "send", levels)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sweepwatch device telemetry",
            "version": "1.0.0",
            "description": "What a device may publish, and what it is told. Generated from fleet/.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
    }


def signals_page(signals: SignalTable) -> str:
    """Return the signals as a page for people: one table for each kind of device."""
    lines = ["# Signals", "", "Generated from `fleet/signals.py` by `make docs`.", ""]
    for kind in Kind:
        lines += [f"## {kind}", "", "| signal | unit | range | what | 中文 |", "|---|---|---|---|---|"]
        for signal in signals.for_kind(kind):
            name, unit, label = signal.name, signal.unit, signal.label
            lines.append(f"| `{name}` | {unit} | {_range(signal)} | {label.en} | {label.zh} |")
        lines.append("")
    return "\n".join(lines)


def _range(signal: Signal) -> str:
    match signal.form:
        case Form.BOOLEAN:
            return "true, false"
        case Form.STATE:
            return ", ".join(ROBOT_STATES)
        case Form.TEXT:
            what = "text of 1 to 64 letters, digits, `_ - . :`"
            return f"{what}; empty when none is left" if signal.clearable else what
        case _ if signal.role is Role.COUNTER:
            return "counts up from 0"
        case _:
            return f"{signal.low:g} to {signal.high:g}"


def documents(signals: SignalTable) -> dict[str, str]:
    """Return every generated document as text, by file name."""
    made: dict[str, Any] = {f"telemetry-{kind}.schema.json": telemetry_schema(signals, kind) for kind in Kind}
    made["asyncapi.json"] = asyncapi(signals)
    texts = {name: json.dumps(body, indent=2, ensure_ascii=False) + "\n" for name, body in made.items()}
    return texts | {"signals.md": signals_page(signals)}


def main() -> None:
    """Write all documents into the folder given as the first argument."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in documents(STANDARD_SIGNALS).items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

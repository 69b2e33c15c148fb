"""Captured traffic of real publishers, as messages of ours."""

import base64
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from fleet.signals import STANDARD_SIGNALS
from fleet.wire import DEFAULT_RETENTION_MS
from ingest.decode.decoded import Decoded
from ingest.decode.lines import LineDecoder
from ingest.dialects.config import parse_dialects
from ingest.dialects.decoder import DialectDecoder
from ingest.dialects.intake import Intake
from ingest.messages import Message
from ingest.watch.roster import Roster

_ROOT = Path(__file__).parents[2]
CAPTURES = _ROOT.parent / "shared" / "data" / "mqtt-captures"


def capture(name: str) -> list[Message]:
    """Return a whole capture; without the folder skip the test, or fail it in CI."""
    path = CAPTURES / f"{name}.jsonl"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"the capture {name}.jsonl is missing")
        pytest.skip(f"the capture {name}.jsonl is missing")
    return read_messages(path)


def read_messages(path: Path) -> list[Message]:
    """Return the messages of a file of one JSON object a line, as the captures are."""
    return [_message(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _message(line: dict[str, Any]) -> Message:
    payload = line["payload"].encode() if "payload" in line else base64.b64decode(line["payload_b64"])
    received = round(line["t"] * 1000)
    return Message(line["topic"], payload, line.get("qos", 0), line.get("retain", False), 1, received)


def decoder(config: str, *, open_registration: bool = True) -> DialectDecoder:
    """Return a decoder that speaks the dialects of a YAML text beside our own JSON."""
    roster = Roster(lambda _: {}, open_registration=open_registration)
    own = LineDecoder(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS)
    dialects = parse_dialects(config, STANDARD_SIGNALS)
    return DialectDecoder(own, dialects, Intake(STANDARD_SIGNALS, roster, DEFAULT_RETENTION_MS))


def wanted(config: str, messages: Iterable[Message]) -> list[Message]:
    """Return the messages that a broker would hand over: those on topics of the dialects."""
    dialects = parse_dialects(config, STANDARD_SIGNALS)
    return [one for one in messages if any(dialect.wants(one.topic) for dialect in dialects)]


def decode(config: str, messages: Iterable[Message]) -> Decoded:
    """Return what wanted messages say to a decoder that knows nothing yet."""
    return decoder(config).decode(wanted(config, messages))


def told(out: Decoded) -> dict[str, Any]:
    """Return what was decoded as JSON: what a golden file holds."""
    rows = [
        {"kind": str(kind), **{name: value for name, value in row.items() if value is not None}}
        for kind, all_rows in out.rows.items()
        for row in all_rows
    ]
    counts = out.counts
    return {
        "rows": rows,
        "statuses": out.news.statuses,
        "events": [[one.device_id, one.ts, one.code] for one in out.news.events],
        "refused": [[one.topic, one.device_id, one.reason] for one in out.refused],
        "requests": [one.topic for one in out.requests],
        "unknown": sorted(name for _, name in out.unknown),
        "dropped": {str(why): count for why, count in counts.dropped.items()},
        "messages": {outcome: n for (_, outcome), n in sorted(counts.messages.items())},
    }


def balance(out: Decoded) -> tuple[int, int]:
    """Return readings received, and rows plus quarantined: they must be the same."""
    rows = sum(len(rows) for rows in out.rows.values())
    return out.counts.received, rows + out.counts.quarantined.total()

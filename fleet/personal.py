"""Personal data: what wristbands tell of the person who wears them.

How a person is (heart rate, skin temperature), and where. That a band is worn, or told of a call for help, is
kept as any other fact of the fleet; what such an alert or event quotes beside is personal too.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from fleet.faults import FAULTS
from fleet.signals import Kind

_OF_A_PERSON = frozenset({"heart_rate_bpm", "skin_temp_c", "lat", "lon", "x_m", "y_m", "floor"})
_PLAIN_EVIDENCE = frozenset(
    {
        "source",
        "rule",
        "text",
        "signal",
        "threshold",
        "condition",
        "ts",
        "previous_alert",
        "code",
        "codes",
        "state",
        "status",
        "last_seen",
        "also",
        "who",
        "why",
    }
)
"""What evidence says beside values; a `meaning` is what the device wrote, unless it comes from our tables."""
_PLAIN_DETAILS = frozenset({"part", "fault", "error_code", "code", "errorType"})
_BODILY = (b"heart", b"pulse", b"bpm", b"skin_temp")
WITHHELD = "withheld"
"""The mark in evidence, and in an event's detail, that values of a person were taken out."""


def personal_signals(kind: Kind) -> frozenset[str]:
    """Return the signals of a kind of device that tell how a person is, or where."""
    return _OF_A_PERSON if kind is Kind.WRISTBAND else frozenset()


def is_personal(kind: str) -> bool:
    """Tell whether devices of a kind tell of a person."""
    return kind == Kind.WRISTBAND


def is_personal_fault(fault: str) -> bool:
    """Tell whether a fault is of devices that tell of a person."""
    known = FAULTS.get(fault)
    return known is not None and is_personal(known.kind)


def personal_faults() -> list[str]:
    """Return the faults of devices that tell of a person."""
    return [code for code, entry in FAULTS.items() if is_personal(entry.kind)]


def is_bodily(payload: bytes) -> bool:
    """Tell whether a message seems to measure a body, whoever sent it: a wristband set up as a robot does."""
    said = payload.lower()
    return any(word in said for word in _BODILY)


def may_be_of_a_person(topic: str, payload: bytes) -> bool:
    """Tell whether a message of nobody known may be a wristband's: by its topic, or by what it measures."""
    return any("wrist" in level for level in topic.lower().split("/")) or is_bodily(payload)


def plain_evidence(evidence: Mapping[str, Any]) -> dict[str, Any]:
    """Return the evidence of a wristband's alert without what it quotes of a person."""
    plain = {name: value for name, value in evidence.items() if name in _PLAIN_EVIDENCE}
    also = plain.get("also")
    if isinstance(also, Mapping):
        plain["also"] = plain_evidence(also)
    signal = evidence.get("signal")
    if "value" in evidence and signal not in _OF_A_PERSON:
        plain["value"] = evidence["value"]  # a battery's charge, the code of an event
    return _marked(plain, evidence)


def plain_detail(detail: Mapping[str, Any]) -> dict[str, Any]:
    """Return the detail of a wristband's event without free text, places and values."""
    return _marked({name: value for name, value in detail.items() if name in _PLAIN_DETAILS}, detail)


def _marked(plain: dict[str, Any], whole: Mapping[str, Any]) -> dict[str, Any]:
    return plain if plain == whole else plain | {WITHHELD: True}


def without_personal(frame: pl.DataFrame, kind: Kind, time: str, before: int) -> pl.DataFrame:
    """Return readings or tiles with what is personal null (counts: 0) in rows whose `time` is before a time.

    `time` is the name of the column (`ts`, `hour`), `before` epoch ms.
    """
    names = [name for name in frame.columns if name.partition(".")[0] in personal_signals(kind)]
    if not names or not frame.height or not bool((frame[time] < before).any()):
        return frame
    kept = pl.col(time) >= before
    gone = {name: pl.lit(0) if name.endswith(".n") else pl.lit(None) for name in names}
    return frame.with_columns(
        pl.when(kept).then(pl.col(name)).otherwise(nothing).cast(frame.schema[name]).alias(name)
        for name, nothing in gone.items()
    )

"""What devices told of on their event topics, in words: the event, its details' names, and their values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from api.console.render.words import DETAILS, EVENTS, word
from fleet.catalogue.present import present
from fleet.codes import CodeCatalogue
from fleet.devices import Device
from fleet.faults import FAULTS
from fleet.text import Language
from storage.records.devices import ReportedEvent

_MOST_DETAILS = 4
_LONGEST = 60
_CODES = frozenset({"error_code", "code", "errorType"})
_FREE_TEXT = frozenset({"message", "text", "description", "errorDescription"})


@dataclass(frozen=True, slots=True)
class ShownDetail:
    """One detail: its name and value in words, None where there are none; `raw` as sent, None if words do."""

    name: str
    label: str | None
    words: str | None
    raw: str | None


@dataclass(frozen=True, slots=True)
class ShownEvent:
    """One event; `words` is None where nobody knows what its code means."""

    ts: int
    code: str
    words: str | None
    details: tuple[ShownDetail, ...]


def shown_events(
    events: Iterable[ReportedEvent], device: Device, codes: CodeCatalogue, language: Language
) -> list[ShownEvent]:
    """Return a device's events for people; `codes` says what its maker's codes mean."""
    return [
        ShownEvent(
            event.ts,
            event.code,
            _known(EVENTS, event.code, language),
            tuple(
                _detail(name, _short(value), device, codes, language)
                for name, value in list(event.detail.items())[:_MOST_DETAILS]
            ),
        )
        for event in events
    ]


def _detail(name: str, value: str, device: Device, codes: CodeCatalogue, language: Language) -> ShownDetail:
    label = _known(DETAILS, name, language)
    if name in _CODES:
        meaning = codes.meaning(device.model, value)
        return ShownDetail(name, label, meaning.text.in_language(language) if meaning else None, value)
    if name in _FREE_TEXT:
        return ShownDetail(name, label, value, None)
    words = None
    if name == "part" and value in present().parts:
        words = word("part", value, language)
    elif name == "fault" and value in FAULTS:
        words = word("fault", value, language)
    return ShownDetail(name, label, words, None if words else value)


def _known(table: Mapping[str, Any], name: str, language: Language) -> str | None:
    text = table.get(name)
    return text.in_language(language) if text else None


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"

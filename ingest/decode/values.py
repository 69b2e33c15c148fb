"""One reading's values: which are kept, and why others are dropped."""

from collections.abc import Callable
from typing import Any

import orjson

from fleet.signals import ROBOT_STATES, Form, Kind, Signal, SignalTable
from fleet.wire import Dropped, is_code
from ingest.decode.drops import Drop

Value = float | bool | str
Check = Callable[[Any], Value | Dropped | None]
"""Returns the value as it is stored, why it is dropped, or None where it counts as absent."""

_STATES = frozenset(ROBOT_STATES)


class ValueChecks:
    """The checks of one kind of device, one for each of its signals."""

    def __init__(self, signals: SignalTable, kind: Kind) -> None:
        self._checks = {signal.name: check_of(signal) for signal in signals.for_kind(kind)}

    def check(self, reading: dict[str, Any]) -> tuple[dict[str, Value], list[Drop]]:
        """Return the values to store, by signal, and those dropped.

        `null` is absent, and so is every key that is no signal of this kind.
        """
        kept: dict[str, Value] = {}
        dropped: list[Drop] = []
        checks = self._checks
        for name, value in reading.items():
            check = checks.get(name)
            if check is None or value is None:
                continue
            checked = check(value)
            if type(checked) is Dropped:
                dropped.append(Drop(name, checked, value))
            elif checked is not None:
                kept[name] = checked
        return kept, dropped


def check_of(signal: Signal) -> Check:
    """Return the check of one signal's values; none of them sees `None`."""
    match signal.form:
        case Form.NUMBER:
            return _number(signal.low, signal.high)
        case Form.WHOLE:
            return _whole(signal.low, signal.high)
        case Form.BOOLEAN:
            return _boolean
        case Form.STATE:
            return _state
        case Form.TEXT:
            return _clearable_text if signal.clearable else _text


def _number(low: float, high: float) -> Check:
    def check(value: Any) -> Value | Dropped:
        if type(value) is not float and type(value) is not int:  # a bool is an int to isinstance
            return Dropped.WRONG_TYPE
        return float(value) if low <= value <= high else Dropped.OUT_OF_RANGE

    return check


def _whole(low: float, high: float) -> Check:
    def check(value: Any) -> Value | Dropped:
        if type(value) is not int and (type(value) is not float or not value.is_integer()):
            return Dropped.WRONG_TYPE
        return float(value) if low <= value <= high else Dropped.OUT_OF_RANGE

    return check


def _boolean(value: Any) -> Value | Dropped:
    return value if type(value) is bool else Dropped.WRONG_TYPE


def _state(value: Any) -> Value | Dropped:
    if type(value) is not str:
        return Dropped.WRONG_TYPE
    return value if value in _STATES else Dropped.UNKNOWN_STATE


def _clearable_text(value: Any) -> Value | Dropped | None:
    return "" if value == "" else _text(value)


def _text(value: Any) -> Value | Dropped | None:
    if type(value) in (dict, list):
        return Dropped.WRONG_TYPE
    # A number's or bool's text is its shortest JSON: the same in every decoder.
    text = value if type(value) is str else orjson.dumps(value).decode()
    if not text:
        return None
    return text if is_code(text) else Dropped.BAD_TEXT

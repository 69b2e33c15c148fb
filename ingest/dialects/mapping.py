"""Which value of theirs is which signal of ours, and how it is converted."""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from fleet.config import Shape
from fleet.errors import ConfigError
from fleet.signals import ROBOT_STATES, Form, Kind, Signal, SignalTable
from fleet.wire import Dropped
from ingest.decode.drops import Drop
from ingest.dialects.units import SAME, Conversion, conversion, units_for

Unit = str | None
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]{1,3})?")


def _from_text(value: object) -> object:
    return {"from": value} if isinstance(value, str) else value


def _text_keys(value: object) -> object:
    return {key_of(key): mapped for key, mapped in value.items()} if isinstance(value, dict) else value


def key_of(value: object) -> str:
    """Return how a value is written as a key of `values`: `true`, `5` (also for 5.0), `docked`."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class SourceShape(Shape):
    """Where a signal's value comes from: `from` names it; then `values`, `unit`, `scale`, `offset` in turn.

    `values` replaces each value listed (any other is dropped); `unit` is theirs, converted to the signal's;
    the result is multiplied by `scale`, and `offset` is added. Of an error code `none` lists what says that
    there is none.
    """

    source: str = Field(alias="from", min_length=1)
    unit: str | None = None
    scale: float = Field(1.0, allow_inf_nan=False)
    offset: float = Field(0.0, allow_inf_nan=False)
    values: Annotated[dict[str, bool | float | str] | None, BeforeValidator(_text_keys)] = None
    none: tuple[bool | float | str, ...] = ()

    @model_validator(mode="after")
    def _scale_is_not_zero(self) -> Self:
        if self.scale == 0:
            raise ValueError("scale: 0 makes every value the same; leave it out or give another")
        return self


SourceField = Annotated[SourceShape, BeforeValidator(_from_text)]
SourcesField = dict[str, SourceField]


class Listed:
    """Values of theirs that a mapping lists, each with what it stands for.

    A text is found as it is spelled, a number by its size: a key `012` is the text 012 and the number 12.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._by_text = dict(values)
        self._by_number = {float(key): one for key, one in values.items() if _NUMBER.fullmatch(key)}
        self._by_bool = {key.lower(): one for key, one in values.items()}

    def find(self, raw: Any) -> Any:
        """Return what a value stands for; None where it is not listed."""
        if isinstance(raw, bool):
            return self._by_bool.get("true" if raw else "false")
        if isinstance(raw, int | float):
            return self._by_number.get(float(raw))
        return self._by_text.get(raw) if isinstance(raw, str) else None


@dataclass(frozen=True, slots=True)
class Source:
    """One signal's source, checked against the signal table."""

    signal: Signal
    shape: SourceShape
    convert: Conversion | None
    values: "Listed | None" = None
    none: "Listed | None" = None

    def value(self, raw: Any, unit: Unit = None) -> Any:
        """Return a value of theirs as one of ours (to be checked for type and range), or why it is dropped.

        `unit` is what the message says of it and counts where the mapping says nothing.
        """
        if self.none is not None and self.none.find(raw) is not None:
            return ""
        if self.values is not None:
            found = self.values.find(raw)
            if found is None:
                return Dropped.NOT_CONVERTED
            raw = found
        if not self.signal.is_numeric or isinstance(raw, bool) or not isinstance(raw, int | float):
            return raw
        change = self.convert or (conversion(unit, self.signal.unit) if unit else SAME)
        if change is None:
            return Dropped.NOT_CONVERTED  # in a unit that has nothing to do with the signal's
        return self._scaled(change(float(raw)))

    def _scaled(self, value: float) -> float:
        value = value * self.shape.scale + self.shape.offset
        # A count is whole; what a conversion leaves behind the point (cm² to m²) has not happened yet.
        return float(math.floor(value)) if self.signal.form is Form.WHOLE and math.isfinite(value) else value


class Mapper:
    """The sources of one kind of device, by the name of theirs.

    A name of theirs that is a signal's own is that signal, unless the mapping gives it another source.
    Raises ConfigError, naming `origin`, for signals or units that do not exist.
    """

    def __init__(
        self, sources: Mapping[str, SourceShape], kind: Kind, signals: SignalTable, origin: str
    ) -> None:
        self._by_name: dict[str, list[Source]] = {}
        known = {signal.name: signal for signal in signals.for_kind(kind)}
        for name, shape in sources.items():
            if name not in known:
                raise ConfigError(
                    f"{origin}: signals: {name} is no signal of a {kind}; allowed: {_names(known)}"
                )
            source = _source(known[name], shape, origin)
            self._by_name.setdefault(shape.source, []).append(source)
        for name, signal in known.items():
            if name not in sources:
                own = SourceShape.model_validate({"from": name})
                self._by_name.setdefault(name, []).append(Source(signal, own, None))

    def named(self, name: str) -> list[Source]:
        """Return the signals that a name of theirs feeds."""
        return self._by_name.get(name, [])

    def each(self) -> Iterable[Source]:
        """Return all sources."""
        return (source for sources in self._by_name.values() for source in sources)


def put(
    sources: Iterable[Source], raw: Any, into: dict[str, Any], dropped: list[Drop], unit: Unit = None
) -> None:
    """Convert a value of theirs for each source into `into`, or add to `dropped` why not."""
    for source in sources:
        value = source.value(raw, unit)
        if isinstance(value, Dropped):
            dropped.append(Drop(source.signal.name, value, raw))
        elif value is not None:
            into[source.signal.name] = value


def from_text(text: str, form: Form) -> Any:
    """Return a value that travels as text (Homie) as a signal of `form` takes it; else as it is."""
    if form in (Form.NUMBER, Form.WHOLE):
        return float(text) if _NUMBER.fullmatch(text) else text
    if form is Form.BOOLEAN:
        return {"true": True, "false": False}.get(text, text)
    return text


def _source(signal: Signal, shape: SourceShape, origin: str) -> Source:
    place = f"{origin}: signals.{signal.name}"
    if shape.none and not signal.clearable:
        raise ConfigError(f"{place}: none is for error_code: the values that mean no error")
    values = None
    if shape.values is not None:
        values = Listed({key: _target(signal, one, place) for key, one in shape.values.items()})
    none = Listed({key_of(one): "" for one in shape.none}) if shape.none else None
    return Source(signal, shape, _conversion(signal, shape, origin), values, none)


def _target(signal: Signal, value: bool | float | str, place: str) -> bool | float | str:
    """Return what a value of theirs becomes, as the signal takes it. Raises ConfigError."""
    if signal.form in (Form.TEXT, Form.STATE):
        return value if isinstance(value, str) else key_of(value)
    made = from_text(value, signal.form) if isinstance(value, str) else value
    if isinstance(made, str) or isinstance(made, bool) != (signal.form is Form.BOOLEAN):
        wanted = "true or false" if signal.form is Form.BOOLEAN else "a number"
        raise ConfigError(f"{place}.values: {value!r} is not {wanted}")
    return made


def _conversion(signal: Signal, shape: SourceShape, origin: str) -> Conversion | None:
    place = f"{origin}: signals.{signal.name}"
    if not signal.is_numeric and (shape.unit or shape.scale != 1 or shape.offset):
        raise ConfigError(f"{place}: unit, scale and offset are for numbers; use values")
    if signal.form is Form.STATE and shape.values:
        for state in shape.values.values():
            if state not in ROBOT_STATES:
                raise ConfigError(
                    f"{place}.values: {state!r} is no state; allowed: {', '.join(ROBOT_STATES)}"
                )
    if shape.unit is None:
        return None
    found = conversion(shape.unit, signal.unit)
    if found is None:
        allowed = ", ".join(units_for(signal.unit))
        raise ConfigError(f"{place}: unit {shape.unit!r} cannot become {signal.unit!r}; allowed: {allowed}")
    return found


def _names(known: Iterable[str]) -> str:
    return ", ".join(sorted(known))

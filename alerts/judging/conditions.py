"""Conditions as people say them: `battery_temp_c >= 60`, `state is error`, `mean of fan_rpm over 5m < 900`.

What stands left of a comparison is a quantity (quantities.py).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import reduce
from itertools import combinations
from math import inf
from operator import and_, eq, ge, gt, le, lt, ne

import polars as pl

from alerts.judging.quantities import (
    Measure,
    Quantity,
    Source,
    check_during,
    check_modelled,
    check_quantity,
    held_name,
    parse_quantity,
    unit_of,
)
from fleet.clock import DAY_MS, SECOND_MS
from fleet.config import duration_ms
from fleet.signals import ROBOT_STATES, Form, Kind, Signal, SignalTable
from fleet.text import near

_COMPARISONS: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {">=": ge, "<=": le, ">": gt, "<": lt}
_NUMBERS = re.compile(r"([a-z][a-z0-9_ .]*?)\s*(>=|<=|>|<)\s*(-?\d+(?:\.\d+)?[smhd]?)")
_LASTING = re.compile(r"([a-z][a-z0-9_]*)( unchanged| is .+)? for\s*(>=|>)\s*(\S+)")
_PLACED = re.compile(r"(inside|outside) ([a-z][a-z0-9_]*)")
_ITS = re.compile(r"([a-z][a-z0-9_]*) (is|is not) its ([a-z][a-z0-9_]*)")
_WORDS = re.compile(r"([a-z][a-z0-9_]*)\s+(is\s+one\s+of|is\s+not|is|matches)\s+(.+)")
_BEGINNING = re.compile(r"[a-z][a-z0-9_]*\s*(?:>=|<=|>|<|\bis\b|\bmatches\b)\s*\S+")
_WORD = re.compile(r"\"([^\"]*)\"|([A-Za-z_][A-Za-z0-9_.:-]*)")
_EVENT = re.compile(r"event\s+(?:one\s+of\s+)?(.+)")
_HOW = (
    "write `signal >= number` (or <=, >, <), `signal is true`, `state is charging`, `state is not error`, "
    '`error_code is one of M31, M32`, `error_code matches "M3.*"`, `mean of fan_rpm over 5m < 900` (or rate, '
    "rise, time), `mean of fan_rpm while cleaning over 5m < 900`, `hourly max of fan_rpm < 900`, "
    "`risk of brush_wear >= 0.6`, `outside grounds`, "
    "`worn for >= 10h`, `zone is not its allowed_zone`; join several by `and`"
)
ONE_OF, IS_NOT, MATCHES = "is one of", "is not", "matches"
IS_ITS, IS_NOT_ITS = "is its", "is not its"
INSIDE, OUTSIDE = "inside", "outside"
_BESIDES: dict[str, Callable[[pl.Expr, pl.Expr], pl.Expr]] = {
    IS_ITS: eq,
    IS_NOT_ITS: ne,
    INSIDE: lambda here, _name: here,
    OUTSIDE: lambda here, _name: ~here,
}


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of one signal, or of what is measured of it.

    `operator` is `>=`, `<=`, `>`, `<`, `is`, `is not`, `is one of` (`value` is a tuple), `matches` (a
    regular expression, of the whole text), `is its` or `is not its` (`value` is another signal of text),
    `inside` or `outside` (`value` is a place). A duration is a number of seconds, a remaining life of days.
    """

    signal: str
    operator: str
    value: float | bool | str | tuple[str, ...]
    measured: Quantity | None = None
    held: bool = False
    """Whether what the device said last counts where a reading does not say it."""

    @property
    def column(self) -> str:
        """The column that is compared."""
        return held_name(self.quantity.column) if self.held else self.quantity.column

    @property
    def quantity(self) -> Quantity:
        """What is compared."""
        return self.measured or Quantity(self.signal)

    @property
    def expression(self) -> pl.Expr:
        """Return it over a batch's columns: true, false, or null where the signal was not sent."""
        column = pl.col(self.column)
        if self.operator in _BESIDES:
            other = held_name(str(self.value)) if self.held else str(self.value)
            return _BESIDES[self.operator](column, pl.col(other))
        if isinstance(self.value, bool):
            return column if self.value != (self.operator == IS_NOT) else ~column
        if isinstance(self.value, tuple):
            return pl.any_horizontal(column == one for one in self.value)
        if isinstance(self.value, float):
            return _COMPARISONS[self.operator](column, self.value)
        if self.operator == MATCHES:
            return column.str.contains(f"^(?:{self.value})$")
        return column != self.value if self.operator == IS_NOT else column == self.value

    @property
    def signals(self) -> tuple[str, ...]:
        """The signals of readings that it needs; none of hours and models."""
        if self.quantity.source is not Source.READINGS or self.quantity.measure is Measure.PLACE:
            return ()
        other = str(self.value) if self.operator in (IS_ITS, IS_NOT_ITS) else self.quantity.during_signal
        return (self.signal, other) if other else (self.signal,)

    @property
    def may_be_held(self) -> bool:
        """Whether it is true of a device until that says otherwise: a word, or what a window says."""
        if not self.signals or self.quantity.measure is Measure.UNCHANGED:
            return False
        return self.quantity.over_ms > 0 or not isinstance(self.value, float)

    @property
    def few(self) -> tuple[object, ...] | None:
        """Return the only values that it accepts; None when it accepts others than can be listed."""
        if self.operator in _BESIDES:
            return (self.operator,)
        if self.operator == "is":
            return (self.value,)
        if self.operator == IS_NOT and isinstance(self.value, bool):
            return (not self.value,)
        return self.value if isinstance(self.value, tuple) else None

    def accepts(self, value: object) -> bool:
        """Tell whether a word satisfies it; only for terms that are not over numbers."""
        if self.operator == MATCHES:
            # Not by `re`: some patterns would keep it busy for ever.
            return bool(pl.Series([str(value)]).str.contains(f"^(?:{self.value})$").item())
        few = self.few
        return value in few if few is not None else value != self.value

    def is_within(self, other: "Term") -> bool:
        """Tell whether each number that satisfies this term satisfies the other, too."""
        if self.quantity != other.quantity or self.operator[0] != other.operator[0]:
            return False
        if not isinstance(self.value, float) or not isinstance(other.value, float):
            return False
        beyond = self.value > other.value if self.operator[0] == ">" else self.value < other.value
        same = self.value == other.value
        return beyond or (same and (self.operator == other.operator or other.operator.endswith("=")))


def overlap(first: Term, second: Term) -> bool:
    """Tell whether one value could satisfy two terms of the same quantity; where it cannot be told: true."""
    if not isinstance(first.value, float) or not isinstance(second.value, float):
        return _overlap_in_words(first, second)
    if first.operator[0] == second.operator[0]:
        return True
    low, high = (first.value, second.value) if first.operator[0] == ">" else (second.value, first.value)
    touching = first.operator.endswith("=") and second.operator.endswith("=")
    return low <= high if touching else low < high


def _overlap_in_words(first: Term, second: Term) -> bool:
    for one, other in ((first, second), (second, first)):
        if one.few is not None:
            return any(other.accepts(value) for value in one.few)
    return True


@dataclass(frozen=True, slots=True)
class Condition:
    """Terms that must all hold; the first one is what its evidence shows."""

    terms: tuple[Term, ...]
    text: str

    @property
    def expression(self) -> pl.Expr:
        """Return it over a batch's columns: true, false, or null where that cannot be told."""
        return reduce(and_, (term.expression for term in self.terms))

    @property
    def source(self) -> Source:
        """What tells it; all its terms are told by the same."""
        return self.terms[0].quantity.source

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """What it compares."""
        return tuple(term.quantity for term in self.terms)


@dataclass(frozen=True, slots=True)
class EventCondition:
    """Holds when a device tells of an event with one of these codes."""

    codes: tuple[str, ...]
    text: str


def parse_condition(text: str) -> Condition | EventCondition:
    """Parse a condition. Raises ValueError saying how one is written."""
    whole = " ".join(text.split())
    event = _EVENT.fullmatch(whole)
    if event is not None:
        return EventCondition(_words(event[1], whole), whole)
    terms = tuple(term for part in whole.split(" and ") for term in _parse_terms(part))
    if len({term.quantity.source for term in terms}) > 1:
        raise ValueError(
            f"{whole!r} joins what is told at different times; readings, hours and models "
            "have rules of their own"
        )
    return Condition(_holding(terms), whole)


def _holding(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Let words, and what windows say, count as they were said last where several signals are joined.

    Many devices tell each value in a message of its own. A plain number counts in its own reading alone: one
    that was wild must not be seen again and again.
    """
    joined = {name for term in terms for name in term.signals}
    if len(joined) < 2:
        return terms
    return tuple(replace(term, held=term.may_be_held) for term in terms)


def _parse_terms(text: str) -> tuple[Term, ...]:
    """Parse what stands between two `and`: one comparison, or what lasts (a comparison, and for how long)."""
    lasting = _LASTING.fullmatch(text)
    if lasting is None:
        return (_parse_term(text),)
    signal, what, operator, span = lasting.groups()
    said = what != " unchanged"
    lasts = Quantity(signal, Measure.UNCHANGED, held=said)
    long = Term(signal, operator, duration_ms(span) / SECOND_MS, lasts)
    return (_parse_term(f"{signal}{what or ' is true'}"), long) if said else (long,)


def _parse_term(text: str) -> Term:
    placed, its = _PLACED.fullmatch(text), _ITS.fullmatch(text)
    if placed is not None:
        return Term("place", placed[1], placed[2], Quantity(placed[2], Measure.PLACE))
    if its is not None:
        return Term(its[1], f"{its[2]} its", its[3])
    numbers = _NUMBERS.fullmatch(text)
    quantity = parse_quantity(numbers[1]) if numbers is not None else None
    if numbers is not None and quantity is not None:
        bound = _number(numbers[3], quantity)
        return Term(quantity.of, numbers[2], bound, quantity if quantity.column != quantity.of else None)
    words = _WORDS.fullmatch(text)
    if words is None or not _readable(words[3]):
        begun = _BEGINNING.fullmatch(text)
        wrong = f"{text!r} compares wrongly" if begun else f"{text!r} is no condition"
        raise ValueError(f"{wrong}; {_HOW}")
    signal, operator = words[1], " ".join(words[2].split())
    listed = _words(words[3], text)
    if operator == ONE_OF:
        return Term(signal, operator, listed)
    if len(listed) > 1:
        raise ValueError(f"{text!r} names several words; write `{signal} is one of {words[3]}`")
    value: str | bool = listed[0]
    if operator != MATCHES and words[3] in ("true", "false"):
        value = words[3] == "true"
    return Term(signal, operator, value)


def _number(text: str, quantity: Quantity) -> float:
    """Return a number; a duration in seconds, that of a life in days."""
    if not text[-1].isalpha():
        if quantity.measure in (Measure.LIFE, Measure.TIME):
            raise ValueError(f"{quantity.words} is a duration; write {text}d, {text}h or {text}m")
        return float(text)
    if quantity.measure not in (Measure.LIFE, Measure.TIME) and not quantity.of.endswith("_s"):
        raise ValueError(f"{quantity.of} is no duration; write {text[:-1]} without its {text[-1]!r}")
    return duration_ms(text) / (DAY_MS if quantity.measure is Measure.LIFE else SECOND_MS)


def _readable(operand: str) -> bool:
    return all(_WORD.fullmatch(part.strip()) for part in operand.split(","))


def _words(operand: str, text: str) -> tuple[str, ...]:
    found = [_WORD.fullmatch(part.strip()) for part in operand.split(",")]
    if None in found:
        raise ValueError(f"{text!r} is no condition; words are separated by commas, others stand in quotes")
    return tuple(match[1] if match[1] is not None else match[2] for match in found if match is not None)


def check_condition(condition: Condition, kind: Kind, signals: SignalTable) -> None:
    """Raise ValueError unless each term fits a signal of this kind of device and could ever hold.

    Whether there are the places that it names is for those who know them to check.
    """
    for first, second in combinations(condition.terms, 2):
        if first.quantity == second.quantity and not overlap(first, second):
            raise ValueError(f"{condition.text!r} can never hold: its parts exclude each other")
    for term in condition.terms:
        quantity = term.quantity
        if quantity.source is Source.MODELS:
            check_modelled(quantity, kind)
            _check_number(
                term, 0.0, 1.0 if quantity.measure is Measure.RISK else inf, unit_of(quantity, None)
            )
        elif quantity.measure is not Measure.PLACE:
            _check_term(term, signal_named(term.signal, kind, signals), kind, signals)


def _check_term(term: Term, signal: Signal, kind: Kind, signals: SignalTable) -> None:
    if term.measured is not None:
        check_quantity(term.measured, signal)
        check_during(term.measured, signals.for_kind(kind))
        within = term.measured.measure in (None, Measure.MEAN) and term.measured.hourly != "rise"
        low, high = (signal.low, signal.high) if within else (-inf, inf)
        _check_number(term, low, high, unit_of(term.measured, signal))
    elif signal.is_numeric:
        _check_number(term, signal.low, signal.high, signal.unit)
    elif isinstance(term.value, float):
        raise ValueError(f"{term.signal} is no number; write `{term.signal} is ...`")
    elif term.operator in (IS_ITS, IS_NOT_ITS):
        _check_its(term, signal, signal_named(str(term.value), kind, signals))
    elif signal.form is Form.BOOLEAN and not isinstance(term.value, bool):
        raise ValueError(f"{term.signal} is true or false; write `{term.signal} is true`")
    elif signal.form is Form.STATE:
        _check_state(term)
    elif signal.form is Form.TEXT:
        _check_text(term)


def _check_its(term: Term, signal: Signal, other: Signal) -> None:
    if signal.form is not Form.TEXT or other.form is not Form.TEXT:
        raise ValueError(f"{term.signal} {term.operator} {term.value}: only texts are compared so")


def signal_named(name: str, kind: Kind, signals: SignalTable) -> Signal:
    """Return a signal of a kind of device. Raises ValueError that lists what there is."""
    known = {signal.name: signal for signal in signals.for_kind(kind)}
    elsewhere = [f"a {other}'s" for other in Kind if name in {each.name for each in signals.for_kind(other)}]
    if name not in known and elsewhere:
        raise ValueError(f"{name!r} is no signal of a {kind}, but {' and '.join(elsewhere)}")
    if name not in known:
        raise ValueError(f"{name!r} is no signal of a {kind}; allowed: {', '.join(known)}{near(name, known)}")
    return known[name]


def _check_number(term: Term, low: float, high: float, unit: str) -> None:
    if not isinstance(term.value, float):
        # A ValueError like its neighbours: what is wrong is what a person wrote, not a type of ours.
        raise ValueError(f"{term.signal} is a number; write `{term.signal} >= 1` (or <=, >, <)")  # noqa: TRY004
    if not low <= term.value <= high:
        compared = f"{term.quantity.words} {term.operator} {term.value:g}"
        raise ValueError(f"{compared}: allowed: {low:g} to {high:g} {unit}".rstrip())


def _check_state(term: Term) -> None:
    if term.operator == MATCHES:
        raise ValueError(f"{term.signal} is one of a few; write `{term.signal} is one of idle, error`")
    for value in term.value if isinstance(term.value, tuple) else (term.value,):
        if value not in ROBOT_STATES:
            raise ValueError(
                f"{value!r} is no state; allowed: {', '.join(ROBOT_STATES)}{near(value, ROBOT_STATES)}"
            )


def _check_text(term: Term) -> None:
    if isinstance(term.value, bool):
        raise ValueError(f'{term.signal} is text; write `{term.signal} is "true"`')  # noqa: TRY004 - as above
    if term.operator == MATCHES:
        try:
            re.compile(str(term.value))
            pl.Series([""]).str.contains(str(term.value))
        except (re.error, pl.exceptions.ComputeError) as error:
            raise ValueError(f"{term.value!r} is no regular expression: {_in_words(error)}") from error


def _in_words(error: Exception) -> str:
    """Return what is wrong with an expression, without what the libraries say of themselves."""
    said = str(error).partition("\n\n")[0].strip().splitlines()[-1]
    return said.rpartition("error: ")[2].rstrip(".")

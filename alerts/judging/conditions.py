"""Conditions over signals, written as people say them: `battery_temp_c >= 60`, `sos is true`."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import and_, ge, gt, le, lt

import polars as pl

from fleet.signals import ROBOT_STATES, Form, Kind, SignalTable

_COMPARISONS: dict[str, Callable[[pl.Expr, float], pl.Expr]] = {">=": ge, "<=": le, ">": gt, "<": lt}
_TERM = re.compile(r"([a-z][a-z0-9_]*)\s*(>=|<=|>|<|\bis\b)\s*(-?\d+(?:\.\d+)?|[a-z_]+)")
_HOW = "write `signal >= number` (or <=, >, <), `signal is true`, `state is charging`; join several by `and`"


@dataclass(frozen=True, slots=True)
class Term:
    """One comparison of one signal. `operator` is `>=`, `<=`, `>`, `<` or `is`."""

    signal: str
    operator: str
    value: float | bool | str

    @property
    def expression(self) -> pl.Expr:
        """Return it over a batch's columns: true, false, or null where the signal was not sent."""
        column = pl.col(self.signal)
        if isinstance(self.value, bool):
            return column if self.value else ~column
        if isinstance(self.value, str):
            return column == self.value
        return _COMPARISONS[self.operator](column, self.value)


@dataclass(frozen=True, slots=True)
class Condition:
    """Terms that must all hold; the first one is what its evidence shows."""

    terms: tuple[Term, ...]
    text: str

    @property
    def expression(self) -> pl.Expr:
        """Return it over a batch's columns: true, false, or null where that cannot be told."""
        return reduce(and_, (term.expression for term in self.terms))


def parse_condition(text: str) -> Condition:
    """Parse a condition. Raises ValueError saying how one is written."""
    return Condition(tuple(_parse_term(part) for part in text.split(" and ")), " ".join(text.split()))


def _parse_term(text: str) -> Term:
    match = _TERM.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text.strip()!r} is no condition; {_HOW}")
    signal, operator, operand = match.groups()
    is_word = operand[0].isalpha() or operand[0] == "_"
    if is_word != (operator == "is"):
        raise ValueError(f"{text.strip()!r} compares wrongly; {_HOW}")
    if not is_word:
        return Term(signal, operator, float(operand))
    return Term(signal, operator, operand == "true" if operand in ("true", "false") else operand)


def check_condition(condition: Condition, kind: Kind, signals: SignalTable) -> None:
    """Raise ValueError unless each term fits a signal of this kind of device and could ever hold."""
    for term in condition.terms:
        known = {signal.name: signal for signal in signals.for_kind(kind)}
        if term.signal not in known:
            raise ValueError(f"{term.signal!r} is no signal of a {kind}; allowed: {', '.join(known)}")
        signal = known[term.signal]
        if signal.is_numeric:
            _check_number(term, signal.low, signal.high, signal.unit)
        elif signal.form is Form.BOOLEAN and not isinstance(term.value, bool):
            raise ValueError(f"{term.signal} is true or false; write `{term.signal} is true`")
        elif signal.form is Form.STATE and term.value not in ROBOT_STATES:
            raise ValueError(f"{term.value!r} is no state; allowed: {', '.join(ROBOT_STATES)}")
        elif signal.form is Form.TEXT:
            raise ValueError(f"{term.signal} is text, which a condition cannot compare")


def _check_number(term: Term, low: float, high: float, unit: str) -> None:
    if isinstance(term.value, bool | str):
        # A ValueError like its neighbours: what is wrong is what a person wrote, not a type of ours.
        raise ValueError(f"{term.signal} is a number; write `{term.signal} >= 1` (or <=, >, <)")  # noqa: TRY004
    if not low <= term.value <= high:
        raise ValueError(f"{term.signal} {term.operator} {term.value:g}: allowed: {low:g} to {high:g} {unit}")

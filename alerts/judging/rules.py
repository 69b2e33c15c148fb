"""Rules are data: what a device must show, for how long, for an alert of which fault to be raised."""

import re
from typing import Annotated, Literal, Self

import polars as pl
from pydantic import (
    BeforeValidator,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from alerts.judging.conditions import (
    Condition,
    EventCondition,
    Term,
    parse_condition,
)
from alerts.judging.examples import Example
from alerts.judging.places import Place
from alerts.judging.quantities import Measure, Quantity, Source
from alerts.judging.scope import Hours, Month, Only, parse_hours
from fleet.alerts import EXTERNAL_RULE, MODEL_RULE, RISK_RULE
from fleet.clock import DAY_MS, SECOND_MS
from fleet.config import Duration, Shape
from fleet.faults import DEVICE_ERROR, FAULTS, Level
from fleet.signals import Kind
from fleet.text import near, quoted

OFFLINE = "offline"
BY_HAND = "by_hand"
LONGEST_FOR_MS = 30 * DAY_MS
BY_CODE = "by_code"
"""Stands for a rule's fault: the one that the device's own code means (fleet.codes)."""
STATE, ERROR_CODE = "state", "error_code"
"""The signals in which a device says that it has an error."""

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")


def _condition_or(word: str) -> BeforeValidator:
    def parse(text: object) -> object:
        if text == word or text is None or isinstance(text, Condition | EventCondition):
            return text
        return parse_condition(str(text))

    return BeforeValidator(parse)


def _parse_level(text: object) -> object:
    return text if isinstance(text, Condition) else parse_condition(str(text))


_LevelCondition = Annotated[Condition, BeforeValidator(_parse_level)]


class RuleText(Shape):
    """What people read when the rule fires, in both languages."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)


class Rule(Shape):
    """One rule. Durations are in milliseconds.

    `when` is a condition over signals, an event, or `offline`: nothing heard for `absent_ms`, or for `for_ms`
    since the broker reported the device gone. `clear` ends the alert (None: as soon as `when` no longer
    holds; `by_hand`: only a person or a closed ticket ends it). Between `when` and `clear` nothing changes.
    With the fault `by_code` the device's own word decides which fault, and when it is over (by_code.py);
    `level` is then the least bad that it can be. `levels` are conditions of worse ones: an open alert's level
    rises with them, and never falls. `only`, `months` and `hours` (by the site's clock) say where and when it
    applies; elsewhere it does not hold, and what is open ends. A number that stays exactly the same for
    `stuck_ms` is no evidence. `places` and `groups` are those of the file. `examples` say what it does, and
    are tried (alerts.trial).
    """

    name: str
    kind: Kind
    fault: str
    level: Level
    when: Annotated[Condition | EventCondition | Literal["offline"], _condition_or(OFFLINE)]
    clear: Annotated[Condition | EventCondition | Literal["by_hand"] | None, _condition_or(BY_HAND)] = None
    absent_ms: Duration | None = Field(default=None, alias="absent")
    for_ms: Duration = Field(default=0, alias="for")
    opens_ticket: bool
    text: RuleText
    levels: dict[Level, _LevelCondition] = Field(default_factory=dict)
    only: Only | None = None
    months: tuple[Month, ...] = Field(default=(), min_length=1)
    hours: Annotated[
        Hours | None, BeforeValidator(lambda text: None if text is None else parse_hours(text))
    ] = None
    stuck_ms: Duration | None = Field(default=None, alias="stuck")
    places: tuple[Place, ...] = ()
    groups: dict[str, frozenset[str]] = Field(default_factory=dict)
    examples: tuple[Example, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _as_it_was_called(cls, given: object) -> object:
        """Take files of the first version, where `absent` was called `silent`."""
        if isinstance(given, dict) and "silent" in given and "absent" not in given:
            return {"absent" if key == "silent" else key: value for key, value in given.items()}
        return given

    @field_validator("name")
    @classmethod
    def _name_is_free(cls, name: str) -> str:
        if _NAME.fullmatch(name) is None:
            raise ValueError(
                f"{quoted(name)} is no name; allowed: small letters, digits and _, a letter first, up to 64"
            )
        if name in (RISK_RULE, MODEL_RULE, EXTERNAL_RULE):
            raise ValueError(f"{name!r} is kept for alerts of models; choose another name")
        return name

    @field_validator("fault")
    @classmethod
    def _fault_is_known(cls, fault: str, info: ValidationInfo) -> str:
        allowed = [code for code, entry in FAULTS.items() if entry.kind is info.data.get("kind")]
        if DEVICE_ERROR in allowed:
            allowed.append(BY_CODE)
        if allowed and fault not in allowed:
            raise ValueError(
                f"{fault!r} is no fault of a {info.data['kind']}; allowed: {', '.join(allowed)}"
                f"{near(fault, allowed)}"
            )
        return fault

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if self.when == OFFLINE and self.absent_ms is None:
            raise ValueError("`when: offline` needs `absent`: for how long nothing is heard, such as 30m")
        if self.when != OFFLINE and self.absent_ms is not None:
            raise ValueError("`absent` belongs to `when: offline`, and to nothing else")
        if self.for_ms > LONGEST_FOR_MS:
            raise ValueError(
                f"`for` is at most {LONGEST_FOR_MS // DAY_MS}d; write a window over hours instead"
            )
        if self.when == OFFLINE and self.clear is not None:
            raise ValueError("an offline rule clears when the device is heard again; leave out `clear`")
        if isinstance(self.clear, EventCondition) and not isinstance(self.when, EventCondition):
            raise ValueError("`clear: event ...` belongs to `when: event ...`")  # noqa: TRY004 - a word, no type
        if isinstance(self.when, EventCondition) and isinstance(self.clear, Condition):
            raise ValueError("an event's alert is ended by an event or by hand")  # noqa: TRY004 - as above
        if self.fault == BY_CODE:
            self._check_by_code()
        if self.levels or self.stuck_ms is not None:
            self._check_own_level()
        return self

    def _check_own_level(self) -> None:
        """Raise ValueError unless it is over signals of its own, and its levels are worse than its level."""
        if not isinstance(self.when, Condition) or self.fault == BY_CODE:
            raise ValueError("`levels` and `stuck` go with a condition over signals")
        worse = [level for level in Level if level < self.level]
        for level, condition in self.levels.items():
            if level not in worse:
                allowed = f"allowed: {', '.join(worse)}" if worse else "leave out `levels`"
                raise ValueError(
                    f"levels.{level}: worse than the rule's own level {self.level} only; {allowed}"
                )
            if condition.source is not self.when.source:
                raise ValueError(f"levels.{level}: it is told at another time than `when`")
            if all(any(first.is_within(term) for first in self.when.terms) for term in condition.terms):
                raise ValueError(f"levels.{level}: it holds whenever `when` does; give it a threshold beyond")

    def _check_by_code(self) -> None:
        terms = self.when.terms if isinstance(self.when, Condition) else ()
        if self.when == OFFLINE or {term.signal for term in terms} - {STATE, ERROR_CODE}:
            raise ValueError(f"fault {BY_CODE} goes with {STATE}, {ERROR_CODE} or events in `when`")
        if terms and self.clear is not None:
            raise ValueError(f"with fault {BY_CODE} the device says when it is over; leave out `clear`")

    @property
    def when_text(self) -> str:
        """Return `when` as it was written."""
        return self.when if isinstance(self.when, str) else self.when.text

    @property
    def clear_text(self) -> str | None:
        """Return `clear` as it was written, None where it was left out."""
        return self.clear if self.clear is None or isinstance(self.clear, str) else self.clear.text

    @property
    def shown_signal(self) -> str:
        """Return what its evidence shows: a signal (of models: a fault), `event` or `last_seen`."""
        if isinstance(self.when, Condition):
            place = self.shown.quantity.measure is Measure.PLACE
            return self.shown_column if place and self.places else self.shown.signal
        return "event" if isinstance(self.when, EventCondition) else "last_seen"

    @property
    def condition(self) -> Condition:
        """Return `when` of a rule over signals."""
        if not isinstance(self.when, Condition):
            raise TypeError(f"rule {self.name} is not over signals")
        return self.when

    @property
    def source(self) -> Source | None:
        """Return what tells `when`; None: events, or nothing at all."""
        return self.when.source if isinstance(self.when, Condition) else None

    @property
    def quantities(self) -> tuple[Quantity, ...]:
        """Return what it compares, in `when`, `clear` and `levels`, and what says that a value is stuck."""
        found = [each for one in self._conditions for each in one.quantities]
        return tuple(dict.fromkeys([*found, *self._stuck]))

    @property
    def _conditions(self) -> tuple[Condition, ...]:
        every = (self.when, self.clear, *self.levels.values())
        return tuple(each for each in every if isinstance(each, Condition))

    @property
    def held_ms(self) -> dict[str, int]:
        """Return how long (ms) each column counts that is held where a reading does not say it, by name."""
        found: dict[str, int] = {}
        for term in (term for one in self._conditions for term in one.terms):
            quantity = term.quantity
            if term.held and quantity.over_ms:
                found[quantity.column] = quantity.over_ms // 4
            elif term.held:
                found |= dict.fromkeys(term.signals, DAY_MS)
            if quantity.held:
                found[quantity.of] = DAY_MS
            if quantity.during and quantity.source is Source.READINGS:
                found[quantity.during_signal] = DAY_MS
        return found

    @property
    def _stuck(self) -> tuple[Quantity, ...]:
        if self.stuck_ms is None:
            return ()
        numbers = [term.signal for term in self.condition.terms if isinstance(term.value, float)]
        return tuple(Quantity(signal, Measure.UNCHANGED) for signal in dict.fromkeys(numbers))

    @property
    def longest_ms(self) -> int:
        """Return how far back its longest `unchanged` or `stuck` looks."""
        terms = self.condition.terms if isinstance(self.when, Condition) else ()
        lasting = [term.value for term in terms if term.quantity.measure is Measure.UNCHANGED]
        seconds = max((value for value in lasting if isinstance(value, float)), default=0.0)
        return max(round(seconds * SECOND_MS), self.stuck_ms or 0)

    @property
    def is_limited(self) -> bool:
        """Return whether it applies not everywhere, or not always."""
        return self.only is not None or self.is_timed

    @property
    def is_timed(self) -> bool:
        """Return whether it applies not always."""
        return self.hours is not None or bool(self.months)

    @property
    def applies_column(self) -> str:
        """Return the column that says where it applies, where it is limited."""
        return f"applies {self.name}"

    @property
    def holds(self) -> pl.Expr:
        """Return `when` over a batch's columns (null: cannot be told). Only for rules over signals."""
        held = self.condition.expression
        if self.stuck_ms is not None:
            long = [pl.col(each.column) >= self.stuck_ms / SECOND_MS for each in self._stuck]
            held = pl.when(pl.any_horizontal(long).fill_null(value=False)).then(None).otherwise(held)
        return pl.col(self.applies_column) & held if self.is_limited else held

    @property
    def cleared(self) -> pl.Expr:
        """Return whether the alert is over, over a batch's columns. Only for rules over signals."""
        if self.clear == BY_HAND:
            return pl.lit(value=False)
        if not isinstance(self.clear, Condition):
            return ~self.holds
        over = self.clear.expression
        return over | ~pl.col(self.applies_column) if self.is_limited else over

    @property
    def worst(self) -> pl.Expr:
        """Return the number of the level (1 for L1) of each reading that holds, over a batch's columns."""
        found = pl.lit(_number_of(self.level), dtype=pl.Int8)
        for level in sorted(self.levels, reverse=True):
            found = (
                pl.when(self.levels[level].expression)
                .then(pl.lit(_number_of(level), dtype=pl.Int8))
                .otherwise(found)
            )
        return found

    @property
    def measured(self) -> bool:
        """Return whether it compares a measured value, which may be wild, and not only states."""
        return isinstance(self.when, Condition) and any(
            isinstance(term.value, float) for term in self.when.terms
        )

    @property
    def shown_column(self) -> str:
        """Return the column whose value is shown as evidence; for a place that of where the device is."""
        quantity = self.shown.quantity
        if quantity.measure is not Measure.PLACE:
            return self.shown.column
        return next(place.axes[0] for place in self.places if place.name == quantity.of)

    @property
    def shown(self) -> Term:
        """Return the comparison whose value is shown as evidence. Only for rules over signals."""
        return self.condition.terms[0]


def _number_of(level: Level) -> int:
    return int(level[1:])

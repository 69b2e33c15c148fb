"""Examples that stand beside a rule in its file: what a device does, and what becomes of its alert."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from alerts.judging.conditions import signal_named
from fleet.alerts import AlertState
from fleet.config import Duration, Shape
from fleet.faults import Level
from fleet.signals import ROBOT_STATES, Form, Kind, SignalTable

_OURS = ("at", "every", "until", "event", "detail", "status", "risk", "life", "hourly")
_MOST_REPEATS = 5_000
Value = float | bool | str
Course = Value | tuple[float, float]
"""A value, or two numbers between which it goes while its moment is repeated."""


class Moment(Shape):
    """One moment of an example, `at_ms` after its beginning: what the device sends, tells of, or is.

    Without any of these only time passes. `signals` are the values of one reading. It is repeated `every_ms`
    up to `until_ms`. `risk` and `life` (in days) are what models say, by fault; `hourly` is what the tile of
    the hour has that ends then, by signal, in place of all its statistics.
    """

    at_ms: Duration = Field(alias="at")
    every_ms: Duration | None = Field(default=None, alias="every")
    until_ms: Duration | None = Field(default=None, alias="until")
    risk: dict[str, float] = Field(default_factory=dict)
    life: dict[str, float] = Field(default_factory=dict)
    hourly: dict[str, float | tuple[float, float]] = Field(default_factory=dict)
    event: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)
    status: Literal["online", "offline"] | None = None
    signals: dict[str, Course] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _signals_beside(cls, given: object) -> object:
        """Take what is no word of ours for a signal: `{at: 30s, battery_temp_c: 61}`."""
        if not isinstance(given, dict) or "signals" in given:
            return given
        ours = {key: value for key, value in given.items() if key in _OURS}
        return ours | {"signals": {key: value for key, value in given.items() if key not in ours}}

    @model_validator(mode="after")
    def _repeats_whole(self) -> Self:
        if (self.every_ms is None) != (self.until_ms is None):
            raise ValueError("`every` and `until` go together: {at: 0s, every: 30s, until: 10m, ...}")
        if self.every_ms is not None and (self.every_ms == 0 or self.last_ms < self.at_ms):
            raise ValueError("`until` is not before `at`, and `every` is longer than nothing")
        if (self.last_ms - self.at_ms) // (self.every_ms or 1) > _MOST_REPEATS:
            raise ValueError(f"it is repeated at most {_MOST_REPEATS} times")
        return self

    @property
    def last_ms(self) -> int:
        """Return when it happens for the last time."""
        return self.at_ms if self.until_ms is None else self.until_ms

    def repeated(self) -> Iterator[tuple[int, dict[str, Value], dict[str, Value]]]:
        """Yield when it happens, the values of its reading then, and those of its hour."""
        span = self.last_ms - self.at_ms
        for at in range(self.at_ms, self.last_ms + 1, self.every_ms or 1):
            share = (at - self.at_ms) / span if span else 0.0
            values, hour = (
                {name: _then(value, share) for name, value in courses.items()}
                for courses in (self.signals, self.hourly)
            )
            yield at, values, hour


def _then(value: Course, share: float) -> Value:
    """Return how a value is once a share of its way is behind it."""
    return value[0] + (value[1] - value[0]) * share if isinstance(value, tuple) else value


class Example(Shape):
    """What happens to one device, and the states through which its alerts of the rule go; none: `then: []`.

    `fault` is that of the first alert, where the rule leaves it to the device's code, `rises_to` the level
    that the last came to. The device is as `model`, `firmware`, `site`, `region`, `customer` and `group` say;
    it all `begins` at a time by the site's clock.
    """

    name: str = Field(min_length=1)
    model: str = ""
    firmware: str = ""
    site: str = "example"
    region: str = ""
    customer: str = ""
    group: str = ""
    begins: datetime | None = None
    rises_to: Level | None = None
    given: tuple[Moment, ...] = Field(min_length=1)
    then: tuple[AlertState, ...]
    fault: str | None = None

    @field_validator("given")
    @classmethod
    def _in_order(cls, given: tuple[Moment, ...]) -> tuple[Moment, ...]:
        times = [time for moment in given for time in (moment.at_ms, moment.last_ms)]
        if times != sorted(times):
            raise ValueError("`at` counts from the beginning and never goes back")
        return given


def check_example(example: Example, kind: Kind, signals: SignalTable) -> None:
    """Raise ValueError unless a device of this kind could send what an example says."""
    for moment in example.given:
        for name, value in moment.signals.items():
            try:
                signal = signal_named(name, kind, signals)
            except ValueError as error:
                raise ValueError(f"{example.name}: {error}") from error
            ends = value if isinstance(value, tuple) else (value,)
            if not all(_fits(each, signal.form) for each in ends):
                raise ValueError(f"{example.name}: {name}: {value!r} does not fit it")


def _fits(value: float | bool | str, form: Form) -> bool:
    """Tell whether a signal of a form can have a value."""
    if form is Form.STATE:
        return value in ROBOT_STATES
    if form is Form.TEXT:
        return isinstance(value, str)
    return not isinstance(value, str) and isinstance(value, bool) == (form is Form.BOOLEAN)

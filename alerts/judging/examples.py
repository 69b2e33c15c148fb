"""Examples that stand beside a rule in its file: what a device does, and what becomes of its alert."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from alerts.judging.conditions import signal_named
from fleet.alerts import AlertState
from fleet.config import Duration, Shape
from fleet.signals import ROBOT_STATES, Form, Kind, SignalTable


class Moment(Shape):
    """One moment of an example, `at_ms` after its beginning: what the device sends, tells of, or is.

    Without any of these only time passes. `signals` are the values of one reading.
    """

    at_ms: Duration = Field(alias="at")
    event: str | None = None
    detail: dict[str, Any] = Field(default_factory=dict)
    status: Literal["online", "offline"] | None = None
    signals: dict[str, float | bool | str] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _signals_beside(cls, given: object) -> object:
        """Take what is no word of ours for a signal: `{at: 30s, battery_temp_c: 61}`."""
        if not isinstance(given, dict) or "signals" in given:
            return given
        ours = {key: value for key, value in given.items() if key in ("at", "event", "detail", "status")}
        return ours | {"signals": {key: value for key, value in given.items() if key not in ours}}


class Example(Shape):
    """What happens to one device, and the states through which its alerts of the rule go; none: `then: []`.

    `fault` is that of the first alert, where the rule leaves it to the device's code.
    """

    name: str = Field(min_length=1)
    model: str = ""
    given: tuple[Moment, ...] = Field(min_length=1)
    then: tuple[AlertState, ...]
    fault: str | None = None

    @field_validator("given")
    @classmethod
    def _in_order(cls, given: tuple[Moment, ...]) -> tuple[Moment, ...]:
        times = [moment.at_ms for moment in given]
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
            if not _fits(value, signal.form):
                raise ValueError(f"{example.name}: {name}: {value!r} does not fit it")


def _fits(value: float | bool | str, form: Form) -> bool:
    """Tell whether a signal of a form can have a value."""
    if form is Form.STATE:
        return value in ROBOT_STATES
    if form is Form.TEXT:
        return isinstance(value, str)
    return not isinstance(value, str) and isinstance(value, bool) == (form is Form.BOOLEAN)

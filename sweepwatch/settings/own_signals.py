"""The settings of an installation's own signals: `[signals.NAME]`."""

import re
from math import isfinite
from typing import Annotated

from pydantic import AfterValidator, Field, field_validator, model_validator

from fleet.signals import STANDARD_SIGNALS, Kind, Role
from fleet.text import Text, quoted
from sweepwatch.settings.section import Section

OWN_COMPONENT = "own"
"""The component of signals of which nobody says what they speak of."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_TAKEN = frozenset(
    (
        *("device_id", "site", "ts", "received", "seq"),
        *("device", "model", "time", "hour", "readings", "kind", "value"),
    )
)


class SignalSettings(Section):
    """A signal of an installation's own: `[signals.NAME]`, a number in a unit and a range, or a state."""

    unit: str = Field("", max_length=16, description="Its unit, shown in charts")
    range: tuple[float, float] | None = Field(
        None, description="Lowest and highest plausible value; others are dropped. A state has none"
    )
    kind: tuple[Kind, ...] = Field(description="Which devices send it: robot, tool, wristband")
    counter: bool = Field(False, description="Whether it only counts up, in whole numbers from 0")
    state: bool = Field(False, description="Whether it is true or false, and no number")
    label: str | None = Field(None, max_length=64, description="How charts call it; empty: its name")
    label_zh: str | None = Field(None, max_length=64, description="The same in Chinese; empty: as label")
    component: str = Field(
        OWN_COMPONENT, max_length=64, description="Of which component of the catalogue it speaks"
    )
    load: tuple[str, ...] = Field((), description="Signals of the load under which it stands")
    setpoints: tuple[str, ...] = Field((), description="Signals that people or a controller choose")

    @field_validator("kind", mode="before")
    @classmethod
    def _one_or_more(cls, kind: object) -> object:
        kinds = [kind] if isinstance(kind, str) else kind
        if kinds == []:
            raise ValueError("allowed: one or more of robot, tool, wristband")
        return kinds

    @field_validator("range")
    @classmethod
    def _rises(cls, bounds: tuple[float, float] | None) -> tuple[float, float] | None:
        if bounds is not None and not (isfinite(bounds[0]) and isfinite(bounds[1]) and bounds[0] < bounds[1]):
            raise ValueError("allowed: two finite numbers, the lower first")
        return bounds

    @model_validator(mode="after")
    def _is_one_thing(self) -> "SignalSettings":
        if self.state and self.counter:
            raise ValueError("counter and state: it is one of both")
        if self.state and (self.range is not None or self.load or self.setpoints):
            raise ValueError("a state has no range, load and setpoints")
        if not self.state and self.range is None:
            raise ValueError("range: is missing; the lowest and highest plausible value, such as [0, 100]")
        return self

    def text(self, name: str) -> Text:
        """Return what charts and sentences call it, of the name that it has in the settings."""
        label = self.label or name
        return Text(label, self.label_zh or label)

    @property
    def role(self) -> Role:
        """How it behaves over time."""
        return Role.COUNTER if self.counter else Role.STATE if self.state else Role.LEVEL


def _are_new_names(signals: dict[str, SignalSettings]) -> dict[str, SignalSettings]:
    for name in signals:
        if not _NAME.fullmatch(name) or name in _TAKEN:
            raise ValueError(f"{quoted(name)}: a name is a-z, 0-9 and _, and is not taken")
        if name in STANDARD_SIGNALS:
            raise ValueError(f"{name} is a standard signal already; give yours another name")
    return signals


OwnSignals = Annotated[dict[str, SignalSettings], AfterValidator(_are_new_names)]

"""What other systems post: Alertmanager's webhook, version 4 of its JSON."""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)

from fleet.alerts import INSTALLATION
from fleet.clock import SECOND_MS
from fleet.external import Report
from fleet.faults import Level

_LEVELS = {
    **dict.fromkeys(("critical", "page", "emergency", "alert", "fatal"), Level.L1),
    **dict.fromkeys(("info", "information", "informational", "none", "notice", "debug"), Level.L3),
}
"""By the label `severity`; any other, or none, is L2."""
_MOST_LABELS, _LONGEST_LABEL, _LONGEST_TEXT = 20, 100, 300
_LONGEST_NAME, _LONGEST_SAID = 256, 4_096
MOST_ALERTS = 20_000


def _as_labels(given: object) -> object:
    """Return names and values as they are kept: too long ones are cut, what is no text is left out."""
    if not isinstance(given, dict):
        return given
    texts = ((name, said) for name, said in given.items() if isinstance(name, str) and isinstance(said, str))
    # PostgreSQL keeps no NUL in a text.
    return {name[:_LONGEST_NAME]: said[:_LONGEST_SAID].replace("\0", "") for name, said in texts}


Labels = Annotated[dict[str, str], BeforeValidator(_as_labels)]


class AlertmanagerAlert(BaseModel):
    """One of the alerts of a group."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["firing", "resolved"]
    labels: Labels = Field(default_factory=dict, examples=[{"alertname": "DiskFull", "severity": "critical"}])
    annotations: Labels = Field(default_factory=dict, examples=[{"summary": "Disk of db1 is full"}])
    starts_at: AwareDatetime = Field(alias="startsAt", examples=["2026-11-22T08:00:00Z"])
    fingerprint: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["b5f6c0b1e2d3a4f5"])
    generator_url: str = Field("", alias="generatorURL")

    @property
    def devices(self) -> tuple[str, ...]:
        """The names that may be those of a device; `device` is a disk's in other systems."""
        named = (self.labels.get(name, "") for name in ("device_id", "device"))
        return tuple(name for name in named if 0 < len(name) <= 64)

    def report(self, device_id: str = INSTALLATION) -> Report:
        """Return it as one about a device."""
        return Report(
            self.fingerprint,
            max(0, round(self.starts_at.timestamp() * SECOND_MS)),
            self.status == "resolved",
            _LEVELS.get(self.labels.get("severity", "").strip().lower(), Level.L2),
            device_id,
            self._text,
            self._seen,
        )

    @property
    def _text(self) -> str:
        name = self.labels.get("alertname", "")
        said = self.annotations.get("summary") or self.annotations.get("description") or ""
        text = f"{name}: {said}" if name and said else name or said or self.fingerprint
        return " ".join(text.split())[:_LONGEST_TEXT]

    @property
    def _seen(self) -> dict[str, object]:
        shown = sorted(self.labels.items())[:_MOST_LABELS]
        seen: dict[str, object] = {"labels": {n[:_LONGEST_LABEL]: v[:_LONGEST_LABEL] for n, v in shown}}
        if self.labels.get("site"):
            seen["site"] = self.labels["site"][:_LONGEST_LABEL]
        if self.generator_url.startswith(("https://", "http://")) and self.generator_url.isprintable():
            seen["link"] = self.generator_url[:2_000]
        return seen


@dataclass(frozen=True, slots=True)
class Unreadable:
    """One of the alerts of a group that cannot be read, and why."""

    why: str


def _each_by_itself(given: object, read: ValidatorFunctionWrapHandler) -> object:
    """Read one alert: others of its group are taken though it cannot be read."""
    try:
        return read(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = "".join(f".{step}" for step in first["loc"])
        return Unreadable(f"{place}: {first['msg']}")


class AlertmanagerPost(BaseModel):
    """A group of alerts as Alertmanager posts it; what is not used here is left out."""

    model_config = ConfigDict(extra="ignore")

    version: Literal["4"] = Field(examples=["4"])
    alerts: list[Annotated[AlertmanagerAlert, WrapValidator(_each_by_itself)]] = Field(max_length=MOST_ALERTS)

    @property
    def readable(self) -> list[AlertmanagerAlert]:
        """The alerts that can be read."""
        return [each for each in self.alerts if not isinstance(each, Unreadable)]

    @property
    def unreadable(self) -> list[str]:
        """What is wrong with the others, by their place in the group."""
        read: list[AlertmanagerAlert | Unreadable] = list(self.alerts)
        return [f"alerts.{n}{each.why}" for n, each in enumerate(read) if isinstance(each, Unreadable)]


class Taken(BaseModel):
    """How many alerts were taken, and why others were not."""

    taken: int
    refused: list[str] = Field(description="What is wrong with alerts that cannot be read; the first twenty")
    no_room: int = Field(description="How many there is no room for: some alert holds 10,000 already")

"""What other systems post: Alertmanager's webhook, version 4 of its JSON."""

from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

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
_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,255}$")]
_NO_NUL = AfterValidator(lambda said: said.replace("\0", ""))  # which PostgreSQL keeps in no text
_Said = Annotated[str, StringConstraints(max_length=4_096), _NO_NUL]
Labels = dict[_Name, _Said]


class AlertmanagerAlert(BaseModel):
    """One of the alerts of a group."""

    model_config = ConfigDict(extra="ignore")

    status: Literal["firing", "resolved"]
    labels: Labels = Field(default_factory=dict, examples=[{"alertname": "DiskFull", "severity": "critical"}])
    annotations: Labels = Field(default_factory=dict, examples=[{"summary": "Disk of db1 is full"}])
    starts_at: AwareDatetime = Field(alias="startsAt", examples=["2026-11-22T08:00:00Z"])
    fingerprint: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$", examples=["b5f6c0b1e2d3a4f5"])
    generator_url: str = Field("", alias="generatorURL", max_length=4_096)

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


class AlertmanagerPost(BaseModel):
    """A group of alerts as Alertmanager posts it; what is not used here is left out."""

    model_config = ConfigDict(extra="ignore")

    version: Literal["4"] = Field(examples=["4"])
    alerts: list[AlertmanagerAlert] = Field(max_length=1_000)


class Taken(BaseModel):
    """How many alerts were taken."""

    taken: int

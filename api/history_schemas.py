"""Repairs of the past as they are sent, and what became of each."""

from pydantic import BaseModel, ConfigDict, Field

from api.params import TimeMs
from api.schemas import Schema
from fleet.past_cases import MOST_FAULTS, MOST_NAME, MOST_NOTE, MOST_PARTS, PastCase, PastVerdict

MOST_CASES = 1000
"""So many past cases one request takes."""


class PastCaseBody(BaseModel):
    """A repair that was made. Times are RFC 3339 or epoch ms; those that nobody knows are left out."""

    model_config = ConfigDict(extra="forbid")

    device_id: str = Field(min_length=1, max_length=64, examples=["R0042"])
    faults: list[str] = Field(
        default_factory=list, max_length=MOST_FAULTS, description="What was found; empty where nothing was"
    )
    suspected: list[str] = Field(default_factory=list, max_length=MOST_FAULTS)
    opened: TimeMs = Field(description="When it was noticed", examples=["2025-03-03T08:00:00Z"])
    accepted: TimeMs | None = None
    arrived: TimeMs | None = None
    repaired: TimeMs | None = None
    confirmed: TimeMs | None = None
    engineer: str = Field("", max_length=MOST_NAME)
    parts: list[str] = Field(
        default_factory=list, max_length=MOST_PARTS, description="Each piece that was used"
    )
    note: str = Field("", max_length=MOST_NOTE)
    external: str = Field("", max_length=128, description="Its number elsewhere: by it a case is taken once")
    reported: bool = Field(True, description="Whether the customer noticed it, not we")

    def case(self) -> PastCase:
        """Return it as the desk takes it."""
        return PastCase(
            self.device_id,
            self.opened,
            tuple(dict.fromkeys(self.faults)),
            (),
            tuple(dict.fromkeys(self.suspected)),
            self.accepted,
            self.arrived,
            self.repaired,
            self.confirmed,
            self.engineer,
            tuple(self.parts),
            self.note,
            self.external,
            self.reported,
        )


class PastCasesBody(BaseModel):
    """Past cases to be taken."""

    model_config = ConfigDict(extra="forbid")

    cases: list[PastCaseBody] = Field(min_length=1, max_length=MOST_CASES)
    dry_run: bool = Field(False, description="Change nothing, say what would become of each")


class PastOutcomeItem(Schema):
    """What became of one past case."""

    verdict: PastVerdict
    ticket_id: int | None = Field(description="Its case; null where there is none")
    reason: str = Field(description="Why it was refused")
    remarks: list[str] = Field(description="What was left out of it")


class PastReportItem(Schema):
    """What became of past cases, in the order in which they were sent."""

    counts: dict[str, int]
    items: list[PastOutcomeItem]

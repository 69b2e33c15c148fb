"""The shapes of proofs on a past (docs/prove.md)."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.params import Params
from api.schemas import Schema, Time
from fleet.proofs import Proof, ProofAsked, ProofSource, ProofState, ProofStep
from fleet.text import Language

Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", max_length=10, examples=["2026-01-31"])]
"""A day in UTC."""


class ProofBody(BaseModel):
    """What is to be proved: the installation's own past, or a folder in DATA/histories."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    source: Literal["own", "folder"] = Field("own", description="Files are sent to .../upload")
    folder: str | None = Field(None, max_length=255, examples=["fleet-2025"], description="Its name there")
    since: Day | None = Field(None, alias="from", description="Count from this day on; all before teaches")

    def asked(self) -> ProofAsked:
        """Return it as the house takes it."""
        return ProofAsked(ProofSource(self.source), self.folder, self.since)


class ProofProgressItem(Schema):
    """What a proof is doing, and how much of that is done."""

    step: ProofStep
    share: float = Field(examples=[0.42], description="0 to 1")
    refused: int = Field(description="Rows of the history that were refused")


class SentenceItem(Schema):
    """The sentence for the board."""

    en: str
    zh: str


class ProofItem(Schema):
    """A proof; `broken_off` is one under way when the house ended, which can be begun again."""

    id: int
    source: ProofSource
    folder: str | None
    since: str | None
    by: str = Field(description="Who asked for it")
    begun: Time
    state: ProofState
    changed: Time = Field(description="Since when it stands so")
    progress: ProofProgressItem | None
    why: str | None = Field(description="Why it failed")
    sentence: SentenceItem | None


class ProofDetail(ProofItem):
    """A proof with its last words."""

    words: list[str] = Field(description="Lines that it said last, such as which rows were refused and why")


class ReportQuery(Params):
    """Which language a report speaks."""

    language: Language = Field("en", description="en or zh")


def proof_values(proof: Proof) -> dict[str, object]:
    """Return the values of an item."""
    return {
        "id": proof.id,
        "source": proof.asked.source,
        "folder": proof.asked.folder,
        "since": proof.asked.since,
        "by": proof.by,
        "begun": proof.begun,
        "state": proof.state,
        "changed": proof.changed,
        "progress": proof.progress,
        "why": proof.why,
        "sentence": proof.sentence,
    }

"""What the desk keeps of on-call duty: the versions of the plan, and who takes whose hours."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DutyVersion:
    """One version of the plan, as it was applied; the one with the highest number is in force.

    `text` is YAML. `made_at` is epoch ms, `made_by` who applied it, `why` the reason given.
    """

    number: int
    text: str
    made_at: int
    made_by: str
    why: str


@dataclass(frozen=True, slots=True)
class Override:
    """Hours of a schedule that somebody takes in place of whoever has them: [begins, ends), epoch ms.

    `person` is an e-mail address; None: nobody is on call. Of two that overlap the newer (the higher id)
    counts. `ended_at` is when it was ended before its time, None where it was not.
    """

    id: int
    schedule: str
    person: str | None
    begins: int
    ends: int
    made_at: int
    made_by: str
    why: str
    ended_at: int | None = None

    @property
    def until(self) -> int:
        """When it is over in truth (epoch ms): as planned, or when it was ended."""
        return self.ends if self.ended_at is None else min(self.ends, self.ended_at)

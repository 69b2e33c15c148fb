"""When an engineer does not work although they usually would: ill, on holiday, at a training."""

from dataclasses import dataclass

LONGEST_DAYS = 366


@dataclass(frozen=True, slots=True)
class Absence:
    """An engineer is away in [begins, ends), epoch ms; why is nobody's business.

    `ended_at` is when they came back before its time, None where they did not. `id` is 0 until it is stored.
    """

    engineer: str
    begins: int
    ends: int
    made_at: int
    made_by: str = ""
    ended_at: int | None = None
    id: int = 0

    @property
    def until(self) -> int:
        """When it is over in truth (epoch ms)."""
        return self.ends if self.ended_at is None else min(self.ends, self.ended_at)

    def covers(self, begins: int, ends: int) -> bool:
        """Tell whether they are away at any time of [begins, ends)."""
        return self.begins < ends and begins < self.until

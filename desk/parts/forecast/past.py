"""What was used of parts until now: a row a part (and depot), a column a period."""

from dataclasses import dataclass

import numpy as np

from desk.parts.forecast.counts import Floats, Ints
from fleet.errors import InvalidInput

MONTHS = 12


@dataclass(frozen=True, slots=True, eq=False)
class Past:
    """How many were used in each period until now. Shape of `used`: (series, periods); whole numbers.

    The last column is the newest whole period. NaN is a period in which the part was not kept yet, never 0.
    `month` is the calendar month (1 to 12) of the first column, None where periods are no months. Raises
    InvalidInput.
    """

    used: Floats
    month: int | None = None

    def __post_init__(self) -> None:
        if self.used.ndim != 2:
            raise InvalidInput("used: a table is needed, a row a part and a column a period")
        right = np.isnan(self.used) | ((self.used >= 0) & (np.floor(self.used) == self.used))
        wrong = np.argwhere(~right | np.isinf(self.used))
        if len(wrong):
            row, column = wrong[0]
            raise InvalidInput(
                f"used: {self.used[row, column]} (series {row + 1}, period {column + 1}) "
                "is no whole number from 0 on"
            )
        if self.month is not None and not 1 <= self.month <= MONTHS:
            raise InvalidInput(f"month: {self.month} must be 1 to 12, or left out")

    @property
    def series(self) -> int:
        """Return how many series there are."""
        return len(self.used)

    @property
    def periods(self) -> int:
        """Return how many periods there are."""
        return int(self.used.shape[1])

    def until(self, period: int) -> "Past":
        """Return what was known before a period."""
        return Past(self.used[:, :period], self.month)

    def calendar(self, periods: int, start: int = 0) -> Ints:
        """Return the calendar months (0 to 11) of periods from `start` on; all 0 where there are none."""
        if self.month is None:
            return np.zeros(periods, dtype=np.int64)
        return (self.month - 1 + start + np.arange(periods)) % MONTHS


def ages(periods: int) -> Floats:
    """Return how many periods ago each was: the newest is 0."""
    return np.arange(periods - 1, -1, -1, dtype=np.float64)


def fading(periods: int, half_life: float) -> Floats:
    """Return weights of periods that halve with every half-life back from the newest."""
    return np.asarray(0.5 ** (ages(periods) / half_life))

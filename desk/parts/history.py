"""What was used where, as series that the forecast learns from; and a careful rate while they are short."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from math import ceil

import numpy as np

from desk.parts.demand import suppliers_of_vans
from desk.parts.forecast.counts import NONE, Counts, Floats, thinned
from desk.parts.forecast.demand import MONTH_D
from desk.parts.forecast.forecast import Forecast, forecast
from desk.parts.forecast.past import MONTHS, Past
from desk.parts.forecast.season import seasons
from fleet.clock import DAY_MS
from fleet.stock import StockPlace
from storage.records.stock_movements import Used

PERIOD_MS = round(MONTH_D * DAY_MS)
MOST_PERIODS = 84
"""Seven years back is as far as the forecast was judged on."""
YOUNG_PERIODS = 3
"""With fewer months there is nothing to learn from other series: each has a careful rate of its own."""
_AHEAD = 12
_PRIOR_PIECES, _PRIOR_DAYS = 10 / 365, 10.0
"""What is believed of a part before any was used: one a year, as if that had been seen for ten days."""
_NEVER = 1e-9

Series = tuple[str, str]
"""A part and a place."""


class History:
    """What was used of each part at each place, in months that end now.

    What vans of a region used is the need of its first depot too: that is where they get it from. A month is
    365.25 / 12 days, so that what was used yesterday counts; its season is that of the calendar month in its
    middle.
    """

    def __init__(self, used: Sequence[Used], places: Sequence[StockPlace], begin: int, now: int) -> None:
        self.age_d = max(0.0, (now - begin) / DAY_MS)
        self._pieces: Counter[Series] = Counter()
        self._lines: Counter[Series] = Counter()
        whole = min(MOST_PERIODS, int(self.age_d / MONTH_D))
        by_month: dict[Series, Counter[int]] = {}
        supplied = suppliers_of_vans(places)
        for each in used:
            for place in {each.place, supplied.get(each.place, each.place)}:
                self._pieces[each.part, place] += each.quantity
                self._lines[each.part, place] += each.quantity > 0
                months = by_month.setdefault((each.part, place), Counter())
                months[max(0, now - each.at) // PERIOD_MS] += each.quantity
        self._rows = {key: row for row, key in enumerate(sorted(by_month))}
        self._forecast: Forecast | None = None
        self._seasons: Floats = np.ones(_AHEAD)
        if whole >= YOUNG_PERIODS and self._rows:
            past = _past([by_month[key] for key in self._rows], whole, now)
            self._forecast = forecast(past, _AHEAD)
            self._seasons = seasons(past)[past.calendar(_AHEAD, whole)]

    @property
    def months(self) -> float:
        """Return how many months it reaches back."""
        return min(self.age_d / MONTH_D, float(MOST_PERIODS))

    @property
    def is_young(self) -> bool:
        """Tell whether it is too short to learn from."""
        return self._forecast is None

    def used(self, part: str, place: str) -> int:
        """Return how many pieces were used."""
        return max(0, self._pieces[part, place])

    def season(self, days: float) -> float:
        """Return the factor of the season on the coming days, 1 where none is known."""
        months = max(1, min(_AHEAD, round(days / MONTH_D)))
        return float(self._seasons[:months].mean())

    def _lot(self, part: str, place: str) -> int:
        """Return how many pieces are used at once."""
        return max(1, round(self.used(part, place) / max(1, self._lines[part, place])))

    def counts(self, part: str, place: str, days: float, share: float = 1.0) -> Counts:
        """Return how many are needed within some days; each order is counted with the chance `share`."""
        row = self._rows.get((part, place))
        if row is None or days <= 0 or share <= 0:
            return NONE
        if self._forecast is not None:
            # A part of a month has a part of its pieces, lot by lot: not all of them with a part of a chance.
            months = min(days / MONTH_D, _AHEAD)
            whole = self._forecast.total(row, ceil(months), share)
            return thinned(whole, months / ceil(months), self._lot(part, place))
        return careful_rate(self.used(part, place), self.age_d, days * share)


def careful_rate(used: int, seen_d: float, days: float) -> Counts:
    """Return how many are needed in some days after `used` were in `seen_d` days.

    The rate has a gamma prior (one a year, seen for ten days), so the count is negative binomial: the shorter
    the past, the wider it is.
    """
    from scipy.stats import nbinom

    size, rate = used + _PRIOR_PIECES, seen_d + _PRIOR_DAYS
    chance = rate / (rate + days)
    cells = np.arange(int(nbinom.isf(_NEVER, size, chance)) + 1)
    found = nbinom.pmf(cells, size, chance)
    return Counts(found / found.sum())


def _past(series: Sequence[Counter[int]], whole: int, now: int) -> Past:
    """Return a table of whole months, the newest last."""
    table = np.array([[max(0, each[back]) for back in range(whole - 1, -1, -1)] for each in series], float)
    first = datetime.fromtimestamp((now - whole * PERIOD_MS + PERIOD_MS // 2) / 1000, UTC).month
    return Past(table.reshape(len(series), whole), (first - 1) % MONTHS + 1)

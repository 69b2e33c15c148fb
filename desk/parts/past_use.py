"""The plain forecast: as many as in the last year, in the season's share. It needs nothing but the ledger."""

from collections import Counter
from collections.abc import Sequence
from math import ceil

from sqlalchemy.orm import Session

from desk.parts.demand import Basis, Ground, suppliers_of_vans
from fleet.clock import DAY_MS
from fleet.stock import StockPlace
from storage.records.stock_movements import Used, first_movement, used_since
from storage.records.stock_places import stock_places

_LOOK_BACK_DAYS = 365
_BIN_DAYS = 30
_SHRINK = 5.0
"""So many pieces stand for the belief that no season differs from another."""


class PastUse:
    """Foresees by what was used in the last year: as many, of the same spread, in the season's share.

    A count over a time is negative binomial with the mean of the past and the ratio of variance to mean of
    its 30-day bins (Poisson where that is at most 1). What vans of a region used counts as the demand of
    its first depot too: that is where they get it from. With a whole year behind, the mean is multiplied
    by the season's share: what of the part was used in the same days a year ago against the year's mean,
    shrunk towards 1 by five pieces.
    """

    def __init__(self, used: Sequence[Used], places: Sequence[StockPlace], begin: int, now: int) -> None:
        self._days = max(float(_BIN_DAYS), min(_LOOK_BACK_DAYS, (now - begin) / DAY_MS))
        self._now = now
        self._bins: dict[tuple[str, str], Counter[int]] = {}
        self._of_part: dict[str, Counter[int]] = {}
        supplied = suppliers_of_vans(places)
        for each in used:
            day = (now - each.at) // DAY_MS
            if day >= self._days:
                continue
            self._of_part.setdefault(each.part, Counter())[day] += each.quantity
            for place in {each.place, supplied.get(each.place, each.place)}:
                self._bins.setdefault((each.part, place), Counter())[day // _BIN_DAYS] += each.quantity

    @classmethod
    def of(cls, session: Session, now: int) -> "PastUse":
        """Return the one of what the ledger says at `now` (epoch ms)."""
        used = used_since(session, now - _LOOK_BACK_DAYS * DAY_MS)
        return cls(used, stock_places(session), first_movement(session) or now, now)

    @property
    def months(self) -> float:
        """How many months of history it knows, one at least."""
        return self._days / _BIN_DAYS

    def quantile(self, part: str, place: str, days: float, q: float) -> float:
        """Return how many pieces suffice; 0 where none was used yet."""
        bins = self._bins.get((part, place))
        total = sum(bins.values()) if bins else 0
        if bins is None or total <= 0 or days <= 0:
            return 0.0
        mean = total / self._days * days * self._season(part, days)
        spread = _spread(bins, self._days)
        return float(count_quantile(mean, spread, q))

    def basis(self, part: str, place: str, days: float) -> Basis:
        """Return what a figure rests on: history, or nothing."""
        bins = self._bins.get((part, place))
        used = sum(bins.values()) if bins else 0
        if used <= 0:
            return Basis(Ground.NOTHING, self.months)
        mean = used / self._days * days * self._season(part, days)
        return Basis(Ground.HISTORY, self.months, used, from_history=mean)

    def _season(self, part: str, days: float) -> float:
        if self._days < _LOOK_BACK_DAYS:
            return 1.0
        year = self._of_part[part]
        begin = _LOOK_BACK_DAYS - min(days, _LOOK_BACK_DAYS)
        then = sum(count for day, count in year.items() if day >= begin)
        usual = sum(year.values()) * (_LOOK_BACK_DAYS - begin) / _LOOK_BACK_DAYS
        return max(0.0, (then + _SHRINK) / (usual + _SHRINK))


def count_quantile(mean: float, spread: float, q: float) -> int:
    """Return the least count that is not exceeded with probability `q`, of a mean and a variance over mean.

    Poisson where the spread is at most 1, else negative binomial. By the inverses of their distribution
    functions, which are off by one at times; scipy.stats does the same, at fifty times the price.
    """
    from scipy.special import betainc, nbdtrik, pdtr, pdtrik

    size, share = mean / max(spread - 1, 1e-9), 1 / max(spread, 1.0)

    def below(count: int) -> float:
        return float(pdtr(count, mean) if spread <= 1 else betainc(size, count + 1, share))

    inverse = float(pdtrik(q, mean) if spread <= 1 else nbdtrik(q, size, share))
    if below(0) >= q:
        return 0
    found = ceil(inverse)
    return found - 1 if found > 0 and below(found - 1) >= q else found


def _spread(bins: Counter[int], days: float) -> float:
    """Return variance over mean of the counts in 30-day bins, those without any included."""
    many = max(1, round(days / _BIN_DAYS))
    mean = sum(bins.values()) / many
    if many < 2 or mean <= 0:
        return 1.0
    squares = sum((count - mean) ** 2 for count in bins.values()) + (many - len(bins)) * mean**2
    return max(1.0, squares / (many - 1) / mean)

"""The forecast of parts: distributions over counts for coming periods, and for their sum over a lead time."""

from dataclasses import dataclass

import numpy as np

from desk.parts.forecast.choice import HALF_LIFE, chosen
from desk.parts.forecast.counts import NONE, Counts, Floats, compound, mixed
from desk.parts.forecast.hurdles import Hurdles, beta_binomial, hurdles
from desk.parts.forecast.past import Past
from desk.parts.forecast.simple import Form, Levels, levels
from fleet.errors import InvalidInput


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """What is expected of the periods after a past; `forms` says what stands for each series."""

    pooled: Hurdles
    plain: Levels
    forms: tuple[Form, ...]

    @property
    def ahead(self) -> int:
        """Return how many periods it reaches."""
        return int(self.pooled.chances.shape[1])

    def quantiles(self, q: float) -> Floats:
        """Return for each series and period the smallest count that is enough with a chance of at least q.

        Shape: (series, ahead). Raises InvalidInput for q outside 0 to 1.
        """
        if not 0 < q < 1:
            raise InvalidInput(f"q: {q} must lie between 0 and 1, for example 0.95")
        found = self.pooled.quantiles(q)
        for form in set(self.forms) - {Form.POOLED}:
            rows = np.array([each is form for each in self.forms])
            found[rows] = self.plain.quantiles(form, q)[rows, None]
        return found

    def total(self, row: int, periods: float, share: float = 1.0) -> Counts:
        """Return the distribution of a series' sum over the first `periods`, part of a last one included.

        Each order is counted with the chance `share`. Raises InvalidInput beyond `ahead`, or for no share.
        """
        if not 0 <= periods <= self.ahead:
            raise InvalidInput(
                f"periods: {periods} must lie between 0 and {self.ahead}, how far this forecast reaches"
            )
        if not 0 <= share <= 1:
            raise InvalidInput(f"share: {share} must lie between 0 and 1")
        whole, part = int(periods), periods - int(periods)
        told = self._whole(row, whole, share)
        return mixed(((1 - part, told), (part, self._whole(row, whole + 1, share)))) if part else told

    def _whole(self, row: int, periods: int, share: float) -> Counts:
        if not periods:
            return NONE
        form = self.forms[row]
        if form is Form.POOLED:
            return self.pooled.total(row, periods, share)
        one = self.plain.counts(form, row)
        sizes = np.arange(len(one.chances)) * one.step
        return compound(beta_binomial(np.full(periods, share), 0.0), sizes, one.chances)


def forecast(past: Past, ahead: int = 12) -> Forecast:
    """Learn from what all series used, and forecast each of them. Raises InvalidInput for ahead < 1."""
    if ahead < 1:
        raise InvalidInput(f"ahead: {ahead} must be 1 period or more")
    return Forecast(hurdles(past, ahead), levels(past, HALF_LIFE), chosen(past))

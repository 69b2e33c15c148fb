"""Which days are worked: weekends, public holidays of a country, and the days that make up for them.

What `holidays` knows; China's make-up working days among it, which are published a year ahead at most.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import lru_cache

import holidays

from fleet.errors import InvalidInput
from fleet.text import near, quoted

_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of a place: `country` and `subdivision` as ISO 3166 has them; "" knows weekends alone.

    `rest` are dates that are free besides, `working` those that are worked all the same.
    """

    country: str = ""
    subdivision: str = ""
    rest: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()

    def is_worked(self, day: date) -> bool:
        """Tell whether a date is a working day."""
        if day in self.working:
            return True
        if day in self.rest:
            return False
        if not self.country:
            return day.weekday() < _SATURDAY
        weekend, free, made_up = _year(self.country, self.subdivision, day.year)
        return day in made_up or (day not in free and day.weekday() not in weekend)


def check_place(country: str, subdivision: str) -> None:
    """Raise InvalidInput for a country whose holidays are not known, or a part that it does not have."""
    known = holidays.list_supported_countries(include_aliases=True)
    if country not in known:
        raise InvalidInput(
            f"country: {quoted(country)} is none whose holidays are known; allowed: codes of ISO 3166, "
            f"such as CN or DE{near(country, known)}"
        )
    if subdivision and subdivision not in known[country]:
        parts = known[country]
        raise InvalidInput(
            f"subdivision: {country} has no {quoted(subdivision)}; "
            f"allowed: {', '.join(parts) or 'none'}{near(subdivision, parts)}"
        )


@lru_cache(maxsize=512)
def _year(
    country: str, subdivision: str, year: int
) -> tuple[Collection[int], frozenset[date], frozenset[date]]:
    """Return the days of the weekend, the public holidays, and the weekend days that are worked of a year."""
    found = holidays.country_holidays(country, subdiv=subdivision or None, years=year, expand=False)
    return frozenset(found.weekend), frozenset(found), frozenset(found.weekend_workdays)

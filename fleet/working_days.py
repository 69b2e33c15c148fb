"""Which days are worked: weekends, public holidays of a country, and the days that make up for them.

What `holidays` knows; China's make-up working days among it, which are published a year ahead at most.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from typing import Self

import holidays
from pydantic import model_validator

from fleet.config import Shape
from fleet.errors import InvalidInput
from fleet.text import near, quoted
from fleet.wall_fields import DateField

_SATURDAY = 5


class DayKind(StrEnum):
    """What a date is to who works: worked as usual, or to make up for a free day; or free."""

    WORKDAY = "workday"
    MADE_UP = "made_up"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The working days of a place: `country` and `subdivision` as ISO 3166 has them; "" knows weekends alone.

    `rest` are dates that are free besides, `working` those that are worked all the same.
    """

    country: str = ""
    subdivision: str = ""
    rest: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()

    def kind_of(self, day: date) -> DayKind:
        """Return what a date is: `working` and `rest` go before what the country knows."""
        usual = self._usual(day)
        if day in self.working:
            return DayKind.WORKDAY if usual is DayKind.WORKDAY else DayKind.MADE_UP
        return DayKind.HOLIDAY if day in self.rest else usual

    def is_worked(self, day: date) -> bool:
        """Tell whether a date is a working day."""
        return self.kind_of(day) in (DayKind.WORKDAY, DayKind.MADE_UP)

    def holiday(self, day: date) -> str:
        """Return what a free day is called, "" where it has no name."""
        return _names(self.country, self.subdivision, day.year).get(day, "") if self.country else ""

    def _usual(self, day: date) -> DayKind:
        if not self.country:
            return DayKind.WORKDAY if day.weekday() < _SATURDAY else DayKind.WEEKEND
        weekend, free, made_up = _year(self.country, self.subdivision, day.year)
        if day in made_up:
            return DayKind.MADE_UP
        if day in free:
            return DayKind.HOLIDAY
        return DayKind.WEEKEND if day.weekday() in weekend else DayKind.WORKDAY


class Holidays(Shape):
    """Whose holidays are kept; `rest` and `working` are dates that the country's calendar lacks."""

    country: str = ""
    subdivision: str = ""
    rest: tuple[DateField, ...] = ()
    working: tuple[DateField, ...] = ()

    @model_validator(mode="after")
    def _known(self) -> Self:
        try:
            if self.country or self.subdivision:
                check_place(self.country, self.subdivision)
        except InvalidInput as error:
            raise ValueError(str(error)) from error
        return self

    def days(self) -> WorkingDays:
        """Return which days are worked."""
        return WorkingDays(self.country, self.subdivision, frozenset(self.rest), frozenset(self.working))


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


@lru_cache(maxsize=512)
def _names(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year, expand=False))

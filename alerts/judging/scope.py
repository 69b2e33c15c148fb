"""Where and when a rule applies: by what a device is and where it belongs, months, and hours of the day."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field

from fleet.config import Shape
from storage.records.sites import DeviceScope

ZoneOf = Callable[[str], ZoneInfo]
"""Returns the time zone of a site."""
_HOURS = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]|24):([0-5]\d)")
_DAY = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of the day, in minutes since midnight by the site's clock; `end` is no longer in it."""

    begin: int
    end: int
    text: str


def parse_hours(text: object) -> Hours:
    """Return a part of the day such as `08:00-18:30`; one that ends before it begins goes over midnight.

    Raises ValueError for anything else.
    """
    if isinstance(text, Hours):
        return text
    found = _HOURS.fullmatch(str(text).replace(" ", ""))
    if found is None:
        raise ValueError(f"{text!r} is no part of a day; write two times, such as 08:00-18:30")
    begin, end = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    if begin == end or end > _DAY:
        raise ValueError(f"{text!r} begins when it ends; leave `hours` out for the whole day")
    return Hours(begin, end, str(text))


def _as_list(given: object) -> object:
    if given in ([], ""):
        raise ValueError("it names nothing, and would never fit; leave it out for all")
    return [given] if isinstance(given, str) else given


Patterns = Annotated[tuple[str, ...], BeforeValidator(_as_list)]
"""Names, of which one must be the device's; `*` stands for any text."""


class Only(Shape):
    """What a device must be for a rule to apply; what is left out may be anything.

    `group` and `not_group` name groups of devices in the rules file.
    """

    site: Patterns = ()
    region: Patterns = ()
    customer: Patterns = ()
    model: Patterns = ()
    firmware: Patterns = ()
    group: Patterns = ()
    not_group: Patterns = ()

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups that it names."""
        return self.group + self.not_group

    def fits(self, device_id: str, scope: DeviceScope, groups: Mapping[str, frozenset[str]]) -> bool:
        """Tell whether a device is such a one."""
        wanted = (
            (self.site, scope.site),
            (self.region, scope.region),
            (self.customer, scope.customer),
            (self.model, scope.model),
            (self.firmware, scope.firmware),
        )
        if not all(_matches(patterns, value) for patterns, value in wanted if patterns):
            return False
        if self.group and not any(device_id in groups.get(name, ()) for name in self.group):
            return False
        return not any(device_id in groups.get(name, ()) for name in self.not_group)


def _matches(patterns: tuple[str, ...], value: str) -> bool:
    return any(fnmatchcase(value, pattern) for pattern in patterns)


Month = Annotated[int, Field(ge=1, le=12)]

"""By whose clock times are shown: each site's own, else that of the installation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Zones:
    """The time zones of an installation: `own` is its own, `sites` by site where another is set.

    `described` tells the zone that the desk knows of a site, None where it knows none; it goes before both.
    `forget` lets it read again what it knows.
    """

    own: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    sites: Mapping[str, ZoneInfo] = field(default_factory=dict)
    described: Callable[[str], ZoneInfo | None] = lambda _site: None
    forget: Callable[[], None] = lambda: None

    def of(self, site: str | None) -> ZoneInfo:
        """Return the zone of a site; None stands for what is of several or of none."""
        if site is None:
            return self.own
        return self.described(site) or self.sites.get(site, self.own)

"""By whose clock times are shown: each site's own, else that of the installation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Zones:
    """The time zones of an installation: `own` is its own, `sites` by site where another is set."""

    own: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    sites: Mapping[str, ZoneInfo] = field(default_factory=dict)

    def of(self, site: str | None) -> ZoneInfo:
        """Return the zone of a site; None stands for what is of several or of none."""
        return self.own if site is None else self.sites.get(site, self.own)

"""A site: where devices work, for whom, and by which clock."""

from dataclasses import dataclass, field

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class Site:
    """A place of a customer. `lat` and `lon` are WGS 84 degrees, `zone` an IANA name, "" where not known.

    `region` and `customer` are ids, `type` one of fleet.service.SITE_TYPES, each "" where not known.
    """

    id: str
    name: Text = field(default_factory=lambda: Text("", ""))
    region: str = ""
    customer: str = ""
    address: str = ""
    lat: float | None = None
    lon: float | None = None
    zone: str = ""
    type: str = ""

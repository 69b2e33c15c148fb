"""Links by which something is reported without a sign-in: on a label of a robot, or sent to a customer."""

from collections.abc import Sequence
from secrets import token_urlsafe

from fleet.clock import Clock
from fleet.errors import NotFound
from fleet.events import Event, Subject
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.requests import ReportLink
from fleet.secrecy import link_key
from storage.records.database import DeskDatabase
from storage.records.device_lists import device_of
from storage.records.events import tell
from storage.records.requests import insert_link, link_of_key, links_for, revoke_links

_USE = "report"
_BYTES = 24


class ReportLinks:
    """The links of an installation; of each secret the digest alone is kept."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def for_device(self, device_id: str, by: Principal, sites: Sites = None) -> str:
        """Make a link of a device and return its secret, this once. Raises NotFound."""
        with self._desk.transaction() as session:
            site = device_of(session, device_id, sites).site
        return self._make(device_id, site, by)

    def for_site(self, site: str, by: Principal) -> str:
        """Make a link of a site and return its secret, this once; the caller knows that there is one."""
        return self._make(None, site, by)

    def _make(self, device_id: str | None, site: str, by: Principal) -> str:
        secret, now = token_urlsafe(_BYTES), self._clock.now_ms()
        with self._desk.transaction() as session:
            link = insert_link(session, link_key(_USE, secret), device_id, site, by.name, now)
            tell(session, _happened(link, "report_link_made", by, now))
        return secret

    def open(self, secret: str) -> ReportLink:
        """Return what a secret stands for. Raises NotFound where it is none (any more)."""
        with self._desk.transaction() as session:
            found = link_of_key(session, link_key(_USE, secret))
        if found is None:
            raise NotFound("this link opens nothing any more; ask for a new one")
        return found

    def of(self, device_id: str | None, site: str) -> Sequence[ReportLink]:
        """Return the links that hold of a device, or of a site as a whole."""
        with self._desk.transaction() as session:
            return links_for(session, device_id, site)

    def revoke(self, device_id: str | None, site: str, by: Principal) -> int:
        """End all links of a device, or of a site as a whole; return how many ended."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            held = links_for(session, device_id, site)
            ended = revoke_links(session, device_id, site, now)
            if held:
                tell(session, _happened(held[0], "report_links_revoked", by, now, ended=ended))
        return ended


def _happened(link: ReportLink, what: str, by: Principal, now: int, **data: int) -> Event:
    subject, name = (Subject.SITE, link.site) if link.device_id is None else (Subject.DEVICE, link.device_id)
    return Event(now, subject, name, what, by, "", link.site, data=dict(data))

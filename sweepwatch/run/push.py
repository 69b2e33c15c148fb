"""How the makers of browsers, whose push services carry our notices, may reach us."""

from urllib.parse import urlsplit

from sweepwatch.run.reach import address_of
from sweepwatch.settings.settings import Settings

_THIS_MACHINE = "mailto:sweepwatch@localhost"
"""Where nothing else is known: a demo on one machine. Apple's service takes no such contact, others do."""


def contact_of(settings: Settings) -> str:
    """Return what is set; else the console's address by https, else the address that mail is from."""
    if settings.notify.push.contact is not None:
        return settings.notify.push.contact
    address = urlsplit(address_of(settings.server))
    if address.scheme == "https":
        return f"https://{address.hostname}"
    sender = settings.notify.mail.sender
    return _THIS_MACHINE if sender is None else f"mailto:{sender}"

"""How the first person comes in: a one-time link on the terminal, for a demo or for the first admin."""

from contextlib import suppress
from pathlib import Path

from access.people import People
from sweepwatch.printing import Say
from sweepwatch.run import reach
from sweepwatch.settings.settings import Settings

_ADDRESS = "address"


def is_demo(settings: Settings, people: People) -> bool:
    """Tell whether this is the demo: a simulated fleet, a broker of our own, and nobody who was let in."""
    return settings.simulator.enabled and settings.broker.url is None and not people.have_admin(able=True)


def show_way_in(settings: Settings, people: People, say: Say, *, demo: bool) -> str | None:
    """Print the link by which whoever reads the terminal comes in, where nobody else could let them in.

    Return it, None where there is none.
    """
    if demo:
        link = f"{address_of(settings)}enter/{people.link_for_demo()}"
        say(f"  sign in  {link}")
        return link
    people.end_demo()
    if people.have_admin(able=True):
        return None
    link = f"{address_of(settings)}enter/{people.link_for_first_admin()}"
    say(f"  sign in  {link}  (makes the first admin)")
    return link


def address_of(settings: Settings) -> str:
    """Return the address of the console."""
    return reach.address_of(settings.server)


def note_address(root: Path, settings: Settings) -> None:
    """Keep in the data folder where the console is, for commands that know nothing of the flags of `run`."""
    with suppress(OSError):  # no reason not to serve
        (root / _ADDRESS).write_text(address_of(settings), encoding="utf-8")


def address_for_links(settings: Settings) -> str:
    """Return the address with which links for others begin: what is set, else where the console was last."""
    noted = settings.data.resolve() / _ADDRESS
    if settings.server.public_url is None and noted.exists():
        return noted.read_text(encoding="utf-8")
    return address_of(settings)

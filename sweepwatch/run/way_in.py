"""How the first person comes in: a one-time link on the terminal, for a demo or for the first admin."""

from access.people import People
from sweepwatch.printing import Say
from sweepwatch.run import reach
from sweepwatch.settings.settings import Settings


def is_demo(settings: Settings, people: People) -> bool:
    """Tell whether this is the demo: a simulated fleet, a broker of our own, and nobody who was let in."""
    return settings.simulator.enabled and settings.broker.url is None and not people.have_admin()


def show_way_in(settings: Settings, people: People, say: Say, *, demo: bool) -> str | None:
    """Print the link by which whoever reads the terminal comes in, where nobody else could let them in.

    Return it, None where there is none.
    """
    if demo:
        link = f"{address_of(settings)}enter/{people.link_for_demo()}"
        say(f"  sign in  {link}")
        return link
    if people.have_admin():
        return None
    link = f"{address_of(settings)}enter/{people.link_for_first_admin()}"
    say(f"  sign in  {link}  (makes the first admin)")
    return link


def address_of(settings: Settings) -> str:
    """Return the address of the console."""
    return reach.address_of(settings.server)

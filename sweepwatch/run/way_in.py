"""How the first person comes in: a one-time link on the terminal, for a demo or for the first admin."""

from access.people import People
from sweepwatch.printing import Say
from sweepwatch.settings.settings import Settings


def is_demo(settings: Settings, people: People) -> bool:
    """Tell whether this is the demo: a simulated fleet, a broker of our own, and nobody who was let in."""
    return settings.simulator.enabled and settings.broker.url is None and not people.have_admin()


def show_way_in(settings: Settings, people: People, say: Say, *, demo: bool) -> None:
    """Print the link by which whoever reads the terminal comes in, where nobody else could let them in."""
    if demo:
        say(f"  sign in  {address_of(settings)}enter/{people.link_for_demo()}")
    elif not people.have_admin():
        say(
            f"  sign in  {address_of(settings)}enter/{people.link_for_first_admin()}  (makes the first admin)"
        )


def address_of(settings: Settings) -> str:
    """Return the address of the console."""
    host = f"[{settings.server.host}]" if ":" in settings.server.host else settings.server.host
    return f"http://{host}:{settings.server.port}/"

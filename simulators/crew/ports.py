"""What the crew needs of the world: robots to stand beside, and passes into the house."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from simulators.crew.hands import Seen

Witness = Callable[[str, str, int], None]
"""Notes what anybody at a site sees of a visit: to which device, `came`, `left` or `mended`, and when."""


class Robots(Protocol):
    """Robots as whoever stands beside them sees and handles them."""

    def look_at(self, device_id: str) -> Sequence[Seen]:
        """Return what is really wrong with a robot; whether somebody finds it is theirs."""
        ...

    def replace(self, device_id: str, fault: str, name: str, *, lasts: bool = True) -> bool:
        """Do what mends a fault, once for a name; return whether it was there."""
        ...

    def out_of_use(self, site: str) -> Mapping[str, int]:
        """Return the robots of a site that anybody sees have failed, and since when (epoch ms)."""
        ...


class Passes(Protocol):
    """Whoever lets people of the crew in, as themselves and with their own role."""

    def pass_of(self, email: str) -> tuple[str, str]:
        """Return name and value of the cookie of a session that begins now."""
        ...


class OnTheSpot:
    """The robots of one site, for who is there: of any other nothing is seen, and nothing done to it.

    Raises PermissionError for a robot of elsewhere, and for all when the visit is over.
    """

    def __init__(self, robots: Robots, here: Sequence[str]) -> None:
        self._robots = robots
        self._here = frozenset(here)

    def look_at(self, device_id: str) -> Sequence[Seen]:
        """Return what is really wrong with a robot that stands here."""
        self._check(device_id)
        return self._robots.look_at(device_id)

    def replace(self, device_id: str, fault: str, name: str, *, lasts: bool = True) -> bool:
        """Do what mends a fault of a robot that stands here."""
        self._check(device_id)
        return self._robots.replace(device_id, fault, name, lasts=lasts)

    def leave(self) -> None:
        """Go: from now on nothing is seen here."""
        self._here = frozenset()

    def _check(self, device_id: str) -> None:
        if device_id not in self._here:
            raise PermissionError(f"nobody stands beside {device_id}")

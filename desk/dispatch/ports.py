"""What dispatch needs from the other rooms of the desk."""

from collections.abc import Collection, Mapping
from typing import Protocol

from sqlalchemy.orm import Session

from fleet.principals import Principal


class Reserve(Protocol):
    """Whoever puts parts aside for a case, from a van first (desk.parts.reserving)."""

    def lock(
        self, session: Session, tickets: Collection[int], parts: Collection[str], vans: Collection[str]
    ) -> None:
        """Hold what these cases have put aside and may get, before anything of them is changed.

        Stock comes before assignments, in one order, so that nobody waits for who waits for them.
        """
        ...

    def reserve(
        self, session: Session, ticket_id: int, parts: Mapping[str, int], van: str, by: Principal
    ) -> tuple[str, ...]:
        """Put parts aside in this transaction; return the codes that are nowhere; Conflict in a race."""
        ...

    def release(self, session: Session, ticket_id: int, by: Principal, why: str) -> None:
        """Let go of what is put aside for a case."""
        ...

    def vans(self, session: Session) -> Mapping[str, Mapping[str, int]] | None:
        """Return what each van carries and nobody put aside, by its name; None where no stock is kept."""
        ...

    def arrivals(self, session: Session, parts: Collection[str], now: int) -> Mapping[str, int | None]:
        """Return since when, or from when on, each part is somewhere (epoch ms); None: it is nowhere."""
        ...

    def aside(self, session: Session, tickets: Collection[int]) -> Mapping[int, Mapping[str, str]]:
        """Return by case where each of its parts is put aside, a van or a depot, by part."""
        ...

    def depots(self, session: Session) -> Mapping[str, Mapping[str, int]]:
        """Return what nobody put aside at the depots of each region, by part; under "" what serves all."""
        ...


class NoStock:
    """Stands where no stock is kept: nothing is put aside, and nothing is missing."""

    def lock(
        self, session: Session, tickets: Collection[int], parts: Collection[str], vans: Collection[str]
    ) -> None:
        """Do nothing."""

    def reserve(
        self, session: Session, ticket_id: int, parts: Mapping[str, int], van: str, by: Principal
    ) -> tuple[str, ...]:
        """Return that nothing is missing."""
        return ()

    def release(self, session: Session, ticket_id: int, by: Principal, why: str) -> None:
        """Do nothing."""

    def vans(self, session: Session) -> Mapping[str, Mapping[str, int]] | None:
        """Return that nobody keeps one."""
        return None

    def arrivals(self, session: Session, parts: Collection[str], now: int) -> Mapping[str, int | None]:
        """Return that all are there."""
        return dict.fromkeys(parts, 0)

    def aside(self, session: Session, tickets: Collection[int]) -> Mapping[int, Mapping[str, str]]:
        """Return that nothing is put aside."""
        return {}

    def depots(self, session: Session) -> Mapping[str, Mapping[str, int]]:
        """Return that there are none."""
        return {}

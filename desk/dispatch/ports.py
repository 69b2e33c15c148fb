"""What dispatch needs from the other rooms of the desk."""

from collections.abc import Mapping
from typing import Protocol

from sqlalchemy.orm import Session

from fleet.principals import Principal


class Reserve(Protocol):
    """Whoever puts parts aside for a case, from a van first (desk.parts.reserving)."""

    def reserve(
        self, session: Session, ticket_id: int, parts: Mapping[str, int], van: str, by: Principal
    ) -> tuple[str, ...]:
        """Put parts aside in this transaction; return the codes that are nowhere; Conflict in a race."""
        ...

    def release(self, session: Session, ticket_id: int, by: Principal, why: str) -> None:
        """Let go of what is put aside for a case."""
        ...


class NoStock:
    """Stands where no stock is kept: nothing is put aside, and nothing is missing."""

    def reserve(
        self, session: Session, ticket_id: int, parts: Mapping[str, int], van: str, by: Principal
    ) -> tuple[str, ...]:
        """Return that nothing is missing."""
        return ()

    def release(self, session: Session, ticket_id: int, by: Principal, why: str) -> None:
        """Do nothing."""

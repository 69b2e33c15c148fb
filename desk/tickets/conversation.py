"""What people say about a case, and who answers for it."""

from dataclasses import replace
from enum import StrEnum

from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.errors import InvalidInput
from fleet.principals import Principal, check_reason
from fleet.tickets import Ticket
from storage.records.events import tell
from storage.records.people import person_of

LONGEST_COMMENT = 4000


class Audience(StrEnum):
    """For whom a comment is: the house alone, or the customer too."""

    INTERNAL = "internal"
    CUSTOMER = "customer"


class Conversation:
    """Keeps comments in the history of a case, and hands cases over. May be used from any thread."""

    def __init__(self, cases: CaseWriter) -> None:
        self._cases = cases

    def comment(self, ticket_id: int, text: str, audience: Audience, principal: Principal) -> None:
        """Say something about a case; closed ones too. Raises NotFound, InvalidInput for what is blank."""
        if not text.strip() or len(text) > LONGEST_COMMENT or "\x00" in text:
            raise InvalidInput(f"text: a comment has 1 to {LONGEST_COMMENT} characters and is not blank")
        with self._cases.writing() as session:
            case = self._cases.read(session, ticket_id)
            event = happened(case, "comment", principal, text, self._cases.now(), audience=audience)
            tell(session, event)

    def hand_over(
        self, ticket_id: int, person_id: int, principal: Principal, why: str, version: int | None = None
    ) -> Ticket:
        """Let somebody answer for a case, for a reason where that was somebody else before.

        Raises NotFound, InvalidInput, Conflict.
        """
        with self._cases.writing() as session:
            before = self._cases.read(session, ticket_id, version)
            if before.owner and before.owner != str(person_id):
                check_reason(why)
            person = person_of(session, person_id)
            reaches = any(sites is None or before.site in sites for _role, sites in person.reaches)
            if person.disabled_at is not None or not reaches:
                raise InvalidInput(
                    f"owner: {person.name} may not sign in, or has nothing to do with {before.site}"
                )
            after = replace(before, owner=str(person.id), owner_name=person.name)
            stored = self._cases.save(session, before, after)
            event = happened(
                stored,
                "owner",
                principal,
                why,
                self._cases.now(),
                owner=after.owner_name,
            )
            tell(session, event)
            return stored

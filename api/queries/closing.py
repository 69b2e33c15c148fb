"""What stands behind a repair, as a case's page shows it."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from fleet.feedback import Feedback, FeedbackLink, FollowUp, Judged, Visit, repair_of
from fleet.grants import Sites
from fleet.tickets import Ticket
from storage.records.fault_records import fault_records
from storage.records.feedback import feedback_of_case, link_of_case
from storage.records.follow_ups import follow_ups_of
from storage.records.visits import visits_of


@dataclass(frozen=True, slots=True)
class Behind:
    """What was said and written down of a case's repairs; `records` says how often warnings were right.

    `feedback`, `link` and `visit` are of its newest repair, the others of earlier ones as well.
    """

    feedback: Feedback | None
    earlier: Sequence[Feedback]
    link: FeedbackLink | None
    follow_ups: Sequence[FollowUp]
    visit: Visit | None
    records: dict[str, Judged]


def behind(session: Session, ticket: Ticket, sites: Sites) -> Behind:
    """Return what stands behind the repairs of a case; its record is of the sites that somebody sees."""
    repair = repair_of(ticket)
    said = feedback_of_case(session, ticket.id)
    visits = {each.repair: each for each in visits_of(session, ticket.id)}
    link = link_of_case(session, ticket.id)
    warned = [each.fault for each in ticket.suspicions if each.alerts]
    return Behind(
        next((each for each in said if each.repair == repair), None),
        [each for each in said if each.repair != repair],
        link if link and link.repair == repair else None,
        follow_ups_of(session, ticket.id),
        visits.get(repair),
        {fault: each.all for fault, each in fault_records(session, warned, sites).items()},
    )

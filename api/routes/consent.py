"""Whether customers want the visits that we propose."""

from fastapi import APIRouter

from api.closing_schemas import ConsentAsked, ConsentGiven, ConsentItem, MadeLink
from api.doors import Acting, ChangesTickets, SeesFleet, on_behalf_of
from api.routes.cases import within
from api.routes.common import Nothing, RowId, problems
from api.services import ApiServices, Services
from fleet.errors import InvalidInput
from fleet.grants import Sites
from fleet.principals import Principal
from storage.records.consents import consent_of
from storage.records.tickets import ticket

router = APIRouter(prefix="/api/v1", tags=["tickets"])
_ASKING = problems(
    body="The body cannot be read",
    not_found="There is no such ticket",
    conflict="Nobody proposes this visit, or it is too late to ask",
)


@router.get("/tickets/{ticket_id}/consent", responses=problems(not_found="There is no such ticket"))
def read_consent(services: Services, sites: SeesFleet, ticket_id: RowId, _: Nothing) -> ConsentItem:
    """Return who pays for a visit, and what the customer was asked and said."""
    return _item(services, ticket_id, sites)


@router.post("/tickets/{ticket_id}/consent-link", status_code=201, responses=_ASKING)
def make_consent_link(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    asked: ConsentAsked,
    _: Nothing,
) -> MadeLink:
    """Make a link by which the customer says whether a proposed visit may come."""
    link = asked_for_consent(services, ticket_id, asked.offer, principal, sites, by_letter=asked.by_letter)
    with services.desk.transaction() as session:
        consent = consent_of(session, ticket_id)
    assert consent is not None  # it was made just now
    return MadeLink.model_validate({"link": link, "ends": consent.ends})


def asked_for_consent(
    services: ApiServices, ticket_id: int, offer: str, by: Principal, sites: Sites, *, by_letter: bool
) -> str | None:
    """Ask the customer of a case; return the link to hand on, None where they are written to.

    Raises InvalidInput where they are to be, and have no address.
    """
    if by_letter:
        with services.desk.transaction() as session:
            site = ticket(session, ticket_id, sites).site
            if services.letters.way_to(session, site) is None:
                raise InvalidInput("by_letter: the customer has no address to which anything can be sent")
    secret = services.work.consent.ask(ticket_id, offer, by, sites, by_letter=by_letter)
    return None if by_letter else f"{services.closing.address}c/{secret}"


@router.post("/tickets/{ticket_id}/consent", responses=_ASKING)
def record_consent(
    services: Services,
    sites: ChangesTickets,
    principal: Acting,
    ticket_id: RowId,
    given: ConsentGiven,
    _: Nothing,
) -> ConsentItem:
    """Keep what staff was told by the customer."""
    within(services, ticket_id, sites)
    who = on_behalf_of(principal, given.who)
    services.work.consent.record(ticket_id, given.answer, given.remark, who, sites)
    return _item(services, ticket_id, sites)


def _item(services: ApiServices, ticket_id: int, sites: Sites) -> ConsentItem:
    with services.desk.transaction() as session:
        case = ticket(session, ticket_id, sites)
        pays, said = services.work.consent.standing(session, case)
        proposed = services.work.consent.is_proposed(session, case)
    names = ConsentItem.model_fields.keys() - {"pays", "proposed"}
    found = {} if said is None else {name: getattr(said, name) for name in names}
    return ConsentItem.model_validate({"pays": pays, "proposed": proposed} | found)

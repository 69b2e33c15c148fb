"""Asks customers whether a visit that they did not ask for may come, and keeps what they say."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from secrets import token_urlsafe

from sqlalchemy.orm import Session

from desk.tickets.writing import CaseWriter
from fleet.cases import happened
from fleet.consent import (
    LINK_LASTS_MS,
    LONGEST_ANSWER,
    LONGEST_OFFER,
    Answer,
    Consent,
    Coverage,
    checked,
    coverage,
    is_askable,
    is_proposed,
)
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.principals import Principal, PrincipalKind
from fleet.secrecy import link_key
from fleet.sites import Site
from fleet.tickets import Ticket, TicketState
from fleet.zones import Zones
from storage.records.consents import consent_by_key, consent_of, consents_of, keep_consent
from storage.records.customers import contracts_by_customer
from storage.records.events import tell
from storage.records.purchases import warranties_of
from storage.records.requests import requested_tickets
from storage.records.sites import all_sites, site_of
from storage.records.tickets import ticket

_USE = "consent"
_OPENS_NOTHING = "this link opens nothing; ask whoever sent it for a new one"
_OVER = "this link is over: the visit is arranged, or is not needed any more"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a link opens: the case, and what was asked and said; it `may_answer` until somebody sets out."""

    ticket: Ticket
    consent: Consent
    may_answer: bool


class ConsentDesk:
    """Asks for consent and keeps it; where a visit costs, nobody goes there without it but for a reason.

    All methods may be called from any thread and process. Raises NotFound for an unknown case.
    """

    def __init__(self, cases: CaseWriter, zones: Zones | None = None) -> None:
        self._cases = cases
        self._zones = zones or Zones()
        cases.require(self._check_set_out)

    def ask(
        self,
        ticket_id: int,
        offer: str,
        principal: Principal,
        sites: Sites = None,
        *,
        by_letter: bool = False,
    ) -> str:
        """Return the secret of a new link; the one before opens nothing more, an answer before is gone.

        `offer` says what the visit costs. `by_letter`: the customer is written to, with a link of their own.
        Raises InvalidInput, and Conflict where nobody proposes a visit.
        """
        offer = checked("offer", offer, LONGEST_OFFER)
        if not offer:
            raise InvalidInput("offer: write what the visit costs, or that it is free")
        now, secret = self._cases.now(), token_urlsafe(24)
        with self._cases.writing() as session:
            case = self._askable(session, ticket_id, sites)
            keep_consent(session, Consent(case.id, now, now + LINK_LASTS_MS, offer), link_key(_USE, secret))
            tell(session, happened(case, "consent_asked", principal, offer, now, by_letter=by_letter))
        return secret

    def link_again(self, ticket_id: int) -> str:
        """Return the secret of another link to what was asked; the one before opens nothing more.

        Raises Conflict where it was answered, is over, or was never asked.
        """
        secret = token_urlsafe(24)
        with self._cases.writing() as session:
            case, known = ticket(session, ticket_id), consent_of(session, ticket_id)
            if known is None or known.answer is not None or not self._may_answer(case, known):
                raise Conflict(f"ticket {ticket_id}: nothing is asked any more")
            keep_consent(session, known, link_key(_USE, secret))
        return secret

    def _may_answer(self, case: Ticket, known: Consent) -> bool:
        return is_askable(case) and self._cases.now() < known.ends

    def open(self, session: Session, secret: str) -> Asked:
        """Return what a link opens; to look changes nothing. Raises NotFound for one that opens nothing."""
        found = consent_by_key(session, link_key(_USE, secret))
        if found is None:
            raise NotFound(_OPENS_NOTHING)
        case = ticket(session, found.ticket_id)
        may_answer = self._may_answer(case, found)
        # Who answered may see that it came, but not for ever: mail is kept longer than a site is theirs.
        if not may_answer and (found.answer is None or self._cases.now() >= found.ends):
            raise NotFound(_OVER)
        return Asked(case, found, may_answer)

    def answer(self, secret: str, answer: Answer, remark: str) -> Consent:
        """Keep what the holder of a link says; it may be changed until somebody sets out.

        Raises NotFound, InvalidInput, and Conflict where it is too late.
        """
        with self._cases.writing() as session:
            asked = self.open(session, secret)
            if not asked.may_answer:
                raise Conflict("the visit is arranged already; please call")
            who = Principal(PrincipalKind.CUSTOMER, f"ticket {asked.ticket.id}", "customer")
            return self._keep(session, asked.ticket, asked.consent, answer, remark, who)

    def record(
        self, ticket_id: int, answer: Answer, remark: str, principal: Principal, sites: Sites = None
    ) -> Consent:
        """Keep what staff was told. Raises InvalidInput, and Conflict where nobody proposes a visit."""
        now = self._cases.now()
        with self._cases.writing() as session:
            case = self._askable(session, ticket_id, sites)
            known = consent_of(session, ticket_id) or Consent(ticket_id, now, now, "")
            return self._keep(session, case, known, answer, remark, principal)

    def _keep(
        self, session: Session, case: Ticket, known: Consent, answer: Answer, remark: str, who: Principal
    ) -> Consent:
        now = self._cases.now()
        remark = checked("remark", remark, LONGEST_ANSWER)
        said = replace(known, answer=answer, answered_at=now, by=who.name, remark=remark)
        keep_consent(session, said)
        # The log is for ever: what customers write is not in it.
        tell(session, happened(case, "consent", who, "", now, before=known.answer, after=answer))
        return said

    def is_proposed(self, session: Session, case: Ticket) -> bool:
        """Tell whether a case is a repair that we propose, and that no customer asked for since."""
        return bool(self.proposed(session, [case]))

    def proposed(self, session: Session, cases: Collection[Ticket]) -> list[Ticket]:
        """Return those of some cases that are repairs which we propose, and no customer asked for since."""
        ours = [case for case in cases if is_proposed(case)]
        wanted = requested_tickets(session, [case.id for case in ours])
        return [case for case in ours if case.id not in wanted]

    def standing(self, session: Session, case: Ticket) -> tuple[Coverage, Consent | None]:
        """Return who pays for a visit, and what the customer was asked and said."""
        return self.standings(session, [case])[case.id]

    def standings(
        self, session: Session, cases: Collection[Ticket]
    ) -> dict[int, tuple[Coverage, Consent | None]]:
        """Return the same of many cases."""
        now, said = self._cases.now(), consents_of(session, [case.id for case in cases])
        names = {case.site for case in cases}
        if len(names) > 1:
            sites = {each.id: each for each in all_sites(session)}
        else:
            sites = {each: site_of(session, each) for each in names}
        contracts = contracts_by_customer(
            session, {each.customer for each in sites.values() if each.customer}
        )
        until = warranties_of(session, {case.device_id for case in cases})
        found = {}
        for case in cases:
            site = sites.get(case.site, Site(case.site))
            known = [each for each in contracts.get(site.customer, ()) if each.covers(site.id)]
            day = day_of(now, self._zones.of(case.site))
            pays = coverage(bool(site.customer), until.get(case.device_id), known, day)
            found[case.id] = (pays, said.get(case.id))
        return found

    def _check_set_out(self, session: Session, case: Ticket, after: TicketState, why: str) -> None:
        """Raise InvalidInput where somebody sets out, at the customer's cost, without their consent."""
        if not _sets_out(case, after) or why.strip() or not self.is_proposed(session, case):
            return
        pays, said = self.standing(session, case)
        if said is not None and said.answer is Answer.NO:
            raise InvalidInput("why: the customer does not want this visit; say why somebody sets out anyway")
        if pays is Coverage.CUSTOMER and (said is None or said.answer is None):
            raise InvalidInput(
                "why: this visit costs and the customer has not consented; ask, or say why not"
            )

    def _askable(self, session: Session, ticket_id: int, sites: Sites) -> Ticket:
        case = ticket(session, ticket_id, sites)
        if not self.is_proposed(session, case):
            raise Conflict(f"ticket {ticket_id} is no repair that we propose: its customer asked for it")
        if not is_askable(case):
            raise Conflict(f"ticket {ticket_id} is {case.state}: it is too late to ask")
        return case


def _sets_out(case: Ticket, after: TicketState) -> bool:
    """Tell whether somebody goes to the device by a move: on the way, or there at once."""
    if after is TicketState.REPAIRING:
        return case.state is not TicketState.EN_ROUTE and case.on_site_at is None
    return after is TicketState.EN_ROUTE

"""What the service knows of a device beside what it tells itself: its purchase, its warranty, whose it is."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from desk.people.terms import TermsOfSites
from fleet.clock import Clock
from fleet.dossier import DossierFact
from fleet.text import Text
from storage.records.devices import place_of
from storage.records.purchases import purchase_of
from storage.records.sites import site_of

_PLANS = {
    "basic": Text("basic", "基础版"),
    "gold": Text("gold", "黄金版"),
    "premium": Text("premium", "尊享版"),
}


class ServiceFacts:
    """Tells what dossiers show of a device's purchase and of its customer's plan (desk.intake.dossier)."""

    def __init__(self, terms: TermsOfSites, clock: Clock) -> None:
        self._terms = terms
        self._clock = clock

    def __call__(self, session: Session, device_id: str) -> list[DossierFact]:
        """Return what is known; nothing of a device that nobody described."""
        return [*self._of_purchase(session, device_id), *self._of_customer(session, device_id)]

    def _of_purchase(self, session: Session, device_id: str) -> list[DossierFact]:
        purchased, until = purchase_of(session, device_id)
        facts = []
        if purchased:
            facts.append(DossierFact(Text("Purchased", "购买日期"), Text(purchased, purchased)))
        if until:
            today = datetime.fromtimestamp(self._clock.now_ms() / 1000, ZoneInfo("UTC")).date()
            over = date.fromisoformat(until) < today
            facts.append(DossierFact(Text("Warranty until", "保修至"), Text(until, until), over=over))
        return facts

    def _of_customer(self, session: Session, device_id: str) -> list[DossierFact]:
        place = place_of(session, device_id)
        if place is None:
            return []
        site = site_of(session, place.site)
        facts = []
        if site.customer:
            facts.append(DossierFact(Text("Customer", "客户"), Text(site.customer, site.customer)))
        terms = self._terms.of(site.id, ZoneInfo(site.zone or "UTC"), self._clock.now_ms())
        if terms.plan:
            plan = _PLANS.get(terms.plan, Text(terms.plan, terms.plan))
            facts.append(DossierFact(Text("Plan", "服务方案"), plan))
        return facts

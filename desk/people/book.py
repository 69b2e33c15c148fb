"""The book of the service: customers, contracts, engineers, regions and parts, as they are described."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, TypeVar

from sqlalchemy.orm import Session

from desk.people.changes import described
from fleet.clock import Clock
from fleet.customers import Contract, Customer
from fleet.engineers import Demands, Due, Engineer, Stars, falls_due, in_a_circle
from fleet.errors import InvalidInput, NotFound
from fleet.events import Subject
from fleet.grants import Sites
from fleet.localtime import day_of
from fleet.part_catalogue import Part
from fleet.principals import Principal
from fleet.regions import Region
from fleet.text import quoted
from fleet.zones import Zones
from storage.records.customers import (
    contract_columns,
    contract_of,
    customer_columns,
    customer_of,
    keep_contract,
    keep_customer,
)
from storage.records.database import DeskDatabase
from storage.records.described import Kept
from storage.records.engineers import (
    account_holders,
    engineer_columns,
    engineer_of,
    engineers,
    keep_engineer,
    keep_region,
    keep_stars,
    leaders,
    region_columns,
    region_of,
)
from storage.records.events import tell
from storage.records.part_catalogue import keep_part, part_columns, part_of
from storage.records.people import person_of

T = TypeVar("T")


class ServiceBook:
    """Keeps what is said of the service's people; each change is an event of the log.

    `version` guards against acting on an old reading: that which was read, 0 where there was none. What is
    said again as it is changes nothing. All may raise Conflict, InvalidInput and StoreUnavailable.
    """

    def __init__(
        self,
        desk: DeskDatabase,
        clock: Clock,
        demands: Demands,
        zones: Zones,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._zones = zones
        self._changed = changed
        self.demands = demands

    def customer(self, said: Customer, by: Principal, version: int | None = None) -> Customer:
        """Keep what is said of a customer."""

        def change(session: Session) -> Customer:
            kept = keep_customer(session, said, version)
            self._tell(session, Subject.CUSTOMER, said.id, by, kept, customer_columns(said))
            return customer_of(session, said.id)

        return self._kept(change)

    def contract(self, said: Contract, by: Principal, version: int | None = None) -> Contract:
        """Keep what is said of a contract; its customer has to be described."""
        if said.ends is not None and said.ends < said.begins:
            raise InvalidInput(
                f"ends: {said.ends} is before it begins ({said.begins}); allowed: that day or later"
            )

        def change(session: Session) -> Contract:
            try:
                customer_of(session, said.customer)
            except NotFound as error:
                raise InvalidInput(f"customer: {error}; describe it first") from error
            kept = keep_contract(session, said, version)
            self._tell(session, Subject.CONTRACT, said.number, by, kept, contract_columns(said), "customer")
            return contract_of(session, said.number)

        return self._kept(change)

    def engineer(self, said: Engineer, by: Principal, version: int | None = None) -> Engineer:
        """Keep what is said of an engineer; how they were judged stays."""

        def change(session: Session) -> Engineer:
            self._check_engineer(session, said)
            kept = keep_engineer(session, said, version)
            self._tell(session, Subject.ENGINEER, said.id, by, kept, engineer_columns(said))
            return engineer_of(session, said.id)

        return self._kept(change)

    def judge(self, engineer_id: str, stars: float | None, by: Principal, reason: str) -> None:
        """Keep what an engineer's work was judged at, 1 to 5; None: it is not known. Raises NotFound."""
        if stars is not None and not 1 <= stars <= 5:
            raise InvalidInput(f"stars: {stars} is none; allowed: 1 to 5")
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            before = engineer_of(session, engineer_id).stars
            keep_stars(session, engineer_id, None if stars is None else Stars(stars, now))
            held = {"stars": None if before is None else before.stars}
            tell(session, described(Subject.ENGINEER, engineer_id, by, now, held, {"stars": stars}, reason))

    def region(self, said: Region, by: Principal, version: int | None = None) -> Region:
        """Keep what is said of a region."""

        def change(session: Session) -> Region:
            known = leaders(session)
            for field, who in (("leader", said.leader), ("director", said.director)):
                _check_known(field, who, known)
            kept = keep_region(session, said, version)
            self._tell(session, Subject.REGION, said.id, by, kept, region_columns(said))
            return region_of(session, said.id)

        return self._kept(change)

    def part(self, said: Part, by: Principal, version: int | None = None) -> Part:
        """Keep what is said of a part of the catalogue."""

        def change(session: Session) -> Part:
            kept = keep_part(session, said, version)
            self._tell(session, Subject.PART, said.code, by, kept, part_columns(said))
            return part_of(session, said.code)

        return self._kept(change)

    def dues(self, sites: Sites = None) -> list[Due]:
        """Return what falls due for the engineers of some sites, what is most urgent first."""
        with self._desk.transaction() as session:
            found = engineers(session, sites)
        return sorted((due for each in found for due in self.dues_of(each)), key=_urgency)

    def dues_of(self, engineer: Engineer) -> list[Due]:
        """Return what falls due for one engineer."""
        return list(falls_due(engineer, self.today(), self.demands))

    def today(self) -> date:
        """Return the date by the installation's clock."""
        return day_of(self._clock.now_ms(), self._zones.of(None))

    def _check_engineer(self, session: Session, said: Engineer) -> None:
        known = leaders(session)
        _check_known("leader", said.leader, known)
        if in_a_circle(known | {said.id: said.leader}, said.id):
            raise InvalidInput(f"leader: {quoted(said.leader)} is led by {quoted(said.id)}; choose another")
        if said.account is None:
            return
        try:
            person_of(session, said.account)
        except NotFound as error:
            raise InvalidInput(f"account: {error}") from error
        holder = account_holders(session).get(said.account, said.id)
        if holder != said.id:
            raise InvalidInput(f"account: it is that of the engineer {quoted(holder)} already")

    def _kept(self, change: Callable[[Session], T]) -> T:
        with self._desk.transaction() as session:
            found = change(session)
        self._changed()
        return found

    def _tell(
        self,
        session: Session,
        subject: Subject,
        key: str,
        by: Principal,
        kept: Kept,
        columns: Mapping[str, Any],
        *always: str,
    ) -> None:
        """Tell the log what changed, and what else (`always`) whoever follows needs to know of it."""
        if not kept.changed:
            return
        after = {name: columns[name] for name in kept.changed}
        event = described(subject, key, by, self._clock.now_ms(), kept.before, after)
        event.data.update({name: columns[name] for name in always})
        tell(session, event)


def _check_known(field: str, who: str, known: Mapping[str, str]) -> None:
    if who and who not in known:
        raise InvalidInput(f"{field}: there is no engineer {quoted(who)}; describe them first")


def _urgency(due: Due) -> tuple[date, str, str, str]:
    return due.on or date.min, due.kind, due.engineer, due.about

"""Customers and contracts, and the terms that follow from them for sites. Callers bring the transaction."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from fleet.customers import (
    Contact,
    Contract,
    Customer,
    Included,
    PlanName,
    Tier,
    Visiting,
)
from fleet.errors import NotFound
from fleet.grants import Sites
from fleet.text import Text, quoted
from storage.records.base import Base
from storage.records.described import Kept, keep
from storage.records.paging import Asked, Order, Page, fetch_page
from storage.records.parts import parts_of
from storage.records.sites import SiteRow


class CustomerRow(Base):
    """A customer (fleet.customers.Customer)."""

    __tablename__ = "customer"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name_en: Mapped[str] = mapped_column(String(128))
    name_zh: Mapped[str] = mapped_column(String(128))
    tier: Mapped[str] = mapped_column(String(1))
    plan: Mapped[str] = mapped_column(String(16))
    language: Mapped[str] = mapped_column(String(2))
    contact_name: Mapped[str] = mapped_column(String(64))
    contact_phone: Mapped[str] = mapped_column(String(32))
    contact_email: Mapped[str] = mapped_column(String(254))
    visits: Mapped[list[str]] = mapped_column(JSON)
    notes: Mapped[str] = mapped_column(String(1000))
    active: Mapped[bool]
    version: Mapped[int]


class ContractRow(Base):
    """A contract (fleet.customers.Contract); dates are ISO."""

    __tablename__ = "contract"

    number: Mapped[str] = mapped_column(String(64), primary_key=True)
    customer: Mapped[str] = mapped_column(ForeignKey("customer.id"), index=True)
    plan: Mapped[str] = mapped_column(String(16))
    begins: Mapped[str] = mapped_column(String(10))
    ends: Mapped[str | None] = mapped_column(String(10))
    sites: Mapped[list[str]] = mapped_column(JSON)
    includes: Mapped[list[str]] = mapped_column(JSON)
    visits_a_year: Mapped[int]
    price: Mapped[float | None]
    version: Mapped[int]


def keep_customer(session: Session, customer: Customer, version: int | None = None) -> Kept:
    """Keep what is said of a customer. Raises Conflict as `keep`."""
    return keep(session, CustomerRow, customer_columns(customer), version)


def keep_contract(session: Session, contract: Contract, version: int | None = None) -> Kept:
    """Keep what is said of a contract. Raises Conflict as `keep`."""
    return keep(session, ContractRow, contract_columns(contract), version)


def customer_of(session: Session, customer_id: str, sites: Sites = None) -> Customer:
    """Return a customer. Raises NotFound, also where none of its sites is among `sites`."""
    row = session.get(CustomerRow, customer_id) if "\0" not in customer_id else None
    if row is None or (sites is not None and customer_id not in customers_at(session, sites)):
        raise NotFound(f"there is no customer {quoted(customer_id)}")
    return _customer(row)


def find_customers(
    session: Session, asked: Asked, sites: Sites = None, text: str | None = None
) -> Page[Customer]:
    """Return a page of the customers of some sites, by id; `text` is looked for in ids and names."""
    wanted = select(CustomerRow)
    if sites is not None:
        wanted = wanted.where(CustomerRow.id.in_(customers_at(session, sites)))
    if text:
        columns = (CustomerRow.id, CustomerRow.name_en, CustomerRow.name_zh)
        wanted = wanted.where(or_(*(each.icontains(text, autoescape=True) for each in columns)))
    page = fetch_page(session, wanted, Order(CustomerRow.id, CustomerRow.id, asked.descending), asked)
    return page.of(_customer)


def customers_named(session: Session, ids: Collection[str]) -> dict[str, Customer]:
    """Return those of these customers that are described."""
    found: dict[str, Customer] = {}
    for part in parts_of(ids):
        rows = session.scalars(select(CustomerRow).where(CustomerRow.id.in_(part)))
        found |= {row.id: _customer(row) for row in rows}
    return found


def customers_at(session: Session, sites: Collection[str]) -> frozenset[str]:
    """Return the ids of the customers that these sites name."""
    found: set[str] = set()
    for part in parts_of(sites):
        found |= set(session.scalars(select(SiteRow.customer).where(SiteRow.id.in_(part)).distinct()))
    return frozenset(found - {""})


def sites_of_customers(session: Session, customers: Collection[str]) -> frozenset[str]:
    """Return the ids of the sites that name one of these customers."""
    found: set[str] = set()
    for part in parts_of(customers):
        found |= set(session.scalars(select(SiteRow.id).where(SiteRow.customer.in_(part))))
    return frozenset(found)


def contract_of(session: Session, number: str, sites: Sites = None) -> Contract:
    """Return a contract. Raises NotFound, also where its customer has none of these sites."""
    row = session.get(ContractRow, number) if "\0" not in number else None
    if row is None or (sites is not None and row.customer not in customers_at(session, sites)):
        raise NotFound(f"there is no contract {quoted(number)}")
    return _contract(row)


def find_contracts(
    session: Session, asked: Asked, sites: Sites = None, customer: str | None = None
) -> Page[Contract]:
    """Return a page of the contracts of customers of some sites, by number."""
    wanted = select(ContractRow)
    if sites is not None:
        wanted = wanted.where(ContractRow.customer.in_(customers_at(session, sites)))
    if customer is not None:
        wanted = wanted.where(ContractRow.customer == customer)
    page = fetch_page(session, wanted, Order(ContractRow.number, ContractRow.number, asked.descending), asked)
    return page.of(_contract)


def contracts_of(session: Session, customer: str) -> Sequence[Contract]:
    """Return the contracts of a customer, those that began last first."""
    wanted = select(ContractRow).where(ContractRow.customer == customer)
    rows = session.scalars(wanted.order_by(ContractRow.begins.desc(), ContractRow.number))
    return [_contract(row) for row in rows]


def contracts_by_customer(session: Session, customers: Collection[str]) -> dict[str, list[Contract]]:
    """Return the contracts of these customers, each as `contracts_of`."""
    found: dict[str, list[Contract]] = {}
    for part in parts_of(customers):
        wanted = select(ContractRow).where(ContractRow.customer.in_(part))
        for row in session.scalars(wanted.order_by(ContractRow.begins.desc(), ContractRow.number)):
            found.setdefault(row.customer, []).append(_contract(row))
    return found


@dataclass(frozen=True, slots=True)
class KnownTerms:
    """All that terms follow from: customers by id, their contracts, and which customer each site names."""

    customers: dict[str, Customer] = field(default_factory=dict)
    contracts: dict[str, list[Contract]] = field(default_factory=dict)
    sites: dict[str, str] = field(default_factory=dict)


def known_terms(session: Session) -> KnownTerms:
    """Return what terms follow from, of all sites."""
    contracts: dict[str, list[Contract]] = {}
    for contract in map(_contract, session.scalars(select(ContractRow))):
        contracts.setdefault(contract.customer, []).append(contract)
    columns = (CustomerRow.id, CustomerRow.tier, CustomerRow.plan, CustomerRow.active)
    customers = {
        row.id: Customer(row.id, tier=Tier(row.tier), plan=PlanName(row.plan), active=row.active)
        for row in session.execute(select(*columns))
    }
    sites = session.execute(select(SiteRow.id, SiteRow.customer).where(SiteRow.customer != ""))
    return KnownTerms(customers, contracts, {site: customer for site, customer in sites})  # noqa: C416 - typed rows


def customer_columns(customer: Customer) -> dict[str, Any]:
    """Return what a row holds of a customer, but for its version."""
    return {
        "id": customer.id,
        "name_en": customer.name.en,
        "name_zh": customer.name.zh,
        "tier": str(customer.tier),
        "plan": str(customer.plan),
        "language": customer.language,
        "contact_name": customer.contact.name,
        "contact_phone": customer.contact.phone,
        "contact_email": customer.contact.email,
        "visits": _sorted(customer.visits),
        "notes": customer.notes,
        "active": customer.active,
    }


def contract_columns(contract: Contract) -> dict[str, Any]:
    """Return what a row holds of a contract, but for its version."""
    return {
        "number": contract.number,
        "customer": contract.customer,
        "plan": str(contract.plan),
        "begins": contract.begins.isoformat(),
        "ends": None if contract.ends is None else contract.ends.isoformat(),
        "sites": _sorted(contract.sites),
        "includes": _sorted(contract.includes),
        "visits_a_year": contract.visits_a_year,
        "price": contract.price,
    }


def customer_from(columns: Mapping[str, Any]) -> Customer:
    """Return the customer that the columns of a row describe."""
    return _customer(CustomerRow(**columns, version=0))


def contract_from(columns: Mapping[str, Any]) -> Contract:
    """Return the contract that the columns of a row describe."""
    return _contract(ContractRow(**columns, version=0))


def _sorted(words: Iterable[str]) -> list[str]:
    return sorted(map(str, words))


def _customer(row: CustomerRow) -> Customer:
    return Customer(
        row.id,
        Text(row.name_en, row.name_zh),
        Tier(row.tier),
        PlanName(row.plan),
        "en" if row.language == "en" else "zh",
        Contact(row.contact_name, row.contact_phone, row.contact_email),
        frozenset(map(Visiting, row.visits)),
        row.notes,
        row.active,
        row.version,
    )


def _contract(row: ContractRow) -> Contract:
    return Contract(
        row.number,
        row.customer,
        PlanName(row.plan),
        date.fromisoformat(row.begins),
        None if row.ends is None else date.fromisoformat(row.ends),
        frozenset(row.sites),
        frozenset(map(Included, row.includes)),
        row.visits_a_year,
        row.price,
        row.version,
    )

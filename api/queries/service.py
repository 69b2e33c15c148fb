"""Customers, contracts and engineers as the API shows them: to each what is for them."""

from datetime import date

from api.params import Paged, SearchText
from api.schemas import Names
from api.service_schemas import (
    CertificateItem,
    ContactItem,
    ContractChange,
    ContractItem,
    CustomerChange,
    CustomerItem,
    DueItem,
    EngineerChange,
    EngineerItem,
    HomeItem,
    PartChange,
    PartItem,
    RegionChange,
    RegionItem,
    StarsItem,
    TrainingItem,
)
from fleet.customers import Contact, Contract, Customer
from fleet.engineers import Certificate, Demands, Due, Engineer, Training, able
from fleet.part_catalogue import Part
from fleet.regions import Region
from fleet.text import Text


class CustomerQuery(Paged):
    """Which customers."""

    q: SearchText | None = None


class ContractQuery(Paged):
    """Which contracts."""

    customer: SearchText | None = None


class PartQuery(Paged):
    """Which parts: all."""


def customer_item(customer: Customer, *, sees: bool) -> CustomerItem:
    """Return a customer; `sees` says whether contacts are for whoever asks."""
    contact = customer.contact
    return CustomerItem(
        id=customer.id,
        name=_names(customer.name),
        tier=customer.tier,
        plan=customer.plan,
        language=customer.language,
        contact=ContactItem(name=contact.name, phone=contact.phone, email=contact.email) if sees else None,
        visits=sorted(customer.visits),
        notes=customer.notes if sees else None,
        active=customer.active,
        version=customer.version,
    )


def customer_said(customer_id: str, said: CustomerChange) -> Customer:
    """Return the customer that a request describes."""
    contact = Contact(said.contact.name, said.contact.phone, said.contact.email)
    return Customer(
        customer_id,
        _text(said.name),
        said.tier,
        said.plan,
        said.language,
        contact,
        frozenset(said.visits),
        said.notes,
        said.active,
    )


def contract_item(contract: Contract, today: date, *, sees: bool) -> ContractItem:
    """Return a contract; `sees` says whether its price is for whoever asks."""
    return ContractItem(
        number=contract.number,
        customer=contract.customer,
        plan=contract.plan,
        begins=contract.begins,
        ends=contract.ends,
        sites=sorted(contract.sites),
        includes=sorted(contract.includes),
        visits_a_year=contract.visits_a_year,
        price=contract.price if sees else None,
        runs=contract.runs(today),
        version=contract.version,
    )


def contract_said(number: str, said: ContractChange) -> Contract:
    """Return the contract that a request describes."""
    return Contract(
        number,
        said.customer,
        said.plan,
        said.begins,
        said.ends,
        frozenset(said.sites),
        frozenset(said.includes),
        said.visits_a_year,
        said.price,
    )


def engineer_item(
    one: Engineer, dues: list[Due], demands: Demands, today: date, *, sees: bool
) -> EngineerItem:
    """Return an engineer; `sees` says whether what is personal is for whoever asks."""
    home = None if one.home is None or not sees else HomeItem(lat=one.home[0], lon=one.home[1])
    return EngineerItem(
        id=one.id,
        name=one.name,
        account=one.account if sees else None,
        region=one.region,
        leader=one.leader,
        phone=one.phone if sees else None,
        email=one.email if sees else None,
        skills=sorted(one.skills),
        able=sorted(skill for skill in one.skills if able(one, skill, today, demands)),
        certificates=[_certificate(each) for each in one.certificates] if sees else None,
        training=[TrainingItem.model_validate(each) for each in one.training] if sees else None,
        stars=None if one.stars is None else StarsItem(stars=one.stars.stars, at=one.stars.at),
        shifts={day: list(hours) for day, hours in one.shifts.items()},
        home=home,
        van=one.van,
        employer=one.employer,
        active=one.active,
        due=[due_item(each) for each in dues] if sees else None,
        version=one.version,
    )


def due_item(due: Due) -> DueItem:
    """Return what falls due."""
    return DueItem.model_validate(due)


def engineer_said(engineer_id: str, said: EngineerChange) -> Engineer:
    """Return the engineer that a request describes."""
    return Engineer(
        id=engineer_id,
        name=said.name,
        account=said.account,
        region=said.region,
        leader=said.leader,
        phone=said.phone,
        email=said.email,
        skills=frozenset(said.skills),
        certificates=tuple(
            Certificate(each.name, each.skill or "", each.number, each.issued, each.expires)
            for each in said.certificates
        ),
        training=tuple(Training(each.on, each.topic, each.hours) for each in said.training),
        shifts={day: tuple(hours) for day, hours in said.shifts.items()},
        home=None if said.home is None else (said.home.lat, said.home.lon),
        van=said.van,
        employer=said.employer,
        active=said.active,
    )


def region_item(region: Region) -> RegionItem:
    """Return a region."""
    return RegionItem(
        id=region.id,
        name=_names(region.name),
        leader=region.leader,
        director=region.director,
        version=region.version,
    )


def region_said(region_id: str, said: RegionChange) -> Region:
    """Return the region that a request describes."""
    return Region(region_id, _text(said.name), said.leader, said.director)


def part_item(part: Part) -> PartItem:
    """Return a part."""
    return PartItem(
        code=part.code,
        name=_names(part.name),
        price=part.price,
        lead_days=part.lead_days,
        fits=sorted(part.fits),
        supplier=part.supplier,
        warranty_months=part.warranty_months,
        discontinued=part.discontinued,
        replaced_by=part.replaced_by,
        serialised=part.serialised,
        lot=part.lot,
        version=part.version,
    )


def part_said(code: str, said: PartChange) -> Part:
    """Return the part that a request describes."""
    return Part(
        code,
        _text(said.name),
        said.price,
        said.lead_days,
        frozenset(said.fits),
        said.supplier,
        said.warranty_months,
        said.discontinued,
        said.replaced_by,
        said.serialised,
        said.lot,
    )


def _certificate(one: Certificate) -> CertificateItem:
    return CertificateItem(
        name=one.name, skill=one.skill or None, number=one.number, issued=one.issued, expires=one.expires
    )


def _names(text: Text) -> Names:
    return Names(en=text.en, zh=text.zh)


def _text(names: Names) -> Text:
    return Text(names.en, names.zh)

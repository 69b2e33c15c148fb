"""Customers and their contracts."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from access.doors import Visitor
from api.doors import Acting, Known, ManagesService, SeesFleet
from api.etags import IfMatch, IfNoneMatch, etag_of, version_of
from api.queries.service import (
    ContractQuery,
    CustomerQuery,
    contract_item,
    contract_said,
    customer_item,
    customer_said,
)
from api.routes.common import Key, Nothing, problems
from api.schemas import ListOf
from api.service_schemas import ContractChange, ContractItem, CustomerChange, CustomerItem
from api.services import Services
from fleet.grants import Permission
from storage.records.customers import contract_of, customer_of, find_contracts, find_customers

customers = APIRouter(prefix="/api/v1/customers", tags=["service"])
contracts = APIRouter(prefix="/api/v1/contracts", tags=["service"])
_CHANGE = problems(
    body="The body cannot be read", precondition="It was changed since the version in If-Match"
)


def sees_service(visitor: Visitor) -> bool:
    """Tell whether phone numbers, addresses and prices are for whoever asks."""
    return visitor.principal.reach(Permission.SERVICE_READ) != frozenset()


@customers.get("", responses=problems())
def list_customers(
    services: Services, visitor: Known, sites: SeesFleet, query: Annotated[CustomerQuery, Query()]
) -> ListOf[CustomerItem]:
    """List the customers of your sites, by id."""
    with services.desk.transaction() as session:
        page = find_customers(session, query.asked(), sites, query.q)
    sees = sees_service(visitor)
    items = [customer_item(each, sees=sees) for each in page.rows]
    return ListOf(items=items, next_cursor=page.next_cursor)


@customers.get("/{customer_id}", responses=problems(not_found="There is no such customer"))
def show_customer(
    services: Services, visitor: Known, sites: SeesFleet, response: Response, customer_id: Key, _: Nothing
) -> CustomerItem:
    """Show one customer; its ETag goes into If-Match to change it."""
    with services.desk.transaction() as session:
        found = customer_of(session, customer_id, sites)
    response.headers["ETag"] = etag_of(found.version)
    return customer_item(found, sees=sees_service(visitor))


@customers.put("/{customer_id}", responses=_CHANGE)
def change_customer(
    services: Services,
    _sites: ManagesService,
    principal: Acting,
    response: Response,
    customer_id: Key,
    said: CustomerChange,
    _: Nothing,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> CustomerItem:
    """Say what a customer is, in place of what was said before; its open cases are reckoned by its plan."""
    version = version_of(if_match, if_none_match)
    kept = services.service.customer(customer_said(customer_id, said), principal, version)
    response.headers["ETag"] = etag_of(kept.version)
    return customer_item(kept, sees=True)


@contracts.get("", responses=problems())
def list_contracts(
    services: Services, visitor: Known, sites: SeesFleet, query: Annotated[ContractQuery, Query()]
) -> ListOf[ContractItem]:
    """List the contracts of the customers of your sites, by number."""
    with services.desk.transaction() as session:
        page = find_contracts(session, query.asked(), sites, query.customer)
    today, sees = services.service.today(), sees_service(visitor)
    items = [contract_item(each, today, sees=sees) for each in page.rows]
    return ListOf(items=items, next_cursor=page.next_cursor)


@contracts.get("/{contract_number}", responses=problems(not_found="There is no such contract"))
def show_contract(
    services: Services, visitor: Known, sites: SeesFleet, response: Response, contract_number: Key, _: Nothing
) -> ContractItem:
    """Show one contract; its ETag goes into If-Match to change it."""
    with services.desk.transaction() as session:
        found = contract_of(session, contract_number, sites)
    response.headers["ETag"] = etag_of(found.version)
    return contract_item(found, services.service.today(), sees=sees_service(visitor))


@contracts.put("/{contract_number}", responses=_CHANGE)
def change_contract(
    services: Services,
    _sites: ManagesService,
    principal: Acting,
    response: Response,
    contract_number: Key,
    said: ContractChange,
    _: Nothing,
    if_match: IfMatch = None,
    if_none_match: IfNoneMatch = None,
) -> ContractItem:
    """Say what was agreed on, in place of what was said before; end one early by its last day."""
    version = version_of(if_match, if_none_match)
    kept = services.service.contract(contract_said(contract_number, said), principal, version)
    response.headers["ETag"] = etag_of(kept.version)
    return contract_item(kept, services.service.today(), sees=True)

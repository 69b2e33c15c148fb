"""Commands to devices: ordering them, how far each is, and taking back what was not sent yet."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from access.devices.commands import may_order
from api.command_schemas import (
    BulkOrder,
    BulkOrdered,
    Cancellation,
    CommandItem,
    CommandOrder,
    OrderedItem,
    RefusedItem,
    command_item,
)
from api.doors import Acting, SeesFleet, SendsCommands, on_behalf_of
from api.idempotency import BUSY, IdempotencyKey, once, operation_of
from api.params import Paged
from api.routes.common import DeviceId, Nothing, problems
from api.schemas import ListOf
from api.services import ApiServices, Services
from fleet.commands import MOST_AT_ONCE, Order
from fleet.errors import InvalidInput, NotAllowed
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.text import quoted
from storage.records.answers import KeptAnswer
from storage.records.commands import command_of, find_commands
from storage.records.device_lists import DeviceFilter, device_of, find_devices
from storage.records.paging import Asked

router = APIRouter(prefix="/api/v1", tags=["commands"])
CommandId = Annotated[str, Path(min_length=1, max_length=64, examples=["019ae0c0b4c0000059e2f1d0c3a1b7d4"])]
_ORDER = problems(
    body="The body cannot be read",
    not_found="There is no such device",
    conflict=BUSY,
)
_OF_DEVICE = "/devices/{device_id}/commands"


class CommandQuery(Paged):
    """Which part of a device's commands."""

    def asked_of(self, device_id: str) -> Asked:
        """Return which part of this device's list is wanted, the newest first."""
        return Asked("-id", self.limit, self.cursor, f"{self.query()} {device_id}")


@router.post(_OF_DEVICE, status_code=201, response_model=CommandItem, responses=_ORDER)
def order_command(
    services: Services,
    sites: SendsCommands,
    principal: Acting,
    device_id: DeviceId,
    order: CommandOrder,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Order a command for a device.

    It is sent once, when the device is there; one that is away gets it on its return, unless it has expired.
    """

    def handle() -> KeptAnswer:
        command_id = order_one(services, principal, sites, device_id, order)
        item = _shown(services, device_id, command_id, sites)
        headers = {"Location": f"/api/v1/devices/{device_id}/commands/{command_id}"}
        return KeptAnswer(201, headers, item.model_dump_json())

    return once(
        services, operation_of(f"commands/{device_id}", principal, sites), idempotency_key, order, handle
    )


@router.post("/commands", status_code=201, response_model=BulkOrdered, responses=_ORDER)
def order_commands(
    services: Services,
    sites: SendsCommands,
    principal: Acting,
    order: BulkOrder,
    _: Nothing,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Order a command for up to 10,000 devices: all in one go, each that cannot be with its reason."""

    def handle() -> KeptAnswer:
        done = _order_many(services, principal, _where(principal, order.command, sites), order)
        return KeptAnswer(201, {}, done.model_dump_json())

    return once(services, operation_of("commands", principal, sites), idempotency_key, order, handle)


@router.get(_OF_DEVICE, responses=problems(not_found="There is no such device"))
def list_commands(
    services: Services, sites: SeesFleet, device_id: DeviceId, query: Annotated[CommandQuery, Query()]
) -> ListOf[CommandItem]:
    """List a device's commands, the newest first."""
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)
        page = find_commands(session, device_id, query.asked_of(device_id))
    return ListOf(items=[command_item(one) for one in page.rows], next_cursor=page.next_cursor)


@router.get(f"{_OF_DEVICE}/{{command_id}}", responses=problems(not_found="There is no such command"))
def show_command(
    services: Services, sites: SeesFleet, device_id: DeviceId, command_id: CommandId, _: Nothing
) -> CommandItem:
    """Show how far a command is."""
    return _shown(services, device_id, command_id, sites)


@router.post(
    f"{_OF_DEVICE}/{{command_id}}/cancel",
    responses=problems(
        body="The body cannot be read",
        not_found="There is no such command",
        conflict="It was sent already, or has ended",
    ),
)
def cancel_command(
    services: Services,
    sites: SendsCommands,
    principal: Acting,
    device_id: DeviceId,
    command_id: CommandId,
    cancellation: Cancellation,
    _: Nothing,
) -> CommandItem:
    """Take back a command that was not sent yet."""
    who = on_behalf_of(principal, cancellation.who)
    cancel_one(services, who, sites, device_id, command_id, cancellation.reason)
    return _shown(services, device_id, command_id, sites)


def order_one(
    services: ApiServices, principal: Principal, sites: Sites, device_id: str, order: CommandOrder
) -> str:
    """Order a command for a device; return its id. Raises NotFound, NotAllowed, InvalidInput."""
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
    _check_allowed(principal, order.command, device.site)
    asked = Order(device_id, order.command, order.reason, order.params, order.expires_in_ms)
    who = on_behalf_of(principal, order.who)
    (made,) = services.commands.order([asked], who, services.clock.now_ms(), sites)
    if made.command_id is None:
        raise InvalidInput(made.refused or "refused")
    return made.command_id


def cancel_one(
    services: ApiServices, who: Principal, sites: Sites, device_id: str, command_id: str, why: str
) -> None:
    """Take a command back. Raises NotFound, NotAllowed, Conflict, InvalidInput."""
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
        command = command_of(session, device_id, command_id)
    _check_allowed(who, command.command, device.site)
    services.commands.cancel(device_id, command_id, who, why)


def _check_allowed(principal: Principal, command: str, site: str) -> None:
    allowed = may_order(principal, command)
    if allowed is not None and site not in allowed:
        raise NotAllowed(f"{quoted(command)} is more than {principal.name} may order")


def _where(principal: Principal, command: str, sites: Sites) -> Sites:
    """Return where somebody may order a command for many. Raises NotAllowed where nowhere."""
    allowed = may_order(principal, command)
    if allowed is not None and not allowed:
        raise NotAllowed(f"{quoted(command)} is more than {principal.name} may order")
    if allowed is None or sites is None:
        return sites if allowed is None else allowed
    return allowed & sites


def _order_many(services: ApiServices, principal: Principal, sites: Sites, order: BulkOrder) -> BulkOrdered:
    now = services.clock.now_ms()
    ids = order.device_ids if order.device_ids is not None else _found(services, order, now, sites)
    orders = [
        Order(each, order.command, order.reason, order.params, order.expires_in_ms)
        for each in dict.fromkeys(ids)
    ]
    made = services.commands.order(orders, on_behalf_of(principal, order.who), now, sites)
    commands = [OrderedItem(device_id=one.device_id, id=one.command_id) for one in made if one.command_id]
    refusals = [RefusedItem(device_id=one.device_id, reason=one.refused) for one in made if one.refused]
    return BulkOrdered(ordered=len(commands), refused=len(refusals), commands=commands, refusals=refusals)


def _found(services: ApiServices, order: BulkOrder, now: int, sites: Sites) -> list[str]:
    assert order.filter is not None  # one of the two is given
    which = order.filter
    wanted = DeviceFilter(
        which.kind,
        which.site,
        which.model,
        which.status,
        which.fault,
        which.q,
        which.stands,
        now,
        which.at_risk,
    )
    with services.desk.transaction() as session:
        page = find_devices(session, wanted, Asked("id", MOST_AT_ONCE, None, ""), sites)
    if page.next_cursor is not None:
        raise InvalidInput(f"filter: more than {MOST_AT_ONCE} devices; narrow it")
    return [device.id for device in page.rows]


def _shown(services: ApiServices, device_id: str, command_id: str, sites: Sites) -> CommandItem:
    with services.desk.transaction() as session:
        device_of(session, device_id, sites)
        return command_item(command_of(session, device_id, command_id))

"""The forms of a device's page: telling it something, and taking that back."""

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.command_schemas import CommandOrder
from api.console.pages.device import show_device
from api.console.pages.tried import tried
from api.console.render.templates import Console
from api.doors import ActingByForm, Known, SendsCommands
from api.routes.commands import CommandId, cancel_one, order_one
from api.routes.common import DeviceId
from api.services import Services
from fleet.principals import check_reason

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/devices/{device_id}/commands")
def order(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: SendsCommands,
    principal: ActingByForm,
    device_id: DeviceId,
    command: Annotated[str, Form(max_length=32)] = "",
    why: Annotated[str, Form(max_length=1000)] = "",
    name: Annotated[str, Form(max_length=32)] = "",
    value: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Order a command; what is refused comes back in the form with the reason."""
    params: dict[str, Any] = {}
    if command == "set_parameter":
        params = {"name": name, "value": int(value) if value.strip().isdecimal() else value}
    entered = {"command": command, "why": why, "name": name, "value": value}

    def change() -> Response:
        check_reason(why)
        asked = CommandOrder.model_construct(command=command, params=params, reason=why)
        order_one(services, principal, sites, device_id, asked)
        return _back(device_id)

    return tried(
        change,
        lambda status, told: show_device(pages, request, visitor, sites, device_id, status, told, **entered),
    )


@router.post("/devices/{device_id}/commands/{command_id}/cancel")
def cancel(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: SendsCommands,
    principal: ActingByForm,
    device_id: DeviceId,
    command_id: CommandId,
    why: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Take a command back that was not sent yet."""

    def change() -> Response:
        cancel_one(services, principal, sites, device_id, command_id, why)
        return _back(device_id)

    return tried(
        change,
        lambda status, told: show_device(pages, request, visitor, sites, device_id, status, told),
    )


def _back(device_id: str) -> Response:
    """Return to the page by GET, so that a reload orders nothing again."""
    return RedirectResponse(f"/devices/{device_id}#commands", status_code=303)

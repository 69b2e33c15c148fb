"""The console's forms of alerts: what people do about one, and what they note."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.alerts import show_alert
from api.console.render.templates import Console
from api.doors import ActingByForm, ChangesAlerts, Known
from api.problems import status_of
from api.routes.common import RowId
from api.services import Services
from fleet.config import duration_ms
from fleet.errors import Conflict, InvalidInput, SweepwatchError
from storage.records.alerts import alert_of

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.post("/alerts/{alert_id}/notes")
def add_note(
    request: Request,
    pages: Console,
    services: Services,
    sites: ChangesAlerts,
    principal: ActingByForm,
    alert_id: RowId,
    text: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    """Write something down about an alert."""
    with services.desk.transaction() as session:
        alert_of(session, str(alert_id), sites)
    try:
        services.care.note(str(alert_id), principal, text)
    except SweepwatchError as error:
        return pages.error(request, status_of(error), str(error))
    return back_to(f"/alerts/{alert_id}")


@router.post("/alerts/{alert_id}/{action}")
def change_alert(
    request: Request,
    pages: Console,
    services: Services,
    visitor: Known,
    sites: ChangesAlerts,
    principal: ActingByForm,
    alert_id: RowId,
    action: Literal["acknowledge", "resolve"],
    why: Annotated[str, Form(max_length=1000)] = "",
    long: Annotated[str, Form(max_length=16)] = "",
    back: Annotated[str, Form(max_length=16)] = "",
) -> Response:
    """Acknowledge (for so long) or end an alert."""
    with services.desk.transaction() as session:
        alert_of(session, str(alert_id), sites)
    try:
        if action == "acknowledge":
            services.care.acknowledge(str(alert_id), principal, why, as_long(long))
        else:
            services.alerts.resolve(str(alert_id), principal, why)
    except Conflict as error:  # somebody was first: the alert's page says who, and until when
        return show_alert(pages, request, visitor, alert_id, sites, status_of(error), str(error))
    except SweepwatchError as error:
        return pages.error(request, status_of(error), str(error))
    return back_to(f"/alerts/{alert_id}" if back == "alert" else "/alerts")


def as_long(text: str) -> int | None:
    """Return for how long a form says, in ms, None where it does not. Raises InvalidInput."""
    try:
        return duration_ms(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"long: {error}") from error


def back_to(path: str) -> Response:
    """Return to a page by GET, so that a reload posts nothing again."""
    return RedirectResponse(path, status_code=303)

"""The console's forms of alerts: what people do about one, or about an incident, and what they note."""

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.render.templates import Pages
from api.doors import ActingByForm, ChangesAlerts
from api.problems import status_of
from api.routes.common import RowId
from api.routes.incidents import check_steers
from fleet.config import duration_ms
from fleet.errors import InvalidInput, SweepwatchError
from storage.records.alerts import alert_of


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the forms."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services

    @router.post("/alerts/{alert_id}/notes")
    def add_note(
        request: Request,
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
        return _back(f"/alerts/{alert_id}")

    @router.post("/incidents/{incident_id}/acknowledge")
    def acknowledge_incident(
        request: Request,
        sites: ChangesAlerts,
        principal: ActingByForm,
        incident_id: RowId,
        why: Annotated[str, Form(max_length=1000)] = "",
        long: Annotated[str, Form(max_length=16)] = "",
    ) -> Response:
        """Acknowledge an incident for so long."""
        check_steers(services, incident_id, sites)
        try:
            services.care.acknowledge_incident(incident_id, principal, why, _long(long))
        except SweepwatchError as error:
            return pages.error(request, status_of(error), str(error))
        return _back("/alerts")

    @router.post("/alerts/{alert_id}/{action}")
    def change_alert(
        request: Request,
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
                services.care.acknowledge(str(alert_id), principal, why, _long(long))
            else:
                services.alerts.resolve(str(alert_id), principal, why)
        except SweepwatchError as error:
            return pages.error(request, status_of(error), str(error))
        return _back(f"/alerts/{alert_id}" if back == "alert" else "/alerts")

    return router


def _long(text: str) -> int | None:
    try:
        return duration_ms(text) if text else None
    except ValueError as error:
        raise InvalidInput(f"long: {error}") from error


def _back(path: str) -> Response:
    """Return to a page by GET, so that a reload posts nothing again."""
    return RedirectResponse(path, status_code=303)

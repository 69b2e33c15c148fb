"""The page of alerts; what is done to them is in desk_changes.py."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from api.console.render.asked import asked
from api.console.render.templates import Pages
from api.doors import Known, SeesFleet
from api.personal import Sight
from api.queries.alerts import AlertQuery, find_alerts
from fleet.alerts import AlertState
from fleet.faults import FAULTS, Level

SHOWN_ALERTS = (AlertState.FIRING, AlertState.ACKNOWLEDGED)


class AlertView(AlertQuery):
    """The alerts page's address; `show` chooses open ones or all."""

    show: Literal["open", "all"] = "open"


def make_router(pages: Pages) -> APIRouter:
    """Return the route of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services

    @router.get("/alerts")
    def alerts_page(request: Request, visitor: Known, sites: SeesFleet) -> Response:
        """List the alerts."""
        query = asked(request, AlertView)
        if query.show == "open" and not query.state:
            query = query.model_copy(update={"state": list(SHOWN_ALERTS)})
        with services.desk.transaction() as session:
            page = find_alerts(session, query, sites)
        return pages.render(
            request,
            "alerts/alerts.html",
            query=query,
            alerts=Sight(services, visitor).alerts(page.rows),
            next_cursor=page.next_cursor,
            levels=tuple(Level),
            faults=FAULTS,
        )

    return router

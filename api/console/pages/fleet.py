"""The console's pages that only show: the fleet, a device and its charts, the alerts."""

from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from api.console.charts.drawing import RANGES
from api.console.pages.charts import DeviceView, drawable
from api.console.render.asked import asked
from api.console.render.templates import Pages
from api.queries.alerts import AlertQuery, find_alerts
from api.queries.devices import DeviceQuery, find_devices, summary
from api.queries.ingest import count_ingest
from api.queries.tickets import TicketQuery, find_tickets
from api.routes.common import DeviceId
from fleet.alerts import AlertState
from fleet.faults import FAULTS
from fleet.signals import Kind, Signal
from storage.ports import LatestValue
from storage.records.device_events import newest_events
from storage.records.device_lists import device_of, filter_choices
from storage.records.ticket_lists import count_breached, open_ticket_ids
from storage.records.tickets import open_case_of

SHOWN_ALERTS = (AlertState.FIRING, AlertState.ACKNOWLEDGED)
_SHOWN_EVENTS = 8
_FIRST_SIGNALS = ("battery_pct", "battery_health_pct", "heart_rate_bpm", "consumable_pct")


class FleetQuery(DeviceQuery):
    """The fleet page's address."""

    limit: int = Field(50, ge=1, le=200)


class AlertView(AlertQuery):
    """The alerts page's address; `show` chooses open ones or all."""

    show: Literal["open", "all"] = "open"


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the pages that only show."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services

    @router.get("/")
    def fleet(request: Request) -> Response:
        """Show the fleet, ranked by risk."""
        query = asked(request, FleetQuery)
        now = services.clock.now_ms()
        with services.desk.transaction() as session:
            page = find_devices(session, query)
            figures, breached = summary(session), count_breached(session, now)
            sites, models = filter_choices(session)
            tickets = open_ticket_ids(session, [device.id for device in page.rows])
        return pages.render(
            request,
            "fleet/fleet.html",
            query=query,
            devices=page.rows,
            next_cursor=page.next_cursor,
            figures=figures,
            breached=breached,
            sites=sites,
            models=models,
            tickets=tickets,
            stale={device.id for device in page.rows if device.is_stale(now)},
            faults=FAULTS,
            kinds=tuple(Kind),
        )

    @router.get("/devices/{device_id}")
    def device_page(request: Request, device_id: DeviceId) -> Response:
        """Show one device: its facts, why it is at risk, its charts, its alerts and tickets."""
        view = asked(request, DeviceView)
        with services.desk.transaction() as session:
            device = device_of(session, device_id)
            alerts = find_alerts(session, AlertQuery(device=device_id, limit=10)).rows
            tickets = find_tickets(session, TicketQuery(device=device_id, limit=10)).rows
            case = open_case_of(session, device_id)
            counts = count_ingest(session, device_id)
            events = newest_events(session, device_id, _SHOWN_EVENTS)
        latest = services.store.latest(device.kind, device_id)
        risks = services.store.latest_risks(device_id).to_dicts()
        return pages.render(
            request,
            "fleet/device.html",
            view=view,
            ranges=RANGES,
            device=device,
            stale=device.is_stale(services.clock.now_ms()),
            latest=latest,
            risks=risks,
            caps={code: fault.life_cap_days for code, fault in FAULTS.items()},
            charted=_charted(services.signals.for_kind(device.kind), latest),
            alerts=[alert for alert in alerts if alert.state != AlertState.PENDING],
            case=case,
            tickets=[ticket for ticket in tickets if case is None or ticket.id != case.id],
            counts=counts,
            events=events,
        )

    @router.get("/alerts")
    def alerts_page(request: Request) -> Response:
        """List the alerts."""
        query = asked(request, AlertView)
        if query.show == "open" and not query.state:
            query = query.model_copy(update={"state": list(SHOWN_ALERTS)})
        with services.desk.transaction() as session:
            page = find_alerts(session, query)
        return pages.render(
            request, "alerts/alerts.html", query=query, alerts=page.rows, next_cursor=page.next_cursor
        )

    return router


def _charted(signals: tuple[Signal, ...], latest: dict[str, LatestValue]) -> list[Signal]:
    """Return the signals to draw: those the device sends, what runs it first."""
    sent = [signal for signal in signals if drawable(signal) and signal.name in latest]
    return sorted(sent, key=lambda signal: signal.name not in _FIRST_SIGNALS)

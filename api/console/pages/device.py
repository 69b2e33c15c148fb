"""The page of one device: its facts, why it is at risk, its charts, its alerts and tickets."""

from collections.abc import Sequence

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse

from access.devices.commands import may_order
from access.doors import Visitor
from api.console.charts.drawing import RANGES
from api.console.pages.charts import DeviceView, drawable
from api.console.render.asked import asked
from api.console.render.device_events import shown_events
from api.console.render.language import language_of
from api.console.render.templates import Console, Pages
from api.doors import Known, SeesFleet
from api.newest import newest_of
from api.personal import Sight, hidden_signals
from api.queries.alerts import AlertQuery, find_alerts
from api.queries.ingest import count_ingest
from api.queries.tickets import TicketQuery, find_tickets
from api.routes.common import DeviceId
from fleet.alerts import AlertState
from fleet.clock import MINUTE_MS
from fleet.commands import COMMANDS, PARAMETERS, Command, CommandState
from fleet.devices import Device
from fleet.faults import FAULTS
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.signals import Signal
from storage.ports import LatestValue
from storage.records.commands import newest_commands
from storage.records.device_events import newest_events
from storage.records.device_lists import device_of
from storage.records.tickets import open_case_of

_SHOWN_EVENTS = 8
_SHOWN_COMMANDS = 6
_LIVELY_S, _CALM_S = 2, 30
_FIRST_SIGNALS = ("battery_pct", "battery_health_pct", "heart_rate_bpm", "consumable_pct")


router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/devices/{device_id}")
def device_page(
    request: Request, pages: Console, visitor: Known, sites: SeesFleet, device_id: DeviceId
) -> Response:
    """Show one device: its facts, why it is at risk, its charts, its alerts and tickets, its commands."""
    return show_device(pages, request, visitor, sites, device_id)


def show_device(
    pages: Pages,
    request: Request,
    visitor: Visitor,
    sites: Sites,
    device_id: str,
    status: int = 200,
    error: str | None = None,
    **entered: object,
) -> Response:
    """Render the page of a device; `entered` is what a form of it held that was refused with `error`."""
    services = pages.services
    view = asked(request, DeviceView)
    now = services.clock.now_ms()
    with services.desk.transaction() as session:
        device = device_of(session, device_id, sites)
        alerts = find_alerts(session, AlertQuery(device=device_id, limit=10), sites).rows
        tickets = find_tickets(session, TicketQuery(device=device_id, limit=10), now, sites).rows
        case = open_case_of(session, device_id)
        counts = count_ingest(session, device_id)
        events = newest_events(session, device_id, _SHOWN_EVENTS)
        commands = newest_commands(session, device_id, _SHOWN_COMMANDS)
    sight = Sight(services, visitor)
    hidden = hidden_signals(services, visitor, device)
    newest = newest_of(services, device_id, device.kind)
    latest = {name: value for name, value in newest.values.items() if name not in hidden}
    risks = newest.risks.to_dicts()
    return pages.render(
        request,
        "fleet/device.html",
        status,
        site=device.site,
        view=view,
        ranges=RANGES,
        device=device,
        stale=device.is_stale(now),
        latest=latest,
        risks=risks,
        caps={code: fault.life_cap_days for code, fault in FAULTS.items()},
        charted=_charted(services.signals.for_kind(device.kind), latest),
        alerts=[alert for alert in sight.alerts(alerts) if alert.state != AlertState.PENDING],
        case=sight.tickets([case])[0] if case else None,
        tickets=[ticket for ticket in sight.tickets(tickets) if case is None or ticket.id != case.id],
        counts=counts,
        events=shown_events(sight.events(device, events), device, services.codes, language_of(request)),
        commands=commands,
        orderable=_orderable(visitor.principal, device),
        parameters={name: one for name, one in PARAMETERS.items() if device.kind in one.kinds},
        refresh_s=_refresh_s(commands, now),
        status=status,
        error=error,
        entered=dict.fromkeys(("command", "why", "name", "value"), "") | entered,
    )


def _orderable(by: Principal, device: Device) -> list[str]:
    """Return the commands that somebody may give a device here; firmware is offered by roll-outs."""

    def may(command: str) -> bool:
        sites = may_order(by, command)
        return sites is None or device.site in sites

    return [
        name
        for name, each in COMMANDS.items()
        if device.kind in each.kinds and name != "offer_firmware" and may(name)
    ]


def _refresh_s(commands: Sequence[Command], now: int) -> int:
    """Return how soon the page looks again: while a command is on its way, at once."""
    moving = any(
        each.state in (CommandState.SENT, CommandState.RECEIVED)
        or (each.state is CommandState.QUEUED and now - each.ordered_at < MINUTE_MS)
        for each in commands
    )
    return _LIVELY_S if moving else _CALM_S


def _charted(signals: tuple[Signal, ...], latest: dict[str, LatestValue]) -> list[Signal]:
    """Return the signals to draw: those the device sends, what runs it first."""
    sent = [signal for signal in signals if drawable(signal) and signal.name in latest]
    return sorted(sent, key=lambda signal: signal.name not in _FIRST_SIGNALS)

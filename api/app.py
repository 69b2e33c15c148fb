"""Builds the FastAPI application from the services it is given."""

from fastapi import FastAPI
from starlette.routing import BaseRoute
from starlette.staticfiles import StaticFiles

from api import problems
from api.body_limit import MAX_BODY_BYTES, BodyLimit
from api.console import pages
from api.console.render.templates import STATIC, make_pages
from api.forwarded import Forwarded
from api.guards import Guards, guarded
from api.head import HeadAnswers
from api.limited import Limited
from api.measure import Measured
from api.openapi import complete
from api.routes import (
    absences,
    alerts,
    cases,
    catalogue,
    closing,
    commands,
    complaints,
    consent,
    customers,
    destinations,
    device_access,
    devices,
    dispatch,
    duty,
    engineers,
    files,
    firmware,
    health,
    history,
    hooks,
    incidents,
    indicators,
    ingest,
    inspections,
    intake,
    lists,
    maintenance,
    models,
    mutes,
    notices,
    parts,
    people,
    personal,
    proofs,
    reports,
    risks,
    rules,
    sites,
    stock,
    stock_orders,
    stock_places,
    telemetry,
    tickets,
    tokens,
)
from api.services import ApiServices
from fleet.lists import ListKind

_LISTS = ("/api/v1/lists", "/lists")
_PROVED_ON = ("/api/v1/proofs/upload", "/prove/upload")
_LARGE_BODIES = {
    # Another system's storm comes as one group of many alerts.
    "/api/v1/hooks/alertmanager": 16 * MAX_BODY_BYTES,
    # Files: one, or what comes with a report; with what stands around them.
    "/api/v1/tickets/*/files": 11 * MAX_BODY_BYTES,
    "/api/v1/hooks/mail": 32 * MAX_BODY_BYTES,
    "/tickets/*/files": 24 * MAX_BODY_BYTES,
    "/report": 24 * MAX_BODY_BYTES,
    "/r/*": 24 * MAX_BODY_BYTES,
    # A list may be of a whole fleet.
    **{f"{where}/{kind}": 32 * MAX_BODY_BYTES for where in _LISTS for kind in ListKind},
}
"""Where more is taken than elsewhere."""
_ABOUT = """Telemetry, fault risks, alerts and repair tickets of a fleet of cleaning devices.

Lists answer `{"items": […], "next_cursor": …}`; pass `next_cursor` as `cursor` for the next page. Errors are
RFC 9457 problems. A query parameter or body field that is not known is refused."""


def _routes() -> list[BaseRoute]:
    """Return every route, those of the API before the console's.

    As they stand: to include a router would make each of its routes anew, which takes half a second.
    """
    routes: list[BaseRoute] = []
    for module in (
        risks,
        telemetry,
        device_access,
        devices,
        commands,
        alerts,
        mutes,
        incidents,
        tickets,
        cases,
        complaints,
        reports,
        closing,
        consent,
        dispatch,
        maintenance,
        inspections,
        catalogue,
        ingest,
        indicators,
        models,
        proofs,
        people,
        personal,
        tokens,
        sites,
        firmware,
        notices,
        destinations,
        rules,
        hooks,
        duty,
        engineers,
        absences,
        parts,
        stock,
        stock_places,
        stock_orders,
        lists,
        history,
        files,
        intake,
    ):
        routes.extend(module.router.routes)
    for more in (customers.customers, customers.contracts, engineers.regional, engineers.due):
        routes.extend(more.routes)
    for more in (device_access.claims, destinations.own, reports.page, health.router):
        routes.extend(more.routes)
    for page in (
        pages.fleet,
        pages.device,
        pages.commands,
        pages.charts,
        pages.courses,
        pages.alerts,
        pages.alert_changes,
        pages.incidents,
        pages.mutes,
        pages.desk,
        pages.desk_changes,
        pages.case_work,
        pages.joined_cases,
        pages.complaints,
        pages.maintenance,
        pages.inspections,
        pages.ingest,
        pages.indicators,
        pages.models,
        pages.prove,
        pages.people,
        pages.account,
        pages.second_factor,
        pages.tokens,
        pages.claims,
        pages.sites,
        pages.sign_in,
        pages.codes,
        pages.provider,
        pages.links,
        pages.firmware,
        pages.notices,
        pages.told,
        pages.browser,
        pages.notice,
        pages.rules,
        pages.duty,
        pages.duty_plan,
        pages.customers,
        pages.engineers,
        pages.absences,
        pages.stock,
        pages.stock_orders,
        pages.lists,
        pages.callbacks,
        pages.closing,
        pages.visit,
        pages.faults,
        pages.feedback,
        pages.feedback_link,
        pages.consent,
        pages.appointment,
        pages.dispatch,
        pages.case_visit,
        pages.my_day,
        pages.report,
        pages.report_links,
        pages.requests,
        pages.case_files,
        pages.reported,
    ):
        routes.extend(page.router.routes)
    return routes


def create_app(services: ApiServices) -> FastAPI:
    """Return the API and the console over `services`; nothing is opened or started."""
    app = FastAPI(
        title="Sweepwatch",
        version="1",
        description=_ABOUT,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # both pages would fetch their scripts from another host
        redoc_url=None,
        redirect_slashes=False,
        routes=_routes(),
    )
    app.state.services = services
    rendered = make_pages(services)
    app.state.pages = rendered
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    problems.install(app, rendered.error, guarded)
    complete(app)
    sent = dict.fromkeys(_PROVED_ON, services.proofs.most_bytes + MAX_BODY_BYTES)
    app.add_middleware(BodyLimit, more_at=_LARGE_BODIES | sent)
    app.add_middleware(HeadAnswers)
    app.add_middleware(Limited, rates=services.rates)
    app.add_middleware(Measured, registry=services.registry)
    app.add_middleware(Guards, reach=services.reach)
    app.add_middleware(Forwarded, reach=services.reach)  # the last is the first that a request meets
    return app

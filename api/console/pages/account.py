"""The console's page of oneself: who one is here, where one is signed in, and signing out."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Pages
from api.doors import ActingByForm, cookie_name, visitor_of

_KEY = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


def make_router(pages: Pages) -> APIRouter:
    """Return the routes of the page."""
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)
    services = pages.services
    doors = services.doors

    @router.get("/account")
    def account_page(request: Request) -> Response:
        """Show who one is here, and where one is signed in."""
        visitor = visitor_of(request, services)
        asked(request, NoQuery)
        person = None if visitor.person is None else doors.people.one(visitor.person)
        sessions = [] if visitor.person is None else doors.sessions.of(visitor.person)
        return pages.render(
            request, "access/account.html", person=person, sessions=sessions, current=visitor.session
        )

    @router.post("/account/sessions/{key}/end")
    def end_session(request: Request, _principal: ActingByForm, key: _KEY) -> Response:
        """End one of one's own sessions."""
        visitor = visitor_of(request, services)
        if visitor.person is not None:
            doors.sessions.end(visitor.person, key)
            doors.forget()
        return RedirectResponse("/account", status_code=303)

    @router.post("/account/sign-out-everywhere")
    def sign_out_everywhere(request: Request, _principal: ActingByForm) -> Response:
        """End all of one's own sessions."""
        visitor = visitor_of(request, services)
        if visitor.person is not None:
            doors.sessions.end_all(visitor.person)
            doors.forget()
        return RedirectResponse("/sign-in", status_code=303)

    @router.post("/sign-out")
    def sign_out(request: Request, principal: ActingByForm) -> Response:
        """End this browser's session."""
        visitor = visitor_of(request, services)
        if visitor.person is not None and visitor.session is not None:
            doors.sessions.end(visitor.person, visitor.session)
            doors.forget()
        response = RedirectResponse("/sign-in", status_code=303)
        response.delete_cookie(cookie_name(request, services), path="/")
        return response

    return router

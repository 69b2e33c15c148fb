"""The console's page of people: who may come in, and do what."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from api.console.pages.tried import tried
from api.console.render.asked import NoQuery, asked
from api.console.render.templates import Console, Pages
from api.doors import ActingByForm, ManagesPeople
from api.routes.common import RowId
from api.routes.people import link_to
from api.services import Services
from fleet.errors import InvalidInput
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.text import quoted
from storage.records.sites import all_sites

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)


@router.get("/people")
def people_page(request: Request, pages: Console, _sites: ManagesPeople) -> Response:
    """List who may sign in and do what."""
    asked(request, NoQuery)
    return show_people(pages, request)


@router.post("/people")
def invite(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesPeople,
    principal: ActingByForm,
    email: Annotated[str, Form(max_length=254)] = "",
    name: Annotated[str, Form(max_length=64)] = "",
    role: Annotated[str, Form(max_length=16)] = "",
    place: Annotated[str, Form(max_length=80)] = "",
) -> Response:
    """Invite somebody, and show the link that they are to be given."""

    def change() -> Response:
        person, secret = services.doors.people.invite(email, name, [role_at(role, place)], principal)
        return _link_made(pages, request, person.name, secret)

    entered = {"email": email, "name": name, "role": role, "place": place}
    return tried(change, lambda status, why: show_people(pages, request, status, why, entered))


@router.post("/people/{person_id}/roles")
def change_roles(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesPeople,
    principal: ActingByForm,
    person_id: RowId,
    role: Annotated[str, Form(max_length=16)] = "",
    place: Annotated[str, Form(max_length=80)] = "",
    keep: Annotated[list[str], Form(max_length=64)] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Give somebody the roles that are kept, and one more where one was chosen."""

    def change() -> Response:
        kept = [role_at(*each.partition(" ")[::2]) for each in keep]
        roles = [*kept, role_at(role, place)] if role else kept
        services.doors.people.give_roles(person_id, roles, principal)
        return RedirectResponse("/people", status_code=303)

    return tried(change, lambda status, why: show_people(pages, request, status, why))


@router.post("/people/{person_id}/password")
def reset_password(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesPeople,
    principal: ActingByForm,
    person_id: RowId,
) -> Response:
    """Make a link by which somebody chooses a new password, and show it."""
    secret = services.doors.people.link_for_password(person_id, principal)
    return _link_made(pages, request, services.doors.people.one(person_id).name, secret)


@router.post("/people/{person_id}/second-factor/reset")
def reset_second_factor(
    services: Services, _sites: ManagesPeople, principal: ActingByForm, person_id: RowId
) -> Response:
    """Take somebody's second factor away, who lost it."""
    services.doors.second_factors.reset(person_id, principal)
    services.doors.forget()
    return RedirectResponse("/people", status_code=303)


@router.post("/people/{person_id}/release")
def release(services: Services, _sites: ManagesPeople, principal: ActingByForm, person_id: RowId) -> Response:
    """Let no account at the provider be somebody's."""
    services.doors.people.release(person_id, principal)
    return RedirectResponse("/people", status_code=303)


@router.post("/people/{person_id}/disabled")
def disable(
    request: Request,
    pages: Console,
    services: Services,
    _sites: ManagesPeople,
    principal: ActingByForm,
    person_id: RowId,
    disabled: Annotated[bool, Form()] = True,
) -> Response:
    """Let somebody sign in no more, or let them again."""

    def change() -> Response:
        services.doors.people.disable(person_id, principal, disabled=disabled)
        return RedirectResponse("/people", status_code=303)

    return tried(change, lambda status, why: show_people(pages, request, status, why))


def show_people(
    pages: Pages,
    request: Request,
    status: int = 200,
    error: str | None = None,
    entered: dict[str, str] | None = None,
) -> Response:
    """Return the page of people, with what was refused and had been entered."""
    services = pages.services
    with services.desk.transaction() as session:
        sites = all_sites(session)
    return pages.render(
        request,
        "access/people.html",
        status,
        people=services.doors.people.everybody(),
        roles=tuple(Role),
        sites=sites,
        regions=sorted({site.region for site in sites if site.region}),
        error=error,
        entered={"email": "", "name": "", "role": Role.VIEWER, "place": ""} | (entered or {}),
    )


def role_at(role: str, place: str) -> RoleAt:
    """Return a role from a form: `place` is empty, `site ID` or `region ID`. Raises InvalidInput."""
    if role not in set(Role):
        raise InvalidInput(f"role: {quoted(role)} is none; allowed: {', '.join(Role)}")
    if not place:
        return RoleAt(Role(role))
    scope, _, name = place.partition(" ")
    if scope not in (Scope.SITE, Scope.REGION) or not name:
        raise InvalidInput(f"place: {quoted(place)} is none; allowed: a site or a region")
    return RoleAt(Role(role), Scope(scope), name)


def _link_made(pages: Pages, request: Request, name: str, secret: str) -> Response:
    return pages.render(request, "access/link.html", name=name, link=link_to(request, secret))

"""People: who asks, who may sign in, and the links by which they come in first."""

from urllib.parse import quote

from fastapi import APIRouter, Request, Response

from access.doors import Visitor
from api.access_schemas import GrantItem, Invitation, InvitedPerson, Linked, Me, PersonChange, PersonItem
from api.doors import Acting, Known, ManagesPeople
from api.routes.common import Nothing, RowId, problems
from api.schemas import ListOf
from api.services import Services
from fleet.people import RoleAt

router = APIRouter(prefix="/api/v1", tags=["access"])
_CHANGE = problems(
    body="The body cannot be read",
    not_found="There is no such person",
    conflict="Nobody could let others in any more, or the address is taken",
)


@router.get("/me", responses=problems())
def show_me(visitor: Known, _: Nothing) -> Me:
    """Show who asks, and what they may do where."""
    return _me(visitor)


@router.get("/people", responses=problems())
def list_people(services: Services, _sites: ManagesPeople, _: Nothing) -> ListOf[PersonItem]:
    """List who may sign in, by name."""
    found = services.doors.people.everybody()
    return ListOf(items=[PersonItem.model_validate(each) for each in found])


@router.post("/people", status_code=201, responses=_CHANGE)
def invite_person(
    services: Services,
    request: Request,
    _sites: ManagesPeople,
    principal: Acting,
    invitation: Invitation,
    _: Nothing,
) -> InvitedPerson:
    """Invite somebody. The answer holds the link by which they choose a password: once, within a week."""
    roles = [RoleAt(each.role, each.scope, each.place) for each in invitation.roles]
    person, secret = services.doors.people.invite(invitation.email, invitation.name, roles, principal)
    item = PersonItem.model_validate(person)
    return InvitedPerson(**item.model_dump(), link=link_to(request, secret))


@router.patch("/people/{person_id}", responses=_CHANGE)
def change_person(
    services: Services,
    _sites: ManagesPeople,
    principal: Acting,
    person_id: RowId,
    change: PersonChange,
    _: Nothing,
) -> PersonItem:
    """Give somebody other roles, let them sign in no more, or let them again."""
    roles = None
    if change.roles is not None:
        roles = [RoleAt(each.role, each.scope, each.place) for each in change.roles]
    after = services.doors.people.change(person_id, principal, roles=roles, disabled=change.disabled)
    return PersonItem.model_validate(after)


@router.post("/people/{person_id}/password-link", responses=_CHANGE)
def link_for_password(
    services: Services,
    request: Request,
    _sites: ManagesPeople,
    principal: Acting,
    person_id: RowId,
    _: Nothing,
) -> Linked:
    """Make a link by which somebody chooses a new password: once, within an hour."""
    secret = services.doors.people.link_for_password(person_id, principal)
    return Linked(link=link_to(request, secret))


@router.delete("/people/{person_id}/second-factor", status_code=204, responses=_CHANGE)
def reset_second_factor(
    services: Services, _sites: ManagesPeople, principal: Acting, person_id: RowId, _: Nothing
) -> Response:
    """Take somebody's second factor away, who lost it, and end their sessions."""
    services.doors.second_factors.reset(person_id, principal)
    services.doors.forget()
    return Response(status_code=204)


@router.delete("/people/{person_id}/identity", status_code=204, responses=_CHANGE)
def release_identity(
    services: Services, _sites: ManagesPeople, principal: Acting, person_id: RowId, _: Nothing
) -> Response:
    """Let no account at the provider be somebody's; the next with their verified address will be."""
    services.doors.people.release(person_id, principal)
    return Response(status_code=204)


def link_to(request: Request, secret: str) -> str:
    """Return the address of a one-time link."""
    return address_here(request, f"/enter/{quote(secret)}")


def address_here(request: Request, path: str) -> str:
    """Return the whole address of a path; the host is one that this server answers to."""
    return str(request.url.replace(path=path, query="", fragment=""))


def _me(visitor: Visitor) -> Me:
    who = visitor.principal
    grants = [
        GrantItem(
            permissions=sorted(each.permissions), sites=None if each.sites is None else sorted(each.sites)
        )
        for each in who.grants
    ]
    return Me(kind=who.kind, id=who.id, name=who.name, grants=grants)

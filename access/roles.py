"""Roles as they are handed out: which can be, where, and how they are said in words."""

from collections.abc import Collection, Iterable

from sqlalchemy.orm import Session

from access.permissions import ALLOWED
from fleet.errors import InvalidInput, NotAllowed
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.principals import Principal, PrincipalKind
from fleet.text import quoted
from storage.records.sites import all_sites


def checked_roles(roles: Iterable[RoleAt]) -> list[RoleAt]:
    """Return roles, each once. Raises InvalidInput for one that cannot be."""
    given = list(dict.fromkeys(roles))
    for each in given:
        if (each.scope is Scope.ALL) != (each.place == ""):
            raise InvalidInput(
                f"roles: {each.role} has a place with a scope of site or region, and only then"
            )
        if each.role is Role.ADMIN and each.scope is not Scope.ALL:
            raise InvalidInput("roles: an admin is one everywhere; a manager may be one of a site or region")
    return given


def check_machine(by: Principal, roles: Iterable[RoleAt]) -> None:
    """Raise NotAllowed where a token would have a hand in more than it may do itself: nobody grows by one."""
    if by.kind is not PrincipalKind.TOKEN:
        return
    for role in {each.role for each in roles}:
        lacks = sorted(each for each in ALLOWED[role] if by.reach(each) is not None)
        if lacks:
            raise NotAllowed(f"a token can do no more than {by.name}, who does not have {lacks[0]} there")


def check_places(session: Session, roles: Collection[RoleAt], held: Collection[RoleAt] = ()) -> None:
    """Raise InvalidInput for a role at a site or region that there is not, unless it is `held` already.

    A slip of the pen would show only when somebody signs in and sees nothing.
    """
    new = [each for each in roles if each.place and each not in held]
    check_sites(session, [each.place for each in new if each.scope is Scope.SITE])
    regions = [each.place for each in new if each.scope is Scope.REGION]
    known = {each.region for each in all_sites(session)} if regions else set()
    for each in regions:
        if each not in known:
            raise InvalidInput(f"there is no region {quoted(each)}; describe a site of it first")


def check_sites(session: Session, sites: Collection[str]) -> None:
    """Raise InvalidInput for a site that nobody described and no device names."""
    known = {each.id for each in all_sites(session)} if sites else set()
    for each in sites:
        if each not in known:
            raise InvalidInput(f"there is no site {quoted(each)}; describe it first")


def in_words(roles: Iterable[RoleAt]) -> str:
    """Return roles as the event log says them."""
    named = (f"{each.role} of {each.scope} {each.place}" if each.place else each.role for each in roles)
    return ", ".join(named)

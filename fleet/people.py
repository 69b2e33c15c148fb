"""People, as stages exchange them: who may sign in, and what was handed to them to come in with."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.grants import Role, Sites


class Scope(StrEnum):
    """How far a role of a person reaches."""

    ALL = "all"
    REGION = "region"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class RoleAt:
    """A role of a person, everywhere or at one region or site (`place` is its id)."""

    role: Role
    scope: Scope = Scope.ALL
    place: str = ""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who may sign in; times are epoch ms. `email` is in lower case, and unique.

    `disabled_at` is None while they may. `reaches` holds each role with the sites it reaches now.
    """

    id: int
    email: str
    name: str
    created_at: int
    disabled_at: int | None
    has_password: bool
    roles: tuple[RoleAt, ...] = ()
    reaches: tuple[tuple[Role, Sites], ...] = ()


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session of a person, as its list shows it; times are epoch ms. `key` names it and opens nothing."""

    key: str
    person_id: int
    begun: int
    seen: int
    ends: int
    agent: str
    address: str


class Purpose(StrEnum):
    """What a one-time link is for."""

    FIRST_ADMIN = "first_admin"
    DEMO = "demo"
    INVITATION = "invitation"
    PASSWORD = "password"


@dataclass(frozen=True, slots=True)
class Token:
    """A machine's token, without its secret; times are epoch ms.

    `scopes` are permissions, `sites` where they hold (None: everywhere). `ends` is None for one that never
    ends, `last_used` is to the minute.
    """

    id: int
    name: str
    scopes: tuple[str, ...]
    sites: Sites
    made_by: str
    made_at: int
    ends: int | None
    last_used: int | None
    revoked_at: int | None

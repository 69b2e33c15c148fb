"""People, as stages exchange them: who may sign in, and what was handed to them to come in with."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.grants import Role, Sites

CREW_DOMAIN = "crew.sweepwatch.invalid"
"""Whose addresses end so plays in a demo: a simulated fleet's engineers and who leads them."""


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
    `second_factor` says that a code is asked for after the password, `bound` that an account at the provider
    (OpenID Connect) is theirs.
    """

    id: int
    email: str
    name: str
    created_at: int
    disabled_at: int | None
    has_password: bool
    roles: tuple[RoleAt, ...] = ()
    reaches: tuple[tuple[Role, Sites], ...] = ()
    second_factor: bool = False
    bound: bool = False


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """One session of a person, as its list shows it; times are epoch ms. `key` names it and opens nothing.

    `strong` says that a second factor was shown, here or to a provider that is trusted with it.
    """

    key: str
    person_id: int
    begun: int
    seen: int
    ends: int
    agent: str
    address: str
    strong: bool = False


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What makes the codes of somebody's phone (TOTP, RFC 6238); times are epoch ms.

    It counts from `confirmed_at` on, and was offered to one session, `made_in`. `last_step` is the newest
    step of time whose code was used: none up to it is good any more.
    """

    person_id: int
    secret: str
    made_at: int
    made_in: str
    confirmed_at: int | None
    last_step: int


class Begun(StrEnum):
    """What a sign-in that was begun still waits for."""

    CODE = "code"
    PROVIDER = "provider"


@dataclass(frozen=True, slots=True)
class BegunSignIn:
    """A sign-in that was begun in one browser, which alone can end it; `onward` is where it leads then."""

    key: str
    waits_for: Begun
    person_id: int | None
    ends: int
    onward: str


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
    ends, `last_used` is to the minute; `renewed_at` says since when another takes its place.
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
    renewed_at: int | None = None

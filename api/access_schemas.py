"""The shapes of the API's answers and requests about people, tokens and sites."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.params import SearchText
from api.schemas import Names, Schema, Time
from api.service_schemas import Called, Line, Plain
from fleet.grants import Permission, Role
from fleet.people import Scope
from fleet.principals import PrincipalKind
from fleet.service import SITE_TYPES

Email = Annotated[str, Field(min_length=3, max_length=254, examples=["li.wei@example.org"])]
Name = Annotated[str, Field(min_length=1, max_length=64, examples=["Li Wei"])]


class RoleItem(Schema):
    """A role, everywhere (`place` is empty) or at one site or region."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")

    role: Role
    scope: Scope = Scope.ALL
    place: str = Field("", max_length=64, examples=["pudong"])


class GrantItem(Schema):
    """Permissions, and the sites where they hold; null: every site."""

    permissions: list[Permission]
    sites: list[str] | None


class Me(Schema):
    """Who asks, and what they may do."""

    kind: PrincipalKind
    id: str
    name: str
    grants: list[GrantItem]


class PersonItem(Schema):
    """Somebody who may sign in, or once could (`disabled_at`)."""

    id: int
    email: str
    name: str
    roles: list[RoleItem]
    has_password: bool
    second_factor: bool = Field(description="Whether a code is asked for after the password")
    bound: bool = Field(description="Whether an account at the provider is theirs")
    created_at: Time
    disabled_at: Time | None


class Linked(Schema):
    """A one-time link; it is shown this once."""

    link: str = Field(examples=["http://127.0.0.1:8000/enter/6b2Zl0…"])


class InvitedPerson(PersonItem, Linked):
    """Somebody who was invited, and the link by which they choose a password."""


class Invitation(BaseModel):
    """Whom to invite, and what they may do."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    name: Name
    roles: list[RoleItem] = Field(min_length=1, max_length=100)


class PersonChange(BaseModel):
    """What is to be different about somebody; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    roles: list[RoleItem] | None = Field(None, max_length=100, description="In place of those they have")
    disabled: bool | None = Field(None, description="Whether they may sign in no more")


class TokenItem(Schema):
    """A machine's token, without its secret; `sites` null: every site, `ends` null: never."""

    id: int
    name: str
    scopes: list[str]
    sites: list[str] | None
    made_by: str
    made_at: Time
    ends: Time | None
    last_used: Time | None
    revoked_at: Time | None


class MadeToken(TokenItem):
    """A token that was just made; its secret is shown this once."""

    secret: str = Field(examples=["sw_…"])


class TokenRequest(BaseModel):
    """A token that is asked for."""

    model_config = ConfigDict(extra="forbid")

    name: Name
    scopes: list[Permission] = Field(min_length=1, max_length=len(Permission))
    sites: list[SearchText] | None = Field(None, max_length=1000, description="Only there; null: everywhere")
    days: int | None = Field(365, ge=1, le=3660, description="Until it ends; null: never")


class SiteItem(Schema):
    """A site; what nobody said of it is empty or null."""

    id: str
    name: Names
    region: str
    customer: str
    address: str
    lat: float | None
    lon: float | None
    zone: str
    type: str


class SiteChange(BaseModel):
    """What is said of a site, in place of what was said before."""

    model_config = ConfigDict(extra="forbid")

    name: Called = Names(en="", zh="")
    region: Line = ""
    customer: Line = ""
    address: Annotated[str, Field(max_length=255, pattern=Plain)] = ""
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    zone: str = Field("", max_length=64, examples=["Asia/Shanghai"])
    type: str = Field("", max_length=16, examples=["hospital"], description=f"One of {', '.join(SITE_TYPES)}")


Forever = Literal["never"]

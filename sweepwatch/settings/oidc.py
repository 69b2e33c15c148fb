"""The settings of signing in by a provider (OpenID Connect): `[oidc]`."""

import re
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from access.provider import Registration, is_safe
from fleet.grants import Role
from fleet.people import RoleAt, Scope
from fleet.text import Text, quoted
from sweepwatch.settings.section import Section

_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


class OidcSettings(Section):
    """A provider by which people sign in beside their passwords (OpenID Connect)."""

    issuer: str | None = Field(
        None, max_length=255, description="Its address, https://; empty: people sign in by password alone"
    )
    client_id: str | None = Field(None, max_length=255, description="How it calls this installation")
    client_secret: SecretStr | None = Field(
        None, description="Its secret for this installation; empty: a public client"
    )
    scopes: str = Field(
        "openid email profile", max_length=255, description="What is asked of it; openid among them"
    )
    label: str = Field(
        "Single sign-on",
        min_length=1,
        max_length=64,
        description="What stands on the button that leads there",
    )
    label_zh: str = Field("单点登录", min_length=1, max_length=64, description="The same in Chinese")
    domains: tuple[str, ...] = Field(
        (), description="E-mail domains whose people come in without an invitation, if verified"
    )
    domain_role: Literal["viewer", "engineer", "manager", "safety"] = Field(
        "viewer", description="What they are then, everywhere, until an admin says otherwise"
    )
    roles_claim: str = Field(
        "groups", min_length=1, max_length=128, description="The claim that `oidc.roles` reads"
    )
    roles: dict[str, str] = Field(
        default_factory=dict,
        description="What values of that claim make of people, in the file alone: [oidc.roles], "
        '"cleaning-leads" = "manager" or "manager site ID" or "manager region ID"',
    )
    trust_second_factor: bool = Field(
        False, description="Whether the provider asks for a second factor itself, so that none is asked here"
    )

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str | None) -> str | None:
        if issuer is not None and not is_safe(issuer):
            raise ValueError("allowed: https://, or http:// on this machine")
        return issuer

    @field_validator("scopes")
    @classmethod
    def _asks_who(cls, scopes: str) -> str:
        if "openid" not in scopes.split():
            raise ValueError("allowed: names with spaces between, openid among them")
        return scopes

    @field_validator("domains", mode="before")
    @classmethod
    def _listed(cls, domains: object) -> object:
        return re.findall(r"[^\s,]+", domains) if isinstance(domains, str) else domains

    @field_validator("domains")
    @classmethod
    def _are_domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        lower = tuple(each.lower().removeprefix("@") for each in domains)
        for each in lower:
            if not _DOMAIN.fullmatch(each):
                raise ValueError(f"{quoted(each)} is no domain; allowed: names such as example.org")
        return lower

    @field_validator("roles")
    @classmethod
    def _are_roles(cls, roles: dict[str, str]) -> dict[str, str]:
        for said in roles.values():
            _role(said)
        return roles

    @model_validator(mode="after")
    def _is_whole(self) -> "OidcSettings":
        if self.issuer is not None and not self.client_id:
            raise ValueError("oidc.issuer needs oidc.client_id beside it")
        return self


def registration_of(settings: OidcSettings) -> Registration | None:
    """Return how this installation is known at its provider; None without one."""
    if settings.issuer is None:
        return None
    secret = settings.client_secret
    return Registration(
        settings.issuer,
        settings.client_id or "",
        secret.get_secret_value() if secret is not None else None,
        settings.scopes,
        Text(settings.label, settings.label_zh),
        frozenset(settings.domains),
        RoleAt(Role(settings.domain_role)) if settings.domains else None,
        settings.roles_claim,
        {value: _role(said) for value, said in settings.roles.items()},
        settings.trust_second_factor,
    )


def _role(said: str) -> RoleAt:
    """Return a role from its words. Raises ValueError."""
    role, scope, place = (*said.split(), "", "")[:3] if len(said.split()) in (1, 3) else ("", "", "")
    if role not in set(Role) or scope not in ("", Scope.SITE, Scope.REGION):
        raise ValueError(
            f"{quoted(said)} is no role; allowed: {', '.join(Role)}, with `site ID` or `region ID` after it"
        )
    if scope and role == Role.ADMIN:
        raise ValueError("an admin is one everywhere")
    return RoleAt(Role(role), Scope(scope), place) if scope else RoleAt(Role(role))

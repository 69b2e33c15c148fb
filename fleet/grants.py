"""What somebody is trusted with: roles, at some sites or at all, and the permissions that doors ask for."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

Sites = frozenset[str] | None
"""Where something holds: at these sites, None: at every site, those that are still to come included."""


class Role(StrEnum):
    """What a person does in the house."""

    VIEWER = "viewer"
    ENGINEER = "engineer"
    MANAGER = "manager"
    SAFETY = "safety"
    ADMIN = "admin"


class Permission(StrEnum):
    """What a door asks for: a subject, and what is done to it. Also the scopes of tokens."""

    FLEET_READ = "fleet:read"
    DEVICES_CHANGE = "devices:change"
    DEVICES_ADMIT = "devices:admit"
    COMMANDS_SEND = "commands:send"
    COMMANDS_CONFIGURE = "commands:configure"
    FIRMWARE_MANAGE = "firmware:manage"
    SITES_CHANGE = "sites:change"
    PERSONAL_READ = "personal:read"
    PERSONAL_ERASE = "personal:erase"
    ALERTS_CHANGE = "alerts:change"
    ALERTS_REPORT = "alerts:report"
    RULES_CHANGE = "rules:change"
    DUTY_CHANGE = "duty:change"
    NOTICES_READ = "notices:read"
    NOTICES_MANAGE = "notices:manage"
    TICKETS_REPORT = "tickets:report"
    TICKETS_CHANGE = "tickets:change"
    VISITS_READ = "visits:read"
    DISPATCH_CHANGE = "dispatch:change"
    INDICATORS_READ = "indicators:read"
    INDICATORS_CHANGE = "indicators:change"
    MODELS_READ = "models:read"
    INGEST_READ = "ingest:read"
    METRICS_READ = "metrics:read"
    PEOPLE_MANAGE = "people:manage"
    TOKENS_MANAGE = "tokens:manage"
    SERVICE_READ = "service:read"
    SERVICE_MANAGE = "service:manage"
    PARTS_READ = "parts:read"
    PARTS_CHANGE = "parts:change"
    PARTS_ORDER = "parts:order"


@dataclass(frozen=True, slots=True)
class Grant:
    """Permissions at some sites; `role` is how they came, None for those of a token's scopes."""

    permissions: frozenset[Permission]
    sites: Sites = None
    role: Role | None = None


def reach(grants: Iterable[Grant], permission: Permission) -> Sites:
    """Return where a permission holds; the empty set where nowhere."""
    places: set[str] = set()
    for grant in grants:
        if permission in grant.permissions:
            if grant.sites is None:
                return None
            places |= grant.sites
    return frozenset(places)

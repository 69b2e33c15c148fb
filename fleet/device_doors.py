"""How devices come in at the broker: with a credential of their own, each for its own topics."""

from dataclasses import dataclass, field
from enum import StrEnum

from fleet.signals import Kind

CERTIFICATE_DAYS = 90
CLAIM_DAYS = 3_650
"""A label may lie in a store for years."""


class CredentialKind(StrEnum):
    """What a device shows to the broker."""

    PASSWORD = "password"
    CERTIFICATE = "certificate"


@dataclass(frozen=True, slots=True)
class HashedPassword:
    """What is kept of a password, as mosquitto's plugin keeps it: PBKDF2 of SHA-512, both in base64."""

    key: str
    salt: str
    iterations: int


@dataclass(frozen=True, slots=True)
class Credential:
    """A device's credential; times are epoch ms. The device's id is its user name at the broker.

    `topics` are filters beside its own under `sweepwatch/v1/` on which it may speak and hear (dialects).
    `hashed` is None for certificates, `serial` (hexadecimal) empty for passwords. `ends` is None for one that
    does not end. `known_at` is when the broker was told of it, or of its end; None while it has to be.
    """

    id: int
    device_id: str
    kind: CredentialKind
    made_by: str
    made_at: int
    ends: int | None = None
    revoked_at: int | None = None
    topics: tuple[str, ...] = ()
    serial: str = ""
    hashed: HashedPassword | None = None
    known_at: int | None = None

    def holds(self, now: int) -> bool:
        """Tell whether it opens anything now."""
        return self.revoked_at is None and (self.ends is None or self.ends > now)


@dataclass(frozen=True, slots=True)
class BrokerUser:
    """A device as the broker has to know it: who it is, where it speaks, and what its password is.

    `hashed` is None for a device that shows a certificate: the plugin then takes no password of it.
    """

    device_id: str
    site: str
    kind: Kind
    topics: tuple[str, ...] = ()
    hashed: HashedPassword | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """What is handed to whoever sets a device up, once.

    `password` is "" for certificates. `certificate`, `key` and `authority` are PEM, "" for passwords; `key`
    is "" too where the device made its own.
    """

    device_id: str
    kind: CredentialKind
    password: str = ""
    certificate: str = ""
    key: str = ""
    authority: str = ""
    ends: int | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which credential is wanted. `days` is how long a certificate holds, `request` one in PEM for it.

    `keep_days` lets the certificate before go on for so long.
    """

    kind: CredentialKind = CredentialKind.PASSWORD
    days: int = CERTIFICATE_DAYS
    request: str = ""
    keep_days: int = 0


@dataclass(frozen=True, slots=True)
class NewDevice:
    """A device that is to be registered; what is "" is not known."""

    id: str
    site: str
    kind: Kind
    model: str = ""
    serial: str = ""
    topics: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Claim:
    """A serial number that waits to be claimed with the code on its label; times are epoch ms."""

    serial: str
    kind: Kind
    model: str
    made_at: int
    ends: int
    claimed_at: int | None = None
    device_id: str = ""

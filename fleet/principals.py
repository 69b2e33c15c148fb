"""Who acts: each change is somebody's, of a kind that nobody else can pass for."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.errors import InvalidInput
from fleet.grants import Grant, Permission, Sites, reach

MAX_NAME = 64


class PrincipalKind(StrEnum):
    """What kind of actor a principal is; only its own room can make one of a kind."""

    PERSON = "person"
    TOKEN = "token"
    DEVICE = "device"
    RULE = "rule"
    MODEL = "model"
    CUSTOMER = "customer"
    SCHEDULE = "schedule"


PEOPLE = frozenset({PrincipalKind.PERSON, PrincipalKind.TOKEN, PrincipalKind.CUSTOMER})
"""The kinds behind which there is a person's will."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody or something that changes things.

    `id` is unique within its kind, `name` is what people read. `grants` are what it is trusted with where a
    door asks; the log of events keeps who it was, and not these.
    """

    kind: PrincipalKind
    id: str
    name: str
    grants: tuple[Grant, ...] = ()

    def reach(self, permission: Permission) -> Sites:
        """Return the sites at which it has a permission: None at every, the empty set at none."""
        return reach(self.grants, permission)


def person(name: str) -> Principal:
    """Return the person of a name. Raises InvalidInput unless it is 1 to 64 characters without a NUL."""
    if not name.strip() or len(name) > MAX_NAME or "\x00" in name:
        raise InvalidInput(f"who: the name of who does this is required, 1 to {MAX_NAME} characters")
    return Principal(PrincipalKind.PERSON, name, name)


def check_reason(why: str) -> None:
    """Raise InvalidInput unless a reason is given, as each change by a person needs one."""
    if not why.strip():
        raise InvalidInput("a reason is required and must not be blank")
    if "\x00" in why:
        raise InvalidInput("a reason must not contain a NUL character")


def rule(name: str) -> Principal:
    """Return the alert rule of a name."""
    return Principal(PrincipalKind.RULE, name, name)


def model(name: str) -> Principal:
    """Return a model, by its id or by what it does (`risk`)."""
    return Principal(PrincipalKind.MODEL, name, name)


def schedule(name: str) -> Principal:
    """Return what the installation does by itself: `expiry`, `trial`, `history`."""
    return Principal(PrincipalKind.SCHEDULE, name, name)

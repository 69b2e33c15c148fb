"""The commands of `sweepwatch people` and `sweepwatch tokens`, which may run beside an installation.

Whoever can read the data folder, or has the desk's address, is trusted with this.
"""

import getpass
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.table import Table

from access.doors import Doors
from access.tokens import Asked, scopes_of
from fleet.clock import SystemClock, to_rfc3339
from fleet.errors import NotFound
from fleet.grants import Permission, Role
from fleet.people import Person, RoleAt, Scope, Token
from fleet.principals import Principal, PrincipalKind
from fleet.text import quoted
from sweepwatch.commands.installed import opened_desk
from sweepwatch.printing import Say, console, json_text
from sweepwatch.run.way_in import address_for_links
from sweepwatch.settings.settings import Settings


def list_people(settings: Settings, as_json: bool, say: Say) -> None:
    """Print who may sign in, and what they may do."""
    with _doors(settings) as doors:
        found = doors.people.everybody()
    if as_json:
        say(json_text([_person_item(each) for each in found]))
    elif not found:
        say("Nobody can sign in yet; `sweepwatch people link` prints a link for the first admin.")
    else:
        table = Table("id", "name", "e-mail", "roles", "may sign in", "second step")
        for each in found:
            may = "no" if each.disabled_at else "yes" if each.has_password or each.bound else "not yet"
            second = "on" if each.second_factor else "off"
            table.add_row(str(each.id), each.name, each.email, _roles(each.roles), may, second)
        console().print(table)


def invite_person(
    settings: Settings, email: str, name: str, role: str, place: tuple[str, str] | None, say: Say
) -> None:
    """Add somebody with a role, and print the link by which they choose a password.

    `place` is a scope (`site` or `region`) and its id, None everywhere.
    """
    given = RoleAt(Role(role)) if place is None else RoleAt(Role(role), Scope(place[0]), place[1])
    with _doors(settings) as doors:
        person, secret = doors.people.invite(email, name, [given], whoever())
    say(f"{person.name} is invited; for a week, once: {address_for_links(settings)}enter/{secret}")


def print_link(settings: Settings, email: str | None, say: Say) -> None:
    """Print a link for a new password; without an address one for the first admin, or into the demo."""
    with _doors(settings) as doors:
        people = doors.people
        if email is not None:
            secret = people.link_for_password(_by_email(doors, email).id, whoever())
        elif people.have_admin(able=True):
            raise NotFound("there is an admin already; give an e-mail address for a link to a new password")
        else:
            secret = people.link_for_first_admin()
    say(f"{address_for_links(settings)}enter/{secret}")


def reset_second_factor(settings: Settings, email: str, say: Say) -> None:
    """Take somebody's second factor away, who lost it, and end their sessions."""
    with _doors(settings) as doors:
        person = _by_email(doors, email)
        doors.second_factors.reset(person.id, whoever())
    say(f"{person.name} signs in by password alone, and is signed out everywhere.")


def _by_email(doors: Doors, email: str) -> Person:
    found = next((each for each in doors.people.everybody() if each.email == email.strip().lower()), None)
    if found is None:
        raise NotFound(f"nobody has the address {quoted(email)}")
    return found


def list_tokens(settings: Settings, as_json: bool, say: Say) -> None:
    """Print the tokens of machines, without their secrets."""
    with _doors(settings) as doors:
        found = doors.tokens.all()
    if as_json:
        say(json_text([_token_item(each) for each in found]))
        return
    table = Table("id", "name", "scopes", "sites", "made", "ends", "last used", "revoked")
    for each in found:
        sites = "all" if each.sites is None else ", ".join(sorted(each.sites))
        times = (each.made_at, each.ends, each.last_used, each.revoked_at)
        shown = ["-" if one is None else to_rfc3339(one)[:10] for one in times]
        table.add_row(str(each.id), each.name, ", ".join(each.scopes), sites, *shown)
    console().print(table)


def add_token(
    settings: Settings, name: str, scopes: Sequence[str], sites: Sequence[str], days: int | None, say: Say
) -> None:
    """Make a token and print its secret alone, so that a script can take it."""
    places = frozenset(sites) if sites else None
    with _doors(settings) as doors:
        _, secret = doors.tokens.make(Asked(name, scopes_of(scopes), places, days), whoever())
    say(secret)


def rotate_token(settings: Settings, token_id: int, say: Say) -> None:
    """Make a token that takes another's place, which goes on for an hour; print the new secret alone."""
    with _doors(settings) as doors:
        _, secret = doors.tokens.rotate(token_id, whoever())
    say(secret)


def revoke_token(settings: Settings, token_id: int, say: Say) -> None:
    """End a token now."""
    with _doors(settings) as doors:
        doors.tokens.revoke(token_id, whoever())
    say(f"Token {token_id} opens nothing any more.")


@contextmanager
def _doors(settings: Settings) -> Iterator[Doors]:
    with opened_desk(settings) as desk:
        yield Doors(desk, SystemClock())


def whoever() -> Principal:
    """Return who runs a command: the user of this machine."""
    try:
        name = getpass.getuser()[:48]
    except (KeyError, OSError):  # a user without a name
        name = "somebody"
    return Principal(PrincipalKind.SCHEDULE, "terminal", f"{name} (terminal)")


def _roles(roles: Sequence[RoleAt]) -> str:
    return ", ".join(each.role if not each.place else f"{each.role} of {each.place}" for each in roles) or "-"


def _person_item(person: Person) -> dict[str, object]:
    return {
        "id": person.id,
        "email": person.email,
        "name": person.name,
        "roles": [{"role": each.role, "scope": each.scope, "place": each.place} for each in person.roles],
        "second_factor": person.second_factor,
        "bound": person.bound,
        "created_at": to_rfc3339(person.created_at),
        "disabled_at": None if person.disabled_at is None else to_rfc3339(person.disabled_at),
    }


def _token_item(token: Token) -> dict[str, object]:
    times = {"made_at": token.made_at, "ends": token.ends, "last_used": token.last_used}
    times["revoked_at"] = token.revoked_at
    return {
        "id": token.id,
        "name": token.name,
        "scopes": list(token.scopes),
        "sites": None if token.sites is None else sorted(token.sites),
        **{name: None if time is None else to_rfc3339(time) for name, time in times.items()},
    }


SCOPES = tuple(Permission)
"""What a token can be given."""

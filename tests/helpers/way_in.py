"""Lets tests into an installation: by a token of everything, or by a browser's session."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext

from access.doors import Doors
from access.sessions import Browser
from access.tokens import Asked
from fleet.clock import SystemClock
from fleet.errors import SweepwatchError
from fleet.grants import Permission, Role
from fleet.people import Person, RoleAt
from fleet.principals import schedule
from sweepwatch.commands.installed import opened_desk
from sweepwatch.settings.settings import load_settings


def token_for(arguments: tuple[str, ...], environment: Mapping[str, str]) -> str | None:
    """Return a token of the installation that a command with these arguments runs; None without one."""
    given = dict(pairwise(arguments))
    config, data = given.get("--config"), given.get("--data")
    ours = {name: value for name, value in environment.items() if name.startswith("SWEEPWATCH_")}
    try:
        settings = load_settings(Path(config) if config else None, ours, {"data": data and Path(data)})
        with opened_desk(settings) as desk:
            asked = Asked("tests", tuple(Permission))
            return Doors(desk, SystemClock()).tokens.make(asked, schedule("tests"))[1]
    except SweepwatchError:
        return None


def let_in(context: BrowserContext, house: Any, port: int, *roles: RoleAt) -> None:
    """Give a browser the session of somebody with these roles (all, unless given) at a port of a house."""
    people = house.doors.people
    given = roles or tuple(RoleAt(role) for role in Role)
    email = "-".join(role.role + role.place for role in given) + "@example.org"
    found = next((each for each in people.everybody() if each.email == email), None)
    person = found or people.invite(email, "Li Wei", given, schedule("tests"))[0]
    let_in_as(context, house, port, person)


def let_in_as(context: BrowserContext, house: Any, port: int, person: Person) -> None:
    """Give a browser the session of a person at a port of a house."""
    secret = house.doors.sessions.begin(person, Browser("tests", "127.0.0.1"))
    context.add_cookies(
        [{"name": f"sweepwatch_{port}", "value": secret, "url": f"http://127.0.0.1:{port}", "httpOnly": True}]
    )

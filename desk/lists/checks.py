"""What has to hold between the columns of a row, and between rows and what is kept."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session

from fleet.engineers import in_a_circle
from fleet.lists import ListKind, Refusal
from fleet.text import quoted
from fleet.wire import RESERVED_SITE
from storage.records.engineers import account_holders, leaders
from storage.records.people import people
from storage.records.sheets import read_rows
from storage.records.stock import BETWEEN
from storage.records.stock_places import stock_places

Values = Mapping[str, Any]


@dataclass
class Around:
    """What rows are compared with: what there is that they name, or comes with the file."""

    customers: frozenset[str] = frozenset()
    leaders: dict[str, str] = field(default_factory=dict)
    accounts: dict[int, str] = field(default_factory=dict)
    persons: frozenset[int] = frozenset()
    places: frozenset[str] = frozenset()
    parts: frozenset[str] = frozenset()


def around(session: Session, kind: ListKind, coming: Mapping[str, Values]) -> Around:
    """Return what rows of a list are compared with; `coming` are those of the file, by key."""
    if kind is ListKind.CONTRACTS:
        return Around(customers=frozenset(read_rows(session, ListKind.CUSTOMERS)))
    if kind is ListKind.ENGINEERS:
        led = leaders(session) | {key: row["leader"] for key, row in coming.items()}
        persons = frozenset(each.id for each in people(session))
        return Around(leaders=led, accounts=account_holders(session), persons=persons)
    if kind is ListKind.STOCK:
        places = frozenset(each.id for each in stock_places(session) if each.active)
        return Around(places=places, parts=frozenset(read_rows(session, ListKind.PARTS)))
    return Around()


def refusals(
    kind: ListKind, key: str, row: Values, before: Values | None, known: Around
) -> Iterator[Refusal]:
    """Yield why a row cannot be kept as it would be; `before` is how it stands, None where it is new."""
    check = _CHECKS.get(kind)
    if check is not None:
        yield from check(key, row, before, known)


def _device(_key: str, row: Values, before: Values | None, _known: Around) -> Iterator[Refusal]:
    if row["site"] == RESERVED_SITE:
        yield Refusal("site", f"no device can be at {RESERVED_SITE}; choose another")
    if before is None:
        return
    if row["kind"] != before["kind"]:
        yield Refusal("kind", f"it is a {before['kind']}; what a device is stays: register another")
    if row["site"] != before["site"]:
        yield Refusal(
            "site", f"it is at {quoted(before['site'])}; move it first: its credential is for there"
        )


def _site(key: str, row: Values, _before: Values | None, _known: Around) -> Iterator[Refusal]:
    if key == RESERVED_SITE:
        yield Refusal("id", f"no device can be at {RESERVED_SITE}; choose another")
    if (row["lat"] is None) != (row["lon"] is None):
        yield Refusal("lat", "lat, lon: allowed: both or none")


def _contract(_key: str, row: Values, _before: Values | None, known: Around) -> Iterator[Refusal]:
    if row["customer"] not in known.customers:
        yield Refusal("customer", f"there is no customer {quoted(row['customer'])}; describe it first")
    if row["ends"] is not None and row["ends"] < row["begins"]:
        yield Refusal(
            "ends", f"{row['ends']} is before it begins ({row['begins']}); allowed: that day or later"
        )


def _stock(key: str, _row: Values, _before: Values | None, known: Around) -> Iterator[Refusal]:
    place, part = key.split(BETWEEN, 1)
    if place not in known.places:
        yield Refusal("place", f"there is no place {quoted(place)} that is used; describe it first")
    if part not in known.parts:
        yield Refusal("part", f"there is no part {quoted(part)} in the catalogue; describe it first")


def _engineer(key: str, row: Values, _before: Values | None, known: Around) -> Iterator[Refusal]:
    if row["leader"] and row["leader"] not in known.leaders:
        yield Refusal("leader", f"there is no engineer {quoted(row['leader'])}; describe them first")
    elif in_a_circle(known.leaders, key):
        yield Refusal("leader", f"{quoted(row['leader'])} is led by {quoted(key)}; choose another")
    if (row["home_lat"] is None) != (row["home_lon"] is None):
        yield Refusal("home_lat", "home_lat, home_lon: allowed: both or none")
    account = row["account"]
    if account is None:
        return
    if account not in known.persons:
        yield Refusal("account", f"there is no person {account}")
    elif known.accounts.setdefault(account, key) != key:
        yield Refusal("account", f"it is that of the engineer {quoted(known.accounts[account])} already")


_CHECKS: Mapping[ListKind, Callable[[str, Values, Values | None, Around], Iterator[Refusal]]] = {
    ListKind.DEVICES: _device,
    ListKind.SITES: _site,
    ListKind.CONTRACTS: _contract,
    ListKind.ENGINEERS: _engineer,
    ListKind.STOCK: _stock,
}

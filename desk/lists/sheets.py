"""The columns of each list: how each is read, and what a row has where a file says nothing of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import available_timezones

from desk.lists import cells
from fleet.customers import Included, PlanName, Tier, Visiting
from fleet.engineers import known_skills
from fleet.errors import InvalidInput
from fleet.lists import ListKind
from fleet.service import SITE_TYPES
from fleet.signals import Kind
from fleet.stock import MOST_PIECES
from fleet.text import LANGUAGES
from storage.records.sheets import TABLES
from storage.records.stock import BETWEEN


class Needed:
    """Stands for the default of a column that a new row has to say."""


NEEDED = Needed()


@dataclass(frozen=True, slots=True)
class Column:
    """A column: how its cells are read, and what a new row has without it, NEEDED where it must say so.

    `keeps`: an empty cell leaves what is known. In other columns it is read as the default.
    """

    read: cells.Read
    default: Any = ""
    keeps: bool = False


_NAMES = {"name_en": Column(cells.text(128)), "name_zh": Column(cells.text(128))}
_DATE = Column(cells.day, None)
_EMAIL, _PHONE = Column(cells.EMAIL), Column(cells.PHONE)
_LAT, _LON = Column(cells.number(-90, 90), None), Column(cells.number(-180, 180), None)
_PRICE = Column(cells.number(0, 1e9), None)


def _skill(cell: str) -> object:
    return cells.word(known_skills())(cell)


_CERTIFICATE = cells.records(
    ("name", cells.text(64)),
    ("skill", lambda cell: _skill(cell) if cell else ""),
    ("number", cells.text(64)),
    ("issued", cells.optional(cells.day)),
    ("expires", cells.optional(cells.day)),
)
_TRAINING = cells.records(("on", cells.day), ("topic", cells.text(128)), ("hours", cells.number(0, 1000)))
_ZONES = sorted(name for name in available_timezones() if "/" in name or name == "UTC")

_COLUMNS: Mapping[ListKind, Mapping[str, Column]] = {
    ListKind.CUSTOMERS: {
        **_NAMES,
        "tier": Column(cells.word(tuple(map(str, Tier))), str(Tier.C)),
        "plan": Column(cells.word(tuple(map(str, PlanName))), str(PlanName.BASIC)),
        "language": Column(cells.word(LANGUAGES), "zh"),
        "contact_name": Column(cells.text(64)),
        "contact_phone": _PHONE,
        "contact_email": _EMAIL,
        "visits": Column(cells.words(cells.word(tuple(map(str, Visiting)))), []),
        "notes": Column(cells.text(1000, lines=True)),
        "active": Column(cells.flag, True),
    },
    ListKind.SITES: {
        "region": Column(cells.text(64)),
        "customer": Column(cells.text(64)),
        **_NAMES,
        "address": Column(cells.text(255)),
        "lat": _LAT,
        "lon": _LON,
        "zone": Column(cells.word(_ZONES)),
        "type": Column(cells.word(SITE_TYPES)),
    },
    ListKind.CONTRACTS: {
        "customer": Column(cells.KEY, NEEDED),
        "plan": Column(cells.word(tuple(map(str, PlanName))), NEEDED),
        "begins": Column(cells.day, NEEDED),
        "ends": _DATE,
        "sites": Column(cells.words(cells.ID), []),
        "includes": Column(cells.words(cells.word(tuple(map(str, Included)))), []),
        "visits_a_year": Column(cells.whole(0, 1000), 0),
        "price": _PRICE,
    },
    ListKind.ENGINEERS: {
        "name": Column(cells.text(64), NEEDED),
        "account": Column(cells.whole(1, 2**53), None),
        "region": Column(cells.text(64)),
        "leader": Column(cells.KEY),
        "phone": _PHONE,
        "email": _EMAIL,
        "skills": Column(cells.words(_skill), []),
        "certificates": Column(_CERTIFICATE, []),
        "training": Column(_TRAINING, []),
        "shifts": Column(cells.shifts, {}),
        "home_lat": _LAT,
        "home_lon": _LON,
        "van": Column(cells.text(64)),
        "employer": Column(cells.text(64)),
        "active": Column(cells.flag, True),
    },
    ListKind.PARTS: {
        **_NAMES,
        "price": _PRICE,
        "lead_days": Column(cells.whole(0, 3650), None),
        "fits": Column(cells.words(cells.text(64)), []),
        "supplier": Column(cells.text(64)),
        "warranty_months": Column(cells.whole(0, 600), None),
        "discontinued": Column(cells.flag, False),
        "replaced_by": Column(cells.KEY),
        "serialised": Column(cells.flag, False),
        "lot": Column(cells.whole(1, 100_000), 1),
    },
    ListKind.DEVICES: {
        "kind": Column(cells.word(tuple(map(str, Kind))), NEEDED),
        "site": Column(cells.ID, NEEDED),
        "model": Column(cells.text(64), "unknown", keeps=True),
        "firmware": Column(cells.text(64), None, keeps=True),
        "serial": Column(cells.text(64), None, keeps=True),
        "purchased": _DATE,
        "warranty_until": _DATE,
    },
    ListKind.STOCK: {"on_hand": Column(cells.whole(0, MOST_PIECES), NEEDED)},
}
_KEYS = {ListKind.SITES: cells.ID, ListKind.DEVICES: cells.ID}


@dataclass(frozen=True, slots=True)
class Sheet:
    """A list: the names of its key and how each is read, and its columns in the order of a stored row."""

    kind: ListKind
    keys: tuple[str, ...]
    read_key: cells.Read
    columns: Mapping[str, Column]

    @property
    def key(self) -> str:
        """The name of its key, the first where rows are known by several."""
        return self.keys[0]

    @property
    def names(self) -> tuple[str, ...]:
        """All names that may stand in a header."""
        return (*self.keys, *self.columns)

    def cells_of(self, key: str) -> list[str]:
        """Return the cells that a key stands in."""
        return key.split(BETWEEN, len(self.keys) - 1)


def row_said(kind: ListKind, key: str, said: Mapping[str, str]) -> dict[str, Any]:
    """Return the columns of a row by what was typed into a form; what it leaves out is as in a new row.

    Raises InvalidInput that names the first field that cannot be read, and what is allowed.
    """
    sheet = SHEETS[kind]
    row = {sheet.key: _typed(sheet.key, sheet.read_key, key)}
    for name, column in sheet.columns.items():
        text = said.get(name, "").strip()
        if not text and column.default is NEEDED:
            raise InvalidInput(f"{name}: is missing: it has to be said")
        row[name] = _typed(name, column.read, text) if text else column.default
    return row


def _typed(name: str, read: cells.Read, text: str) -> Any:
    try:
        return read(text)
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}") from error


def _sheet(kind: ListKind) -> Sheet:
    where, columns = TABLES[kind], _COLUMNS[kind]
    keys = where.keys or (where.key,)
    return Sheet(kind, keys, _KEYS.get(kind, cells.KEY), {name: columns[name] for name in where.columns})


SHEETS = {kind: _sheet(kind) for kind in ListKind}
"""The lists that there are."""

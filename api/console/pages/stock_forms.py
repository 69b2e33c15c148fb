"""The fields of forms about stock."""

from collections.abc import Mapping
from typing import Any

from api.stock_schemas import MovementAsked
from desk.lists.cells import KEY, Read, flag, number, text, word
from fleet.errors import InvalidInput
from fleet.stock import MOST_PIECES, MovementKind, PlaceKind, StockPlace, check_serials, serials_in
from fleet.text import Text, quoted


def number_in(said: Mapping[str, str], name: str, least: int = 0) -> int:
    """Return how many pieces a field says. Raises InvalidInput."""
    typed = said.get(name, "")
    found = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else -1
    if not least <= found <= MOST_PIECES:
        raise InvalidInput(
            f"{name}: {quoted(typed)} is none; allowed: a whole number from {least} to {MOST_PIECES}"
        )
    return found


def place_said(place_id: str, said: Mapping[str, str]) -> StockPlace:
    """Return the place that a form describes. Raises InvalidInput that names the field."""
    lat, lon = (
        _read(said, name, number(-most, most)) if said.get(name) else None
        for name, most in (("lat", 90), ("lon", 180))
    )
    return StockPlace(
        _read({"id": place_id}, "id", KEY),
        PlaceKind(_read(said, "kind", word(tuple(map(str, PlaceKind))))),
        Text(_read(said, "name_en", text(128)), _read(said, "name_zh", text(128))),
        _read(said, "region", text(64)),
        lat,
        lon,
        _read(said, "active", flag) if said.get("active") else True,
    )


def movement_said(place_id: str, said: Mapping[str, str]) -> MovementAsked:
    """Return the movement that a form asks for. Raises InvalidInput that names the field."""
    kind = MovementKind(_read(said, "kind", word(tuple(map(str, MovementKind)))))
    return MovementAsked(
        kind=kind,
        place=place_id,
        part=_read(said, "part", KEY),
        quantity=number_in(said, "quantity", 1),
        to=_read(said, "to", KEY) if kind is MovementKind.MOVED else None,
        serials=list(check_serials(serials_in(said.get("serials", "")))),
        reason=_read(said, "why", text(1000)),
    )


def _read(said: Mapping[str, str], name: str, read: Read) -> Any:
    try:
        return read(said.get(name, ""))
    except ValueError as error:
        raise InvalidInput(f"{name}: {error}") from error

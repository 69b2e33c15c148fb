"""Stock as pages and the API need it."""

from sqlalchemy.orm import Session

from api.services import ApiServices
from api.stock_schemas import MovementAsked, PlaceChange, PlaceItem, SerialQuery, StockItem
from desk.parts.stock import Moving
from fleet.errors import InvalidInput, NotFound
from fleet.grants import Sites
from fleet.principals import Principal
from fleet.stock import MovementKind, Serial, Stock, StockPlace
from fleet.text import Text
from storage.records.device_lists import device_of
from storage.records.part_serials import known_serials, serials_at, serials_in_device
from storage.records.stock_places import stock_place


def stock_item(found: Stock) -> StockItem:
    """Return stock as the API shows it."""
    return StockItem.model_validate(found)


def place_item(found: StockPlace) -> PlaceItem:
    """Return a place as the API shows it."""
    return PlaceItem.model_validate(found)


def place_said(place_id: str, said: PlaceChange) -> StockPlace:
    """Return the place that a request describes."""
    name = Text(said.name.en, said.name.zh)
    return StockPlace(place_id, said.kind, name, said.region, said.lat, said.lon, said.active)


def done_to_stock(services: ApiServices, asked: MovementAsked, by: Principal, sites: Sites) -> Stock:
    """Do what a request asks for, and return what is at the place then."""
    stock, kind = services.parts.stock, asked.kind
    if kind is MovementKind.MOVED and asked.to is None:
        raise InvalidInput("to: say where they go")
    if kind is not MovementKind.MOVED and asked.to is not None:
        raise InvalidInput(f"to: allowed with moved, not with {kind}")
    serials = tuple(asked.serials or ())
    said = Moving(
        asked.place, asked.part, asked.quantity, serials, asked.reason, asked.ticket, asked.to or ""
    )
    if kind is MovementKind.COUNTED:
        return stock.count(said, by, sites, read_serials=asked.serials is not None)[0]
    does = {
        MovementKind.RECEIVED: stock.receive,
        MovementKind.MOVED: stock.move,
        MovementKind.USED: stock.use,
        MovementKind.RETURNED: stock.give_back,
        MovementKind.SCRAPPED: stock.scrap,
    }
    return does[kind](said, by, sites)


def serials_asked(session: Session, query: SerialQuery, sites: Sites) -> list[Serial]:
    """Return the pieces that were asked for, where somebody sees them. Raises InvalidInput."""
    if query.device is not None:
        device_of(session, query.device, sites)
        return serials_in_device(session, query.device)
    if query.place is not None:
        stock_place(session, query.place, sites)
        return serials_at(session, query.place, query.part)
    if query.part is None or query.serial is None:
        raise InvalidInput("part: say which: part and serial, or place, or device")
    known = known_serials(session, query.part, [query.serial]).values()
    return [each for each in known if _is_seen(session, each, sites)]


def _is_seen(session: Session, serial: Serial, sites: Sites) -> bool:
    try:
        if serial.place is not None:
            stock_place(session, serial.place, sites)
        if serial.device_id is not None:
            device_of(session, serial.device_id, sites)
    except NotFound:
        return False
    return True

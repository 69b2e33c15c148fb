"""Stock of parts in the API: what may be asked, said and ordered, and what is answered."""

from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.case_schemas import Routine
from api.params import Day, Paged, Params, SearchText, ZonedMs
from api.schemas import Names, Reason, Schema, Time
from api.service_schemas import Called, Key, Line
from desk.parts.demand import Ground
from fleet.stock import (
    LONGEST_SERIAL,
    MOST_PIECES,
    MovementKind,
    OrderState,
    PlaceKind,
    ReservationState,
)

Newest = Literal["id", "-id"]
Pieces = Annotated[int, Field(ge=1, le=MOST_PIECES)]
TicketId = Annotated[int, Field(ge=1, lt=2**63)]
Serials = Annotated[
    list[Annotated[str, Field(min_length=1, max_length=LONGEST_SERIAL)]],
    Field(max_length=1000, description="Numbers of the pieces: of each, where the part has them"),
]
_NO_NAME = Names(en="", zh="")


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class StockQuery(Paged):
    """Which stock."""

    place: SearchText | None = None
    part: SearchText | None = None


class MovementQuery(StockQuery):
    """Which movements, the newest first; `place` is where pieces left or came to."""

    sort: Newest = "-id"
    kind: MovementKind | None = None
    ticket: TicketId | None = None


class ReservationQuery(StockQuery):
    """Which reservations, the newest first."""

    sort: Newest = "-id"
    ticket: TicketId | None = None
    state: ReservationState | None = None


class OrderQuery(StockQuery):
    """Which orders, the newest first."""

    sort: Newest = "-id"
    state: OrderState | None = None


class SerialQuery(Params):
    """Which pieces: those of a part with a number, those at a place, or those in a device."""

    part: SearchText | None = None
    serial: SearchText | None = None
    place: SearchText | None = None
    device: SearchText | None = None


class VanQuery(Params):
    """For which day."""

    day: Day | None = Field(None, description="Tomorrow where it is not given")


class StockItem(Schema):
    """Pieces of a part at a place: there, held for cases, and free for whoever asks."""

    place: str
    part: str
    on_hand: int
    reserved: int
    free: int
    counted_at: Time | None


class MovementAsked(_Request):
    """Pieces that come, go, or are counted at a place.

    `moved` needs `to`; `scrapped` a reason; `used` a ticket. Of `counted` the quantity is what is there,
    and `serials`, where they are given, those of all pieces there.
    """

    kind: MovementKind
    place: Key = Field(examples=["depot-east"])
    part: Key = Field(examples=["brush-bearing"])
    quantity: int = Field(ge=0, le=MOST_PIECES, examples=[2])
    to: Key | None = Field(None, description="Where moved pieces go", examples=[None])
    ticket: TicketId | None = Field(None, examples=[None])
    serials: Serials | None = None
    reason: Routine = ""


class MovementItem(Schema):
    """A line of the ledger: pieces left `source`, came to `target`; a counted difference may be negative."""

    id: int
    at: Time
    kind: MovementKind
    part: str
    quantity: int
    source: str | None
    target: str | None
    ticket: int | None
    serials: list[str]
    by: str
    why: str


class ReservationAsked(_Request):
    """Pieces to hold for a case, at the first of the places that has all."""

    ticket: TicketId = Field(examples=[1])
    part: Key = Field(examples=["brush-bearing"])
    quantity: Pieces = 1
    places: list[Key] = Field(min_length=1, max_length=100, examples=[["van-li", "depot-east"]])
    ends: ZonedMs | None = Field(None, description="Held until then; as set, where it is not given")


class ReleaseAsked(_Request):
    """Why what is held is let go of."""

    reason: Routine = ""


class ReservationItem(Schema):
    """Pieces that are or were held for a case."""

    id: int
    ticket: int
    part: str
    place: str
    quantity: int
    state: ReservationState
    made_at: Time
    ends: Time
    ended_at: Time | None
    by: str
    why: str


class PlaceChange(_Request):
    """What is said of a place; a van has the id that its engineer's `van` names."""

    kind: PlaceKind = PlaceKind.DEPOT
    name: Called = _NO_NAME
    region: Line = ""
    lat: float | None = Field(None, ge=-90, le=90, allow_inf_nan=False)
    lon: float | None = Field(None, ge=-180, le=180, allow_inf_nan=False)
    active: bool = True


class PlaceItem(Schema):
    """A place that holds stock."""

    id: str
    kind: PlaceKind
    name: Names
    region: str
    lat: float | None
    lon: float | None
    active: bool
    version: int


class OrderAsked(_Request):
    """Pieces to order for a depot."""

    part: Key = Field(examples=["brush-bearing"])
    place: Key = Field(examples=["depot-east"])
    quantity: Pieces = Field(examples=[5])
    reason: Routine = ""


class OrderPlaced(_Request):
    """When what was ordered should be there; after the part's lead time where nobody says."""

    expected: ZonedMs | None = Field(None, examples=[None])


class ArrivalAsked(_Request):
    """Pieces of an order that are there."""

    quantity: Pieces = Field(examples=[5])
    serials: Serials = Field(default_factory=list)


class OrderEnd(_Request):
    """Why an order is given up."""

    reason: Reason


class OrderItem(Schema):
    """An order."""

    id: int
    supplier: str
    part: str
    place: str
    quantity: int
    arrived: int
    to_come: int
    state: OrderState
    made_at: Time
    ordered_at: Time | None
    expected_at: Time | None
    by: str
    why: str


class BasisItem(Schema):
    """What a figure rests on: pieces `used` in `months`, and the risks of `devices`; means of either."""

    ground: Ground
    months: float
    used: int
    devices: int
    from_history: float
    from_risks: float
    season: float = Field(description="The factor on history in these days, 1 for none")


class ProposalItem(Schema):
    """Pieces to order: `target` is what suffices until delivery, `coming` is ordered or proposed already."""

    supplier: str
    part: str
    place: str
    quantity: int
    target: int
    free: int
    coming: int
    lead_days: int
    instead_of: list[str]
    obstacle: str = Field(description="`discontinued`: nothing takes its place; else empty")
    basis: BasisItem


class EndangeredItem(Schema):
    """An open case that a part will be missing for."""

    ticket: int
    device_id: str
    site: str
    level: str
    fault: str
    due: Time | None


class ShortageItem(Schema):
    """A part that no place has in time, and the cases that this endangers."""

    part: str
    cases: list[EndangeredItem]
    next_at: Time | None
    replaced_by: str


class ToTakeItem(Schema):
    """Pieces that a van needs for some cases; `source` is where they are, empty where no place has them.

    `kit`: in case they are needed, since nobody knows what is wrong, or a risk speaks of them.
    """

    part: str
    quantity: int
    tickets: list[int]
    source: str
    kit: bool


class ToReturnItem(Schema):
    """Pieces that a van can do without."""

    part: str
    quantity: int


class VanListItem(Schema):
    """What a van takes along on a day, and what it brings back."""

    engineer: str
    name: str
    van: str
    day: date
    take: list[ToTakeItem]
    give_back: list[ToReturnItem]


class TransferItem(Schema):
    """Pieces that would better be at another place a month ahead."""

    part: str
    source: str
    target: str
    quantity: int
    region: str
    need: int
    free: int
    basis: BasisItem


class DiscrepancyItem(Schema):
    """Pieces that a visit used and the ledger did not know of; a count mends it."""

    id: int
    place: str
    part: str
    quantity: int
    ticket: int
    at: Time
    by: str


class SerialItem(Schema):
    """Where a piece with a number is."""

    part: str
    serial: str
    place: str | None
    device_id: str | None
    since: Time
    installed_at: Time | None
    warranty_until: Time | None
    ticket: int | None

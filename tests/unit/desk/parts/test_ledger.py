"""Whatever is done to stock, in whatever order: the ledger adds up to what is there and what is held."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from helpers.fresh_desk import fresh_desk
from helpers.stock import BEARING, DEPOT, LI, PACK, SECOND, VAN, StockHouse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from desk.parts.stock import Moving
from fleet.clock import DAY_MS
from fleet.errors import Conflict, IllegalTransition, InvalidInput, NotFound
from fleet.feedback import PartUsed
from fleet.tickets import TicketState as T

PLACES = st.sampled_from([DEPOT, SECOND, VAN])
PARTS = st.sampled_from([BEARING, PACK])
FEW = st.integers(0, 4)
SERIALS = st.lists(st.sampled_from(["S1", "S2", "S3", "S4"]), max_size=4, unique=True).map(tuple)
CASES = st.integers(1, 3)
STEPS = st.one_of(
    st.tuples(st.just("receive"), PLACES, PARTS, FEW, SERIALS),
    st.tuples(st.just("give_back"), PLACES, PARTS, FEW, SERIALS),
    st.tuples(st.just("scrap"), PLACES, PARTS, FEW, SERIALS),
    st.tuples(st.just("count"), PLACES, PARTS, FEW, SERIALS),
    st.tuples(st.just("move"), PLACES, PARTS, FEW, SERIALS, PLACES),
    st.tuples(st.just("reserve"), CASES, PARTS, FEW, st.lists(PLACES, max_size=3)),
    st.tuples(st.just("release"), st.integers(1, 8)),
    st.tuples(st.just("load"), st.just(VAN), st.lists(CASES, max_size=3)),
    st.tuples(st.just("visit"), CASES, st.lists(st.tuples(PARTS, FEW, st.sampled_from(["", "S1", "S5"])))),
    st.tuples(st.just("cancel"), CASES),
    st.tuples(st.just("merge"), CASES, CASES),
    st.tuples(st.just("expire"), st.integers(1, 5)),
)


def do(house: StockHouse, step: Sequence[Any]) -> None:
    name, *given = step
    if name in {"receive", "give_back", "scrap", "count"}:
        getattr(house.stock, name)(Moving(*given, "so it is"), LI)
    elif name == "move":
        *said, to = given
        house.stock.move(Moving(*said, to=to), LI)
    elif name == "reserve":
        house.stock.reserve(*given, LI)
    elif name == "release":
        house.stock.release(given[0], LI)
    elif name == "load":
        house.stock.load(*given, LI)
    elif name == "visit":
        house.visit(given[0], *(PartUsed(*one) for one in given[1]))
    elif name == "cancel":
        house.tickets.change_state(given[0], T.CANCELLED, LI, "so it is")
    elif name == "merge":
        house.work.joining.merge(*given, LI, "the same")
    else:
        house.clock.ms += given[0] * DAY_MS
        house.stock.expire()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=1, max_size=25))
def test_any_sequence_of_operations_leaves_a_ledger_that_adds_up(steps: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as folder:
        house = StockHouse(fresh_desk(Path(folder) / "desk.db"))
        house.furnish()
        for device in ("R1", "R2", "R3"):
            house.report(device)
        house.arrive(1)
        for place in (DEPOT, VAN):
            house.receive(place, BEARING, 3)
        for step in steps:
            with suppress(Conflict, InvalidInput, NotFound, IllegalTransition):  # what is refused is refused
                do(house, step)
            house.check_sums()
        house.desk.close()

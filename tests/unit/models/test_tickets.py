"""Labels come from closed tickets: what the engineer found is what a row before it should have said."""

from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms

from fleet.clock import DAY_MS, HOUR_MS
from fleet.principals import person
from fleet.tickets import TicketState as State
from models.learning.labels import NEGATIVE, POSITIVE, UNKNOWN, label
from storage.records.repairs import confirmed_repairs, open_tickets, renewals

LI = person("li.wei")
HORIZON = 2 * DAY_MS
END = NOON + 30 * DAY_MS
BEFORE, LONG_BEFORE, AFTER = NOON - DAY_MS, NOON - 5 * DAY_MS, NOON + 5 * DAY_MS


@pytest.fixture
def rooms(tmp_path: Path) -> Iterator[Rooms]:
    made = open_rooms(tmp_path)
    yield made
    made.desk.close()


def proactive(rooms: Rooms, fault: str = "brush_jam") -> int:
    """Let a risk open a ticket at noon, before the customer noticed anything."""
    rooms.engine.observe_risks([a_risk("R1", NOON, 0.9, fault)])
    return rooms.tickets.open_for(rooms.fired[-1]) or 0


def reported(rooms: Rooms, fault: str = "brush_jam") -> int:
    return rooms.tickets.report("R1", fault, person("front.desk"), "it squeals")


def mend(rooms: Rooms, ticket: int, found: str, last: State = State.CONFIRMED) -> None:
    """Take a ticket to `last`; the engineer found `found`."""
    for state in (State.ACCEPTED, State.EN_ROUTE, State.REPAIRING, State.REPAIRED, State.CONFIRMED):
        rooms.clock.advance(HOUR_MS)
        confirmed = [found] if state is State.REPAIRED else None
        rooms.tickets.change_state(ticket, state, LI, "done", confirmed=confirmed)
        if state is last:
            return


def labels(rooms: Rooms, fault: str, *until: int) -> list[int]:
    rows = pl.DataFrame({"device_id": ["R1"] * len(until), "until": list(until)})
    own = pl.col("fault") == fault
    repairs, doubtful = confirmed_repairs(rooms.desk).filter(own), open_tickets(rooms.desk).filter(own)
    return label(rows, repairs, doubtful, HORIZON, END).value.tolist()


@pytest.mark.parametrize("opened", [proactive, reported])
def test_a_confirmed_fault_is_a_positive_whoever_opened_the_ticket(rooms: Rooms, opened: object) -> None:
    """A proactive repair that was right is no censored device: the fault was there, and had been foreseen."""
    mend(rooms, opened(rooms), "brush_jam")  # type: ignore[operator]
    assert labels(rooms, "brush_jam", LONG_BEFORE, BEFORE, AFTER) == [NEGATIVE, POSITIVE, NEGATIVE]


@pytest.mark.parametrize("opened", [proactive, reported])
def test_another_fault_is_a_positive_of_that_fault_and_a_negative_of_this(
    rooms: Rooms, opened: object
) -> None:
    mend(rooms, opened(rooms), "brush_wear")  # type: ignore[operator]
    assert labels(rooms, "brush_jam", BEFORE) == [NEGATIVE]
    assert labels(rooms, "brush_wear", BEFORE) == [POSITIVE]
    assert renewals(rooms.desk)["fault"].to_list() == ["brush_wear"]


@pytest.mark.parametrize("opened", [proactive, reported])
def test_no_fault_found_is_a_negative_and_mends_nothing(rooms: Rooms, opened: object) -> None:
    mend(rooms, opened(rooms), "none")  # type: ignore[operator]
    assert labels(rooms, "brush_jam", BEFORE, AFTER) == [NEGATIVE, NEGATIVE]
    assert renewals(rooms.desk).is_empty()


@pytest.mark.parametrize("last", [State.ACCEPTED, State.REPAIRING, State.REPAIRED])
def test_until_it_is_confirmed_a_ticket_is_neither(rooms: Rooms, last: State) -> None:
    mend(rooms, proactive(rooms), "brush_jam", last)
    assert labels(rooms, "brush_jam", LONG_BEFORE, BEFORE) == [NEGATIVE, UNKNOWN]


def test_what_is_confirmed_in_the_end_counts_and_not_what_was_found_first(rooms: Rooms) -> None:
    ticket = proactive(rooms)
    mend(rooms, ticket, "brush_jam", State.REPAIRED)
    rooms.tickets.change_state(ticket, State.CONFIRMED, LI, "it was not", confirmed=["none"])
    assert labels(rooms, "brush_jam", BEFORE) == [NEGATIVE]


def test_rows_while_a_device_is_being_repaired_are_left_out(rooms: Rooms) -> None:
    mend(rooms, proactive(rooms), "brush_jam")
    assert labels(rooms, "brush_jam", NOON + HOUR_MS, NOON + 12 * HOUR_MS) == [UNKNOWN, NEGATIVE]

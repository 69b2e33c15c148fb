"""What is counted of a case, through the real desk: once, however often it is told, and as its clock says."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import NOON, Rooms, a_risk, open_rooms

from desk.clocks.clocks import Clocks
from desk.clocks.standing import TicketClocks
from desk.indicators.keeper import FactKeeper
from fleet.case_facts import CaseFact, CaseScore, month_after, month_of, month_start
from fleet.clock import DAY_MS, HOUR_MS
from fleet.principals import person
from fleet.sla import load_policy
from fleet.tickets import TicketState as T
from fleet.zones import Zones
from storage.records.case_facts import facts_of_devices, versions_of
from storage.records.events import events_after

LI, WANG = person("Li"), person("Wang")
REPAIR = (T.ACCEPTED, T.EN_ROUTE, T.REPAIRING, T.REPAIRED)


class Desk:
    """The rooms, and what keeps facts of their cases."""

    def __init__(self, rooms: Rooms) -> None:
        self.rooms = rooms
        self.scores: dict[int, CaseScore] = {}
        clocks = TicketClocks(Clocks(load_policy()))
        self.keeper = FactKeeper(rooms.desk, clocks, Zones().of, rooms.clock, lambda _ids: self.scores)
        self._cursor = 0

    def follow(self) -> dict[int, CaseFact]:
        with self.rooms.desk.transaction() as session:
            events = events_after(session, self._cursor, 10_000)
        self.keeper.handle_all(events)
        return self.facts

    @property
    def facts(self) -> dict[int, CaseFact]:
        with self.rooms.desk.transaction() as session:
            return {fact.ticket_id: fact for fact in facts_of_devices(session, ["R1", "R2"])}

    def later(self, hours: float) -> None:
        self.rooms.clock.ms += round(hours * HOUR_MS)

    def repair(self, case: int, found: str = "brush_jam", hours: float = 1.0) -> None:
        for state in REPAIR:
            self.later(hours)
            confirmed = [found] if state is T.REPAIRED else None
            self.rooms.tickets.change_state(case, state, LI, "now", confirmed=confirmed)

    def predicted(self, device: str = "R1") -> int:
        self.rooms.engine.observe_risks([a_risk(device, self.rooms.clock.ms, 0.8)])
        case = self.rooms.tickets.open_for(self.rooms.fired[-1])
        assert case is not None
        return case


@pytest.fixture
def house(tmp_path: Path) -> Iterator[Desk]:
    rooms = open_rooms(tmp_path)
    yield Desk(rooms)
    rooms.desk.close()


def test_a_case_is_counted_once_however_often_it_is_told(house: Desk) -> None:
    house.repair(house.predicted())
    once = house.follow()
    month = month_of(house.rooms.clock.ms, Zones().own)
    with house.rooms.desk.transaction() as session:
        before = versions_of(session, [month])
    assert house.follow() == once
    with house.rooms.desk.transaction() as session:
        assert versions_of(session, [month]) == before, "what did not change is worked out from again"
    assert house.keeper.recount() == 0


def test_a_foreseen_fault_that_was_found(house: Desk) -> None:
    case = house.predicted()
    house.repair(case)
    fact = house.follow()[case]
    assert (fact.fault, fact.engineer, fact.confirmed, fact.foreseen) == (
        "brush_jam",
        "Li",
        True,
        "brush_jam",
    )
    assert (fact.lead_ms, fact.repaired_at) == (3 * HOUR_MS, NOON + 4 * HOUR_MS)
    assert fact.respond_kept and fact.on_site_kept
    assert (fact.unfounded, fact.reopened, fact.repeated_by) == ("", False, None)


def test_a_deferred_fault_was_foreseen_rightly_and_its_follow_up_is_no_repeat(house: Desk) -> None:
    first = house.predicted()
    for state in REPAIR:
        house.later(1)
        said = {"confirmed": ["water_leak"], "deferred": ["brush_jam"]} if state is T.REPAIRED else {}
        house.rooms.tickets.change_state(first, state, LI, "now", **said)  # type: ignore[arg-type]
    house.rooms.tickets.change_state(first, T.CONFIRMED, LI, "")
    follow_up = first + 1
    house.repair(follow_up)
    facts = house.follow()
    fact = facts[first]
    assert (fact.fault, fact.confirmed, fact.foreseen) == ("water_leak", True, "brush_jam")
    assert (fact.lead_ms, fact.reopened, fact.repeated_by) == (3 * HOUR_MS, False, None)
    second = facts[follow_up]
    assert (second.fault, second.found, second.judged_month) == ("brush_jam", True, None), "it was known"


def test_a_visit_that_could_mend_nothing_is_repeated_by_its_follow_up(house: Desk) -> None:
    first = house.predicted()
    for state in REPAIR:
        said = {"confirmed": [], "deferred": ["brush_jam"]} if state is T.REPAIRED else {}
        house.rooms.tickets.change_state(first, state, LI, "now", **said)  # type: ignore[arg-type]
    house.rooms.tickets.change_state(first, T.CONFIRMED, LI, "")
    house.repair(first + 1)
    fact = house.follow()[first]
    assert (fact.repeated_by, fact.unfounded, fact.foreseen) == (first + 1, "", "brush_jam")


def test_a_foreseen_fault_that_nobody_found_is_unfounded(house: Desk) -> None:
    case = house.predicted()
    house.repair(case, "none")
    fact = house.follow()[case]
    assert (fact.confirmed, fact.foreseen, fact.unfounded, fact.found) == (False, "", "brush_jam", False)
    assert fact.judged_month is not None


def test_a_report_before_the_visit_means_that_no_breakdown_was_avoided(house: Desk) -> None:
    case = house.predicted()
    house.rooms.tickets.report("R1", "brush_jam", WANG, "it squeals")
    house.repair(case)
    fact = house.follow()[case]
    assert (fact.confirmed, fact.foreseen) == (True, "")


def test_a_promise_is_kept_as_its_clock_says(house: Desk) -> None:
    """The brush (L2) promises an engineer within 24 h; waiting for the customer does not count."""
    case = house.predicted()
    for hours, state in ((1, T.ACCEPTED), (1, T.WAITING_CUSTOMER), (40, T.EN_ROUTE), (1, T.REPAIRING)):
        house.later(hours)
        house.rooms.tickets.change_state(case, state, LI, "now")
    fact = house.follow()[case]
    assert (fact.on_site_due, fact.on_site_kept) == (NOON + 64 * HOUR_MS, True)
    assert fact.waited_customer


def test_what_is_late_is_missed_and_what_was_cancelled_in_time_is_owed_no_more(house: Desk) -> None:
    late, cancelled = house.predicted("R1"), house.predicted("R2")
    house.later(1)
    house.rooms.tickets.change_state(cancelled, T.CANCELLED, LI, "a mistake")
    house.later(30)
    facts = house.follow()
    assert (facts[late].respond_due, facts[late].respond_kept) == (NOON + 4 * HOUR_MS, False)
    assert (facts[cancelled].respond_due, facts[cancelled].on_site_due) == (None, None)


def test_a_repair_that_did_not_last_is_known_by_the_next_case(house: Desk) -> None:
    first = house.rooms.tickets.report("R1", "brush_jam", WANG, "stands")
    house.repair(first)
    house.rooms.tickets.change_state(first, T.CONFIRMED, LI, "works")
    house.follow()
    house.later(29 * 24)
    void = house.rooms.tickets.report("R1", "brush_jam", WANG, "again")
    assert house.follow()[first].repeated_by == void
    house.rooms.tickets.change_state(void, T.CANCELLED, LI, "a mistake")
    assert house.follow()[first].repeated_by is None, "a case without a repair says nothing"
    house.rooms.clock.ms = NOON + 40 * DAY_MS
    house.rooms.tickets.report("R1", "brush_jam", WANG, "again")
    assert house.follow()[first].repeated_by is None, "after 30 days it is another one"


def test_a_case_that_is_reopened_is_open_and_judged_no_more(house: Desk) -> None:
    case = house.predicted()
    house.repair(case)
    house.rooms.tickets.change_state(case, T.REOPENED, LI, "again")
    fact = house.follow()[case]
    assert (fact.reopened, fact.judged_month, fact.foreseen, fact.closed_at) == (True, None, "", None)


def test_a_score_counts_in_the_month_in_which_it_was_given(house: Desk) -> None:
    case = house.predicted()
    house.repair(case)
    house.scores[case] = CaseScore(case, NOON + 60 * DAY_MS, 5)
    fact = house.follow()[case]
    assert (fact.score, fact.scored_month) == (5, month_of(NOON + 60 * DAY_MS, Zones().own))


def test_months_follow_each_other_and_begin_by_the_clock_of_a_zone() -> None:
    from zoneinfo import ZoneInfo

    shanghai = ZoneInfo("Asia/Shanghai")
    assert [month_after(202611, n) for n in (-11, 1, 2, 14)] == [202512, 202612, 202701, 202801]
    begins = month_start(202612, shanghai)
    assert (month_of(begins, shanghai), month_of(begins - 1, shanghai)) == (202612, 202611)
    assert month_of(begins, ZoneInfo("UTC")) == 202611

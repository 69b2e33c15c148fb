"""The year's agenda and its local hours."""

from datetime import date

from benchmarks.year.agenda import Agenda, after_hours, day_start, local_hour, weekday, within_hours
from benchmarks.year.city import started
from fleet.clock import HOUR_MS, ManualClock

NEW_YEAR = started(date(2027, 1, 1), 0)
SERVICE = (8, 20)


def test_what_is_due_happens_in_order_of_time_and_what_it_adds_too() -> None:
    agenda = Agenda(ManualClock(0))
    seen: list[tuple[str, int]] = []

    def note(name: str) -> None:
        seen.append((name, agenda.clock.ms))
        if name == "first":
            agenda.at(7, lambda: note("added"))

    agenda.at(9, lambda: note("last"))
    agenda.at(5, lambda: note("first"))
    agenda.at(20, lambda: note("later"))
    agenda.run_until(10)
    assert seen == [("first", 5), ("added", 7), ("last", 9)]
    assert agenda.clock.ms == 10


def test_a_year_begins_at_local_midnight_of_a_friday() -> None:
    assert local_hour(NEW_YEAR) == 0
    assert weekday(NEW_YEAR) == 4


def test_hours_count_within_service_alone() -> None:
    evening = NEW_YEAR + 19 * HOUR_MS
    assert after_hours(evening, 3, SERVICE) == NEW_YEAR + (24 + 10) * HOUR_MS
    assert after_hours(NEW_YEAR + 9 * HOUR_MS, 2, SERVICE) == NEW_YEAR + 11 * HOUR_MS
    assert within_hours(NEW_YEAR + 22 * HOUR_MS, SERVICE) == NEW_YEAR + 32 * HOUR_MS
    assert day_start(0) == -8 * HOUR_MS

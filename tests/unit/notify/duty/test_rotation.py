"""Who is on call: turns, hours, layers, holidays, overrides and people who left, in summer time and out."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.localtime import day_of, ms_of
from fleet.shifts import Override
from notify.duty.plan import Schedule, parse_plan
from notify.duty.rotation import Known, Span, Why, next_begin, next_change, on_call, spans

BERLIN, SHANGHAI = ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Shanghai")
NOTHING = Known()
WEEKLY = """
schedules:
  - name: night
    zone: Europe/Berlin
    layers:
      - {name: main, people: [ada@x.org, bo@x.org], start: 2026-03-02, every: week, handover: mon 08:00}
"""


def schedule_of(text: str) -> Schedule:
    return parse_plan(text).schedules[0]


def layered(zone: str, *layers: str, more: str = "") -> Schedule:
    lines = "\n".join(f"      - {{{layer}}}" for layer in layers)
    return schedule_of(f"schedules:\n  - name: s\n    zone: {zone}\n{more}    layers:\n{lines}\n")


def at(zone: ZoneInfo, text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()) * 1000


def told(schedule: Schedule, known: Known, begins: int, ends: int) -> list[str]:
    """Return a calendar as a story: from when, by the schedule's clock, who."""
    found = spans(schedule, known, begins, ends)
    times = [datetime.fromtimestamp(each.begins / 1000, schedule.zone) for each in found]
    held = [each.held.person or each.held.why for each in found]
    return [f"{time:%a %d %H:%M} {who}" for time, who in zip(times, held, strict=True)]


def override(
    number: int, begins: int, ends: int, person: str | None, ended_at: int | None = None
) -> Override:
    return Override(number, "night", person, begins, ends, begins, "Li", "swapped", ended_at)


@pytest.mark.parametrize(
    ("handovers", "hours"),
    [(("2026-03-23T08:00", "2026-03-30T08:00"), 167), (("2026-10-19T08:00", "2026-10-26T08:00"), 169)],
)
def test_a_turn_over_the_change_of_summer_time_ends_at_the_same_time_on_the_wall(
    handovers: tuple[str, str], hours: int
) -> None:
    schedule = schedule_of(WEEKLY)
    begin, end = (at(BERLIN, each) for each in handovers)
    assert end - begin == hours * HOUR_MS
    turn = next(
        each for each in spans(schedule, NOTHING, begin - DAY_MS, end + DAY_MS) if each.begins == begin
    )
    assert turn.ends == end
    assert on_call(schedule, NOTHING, begin - 1).person != on_call(schedule, NOTHING, begin).person
    assert next_change(schedule, NOTHING, begin) == end


def test_a_night_shift_over_a_time_that_is_skipped_and_one_that_comes_twice() -> None:
    """Hours from 02:30: on the night of the jump from 03:00 on, on the other the first 02:30 counts."""
    schedule = layered(
        "Europe/Berlin",
        "name: n, people: [ada@x.org], start: 2026-03-01, every: day, handover: 00:00, hours: 02:30-06:00",
    )
    spring, autumn = at(BERLIN, "2026-03-29T00:00"), at(BERLIN, "2026-10-25T00:00")
    assert told(schedule, NOTHING, spring, spring + 8 * HOUR_MS) == [
        "Sun 29 00:00 no_layer",
        "Sun 29 03:00 ada@x.org",
        "Sun 29 06:00 no_layer",
    ]
    found = next(each for each in spans(schedule, NOTHING, autumn, autumn + DAY_MS) if each.held.person)
    assert found.ends - found.begins == 4 * HOUR_MS + 30 * MINUTE_MS


def test_an_override_in_the_middle_of_a_shift_gives_the_rest_back() -> None:
    schedule, monday = schedule_of(WEEKLY), at(BERLIN, "2026-03-02T08:00")
    taken = override(1, monday + 3 * HOUR_MS, monday + 5 * HOUR_MS, "cy@x.org")
    known = Known((taken,))
    assert told(schedule, known, monday, monday + DAY_MS) == [
        "Mon 02 08:00 ada@x.org",
        "Mon 02 11:00 cy@x.org",
        "Mon 02 13:00 ada@x.org",
    ]
    assert on_call(schedule, known, taken.begins).why is Why.OVERRIDE


def test_the_newer_of_two_overrides_counts_and_one_that_was_ended_counts_no_more() -> None:
    schedule, monday = schedule_of(WEEKLY), at(BERLIN, "2026-03-02T08:00")
    free = override(2, monday + HOUR_MS, monday + 3 * HOUR_MS, None, ended_at=monday + 2 * HOUR_MS)
    known = Known((override(1, monday, monday + 4 * HOUR_MS, "cy@x.org"), free))
    assert told(schedule, known, monday, monday + 5 * HOUR_MS) == [
        "Mon 02 08:00 cy@x.org",
        "Mon 02 09:00 freed",
        "Mon 02 10:00 cy@x.org",
        "Mon 02 12:00 ada@x.org",
    ]


def test_a_holiday_has_its_own_layer_and_a_made_up_working_day_is_worked() -> None:
    """China, National Day of 2026: 1 to 7 October are free, Saturday 10 October is worked."""
    schedule = layered(
        "Asia/Shanghai",
        "name: office, people: [li@x.org], start: 2026-01-01, every: day, handover: 00:00, days: workdays",
        "name: standby, people: [wu@x.org], start: 2026-01-01, every: day, handover: 00:00, days: restdays",
        more="    holidays: {country: CN}\n",
    )
    assert told(schedule, NOTHING, at(SHANGHAI, "2026-09-30T00:00"), at(SHANGHAI, "2026-10-13T00:00")) == [
        "Wed 30 00:00 li@x.org",
        "Thu 01 00:00 wu@x.org",
        "Thu 08 00:00 li@x.org",
        "Sun 11 00:00 wu@x.org",
        "Mon 12 00:00 li@x.org",
    ]


def test_days_that_the_calendar_lacks_are_said_in_the_plan() -> None:
    schedule = layered(
        "Europe/Berlin",
        "name: office, people: [li@x.org], start: 2026-01-01, every: day, handover: 00:00, days: workdays",
        more="    holidays: {country: DE, subdivision: BE, rest: [2026-12-24], working: [2026-12-25]}\n",
    )
    noon = {day: at(BERLIN, f"2026-12-{day}T12:00") for day in (23, 24, 25, 26)}
    people = {day: on_call(schedule, NOTHING, ms).person is not None for day, ms in noon.items()}
    assert people == {23: True, 24: False, 25: True, 26: False}


OFFICE = "name: o, people: [ada@x.org], start: 2026-03-02, every: day, handover: 08:00"


def test_a_gap_says_when_the_next_shift_begins() -> None:
    schedule = layered("Europe/Berlin", f"{OFFICE}, hours: 08:00-18:00, days: [mon, tue, wed, thu, fri]")
    friday = at(BERLIN, "2026-03-27T18:00")
    assert on_call(schedule, NOTHING, friday).why is Why.UNCOVERED
    assert next_begin(schedule, NOTHING, friday) == at(BERLIN, "2026-03-30T08:00"), "over the change as well"
    assert next_begin(schedule, NOTHING, friday - 1) == friday - 1


def test_hours_over_midnight_are_those_of_the_day_on_which_they_begin() -> None:
    schedule = layered("Europe/Berlin", f"{OFFICE}, hours: 22:00-06:00, days: [fri]")
    friday = at(BERLIN, "2026-03-06T00:00")
    assert told(schedule, NOTHING, friday, friday + 2 * DAY_MS) == [
        "Fri 06 00:00 no_layer",
        "Fri 06 22:00 ada@x.org",
        "Sat 07 06:00 no_layer",
    ]


def test_whoever_left_is_a_gap_that_names_them_and_is_not_skipped() -> None:
    schedule, monday = schedule_of(WEEKLY), at(BERLIN, "2026-03-02T08:00")
    known = Known(able=frozenset({"bo@x.org"}))
    held = on_call(schedule, known, monday)
    assert (held.person, held.why, held.missing) == (None, Why.DISABLED, "ada@x.org")
    assert next_begin(schedule, known, monday) == monday + 7 * DAY_MS, "the turn of the other"
    taken = Known((override(1, monday, monday + DAY_MS, "bo@x.org"),), known.able)
    assert on_call(schedule, taken, monday).person == "bo@x.org", "an override mends it"


def test_nobody_in_sight_is_said_and_costs_no_search() -> None:
    schedule, monday = schedule_of(WEEKLY), at(BERLIN, "2026-03-02T08:00")
    assert next_begin(schedule, Known(able=frozenset()), monday) is None
    never = layered("UTC", "name: o, people: [a@x.org], start: 2026-03-02, every: day, handover: 00:00")
    assert next_change(never, NOTHING, monday) is None, "the same person for ever"


def test_before_the_start_nobody_is_on_call_and_a_start_far_away_is_found() -> None:
    schedule = layered("UTC", "name: o, people: [a@x.org], start: 2040-03-02, every: day, handover: 09:00")
    assert on_call(schedule, NOTHING, 0).why is Why.UNCOVERED
    assert next_begin(schedule, NOTHING, 0) == at(ZoneInfo("UTC"), "2040-03-02T09:00")


@pytest.mark.parametrize("ms", [-(2**62), 0, at(BERLIN, "2525-06-01T12:00"), 2**62])
def test_far_past_and_far_future_are_answered(ms: int) -> None:
    held = on_call(schedule_of(WEEKLY), NOTHING, ms)
    assert held.person in ({None} if ms <= 0 else {"ada@x.org", "bo@x.org"})


def test_the_first_layer_that_has_somebody_counts() -> None:
    schedule = layered(
        "Europe/Berlin",
        "name: hol, people: [cy@x.org], start: 2026-03-02, every: day, handover: 00:00, hours: 12:00-13:00",
        "name: base, people: [ada@x.org], start: 2026-03-02, every: day, handover: 00:00",
    )
    midnight = at(BERLIN, "2026-03-03T00:00")
    assert told(schedule, NOTHING, midnight, midnight + DAY_MS) == [
        "Tue 03 00:00 ada@x.org",
        "Tue 03 12:00 cy@x.org",
        "Tue 03 13:00 ada@x.org",
    ]


ZONES = (
    "Europe/Berlin",
    "America/Havana",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Asia/Shanghai",
    "Africa/Cairo",
)
DATES = st.dates(date(2005, 1, 1), date(2036, 12, 31))


@given(st.sampled_from(ZONES), DATES, st.integers(0, 1440), st.integers(0, 1440))
def test_what_is_later_on_the_wall_is_never_earlier_in_truth(
    name: str, day: date, one: int, other: int
) -> None:
    zone = ZoneInfo(name)
    early, late = sorted((one, other))
    assert ms_of(day, early, zone) <= ms_of(day, late, zone)
    assert ms_of(day, 1440, zone) == ms_of(day + timedelta(days=1), 0, zone)


@given(st.sampled_from(ZONES), DATES, st.integers(0, 1439))
def test_a_time_on_the_wall_is_that_time_or_the_moment_of_the_jump_over_it(
    name: str, day: date, minute: int
) -> None:
    zone = ZoneInfo(name)
    ms = ms_of(day, minute, zone)
    shown = datetime.fromtimestamp(ms / 1000, zone).replace(tzinfo=None)
    wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60)  # noqa: DTZ001 - on the wall
    assert shown >= wall
    if shown != wall:
        before = datetime.fromtimestamp(ms / 1000 - 1, zone).replace(tzinfo=None)
        assert before < wall, "the second before the jump is before what it jumps over"


MINUTES = st.integers(0, 23 * 60 + 59)


@st.composite
def schedules(draw: st.DrawFn) -> Schedule:
    def clock() -> str:
        minute = draw(MINUTES)
        return f"{minute // 60:02}:{minute % 60:02}"

    layers = []
    for number in range(draw(st.integers(1, 3))):
        text = f"name: l{number}, people: [a@x.org, b@x.org, c@x.org], start: {draw(DATES)}"
        text += f", every: {draw(st.integers(1, 30))} days, handover: '{clock()}'"
        if draw(st.booleans()):
            text += f", hours: '{clock()}-{clock()}'"
        days = draw(st.sampled_from(["", "workdays", "restdays", "[mon, thu]"]))
        layers.append(text + (f", days: {days}" if days else ""))
    return layered(draw(st.sampled_from(ZONES)), *layers, more="    holidays: {country: CN}\n")


STARTS = st.integers(at(BERLIN, "2006-01-01T00:00") // 1000, at(BERLIN, "2035-01-01T00:00") // 1000)


@given(schedules(), STARTS, st.lists(st.floats(0, 1, exclude_max=True), min_size=1, max_size=8))
def test_a_calendar_has_no_hole_and_says_what_each_moment_says(
    schedule: Schedule, start: int, picks: list[float]
) -> None:
    begins, length = start * 1000, 9 * DAY_MS
    taken = override(1, begins + DAY_MS, begins + 2 * DAY_MS + 1234, None)
    known = Known((taken,), frozenset({"a@x.org", "b@x.org"}))
    found = spans(schedule, known, begins, begins + length)
    assert found[0].begins == begins
    assert found[-1].ends == begins + length
    assert all(one.ends == two.begins for one, two in pairwise(found))
    assert all(one.held != two.held for one, two in pairwise(found))

    def of(ms: int) -> Span:
        return next(each for each in found if each.begins <= ms < each.ends)

    for pick in picks:
        ms = begins + int(pick * length)
        assert of(ms).held == on_call(schedule, known, ms)
    later = next((each.begins for each in found if each.held.person), None)
    if later is not None:
        assert next_begin(schedule, known, begins) == later


@given(STARTS)
def test_a_day_of_turns_belongs_to_one_person_at_each_moment(start: int) -> None:
    """Turns of a day each: whoever has it at a moment has it since the last 08:00 on the wall."""
    schedule = layered(
        "Europe/Berlin",
        "name: d, people: [a@x.org, b@x.org, c@x.org], start: 2005-01-01, every: day, handover: 08:00",
    )
    day = day_of(start * 1000, BERLIN)
    begin, end = ms_of(day, 480, BERLIN), ms_of(day + timedelta(days=1), 480, BERLIN)
    number = (day - date(2005, 1, 1)).days % 3
    expected = ("a@x.org", "b@x.org", "c@x.org")[number]
    assert {on_call(schedule, NOTHING, ms).person for ms in (begin, (begin + end) // 2, end - 1)} == {
        expected
    }


def test_epoch_and_utc_agree() -> None:
    assert ms_of(date(2026, 11, 22), 480, ZoneInfo("UTC")) == int(
        datetime(2026, 11, 22, 8, tzinfo=UTC).timestamp() * 1000
    )

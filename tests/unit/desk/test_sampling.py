"""Which finished cases are inspected: the same whoever draws, and enough of each engineer and site."""

from collections import Counter

import pytest

from desk.inspections.sampling import last_month, last_week, sampled
from fleet.clock import from_rfc3339
from fleet.service import InspectionLevel as L
from fleet.service import load_service
from storage.records.inspections import Finished

ASKED = load_service().inspections
CASES = [Finished(n, f"site{n % 3}", f"R{n}", str(n % 2 or ""), "x") for n in range(1, 301)]


def test_it_is_the_same_in_any_order_and_another_in_another_period() -> None:
    drawn = sampled(L.LEADER, "2026-W40", CASES, ASKED[L.LEADER])
    assert drawn == sampled(L.LEADER, "2026-W40", CASES[::-1], ASKED[L.LEADER])
    assert drawn != sampled(L.LEADER, "2026-W41", CASES, ASKED[L.LEADER])
    assert len(drawn) == 15 and {case.engineer for case in drawn} == {"1"}, "a tenth of each engineer's"


def test_quality_takes_a_share_of_all_and_at_least_one_of_each_site() -> None:
    assert len(sampled(L.QUALITY, "2026-10", CASES, ASKED[L.QUALITY])) == 6
    few = sampled(L.QUALITY, "2026-10", CASES[:5], ASKED[L.QUALITY])
    assert Counter(case.site for case in few) == {"site0": 1, "site1": 1, "site2": 1}


@pytest.mark.parametrize("level", [L.LEADER, L.QUALITY])
def test_of_no_case_none_is_chosen_and_one_is_chosen_of_one(level: L) -> None:
    assert sampled(level, "x", [], ASKED[level]) == []
    assert sampled(level, "x", CASES[:1], ASKED[level]) == CASES[:1]


def test_periods_are_whole_and_over() -> None:
    monday = from_rfc3339("2026-11-30T00:00:00Z")
    assert last_week(monday) == ("2026-W48", monday - 7 * 86_400_000, monday)
    assert last_week(monday - 1)[0] == "2026-W47"
    name, begin, end = last_month(from_rfc3339("2027-01-15T08:00:00Z"))
    assert (name, end - begin) == ("2026-12", 31 * 86_400_000)

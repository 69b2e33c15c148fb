"""The gaps of a device are exactly what never arrived, in whatever order, how often, and with what losses."""

from collections.abc import Sequence
from copy import deepcopy
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from ingest.watch.sequence import MAX_GAPS, MAX_RUNS, Gap, Seen, Track

Delivery = list[tuple[int, int]]
"""Numbers and times in the order of their arrival."""


def seen(*readings: tuple[int, int]) -> Track:
    track = Track()
    for seq, ts in readings:
        track.see(seq, ts, ts)
    return track


def gaps(track: Track) -> list[tuple[int, int, int]]:
    return [gap[:3] for gap in track.gaps]


def missing(track: Track, run: int) -> set[int]:
    return {seq for gap in track.gaps if gap.run == run for seq in range(gap.first_seq, gap.last_seq + 1)}


def between(seqs: Sequence[int]) -> set[int]:
    return set(range(min(seqs), max(seqs) + 1)) - set(seqs)


def test_what_is_leapt_over_is_a_gap_between_the_times_around_it() -> None:
    assert seen((5, 50), (6, 60), (10, 100)).gaps == [Gap(1, 7, 9, 60, 100)]


def test_a_late_number_splits_its_gap_and_the_last_one_closes_it() -> None:
    track = seen((5, 50), (9, 90), (7, 70))
    assert track.gaps == [Gap(1, 6, 6, 50, 70), Gap(1, 8, 8, 70, 90)]
    assert track.see(6, 60, 200) is Seen.NEW
    assert track.see(8, 80, 200) is Seen.NEW
    assert track.gaps == []


def test_numbers_before_the_first_that_arrived_belong_to_the_run_too() -> None:
    assert gaps(seen((60, 600), (17, 170), (61, 610))) == [(1, 18, 59)]


def test_a_number_that_falls_while_time_rises_is_a_restart_without_a_gap_between_the_runs() -> None:
    track = seen((5, 50), (8, 80), (0, 90), (2, 110))
    assert gaps(track) == [(1, 6, 7), (2, 1, 1)]
    assert [run.number for run in track.runs] == [1, 2]


def test_a_late_number_closes_the_gap_of_the_run_of_its_time() -> None:
    track = seen((5, 50), (8, 80), (0, 90), (9, 180))
    track.see(6, 60, 200)
    assert gaps(track) == [(1, 7, 7), (2, 1, 8)]
    track.see(6, 150, 200)
    assert gaps(track) == [(1, 7, 7), (2, 1, 5), (2, 7, 8)]


def test_a_restart_whose_first_readings_change_places_is_one_run() -> None:
    track = seen((5, 50), (1, 70), (0, 60), (2, 80))
    assert gaps(track) == []
    assert [(run.number, run.first_seq, run.last_seq) for run in track.runs] == [(1, 5, 5), (2, 0, 2)]


def test_the_lost_tail_of_a_run_that_arrives_after_the_restart_stays_in_its_run() -> None:
    track = seen((5, 50), (0, 90), (7, 70))
    assert gaps(track) == [(1, 6, 6)]


def test_the_same_number_with_a_new_time_changes_nothing_and_is_named() -> None:
    track = seen((5, 50), (8, 80))
    before = list(track.gaps)
    assert track.see(8, 90, 90) is Seen.REPEATED
    assert track.see(8, 80, 90) is Seen.KNOWN
    assert track.gaps == before
    assert track.runs[-1].last_ts == 80


def test_a_clock_that_is_set_back_breaks_no_run() -> None:
    track = seen((5, 1000), (6, 400), (7, 500))
    assert (gaps(track), len(track.runs)) == ([], 1)
    assert track.see(0, 600, 600) is Seen.RESTART


def test_a_reading_whose_time_cannot_be_trusted_was_seen_all_the_same() -> None:
    track = seen((5, 50), (8, 80))
    assert track.see(6, None, 200) is Seen.NEW
    assert track.see(9, None, 200) is Seen.NEW
    assert track.gaps == [Gap(1, 7, 7, 50, 80)]
    track.see(12, None, 300)
    assert track.gaps[-1] == Gap(1, 10, 11, 80, 300)
    assert track.see(13, 130, 130) is Seen.NEW


def test_the_oldest_gaps_go_when_there_are_too_many_and_are_counted() -> None:
    track = seen(*((2 * n, 10 * n) for n in range(MAX_GAPS + 4)))
    assert len(track.gaps) == MAX_GAPS
    assert track.gaps[0].first_seq == 7
    assert track.dropped == 3


def test_a_device_that_restarts_all_the_time_is_bounded() -> None:
    track = seen(*((0, n) for n in range(3)), *((1000 - n, 10 + n) for n in range(500)))
    assert len(track.runs) == MAX_RUNS
    assert track.see(3, 1, 600) is Seen.KNOWN, "its run is forgotten"


@st.composite
def deliveries(draw: st.DrawFn) -> Delivery:
    """One run: numbers with rising times, some lost, some repeated, in any order."""
    first = draw(st.integers(0, 2**53 - 100))
    kept = draw(st.lists(st.integers(0, 60), min_size=1, max_size=60))
    return [(first + n, 1000 + 10 * n) for n in kept]


@given(deliveries())
def test_the_gaps_are_exactly_the_numbers_between_the_lowest_and_the_highest_that_never_came(
    delivery: Delivery,
) -> None:
    track = seen(*delivery)
    numbers = [seq for seq, _ in delivery]
    assert len(track.runs) == 1, "a reordering is no restart"
    assert missing(track, 1) == between(numbers)
    assert (track.runs[0].first_seq, track.runs[0].last_seq) == (min(numbers), max(numbers))


@given(deliveries())
def test_each_gap_lies_between_the_times_of_the_readings_around_it(delivery: Delivery) -> None:
    times = dict(delivery)
    for gap in seen(*delivery).gaps:
        assert gap.after_ts == times[gap.first_seq - 1]
        assert gap.before_ts == times[gap.last_seq + 1]


@given(deliveries(), st.randoms(use_true_random=False))
def test_redelivery_in_any_order_changes_nothing(delivery: Delivery, random: Random) -> None:
    track = seen(*delivery)
    before = deepcopy(track)
    again = list(delivery)
    random.shuffle(again)
    for seq, ts in again:
        assert track.see(seq, ts, ts) is Seen.KNOWN
    assert track == before


@st.composite
def lives(draw: st.DrawFn) -> list[Delivery]:
    """Return runs one after the other, each of which begins to arrive below where the last one ended."""
    runs: list[Delivery] = []
    for number in range(draw(st.integers(2, 5))):
        kept = draw(st.lists(st.integers(1, 40), min_size=1, max_size=30))
        runs.append([(n, 100_000 * number + 10 * n) for n in (*kept, 0, 50)])
    return runs


@given(lives(), st.data())
def test_after_restarts_late_numbers_of_any_run_close_the_gaps_of_theirs(
    lives: list[Delivery], data: st.DataObject
) -> None:
    """The first and the last number of each run arrive in time; of the rest, some only at the very end."""
    track, late = Track(), []
    for run in lives:
        body, first, last = run[:-2], run[-2], run[-1]
        held_back = data.draw(st.integers(0, len(body)))
        late += body[:held_back]
        for seq, ts in (first, *body[held_back:], last):
            track.see(seq, ts, ts)
    for seq, ts in data.draw(st.permutations(late)):
        track.see(seq, ts, ts)
    assert len(track.runs) == len(lives)
    for number, run in enumerate(lives, start=1):
        assert missing(track, number) == between([seq for seq, _ in run])

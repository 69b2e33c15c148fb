"""Gaps as they are stored: in bulk or one by one, over restarts and crashes, quarantined readings too."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

import pytest
from helpers.ingesting import NOW, Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fleet.errors import StoreRejected, StoreUnavailable
from fleet.signals import STANDARD_SIGNALS
from ingest.commit import Commit
from ingest.messages import Message
from ingest.watch.sequence import Track
from ingest.watch.stream import StreamWatch
from storage.records.gaps import Gaps

START = NOW - 3_600_000
EXAMPLES = count()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path, StoreRejected)
    yield made
    made.close()


def message(body: object, device: str = "R1", site: str = "s1") -> Message:
    payload = json.dumps(body).encode()
    return Message(f"sweepwatch/v1/{site}/robot/{device}/telemetry", payload, 1, False, 1, NOW)


def reading(seq: int, device: str = "R1", ts: int | None = None) -> Message:
    return message({"seq": seq, "ts": START + 1000 * seq if ts is None else ts, "battery_pct": 50.0}, device)


def gaps(bench: Bench, device: str | None = None) -> list[tuple[str, int, int, int]]:
    return [gap[:4] for gap in Gaps(bench.desk).find(device, 10_000).items]


def restart(bench: Bench, *, cleanly: bool) -> None:
    """Forget what is in memory, as a new process does."""
    if cleanly:
        bench.parts.watch.flush()
    watch = StreamWatch(bench.desk, bench.store, STANDARD_SIGNALS, bench.ledger)  # type: ignore[arg-type]
    watch.load()
    bench.parts = replace(bench.parts, watch=watch)


def test_a_gap_is_stored_with_its_commit_and_closed_by_a_backlog(bench: Bench) -> None:
    bench.commit([reading(n) for n in (1, 2, 6, 7)])
    (gap,) = Gaps(bench.desk).find("R1", 10).items
    assert gap == ("R1", 1, 3, 5, START + 2000, START + 6000)
    assert gap.missing == 3
    backlog = [{"seq": n, "ts": START + 1000 * n, "battery_pct": 1} for n in (3, 4, 5)]
    bench.commit([message(backlog[:1]), reading(8)])
    assert gaps(bench) == [("R1", 1, 4, 5)]
    bench.commit([message(backlog)])
    assert gaps(bench) == []


def test_many_devices_that_count_on_leave_no_gap_and_one_among_them_that_does_not_is_found(
    bench: Bench,
) -> None:
    devices = [f"R{n}" for n in range(50)]
    for seq in range(5):
        bench.commit([reading(seq, device) for device in devices if (seq, device) != (3, "R7")])
    assert gaps(bench) == [("R7", 1, 3, 3)]


def test_a_gap_survives_a_restart_and_the_count_goes_on(bench: Bench) -> None:
    bench.commit([reading(n) for n in (1, 2, 5)])
    bench.commit([reading(n) for n in (6, 7, 8)])
    restart(bench, cleanly=True)
    bench.commit([reading(9), reading(11), reading(4)])
    assert gaps(bench) == [("R1", 1, 3, 3), ("R1", 1, 10, 10)]


def test_after_a_crash_the_stored_readings_say_how_far_a_device_had_counted(bench: Bench) -> None:
    """What only counted on was not noted yet; what is redelivered neither makes a gap nor hides one."""
    bench.commit([reading(1), reading(2)])
    bench.commit([reading(n) for n in range(3, 40)])
    restart(bench, cleanly=False)
    bench.commit([reading(n) for n in (38, 39, 43)])
    assert gaps(bench) == [("R1", 1, 40, 42)]


def test_when_the_store_cannot_say_it_no_gap_is_claimed(bench: Bench) -> None:
    bench.commit([reading(1)])
    bench.commit([reading(2), reading(3)])
    restart(bench, cleanly=False)
    bench.store.history = lambda *_: (_ for _ in ()).throw(StoreRejected("no such column"))  # type: ignore[attr-defined]
    bench.commit([reading(5), reading(7)])
    assert gaps(bench) == [("R1", 1, 6, 6)]


def test_a_commit_that_waits_for_the_desk_counts_and_stores_each_change_once(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.commit([reading(1)])
    commit = Commit([reading(4), reading(4, ts=START + 99_000)], bench.parts)
    apply, failures = Gaps.apply, [StoreUnavailable("locked")]

    def locked_once(gaps: Gaps, changes: object) -> None:
        if failures:
            raise failures.pop()
        apply(gaps, changes)  # type: ignore[arg-type]

    monkeypatch.setattr(Gaps, "apply", locked_once)
    with pytest.raises(StoreUnavailable):
        commit.run()
    commit.run()
    assert gaps(bench) == [("R1", 1, 2, 3)]
    assert bench.ledger.snapshot().seq_repeated == 1


@pytest.mark.parametrize(
    "body",
    [
        {"seq": 2, "ts": "noon", "battery_pct": 5},
        {"seq": 2.0, "ts": START + 2000, "unheard_of": 5},
        {"seq": 2, "ts": NOW + 86_400_000, "battery_pct": 5},
        [{"seq": 2, "battery_pct": 5}],
    ],
)
def test_a_quarantined_reading_whose_number_can_be_read_was_seen(bench: Bench, body: object) -> None:
    bench.commit([reading(1), message(body), reading(3)])
    assert gaps(bench) == []
    assert bench.ledger.snapshot().quarantined == 1


def test_a_reading_at_a_wrong_site_was_seen_and_rubbish_was_not(bench: Bench) -> None:
    bench.commit([reading(1)])
    elsewhere = message({"seq": 2, "ts": START + 2000, "battery_pct": 5}, site="s2")
    rubbish = Message("sweepwatch/v1/s1/robot/R1/telemetry", b'{"seq": 3', 1, False, 1, NOW)
    bench.commit([elsewhere, rubbish, reading(4)])
    assert gaps(bench) == [("R1", 1, 3, 3)]


def test_a_reading_without_a_number_is_not_checked(bench: Bench) -> None:
    bench.commit([reading(1), message({"ts": START + 1500, "battery_pct": 5}), reading(2)])
    bench.commit([message({"ts": START + 2500, "seq": "x", "battery_pct": 5})])
    assert gaps(bench) == []
    assert bench.ledger.snapshot().written == 4


def test_a_restart_begins_a_new_run_and_forgets_none_of_the_old_gaps(bench: Bench) -> None:
    bench.commit([reading(n) for n in (10, 11, 14)])
    restart(bench, cleanly=True)
    bench.commit([reading(seq, ts=START + 50_000 + seq) for seq in (0, 1, 3)])
    assert gaps(bench) == [("R1", 1, 12, 13), ("R1", 2, 2, 2)]
    restart(bench, cleanly=True)
    bench.commit([reading(12), reading(2, ts=START + 50_002)])
    assert gaps(bench) == [("R1", 1, 13, 13)]


def test_gaps_beyond_a_hundred_of_a_device_go_and_are_counted(bench: Bench) -> None:
    bench.commit([reading(2 * n) for n in range(60)])
    bench.commit([reading(2 * n) for n in range(60, 121)])
    assert gaps(bench)[0] == ("R1", 1, 41, 41)
    page = Gaps(bench.desk).find(None, 1000)
    assert (len(page.items), page.dropped) == (100, 20)
    assert bench.ledger.snapshot().gaps_dropped == 20


@st.composite
def commits(draw: st.DrawFn) -> list[list[tuple[str, int]]]:
    one = st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 30))
    runs = st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 25), st.integers(1, 6)).map(
        lambda run: [(run[0], run[1] + n) for n in range(run[2])]
    )
    parts = st.lists(st.one_of(runs, one.map(lambda single: [single])), max_size=5)
    return draw(st.lists(parts.map(lambda found: list(chain(*found))), min_size=1, max_size=5))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(commits(), st.lists(st.booleans(), min_size=5, max_size=5), st.booleans())
def test_in_bulk_and_over_restarts_and_crashes_the_gaps_are_those_of_one_reading_after_the_other(
    bench: Bench, deliveries: list[list[tuple[str, int]]], restarts: Sequence[bool], cleanly: bool
) -> None:
    example = next(EXAMPLES)  # devices of its own: the store is not emptied in between
    tracks = {device: Track() for device in "ABC"}
    for delivery, again in zip(deliveries, restarts, strict=False):
        bench.commit([reading(seq, f"{device}{example}") for device, seq in delivery])
        for device, seq in delivery:
            tracks[device].see(seq, START + 1000 * seq, NOW)
        if again:
            restart(bench, cleanly=cleanly)
    for device, track in tracks.items():
        own = f"{device}{example}"
        assert gaps(bench, own) == [(own, *gap[:3]) for gap in track.gaps]

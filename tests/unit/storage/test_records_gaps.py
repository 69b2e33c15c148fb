"""Runs and gaps in the desk database: stored all or none, read back in order, shown in pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.desk_rooms import open_rooms

from storage.records.database import DeskDatabase
from storage.records.gaps import GapChanges, Gaps, StoredGap, StoredRun
from storage.records.quarantine import Evidence, Quarantine

DAY_MS = 86_400_000
NOON = 1_800_000_000_000


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    desk = open_rooms(tmp_path).desk
    yield desk
    desk.close()


@pytest.fixture
def gaps(desk: DeskDatabase) -> Gaps:
    return Gaps(desk)


def changes(runs: tuple[StoredRun, ...] = (), gaps: tuple[StoredGap, ...] = (), **more: object) -> GapChanges:
    given = {"forgotten": (), "closed": (), "dropped": 0} | more
    return GapChanges(runs=runs, gaps=gaps, **given)  # type: ignore[arg-type]


def a_gap(device: str, first: int, last: int, run: int = 1) -> StoredGap:
    return StoredGap(device, run, first, last, 10 * first, 10 * last)


def test_what_is_stored_is_read_back_in_order(gaps: Gaps) -> None:
    runs = (StoredRun("R2", 1, 0, 1, 5, 6), StoredRun("R1", 2, 0, 9, 1, 10), StoredRun("R1", 1, 3, 4, 8, 9))
    found = (a_gap("R1", 7, 7, 2), a_gap("R1", 5, 6), a_gap("R1", 2, 2, 2))
    gaps.apply(changes(runs, found))
    assert [run[:2] for run in gaps.runs()] == [("R1", 1), ("R1", 2), ("R2", 1)]
    assert [gap[:3] for gap in gaps.gaps()] == [("R1", 1, 5), ("R1", 2, 2), ("R1", 2, 7)]


def test_a_gap_that_changes_is_one_row_and_one_that_closes_is_none(gaps: Gaps) -> None:
    gaps.apply(changes(gaps=(a_gap("R1", 5, 9), a_gap("R1", 20, 30))))
    gaps.apply(changes(gaps=(a_gap("R1", 5, 6), a_gap("R1", 8, 9)), closed={("R1", 1, 20)}))
    assert [(gap.first_seq, gap.last_seq, gap.missing) for gap in gaps.gaps()] == [(5, 6, 2), (8, 9, 2)]


def test_a_run_moves_on_and_old_ones_are_forgotten(gaps: Gaps) -> None:
    gaps.apply(changes(tuple(StoredRun("R1", n, 0, 1, 5, 6) for n in (1, 2, 3))))
    gaps.advance(["R1"], [3], [9], [99])
    gaps.apply(changes(forgotten=[("R1", 2)]))
    assert list(gaps.runs()) == [StoredRun("R1", 2, 0, 1, 5, 6), StoredRun("R1", 3, 0, 1, 9, 99)]


def test_pages_follow_each_other_without_gap_or_repetition(gaps: Gaps) -> None:
    stored = [a_gap(device, first, first, run) for device in ("A", "B") for run in (1, 2) for first in (3, 5)]
    gaps.apply(changes(gaps=tuple(reversed(stored))))
    seen, after = [], None
    while True:
        page = gaps.find(None, 3, after)
        seen += page.items
        after = page.after
        if after is None:
            break
    assert seen == stored
    assert gaps.find("B", 10).items == tuple(stored[4:])


def test_what_went_for_want_of_room_is_counted_over_all_time(gaps: Gaps) -> None:
    assert gaps.find(None, 1).dropped == 0
    gaps.apply(changes(dropped=2))
    gaps.apply(changes(dropped=3))
    assert gaps.find(None, 1).dropped == 5


def test_evidence_not_seen_for_longer_than_its_days_goes(desk: DeskDatabase) -> None:
    quarantine = Quarantine(desk)
    for device, days in (("old", 31), ("young", 29)):
        quarantine.add([Evidence(f"t/{device}", device, "bad_json", "", b"x", NOON - days * DAY_MS)])
    quarantine.add([Evidence("t/2", "again", "bad_json", "", b"x", NOON - n * DAY_MS) for n in (40, 1)])
    assert quarantine.expire(30, NOON) == 1
    page = quarantine.find()
    assert [item.device_id for item in page.items] == ["again", "young"]
    assert page.evicted == 0


def test_evidence_is_found_by_a_text_in_its_topic(desk: DeskDatabase) -> None:
    quarantine = Quarantine(desk)
    for topic in ("plant/Hall-7/x", "plant/hall_7/x", "plant/hall17/x"):
        quarantine.add([Evidence(topic, None, "bad_id", "", b"x", NOON)])
    assert [item.topic for item in quarantine.find(topic="hall_7").items] == ["plant/hall_7/x"]
    assert len(quarantine.find(topic="HALL").items) == 3
    assert quarantine.find(topic="%").items == ()


def test_evidence_that_was_seen_again_is_not_removed(desk: DeskDatabase) -> None:
    quarantine = Quarantine(desk)
    quarantine.add([Evidence("t", "R1", "bad_json", "", payload, NOON) for payload in (b"x", b"y")])
    items = quarantine.find().items
    quarantine.add([Evidence("t", "R1", "bad_json", "", b"x", NOON + 1)])
    quarantine.remove(items)
    assert [item.payload for item in quarantine.find().items] == [b"x"]

"""The quarantine keeps evidence, once each, and within its bounds."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from helpers.fresh_desk import fresh_desk
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.records.database import DeskDatabase
from storage.records.quarantine import KEPT_BYTES, Evidence, Quarantine, QuarantineRow

NOW = 1_763_800_000_000


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskDatabase]:
    opened = fresh_desk(tmp_path_factory.mktemp("desk") / "desk.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[Quarantine]:
    opened = fresh_desk(tmp_path / "desk.sqlite")
    yield Quarantine(opened, rows_per_device=3, rows_in_all=8)
    opened.close()


def evidence(
    payload: bytes, device: str | None = "R1", *, at: int = NOW, reason: str = "bad_json"
) -> Evidence:
    return Evidence(f"sweepwatch/v1/s1/robot/{device}/telemetry", device, reason, "why", payload, at)


def payloads(quarantine: Quarantine, device: str | None = None) -> list[bytes]:
    return [item.payload for item in quarantine.find(device, limit=1000).items]


def test_the_same_thing_again_is_one_row_that_counts(quarantine: Quarantine) -> None:
    quarantine.add([evidence(b"x"), evidence(b"x", at=NOW + 5)])
    quarantine.add([evidence(b"x", at=NOW + 9)])
    (item,) = quarantine.find().items
    assert (item.count, item.first_seen, item.last_seen) == (3, NOW, NOW + 9)


def test_topic_reason_and_payload_each_make_another_row(quarantine: Quarantine) -> None:
    quarantine.add([evidence(b"x"), evidence(b"y"), evidence(b"x", reason="empty"), evidence(b"x", "R2")])
    assert len(quarantine.find().items) == 4


def test_payloads_that_differ_beyond_what_is_kept_are_told_apart(
    quarantine: Quarantine, tmp_path: Path
) -> None:
    long = b"z" * KEPT_BYTES
    quarantine.add([evidence(long + b"1"), evidence(long + b"2"), evidence(long)])
    items = quarantine.find().items
    assert [item.payload for item in items] == [long] * 3
    assert sorted(item.truncated for item in items) == [False, True, True]


def test_the_digest_is_of_the_whole_payload(desk: DeskDatabase) -> None:
    payload = b"z" * (KEPT_BYTES + 1)
    Quarantine(desk).add([evidence(payload, "digest")])
    with desk.transaction() as session:
        row = session.query(QuarantineRow).filter_by(device_id="digest").one()
    assert row.sha256 == sha256(payload).hexdigest()


def test_a_device_evicts_its_own_least_recently_seen_evidence_and_nobody_elses(
    quarantine: Quarantine,
) -> None:
    quarantine.add([evidence(b"neighbour", "R2", at=NOW - 1000)])
    quarantine.add([evidence(b"%d" % n, at=NOW + n) for n in range(3)])
    quarantine.add([evidence(b"0", at=NOW + 10)])  # seen again: now the most recent
    quarantine.add([evidence(b"new", at=NOW + 11)])
    assert payloads(quarantine, "R1") == [b"new", b"0", b"2"]
    assert payloads(quarantine, "R2") == [b"neighbour"]
    assert quarantine.find().evicted == 1


def test_a_flood_in_one_commit_is_cut_to_the_newest_and_counted(quarantine: Quarantine) -> None:
    quarantine.add([evidence(b"%d" % n, at=NOW + n) for n in range(50)])
    assert payloads(quarantine, "R1") == [b"49", b"48", b"47"]
    assert quarantine.find().evicted == 47


def test_what_names_no_device_shares_one_allowance(quarantine: Quarantine) -> None:
    for n in range(5):
        quarantine.add([evidence(b"%d" % n, None, at=NOW + n, reason="bad_id")])
    assert payloads(quarantine) == [b"4", b"3", b"2"]
    assert quarantine.find().evicted == 2


def test_beyond_the_allowance_of_all_the_least_recently_seen_go(quarantine: Quarantine) -> None:
    quarantine.add([evidence(b"x", f"R{n}", at=NOW + n) for n in range(12)])
    assert [item.device_id for item in quarantine.find().items] == [f"R{n}" for n in range(11, 3, -1)]
    assert quarantine.find().evicted == 4


@settings(max_examples=25, deadline=None)
@given(
    commits=st.lists(
        st.lists(st.tuples(st.sampled_from(["A", "B", "C", None]), st.integers(0, 6)), max_size=12),
        max_size=5,
    )
)
def test_the_bounds_hold_whatever_comes(
    desk: DeskDatabase, commits: list[list[tuple[str | None, int]]]
) -> None:
    with desk.transaction() as session:
        session.query(QuarantineRow).delete()
    subject = Quarantine(desk, rows_per_device=2, rows_in_all=5)
    for number, commit in enumerate(commits):
        subject.add(
            [
                evidence(b"%d" % n, device, at=NOW + 100 * number + place)
                for place, (device, n) in enumerate(commit)
            ]
        )
        items = subject.find(limit=100).items
        devices = [item.device_id for item in items]
        assert len(items) <= 5
        assert all(devices.count(device) <= 2 for device in set(devices))
        if commit:  # what came last is kept
            assert (commit[-1][0], b"%d" % commit[-1][1]) in [(i.device_id, i.payload) for i in items]


def test_pages_follow_each_other_without_gap_or_repetition(desk: DeskDatabase) -> None:
    subject = Quarantine(desk)
    subject.add([evidence(b"%d" % n, "pages", at=NOW + n // 3) for n in range(10)])
    seen: list[bytes] = []
    after = None
    while True:
        page = subject.find("pages", limit=3, after=after)
        seen += [item.payload for item in page.items]
        after = page.after
        if after is None:
            break
    assert seen == [b"%d" % n for n in range(9, -1, -1)]


def test_the_list_can_be_narrowed_to_a_reason(desk: DeskDatabase) -> None:
    subject = Quarantine(desk)
    subject.add([evidence(b"1", "narrow"), evidence(b"2", "narrow", reason="too_deep")])
    assert [item.payload for item in subject.find("narrow", "too_deep").items] == [b"2"]

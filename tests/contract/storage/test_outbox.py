"""The outbox over both databases: written once, sent by one, withdrawn rightly, followed up by one."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event, Lock
from typing import Any

import pytest
from helpers.postgres import ready_desk, ready_url

from benchmarks.harness.receivers import Asked, http_receiver
from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SystemClock
from fleet.errors import NotFound, StoreUnavailable
from fleet.events import Subject
from fleet.faults import Level
from fleet.grants import Role
from fleet.notices import ChannelKind, Proof
from fleet.outbox import Destination, Notice, NoticeState, Wishes, notice_key
from fleet.people import RoleAt
from fleet.tellings import Occasion, Telling
from storage.records.database import DeskDatabase, open_desk
from storage.records.destinations import (
    add_destination,
    address_of,
    all_destinations,
    destination_of,
    destinations,
    destinations_of,
    groups_by_name,
    keep_wishes,
    named,
    remove_destination,
    wishes_of,
)
from storage.records.notices import (
    change_notices,
    digests_listing,
    due_destinations,
    due_notices,
    end_leases,
    follow_once,
    forget_notices,
    keep_notice_link,
    lease_holders,
    lease_notices,
    look_again,
    not_proven,
    notice_of,
    notices_about,
    notices_by_link,
    open_lists,
    withdraw,
    write_notices,
)
from storage.records.people import add_person, disable

__all__ = ["ready_desk", "ready_url"]
NOW = 1_795_334_400_000
AT_ONCE = 4
WAITING, HELD, NOBODY = NoticeState.WAITING, NoticeState.HELD, NoticeState.NOBODY
SENT, DEAD, DROPPED = NoticeState.SENT, NoticeState.DEAD, NoticeState.DROPPED
PROCESS = Path(__file__).parents[2] / "helpers" / "notice_process.py"


@pytest.fixture
def address(ready_url: str) -> str:
    return ready_url


@pytest.fixture
def desk(ready_desk: DeskDatabase) -> DeskDatabase:
    return ready_desk


def robot(desk: DeskDatabase, name: str = "robot", person: int | None = None) -> int:
    with desk.transaction() as session:
        new = Destination(0, person, name, ChannelKind.DINGTALK, name, made_at=NOW)
        return add_destination(session, new, {"token": f"token-of-{name}"}).id


def person(desk: DeskDatabase, name: str) -> int:
    with desk.transaction() as session:
        return add_person(session, f"{name}@x.example", name, NOW, [RoleAt(Role.MANAGER)]).id


def a_notice(destination: int | None, event: int = 1, **columns: Any) -> Notice:
    recipient = str(columns.pop("recipient", f"destination:{destination}"))
    lists = columns.pop("lists", ())
    telling = Telling(
        Occasion.STILL_OPEN if lists else Occasion.FIRING,
        "first",
        Level.L1,
        "brush_jam",
        NOW,
        alerts=lists,
        count=len(lists) or 1,
    )
    made = Notice(
        id=0,
        key=notice_key(event, recipient, destination),
        event=event,
        subject=Subject.ALERT,
        subject_id="7",
        site="hall",
        recipient=recipient,
        destination_id=destination,
        telling=telling,
        state=WAITING,
        reason="loud",
        due_at=NOW,
        written_at=NOW,
    )
    return replace(made, **columns)


def written(desk: DeskDatabase, *notices: Notice) -> list[int]:
    with desk.transaction() as session:
        return write_notices(session, notices)


def leased(desk: DeskDatabase, destination: int, holder: str = "one", now: int = NOW) -> list[int]:
    with desk.transaction() as session:
        taken = lease_notices(session, destination, holder, now, now + MINUTE_MS, 100)
        return [each.id for each in taken]


def at_once(address: str, step: Any) -> list[Any]:
    """Let several processes do one step at the same moment, each over a desk of its own."""
    desks, together = [open_desk(address) for _ in range(AT_ONCE)], Barrier(AT_ONCE)

    def one(desk: DeskDatabase) -> Any:
        together.wait()
        for _ in range(20):
            try:
                return step(desk)
            except StoreUnavailable:
                continue
        raise AssertionError("the database was never free")

    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(one, desks))
    for each in desks:
        each.close()
    return found


def test_what_several_write_of_one_event_is_written_once(desk: DeskDatabase, address: str) -> None:
    to = robot(desk)
    made = at_once(address, lambda mine: written(mine, *(a_notice(to, event) for event in range(5))))
    assert sum(map(len, made)) == 5
    with desk.transaction() as session:
        assert len(notices_about(session, Subject.ALERT, "7")) == 5


def test_of_several_that_would_send_one_does(desk: DeskDatabase, address: str) -> None:
    to = robot(desk)
    ids = written(desk, *(a_notice(to, event) for event in range(5)))
    names = iter("abcd")
    guard = Lock()

    def take(mine: DeskDatabase) -> list[int]:
        with guard:
            name = next(names)
        return leased(mine, to, name)

    taken = at_once(address, take)
    assert sorted(number for each in taken for number in each) == ids, "each is one's alone"


def test_a_lease_holds_until_it_ends_and_another_place_is_not_held_up(desk: DeskDatabase) -> None:
    one, other = robot(desk), robot(desk, "other")
    first, second = written(desk, a_notice(one), a_notice(other))
    assert leased(desk, one) == [first]
    assert leased(desk, one, "two") == []
    assert leased(desk, other, "two") == [second]
    with desk.transaction() as session:
        assert due_destinations(session, NOW) == []
        assert lease_holders(session, NOW) == {"one", "two"}
        end_leases(session, "two")
    assert leased(desk, other, "three") == [second]
    assert leased(desk, one, "three", NOW + MINUTE_MS) == [first], "its holder died"
    with desk.transaction() as session:
        assert change_notices(session, [first], holder="one", state=SENT) == []
        assert change_notices(session, [first], holder="three", state=SENT) == [first]


def test_what_is_withdrawn_under_way_may_have_come_and_what_waits_has_not(desk: DeskDatabase) -> None:
    one, other = robot(desk), robot(desk, "other")
    under_way, waits = written(desk, a_notice(one), a_notice(other))
    leased(desk, one)
    with desk.transaction() as session:
        withdraw(session, [under_way, waits], "resolved_before_sent", NOW)
    with desk.transaction() as session:
        assert [notice_of(session, each).was_out for each in (under_way, waits)] == [True, False]
        assert {notice_of(session, each).state for each in (under_way, waits)} == {DROPPED}
        assert due_destinations(session, NOW) == []
        withdraw(session, [waits], "told_anew", NOW)
        assert notice_of(session, waits).reason == "resolved_before_sent", "it is over once"


def test_of_several_one_follows_a_notice_up(desk: DeskDatabase, address: str) -> None:
    (number,) = written(desk, a_notice(robot(desk), state=DEAD))

    def follow(mine: DeskDatabase) -> bool:
        with mine.transaction() as session:
            return follow_once(session, number)

    assert sorted(at_once(address, follow)) == [False, False, False, True]


def test_what_is_not_proven_is_found_in_its_time_and_once(desk: DeskDatabase) -> None:
    to = robot(desk)
    dead, tried, _new, handed, _taken = written(
        desk,
        a_notice(to, 1, state=DEAD),
        a_notice(to, 2, tries=1),
        a_notice(to, 3),
        a_notice(to, 4, state=SENT, proof=Proof.HANDED_OVER, handed_at=NOW + 1),
        a_notice(to, 5, state=SENT, proof=Proof.ACCEPTED, handed_at=NOW),
    )
    with desk.transaction() as session:
        assert [each.id for each in not_proven(session, NOW - 1, 10)] == [dead]
        assert [each.id for each in not_proven(session, NOW, 10)] == [dead, tried]
        assert [each.id for each in not_proven(session, NOW + 1, 2)] == [dead, tried]
        assert follow_once(session, dead)
    with desk.transaction() as session:
        assert [each.id for each in not_proven(session, NOW + 1, 10)] == [tried, handed]


def test_what_waits_for_a_shift_is_looked_at_when_that_changes(desk: DeskDatabase) -> None:
    later = {"state": NOBODY, "due_at": NOW + DAY_MS, "recipient": "schedule:night"}
    (number,) = written(desk, a_notice(None, **later))
    with desk.transaction() as session:
        assert due_notices(session, NOBODY, NOW, 10) == []
        look_again(session, NOW)
    with desk.transaction() as session:
        assert [each.id for each in due_notices(session, NOBODY, NOW, 10)] == [number]


def test_lists_are_found_by_what_they_name(desk: DeskDatabase) -> None:
    to = robot(desk)
    held, sent, _alone = written(
        desk,
        a_notice(to, 1, lists=("7", "8"), state=HELD),
        a_notice(to, 2, lists=("8", "9"), state=SENT, written_at=NOW + HOUR_MS),
        a_notice(to, 3),
    )
    with desk.transaction() as session:
        assert [each.id for each in open_lists(session, "8")] == [held]
        assert [each.id for each in digests_listing(session, "8", NOW)] == [held, sent]
        assert [each.id for each in digests_listing(session, "8", NOW + 1)] == [sent]
        assert open_lists(session, "88") == []
        (listed,) = open_lists(session, "7")
        assert listed.telling is not None and listed.telling.alerts == ("7", "8")


def test_a_link_opens_what_went_together_until_it_ends_and_is_forgotten_then(desk: DeskDatabase) -> None:
    to = robot(desk)
    one, other = written(desk, a_notice(to, 1), a_notice(to, 2))
    with desk.transaction() as session:
        keep_notice_link(session, "a" * 64, [other, one], NOW + DAY_MS, NOW)
        assert notices_by_link(session, "b" * 64, NOW) == []
    with desk.transaction() as session:
        assert [each.id for each in notices_by_link(session, "a" * 64, NOW + DAY_MS - 1)] == [other, one]
        assert notices_by_link(session, "a" * 64, NOW + DAY_MS) == []
        keep_notice_link(session, "c" * 64, [one], NOW + 9 * DAY_MS, NOW + DAY_MS)
    with desk.transaction() as session:
        assert notices_by_link(session, "a" * 64, NOW) == []


def test_what_is_old_is_forgotten_unless_it_waits(desk: DeskDatabase) -> None:
    to = robot(desk)
    waits, sent = written(desk, a_notice(to, 1), a_notice(to, 2, state=SENT))
    with desk.transaction() as session:
        forget_notices(session, NOW + 1)
    with desk.transaction() as session:
        assert notice_of(session, waits).state is WAITING
        with pytest.raises(NotFound):
            notice_of(session, sent)


def test_a_removed_destination_is_of_nobody_keeps_its_name_and_forgets_its_address(
    desk: DeskDatabase,
) -> None:
    number = robot(desk)
    with desk.transaction() as session:
        assert groups_by_name(session) == {"robot": number}
        remove_destination(session, number, NOW)
    with desk.transaction() as session:
        assert groups_by_name(session) == {} and all_destinations(session) == []
        assert named(session, [number])[number].name == "robot"
        with pytest.raises(NotFound):
            destination_of(session, number)
        with pytest.raises(NotFound):
            address_of(session, number)


def test_ones_own_come_in_their_order_and_nobody_who_left_is_tested(desk: DeskDatabase) -> None:
    ada, bo = person(desk, "ada"), person(desk, "bo")
    first, second, of_bo = robot(desk, "z", ada), robot(desk, "a", ada), robot(desk, "b", bo)
    group = robot(desk, "group")
    with desk.transaction() as session:
        assert [each.id for each in destinations(session, ada)] == [first, second]
        assert [each.position for each in destinations_of(session, [ada])[ada]] == [0, 1]
        disable(session, bo, NOW)
    with desk.transaction() as session:
        assert [each.id for each in all_destinations(session)] == [first, second, group]
        assert [each.id for each in destinations(session, bo)] == [of_bo], "they may come back"
        keep_wishes(session, ada, Wishes("zh", "Europe/Berlin", 60, 120, 540))
    with desk.transaction() as session:
        keep_wishes(session, ada, Wishes("en", "UTC"))
    with desk.transaction() as session:
        assert wishes_of(session, [ada, bo]) == {ada: Wishes("en", "UTC")}


def test_two_real_processes_share_one_outbox_and_send_each_once(desk: DeskDatabase, address: str) -> None:
    places = [robot(desk, f"robot{n}") for n in range(8)]
    now = SystemClock().now_ms()
    due = {"due_at": now, "written_at": now}
    ids = written(desk, *(a_notice(to, event, **due) for event in range(3) for to in places))
    taken, senders, both = Counter[str](), Counter[str](), Event()

    def took(asked: Asked) -> dict[str, int]:
        taken[asked.json["msgUuid"]] += 1
        senders[asked.path.split("/")[1]] += 1
        if len(senders) == 2:
            both.set()
        both.wait(10)  # the first to come waits for the second: each then has a part of the work
        return {"errcode": 0}

    with http_receiver(echo=took) as receiver:
        command = [sys.executable, str(PROCESS), address, receiver.url, "2"]
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
        process = subprocess.Popen(command, env=environment)
        try:
            _until_all_sent(desk, ids)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    assert len(taken) == len(ids) and set(taken.values()) == {1}
    assert len(senders) == 2, "both took part"


def _until_all_sent(desk: DeskDatabase, ids: list[int]) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        with desk.transaction() as session:
            if {notice_of(session, each).state for each in ids} == {SENT}:
                return
        time.sleep(0.05)
    raise AssertionError("not all of them were sent")

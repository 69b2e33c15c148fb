"""Commands in both databases: claimed by one, answered at once with being sent, ended in time."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from helpers.desk_rooms import NOON, add_devices

from access.devices.commands import Commands
from access.devices.outbox import Outbox
from fleet.clock import HOUR_MS, MINUTE_MS, ManualClock
from fleet.commands import CommandState, Order, Reply, ReplyState
from fleet.principals import person
from fleet.signals import Kind
from storage.records.database import DeskDatabase, open_desk

LI = person("Li")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def desk(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskDatabase]:
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('commands') / 'desk.db'}"
    else:
        url = request.getfixturevalue("postgres")
    desk = open_desk(url)
    yield desk
    desk.close()


def ordered(desk: DeskDatabase, clock: ManualClock, prefix: str, count: int) -> list[str]:
    names = [f"{prefix}{number}" for number in range(count)]
    add_devices(desk, dict.fromkeys(names, Kind.ROBOT))
    orders = [Order(name, "reboot", "storm") for name in names]
    return [each.command_id or "" for each in Commands(desk, clock).order(orders, LI, clock.now_ms())]


def states(desk: DeskDatabase, ids: list[str]) -> list[CommandState]:
    found = Commands(desk, ManualClock(NOON)).states(ids)
    return [found[each].state for each in ids]


def test_of_two_who_claim_at_once_each_command_is_one_ones(desk: DeskDatabase) -> None:
    clock = ManualClock(NOON)
    ids = ordered(desk, clock, "C", 60)
    outbox = Outbox(desk, clock)
    with ThreadPoolExecutor(4) as pool:
        batches = list(pool.map(lambda number: outbox.claim(f"b{number}", 25), range(8)))
    claimed = [each.id for batch in batches for each in batch]
    while len(claimed) < 60:  # who found what another had just claimed came back with less
        claimed += [each.id for each in outbox.claim("rest", 60)]
    assert sorted(claimed) == ids
    outbox.settle(ids[:10], ids[10:20])
    assert set(outbox.on_their_way()) == set(ids[20:])
    assert [each.id for each in outbox.claim("again", 60)] == ids[:10]
    outbox.sent(ids)
    assert set(states(desk, ids)) == {CommandState.SENT}


def test_an_answer_and_the_copy_that_says_sent_may_come_in_either_order(desk: DeskDatabase) -> None:
    clock = ManualClock(NOON)
    first, second = ordered(desk, clock, "A", 2)
    outbox, commands = Outbox(desk, clock), Commands(desk, clock)
    assert len(outbox.claim("b", 9)) == 2
    commands.take_replies([Reply("A0", first, ReplyState.RECEIVED, NOON + 1)])
    outbox.sent([first, second])
    assert states(desk, [first, second]) == [CommandState.RECEIVED, CommandState.SENT]
    outbox.sent([first, second])
    commands.take_replies([Reply("A1", second, ReplyState.DONE, NOON + 2)] * 2)
    assert states(desk, [first, second]) == [CommandState.RECEIVED, CommandState.DONE]
    assert commands.states([second])[second].sent_at == NOON
    commands.take_replies([Reply("A0", first, ReplyState.DONE, NOON + 3)])
    assert states(desk, [first]) == [CommandState.DONE]


def test_time_ends_each_as_it_stands_and_old_ones_are_forgotten(desk: DeskDatabase) -> None:
    clock = ManualClock(NOON)
    waiting, sent, unknown = ordered(desk, clock, "T", 3)
    outbox, commands = Outbox(desk, clock), Commands(desk, clock)
    with_claim = {each.id for each in outbox.claim("b", 9)}
    assert with_claim == {waiting, sent, unknown}
    outbox.settle([waiting], [])
    outbox.sent([sent])
    clock.ms = NOON + HOUR_MS
    commands.end_overdue()
    assert states(desk, [waiting, sent]) == [CommandState.TIMED_OUT, CommandState.SENT]
    clock.advance(MINUTE_MS)
    commands.end_overdue()
    found = commands.states([waiting, sent, unknown])
    assert {each.state for each in found.values()} == {CommandState.TIMED_OUT}
    assert [found[each].reason for each in (waiting, sent, unknown)] == [
        "it was not heard before the command expired",
        "it did not answer",
        "it is not known whether it was sent",
    ]
    commands.forget(NOON + HOUR_MS + 1)
    assert commands.states([waiting, sent]).keys() == {sent}

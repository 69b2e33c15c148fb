"""Commands: ordered with a reason, answered by their own device alone, ended when their time is out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.desk_rooms import DEVICES, NOON, add_devices
from helpers.fresh_desk import fresh_desk
from hypothesis import given
from hypothesis import strategies as st

from access.devices.commands import Commands, new_ids
from fleet.clock import MINUTE_MS, SECOND_MS, ManualClock
from fleet.commands import (
    COMMANDS,
    MOST_AT_ONCE,
    OPEN_STATES,
    Command,
    CommandState,
    Order,
    Reply,
    ReplyState,
    after,
    checked,
)
from fleet.device_doors import Credential, CredentialKind, HashedPassword
from fleet.errors import Conflict, InvalidInput, NotFound
from fleet.events import Subject
from fleet.principals import PrincipalKind, person
from fleet.signals import Kind
from storage.records.database import DeskDatabase
from storage.records.device_credentials import add_credentials, revoke_credentials
from storage.records.events import events_of

LI = person("Li")
FIRMWARE = {"version": "2.1.0", "url": "https://fw.example/2.1.0?key=s3cret", "sha256": "a" * 64, "size": 9}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[DeskDatabase]:
    desk = fresh_desk(tmp_path / "desk.db")
    add_devices(desk, DEVICES)
    yield desk
    desk.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON)


@pytest.fixture
def commands(desk: DeskDatabase, clock: ManualClock) -> Commands:
    return Commands(desk, clock)


def ordered(commands: Commands, device: str = "R1", command: str = "dock", **params: Any) -> str:
    (made,) = commands.order([Order(device, command, "it squeals", params)], LI, NOON)
    assert made.command_id is not None, made.refused
    return made.command_id


def state_of(commands: Commands, command_id: str) -> Command:
    return commands.states([command_id])[command_id]


def answer(
    commands: Commands, command_id: str, *states: str, device: str = "R1", reason: str = ""
) -> Command:
    now = commands._clock.now_ms()
    commands.take_replies([Reply(device, command_id, ReplyState(each), now, reason) for each in states])
    return state_of(commands, command_id)


def test_an_order_is_kept_with_who_and_why_and_told_to_the_log(
    commands: Commands, desk: DeskDatabase
) -> None:
    command = state_of(commands, ordered(commands))
    assert (command.state, command.by.name, command.why) == (CommandState.QUEUED, "Li", "it squeals")
    assert command.expires_at == command.deadline == NOON + 10 * MINUTE_MS
    with desk.transaction() as session:
        (event,) = events_of(session, Subject.COMMAND, command.id)
    assert (event.what, event.after, event.principal.name, event.reason) == (
        "ordered",
        "queued",
        "Li",
        "it squeals",
    )
    assert (event.site, event.data) == ("hall", {"device": "R1", "command": "dock", "params": {}})


def test_the_log_keeps_no_address_of_firmware(commands: Commands, desk: DeskDatabase) -> None:
    command_id = ordered(commands, command="offer_firmware", **FIRMWARE)
    assert state_of(commands, command_id).params == FIRMWARE
    with desk.transaction() as session:
        assert "s3cret" not in str(events_of(session, Subject.COMMAND, command_id))


def test_what_cannot_be_is_refused_for_itself_and_the_rest_is_ordered(commands: Commands) -> None:
    orders = [Order(device, "dock", "storm") for device in ("R1", "R9", "T1", "R2")]
    assert [made.refused for made in commands.order(orders, LI, NOON)] == [
        None,
        'there is no device "R9"',
        "command: dock is for robot, this is a tool",
        None,
    ]
    assert commands.order([Order("R1", "dock", "storm")], LI, NOON, frozenset({"yard"}))[0].refused == (
        'there is no device "R1"'
    )


def test_an_order_needs_a_reason_and_there_are_ten_thousand_at_most(commands: Commands) -> None:
    with pytest.raises(InvalidInput, match="a reason is required"):
        commands.order([Order("R1", "dock", " ")], LI, NOON)
    with pytest.raises(InvalidInput, match="allowed: 10000"):
        commands.order([Order("R1", "dock", "storm")] * (MOST_AT_ONCE + 1), LI, NOON)


@pytest.mark.parametrize(
    ("command", "params", "named"),
    [
        ("explode", {}, "allowed: dock, locate, self_test, reboot, set_parameter, offer_firmware"),
        ("dock", {"x": 1}, 'takes none, not "x"'),
        ("set_parameter", {"name": "colour", "value": 1}, "params.name"),
        ("set_parameter", {"name": "volume_pct", "value": 101}, "from 0 to 100"),
        ("set_parameter", {"name": "volume_pct", "value": True}, "from 0 to 100"),
        ("set_parameter", {"name": "volume_pct", "value": 1, "x": 2}, 'not "x"'),
        ("offer_firmware", FIRMWARE | {"version": "../1"}, "params.version"),
        ("offer_firmware", FIRMWARE | {"url": "file:///etc/passwd"}, "params.url"),
        ("offer_firmware", FIRMWARE | {"sha256": "A" * 64}, "params.sha256"),
        ("offer_firmware", FIRMWARE | {"size": 0}, "params.size"),
    ],
)
def test_a_command_that_cannot_be_is_named_with_what_is_allowed(
    command: str, params: dict[str, Any], named: str
) -> None:
    with pytest.raises(InvalidInput, match=named.replace(".", r"\.")):
        checked(Order("R1", command, "x", params), Kind.ROBOT)


def test_a_device_answers_for_its_own_commands_alone(commands: Commands, desk: DeskDatabase) -> None:
    command_id = ordered(commands)
    assert answer(commands, command_id, "done", device="R2").state is CommandState.QUEUED
    commands.take_replies([Reply("R1", "nobody's", ReplyState.DONE, NOON)])
    done = answer(commands, command_id, "received", "done", reason="docked at 3")
    assert (done.state, done.received_at, done.ended_at, done.reason) == (
        CommandState.DONE,
        NOON,
        NOON,
        "docked at 3",
    )
    with desk.transaction() as session:
        told = events_of(session, Subject.COMMAND, command_id)
    assert [(each.before, each.after) for each in told] == [
        (None, "queued"),
        ("queued", "received"),
        ("received", "done"),
    ]
    assert told[-1].principal.kind is PrincipalKind.DEVICE


def test_a_command_that_was_received_has_its_own_time_to_be_done(
    commands: Commands, clock: ManualClock
) -> None:
    command_id = ordered(commands)
    received = answer(commands, command_id, "received")
    assert received.deadline == NOON + COMMANDS["dock"].takes_ms
    clock.ms = NOON + COMMANDS["dock"].takes_ms - 1
    assert commands.end_overdue() == 0
    clock.advance(1)
    assert commands.end_overdue() == 1
    ended = state_of(commands, command_id)
    assert (ended.state, ended.reason) == (CommandState.TIMED_OUT, "it did not say that it was done")


def test_an_answer_after_the_time_is_out_is_kept_and_changes_nothing(
    commands: Commands, clock: ManualClock, desk: DeskDatabase
) -> None:
    command_id = ordered(commands)
    clock.advance(10 * MINUTE_MS)
    assert commands.end_overdue() == 1
    assert state_of(commands, command_id).reason == "it was not heard before the command expired"
    clock.advance(SECOND_MS)
    late = answer(commands, command_id, "received", "done", "done")
    assert (late.state, late.late_state, late.late_at) == (CommandState.TIMED_OUT, "done", clock.ms)
    with desk.transaction() as session:
        assert [each.what for each in events_of(session, Subject.COMMAND, command_id)] == [
            "ordered",
            "state",
            "answered_late",
            "answered_late",
        ]


def test_a_command_can_be_taken_back_until_it_is_sent(commands: Commands) -> None:
    command_id = ordered(commands)
    with pytest.raises(NotFound):
        commands.cancel("R2", command_id, LI, "no")
    cancelled = commands.cancel("R1", command_id, LI, "it stopped by itself")
    assert (cancelled.state, cancelled.reason) == (CommandState.CANCELLED, "it stopped by itself")
    with pytest.raises(Conflict, match="is cancelled"):
        commands.cancel("R1", command_id, LI, "again")
    assert answer(commands, command_id, "done").state is CommandState.CANCELLED


@given(st.lists(st.sampled_from(ReplyState), max_size=6))
def test_whatever_comes_back_in_whatever_order_an_end_stays(replies: list[ReplyState]) -> None:
    state, ended = CommandState.SENT, None
    for reply in replies:
        state = after(state, reply) or state
        if ended is not None:
            assert state is ended
        if state not in OPEN_STATES:
            ended = state


def test_ids_rise_with_time_and_order() -> None:
    ids = [*new_ids(NOON, 300), *new_ids(NOON + 1, 2)]
    assert ids == sorted(set(ids))
    assert {len(each) for each in ids} == {32}


def test_a_device_that_was_put_out_is_given_no_command(commands: Commands, desk: DeskDatabase) -> None:
    hashed = HashedPassword("k", "s", 1)
    with desk.transaction() as session:
        credential = Credential(0, "R1", CredentialKind.PASSWORD, "Li", NOON, hashed=hashed)
        add_credentials(session, [credential])
    ordered(commands)
    with desk.transaction() as session:
        revoke_credentials(session, ["R1"], NOON)
    [refused] = commands.order([Order("R1", "dock", "it squeals", {})], LI, NOON)
    assert refused.refused == "R1 was revoked at the broker: it hears no command"

"""Commands to devices: ordered with a reason, answered by their device alone, ended when their time is out.

What sends them is access/devices/publisher.py. Each change is an event of the log, in the same transaction.
"""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from secrets import token_hex
from typing import Any

from sqlalchemy.orm import Session

from fleet.clock import Clock
from fleet.commands import (
    ANSWER_WITHIN_MS,
    COMMANDS,
    MOST_AT_ONCE,
    Command,
    CommandState,
    Order,
    Ordered,
    Reply,
    after,
    checked,
)
from fleet.devices import Device
from fleet.errors import Conflict, InvalidInput
from fleet.events import Event, Subject
from fleet.grants import Permission, Sites
from fleet.principals import Principal, PrincipalKind, check_reason, schedule
from fleet.text import quoted
from storage.records.commands import (
    add_commands,
    change_commands,
    command_of,
    commands_of,
    commands_to_change,
    forget_commands,
    overdue_commands,
    waiting_commands,
)
from storage.records.database import DeskDatabase
from storage.records.device_credentials import put_out
from storage.records.device_lists import devices_of, sites_of
from storage.records.events import tell

log = logging.getLogger(__name__)

TIME = schedule("commands")
"""Who ends a command whose time is out, and notes that one was sent."""
_A_TURN = 2_000
_LONGEST_WHY = 1_000
_SECRET_PARAMS = frozenset({"url"})
"""An address may hold what opens it: the log of events keeps it not."""


class Commands:
    """The commands of an installation. From any thread; all may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def order(self, orders: Sequence[Order], by: Principal, now: int, sites: Sites = None) -> list[Ordered]:
        """Order commands in one transaction; return what became of each, in their order.

        What cannot be is refused for itself, with the reason; a device at none of `sites` is not found.
        Raises InvalidInput without a reason why, or for more than 10,000 at once.
        """
        if len(orders) > MOST_AT_ONCE:
            raise InvalidInput(f"{len(orders)} commands at once; allowed: {MOST_AT_ONCE}")
        for why in {order.why for order in orders}:
            check_reason(why)
            if len(why) > _LONGEST_WHY:
                raise InvalidInput(f"a reason has at most {_LONGEST_WHY} characters")
        ids = new_ids(now, len(orders))
        with self._desk.transaction() as session:
            asked = sorted({order.device_id for order in orders})
            devices, out = devices_of(session, asked), put_out(session, asked)
            made: list[Command] = []
            outcome: list[Ordered] = []
            for command_id, order in zip(ids, orders, strict=True):
                try:
                    command = _made(command_id, order, devices.get(order.device_id), by, now, sites)
                    _check_hears(order, out)
                except InvalidInput as error:
                    outcome.append(Ordered(order.device_id, None, str(error)))
                else:
                    made.append(command)
                    outcome.append(Ordered(order.device_id, command_id))
            add_commands(session, made)
            for command in made:
                _tell(session, command, None, by, command.why, now, devices[command.device_id].site)
        return outcome

    def states(self, ids: Sequence[str]) -> dict[str, Command]:
        """Return by id how far commands are; those that there are not are left out."""
        with self._desk.transaction() as session:
            return commands_of(session, ids)

    def cancel(self, device_id: str, command_id: str, by: Principal, why: str) -> Command:
        """Take back a command that was not sent yet. Raises NotFound, InvalidInput, Conflict."""
        check_reason(why)
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            command_of(session, device_id, command_id)
            command = commands_to_change(session, [command_id])[command_id]
            if command.state is not CommandState.QUEUED or command.claim is not None:
                state = "being sent" if command.state is CommandState.QUEUED else command.state
                raise Conflict(f"command {command_id} is {state}: only one that waits can be cancelled")
            ended = _ended(command, CommandState.CANCELLED, now, why)
            store(session, [(command, ended)], by, now)
            return ended

    def take_replies(self, replies: Sequence[Reply]) -> None:
        """Take what devices answered, in its order; late, repeated and foreign answers change nothing."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            before = commands_to_change(session, [reply.command_id for reply in replies])
            known = dict(before)
            steps: list[tuple[Command, Command]] = []
            for reply in replies:
                command = known.get(reply.command_id)
                if command is None or command.device_id != reply.device_id:
                    log.info("device %s answers a command that it was not given", reply.device_id)
                    continue
                answered = _answered(command, reply)
                if answered is not command:
                    steps.append((command, answered))
                    known[reply.command_id] = answered
            change_commands(session, [known[each] for each in known if known[each] is not before[each]])
            _tell_steps(session, steps, None, now)

    def end_overdue(self) -> int:
        """End the commands whose time is out; return how many were."""
        now, ended = self._clock.now_ms(), 0
        while True:
            with self._desk.transaction() as session:
                found = commands_to_change(session, overdue_commands(session, now, _A_TURN))
                late = [each for each in found.values() if each.deadline is not None and each.deadline <= now]
                ends = [(each, _ended(each, CommandState.TIMED_OUT, now, _why_late(each))) for each in late]
                store(session, ends, TIME, now)
            ended += len(late)
            if len(found) < _A_TURN:
                return ended

    def forget(self, before: int) -> None:
        """Forget the commands that ended before a time (epoch ms)."""
        with self._desk.transaction() as session:
            forget_commands(session, before)


def take_back_waiting(session: Session, device_id: str, by: Principal, why: str, now: int) -> None:
    """Cancel what a device was not sent yet: it was meant for another than the one that comes."""
    held = commands_to_change(session, waiting_commands(session, device_id)).values()
    left = [each for each in held if each.state is CommandState.QUEUED and each.claim is None]
    store(session, [(each, _ended(each, CommandState.CANCELLED, now, why)) for each in left], by, now)


def may_order(by: Principal, command: str) -> Sites:
    """Return at which sites somebody may order a command; one that there is not is nobody's to refuse."""
    known = COMMANDS.get(command)
    return by.reach(Permission.COMMANDS_SEND if known is None else known.permission)


def new_ids(now: int, count: int) -> list[str]:
    """Return ids that rise with time, and with their order at one time; nobody can guess them."""
    return [f"{now:012x}{number:04x}{token_hex(8)}" for number in range(count)]


def store(session: Session, steps: Sequence[tuple[Command, Command]], by: Principal, now: int) -> None:
    """Store commands as they are now, and tell what changed; `steps` hold each before and after."""
    change_commands(session, [changed for _, changed in steps])
    _tell_steps(session, steps, by, now)


def _check_hears(order: Order, put_out: Collection[str]) -> None:
    if order.device_id in put_out:
        raise InvalidInput(f"{order.device_id} was revoked at the broker: it hears no command")


def _made(
    command_id: str, order: Order, device: Device | None, by: Principal, now: int, sites: Sites
) -> Command:
    if device is None or (sites is not None and device.site not in sites):
        raise InvalidInput(f"there is no device {quoted(order.device_id)}")
    params = checked(order, device.kind)
    waits = COMMANDS[order.command].waits_ms if order.expires_in_ms is None else order.expires_in_ms
    expires = now + waits
    state = CommandState.QUEUED
    return Command(
        command_id, order.device_id, order.command, params, state, by, order.why, now, expires, expires
    )


def _answered(command: Command, reply: Reply) -> Command:
    """Return a command after a reply; the very same where it changes nothing."""
    at, reason = reply.received, reply.reason or None
    if command.state is CommandState.TIMED_OUT and command.late_state != CommandState.DONE:
        if command.late_state == reply.state:
            return command
        return replace(command, late_state=str(reply.state), late_at=at, reason=reason or command.reason)
    state = after(command.state, reply.state)
    if state is None:
        return command
    # Who answers has it, even where nothing came back yet that says so.
    there = replace(command, sent_at=command.sent_at or at, received_at=command.received_at or at)
    if state is CommandState.RECEIVED:
        takes = COMMANDS[command.command].takes_ms if command.command in COMMANDS else ANSWER_WITHIN_MS
        return replace(there, state=state, deadline=at + takes)
    return _ended(there, state, at, reason)


def _ended(command: Command, state: CommandState, at: int, reason: str | None) -> Command:
    return replace(command, state=state, deadline=None, ended_at=at, reason=reason)


def _why_late(command: Command) -> str:
    match command.state:
        case CommandState.QUEUED if command.claim is None:
            return "it was not heard before the command expired"
        case CommandState.QUEUED:
            return "it is not known whether it was sent"
        case CommandState.SENT:
            return "it did not answer"
        case _:
            return "it did not say that it was done"


def _tell_steps(
    session: Session, steps: Iterable[tuple[Command, Command]], by: Principal | None, now: int
) -> None:
    changed = [(before, command) for before, command in steps if _is_told(before, command)]
    sites = sites_of(session, {command.device_id for _, command in changed})
    for before, command in changed:
        who = by or Principal(PrincipalKind.DEVICE, command.device_id, command.device_id)
        _tell(session, command, before, who, command.reason or "", now, sites.get(command.device_id))


def _is_told(before: Command, command: Command) -> bool:
    return (before.state, before.late_state) != (command.state, command.late_state)


def _tell(
    session: Session,
    command: Command,
    before: Command | None,
    by: Principal,
    reason: str,
    now: int,
    site: str | None,
) -> None:
    what = "ordered" if before is None else "state" if before.state != command.state else "answered_late"
    data: dict[str, Any] = {"device": command.device_id, "command": command.command}
    if before is None:
        data["params"] = {name: value for name, value in command.params.items() if name not in _SECRET_PARAMS}
    elif what == "answered_late":
        data["answer"] = command.late_state
    was = None if before is None else before.state
    tell(
        session,
        Event(now, Subject.COMMAND, command.id, what, by, reason, site, was, command.state, data),
    )

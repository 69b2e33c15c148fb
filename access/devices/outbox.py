"""The desk's side of sending commands: which are due, which are on their way, which were sent.

A command is claimed by a batch before it is published, and sent when the broker's copy of it came back. One
that is claimed and queued is on its way: it is not published again before it is known not to have gone out.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace

from access.devices.commands import TIME, store
from fleet.clock import Clock
from fleet.commands import ANSWER_WITHIN_MS, Command, CommandState, DueCommand
from fleet.condition import NOT_HEARD_MS
from storage.records.commands import change_commands, claims, commands_to_change, due_commands
from storage.records.database import DeskDatabase


class Outbox:
    """The commands that are to go out. All may raise StoreUnavailable."""

    def __init__(self, desk: DeskDatabase, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    def any_due(self) -> bool:
        """Tell whether something is to be sent now."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            return bool(due_commands(session, now, now - NOT_HEARD_MS, 1))

    def claim(self, batch: str, most: int) -> list[DueCommand]:
        """Claim what is due for a batch: of devices that are there, not expired, the oldest first."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            due = due_commands(session, now, now - NOT_HEARD_MS, most)
            found = commands_to_change(session, [each.id for each in due])
            mine = {each.id: each for each in found.values() if _waits(each)}
            change_commands(
                session,
                [
                    replace(each, claim=batch, deadline=each.expires_at + ANSWER_WITHIN_MS)
                    for each in mine.values()
                ],
            )
        return [each for each in due if each.id in mine]

    def on_their_way(self) -> dict[str, str]:
        """Return the batch of each command that was claimed and is not known to be sent."""
        with self._desk.transaction() as session:
            return claims(session)

    def sent(self, ids: Collection[str]) -> None:
        """Note that these went out."""
        self._settle(ids, None)

    def settle(self, unsent: Collection[str], unknown: Collection[str]) -> None:
        """Give back what did not go out; what may have gone out is not sent a second time."""
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            found = commands_to_change(session, [*unsent])
            change_commands(
                session,
                [
                    replace(each, claim=None, deadline=each.expires_at)
                    for each in found.values()
                    if _is_on_its_way(each) and each.expires_at > now
                ],
            )
        self._settle(unknown, "it is not known whether it was sent: the broker has lost its memory")

    def _settle(self, ids: Collection[str], reason: str | None) -> None:
        if not ids:
            return
        now = self._clock.now_ms()
        with self._desk.transaction() as session:
            found = commands_to_change(session, [*ids])
            steps: Sequence[tuple[Command, Command]] = [
                (each, replace(each, state=CommandState.SENT, sent_at=now, reason=reason))
                for each in found.values()
                if _is_on_its_way(each)
            ]
            store(session, steps, TIME, now)


def _waits(command: Command) -> bool:
    return command.state is CommandState.QUEUED and command.claim is None


def _is_on_its_way(command: Command) -> bool:
    return command.state is CommandState.QUEUED and command.claim is not None

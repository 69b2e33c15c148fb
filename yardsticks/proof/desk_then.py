"""A desk of its own that knows, at each time of a replay, what the desk knew at that time."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from desk.clocks.files import load_clocks
from desk.clocks.standing import TicketClocks
from desk.tickets.past import PastCases
from fleet.clock import ManualClock
from fleet.past_cases import IMPORT
from storage.records.database import DeskDatabase, open_desk
from storage.records.devices import DeviceInfo, Devices, Placement
from storage.records.repairs import RENEWING
from yardsticks.proof.past import PastFleet, known_at

T = TypeVar("T")


class DeskThen:
    """A desk database in a folder of its own, which `advance` brings up to a time of the past."""

    def __init__(self, fleet: PastFleet, file: Path) -> None:
        self.clock = ManualClock(0)
        self.desk: DeskDatabase = open_desk(f"sqlite:///{file}", survives_power=False)
        self._devices = Devices(self.desk)
        self._past = PastCases(self.desk, TicketClocks(load_clocks(None, None)), self.clock)
        self._cases = _Waiting(
            sorted(fleet.cases, key=lambda each: (known_at(each), each.device_id)), known_at
        )
        said = [each for each in fleet.events if each.code in RENEWING]
        self._said = _Waiting(sorted(said, key=lambda each: (each.ts, each.device_id)), lambda each: each.ts)
        places = {name: Placement(each.site, each.kind) for name, each in fleet.devices.items()}
        self._devices.register(places, 0)
        self._devices.record_info([DeviceInfo(name, each.model) for name, each in fleet.devices.items()])

    def advance(self, at: int) -> None:
        """Let the desk know what was known at a time (epoch ms)."""
        self.clock.ms = at
        cases = self._cases.until(at)
        if cases:
            self._past.take(cases, IMPORT)
        said = self._said.until(at)
        if said:
            self._devices.record_events(said)

    def close(self) -> None:
        """Let go of the database."""
        self.desk.close()


class _Waiting(Generic[T]):
    """Things that become known one after another."""

    def __init__(self, things: Sequence[T], at: Callable[[T], int]) -> None:
        self._things, self._at, self._next = things, at, 0

    def until(self, at: int) -> list[T]:
        """Return those that became known since the last call."""
        begin = self._next
        while self._next < len(self._things) and self._at(self._things[self._next]) <= at:
            self._next += 1
        return list(self._things[begin : self._next])

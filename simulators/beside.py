"""Robots as people see and handle them who stand beside them: the crew's one way to what is really so."""

from collections.abc import Mapping, Sequence

import numpy as np

from fleet.clock import Clock
from fleet.errors import NotFound
from fleet.signals import Kind
from simulators.crew.hands import Seen
from simulators.fault_process import DUSTBIN, FAULT_ROW, FAULT_SPECS
from simulators.fleet_simulator import FleetSimulator

_REMEMBERED = 1_000
"""So much of what was done is remembered, to know it when it comes again."""


class BesideRobots:
    """What somebody sees of a simulated fleet's robots, and does to them. From any thread.

    All but `out_of_use` raise NotFound for what is no simulated robot.
    """

    def __init__(self, simulator: FleetSimulator, clock: Clock) -> None:
        self._simulator = simulator
        self._clock = clock

    def attend(self, *, attended: bool) -> None:
        """Leave failures to engineers of the crew, or to those who came before Sweepwatch."""
        with self._simulator.lock:
            self._simulator.faults.attend(self._clock.now_ms(), attended)

    def look_at(self, device_id: str) -> Sequence[Seen]:
        """Return what is really wrong with a robot; whether somebody finds it is theirs."""
        with self._simulator.lock:
            faults, device = self._simulator.faults, self._robot(device_id)
            return [
                Seen(
                    FAULT_SPECS[row].code,
                    faults.severity_of(int(row), device),
                    bool(faults.failed[row, device]),
                )
                for row in np.flatnonzero(faults.active[:, device])
                if row != DUSTBIN
            ]

    def replace(self, device_id: str, fault: str, name: str, *, lasts: bool = True) -> bool:
        """Do what mends a fault; return whether it was there. `name` is what was done: once is enough of it.

        One that does not last leaves the fault as it was, with a new part.
        """
        with self._simulator.lock:
            device, row = self._robot(device_id), FAULT_ROW.get(fault)
            if row is None or name in self._simulator.work_done:
                return row is not None
            faults, now = self._simulator.faults, self._clock.now_ms()
            there = bool(faults.active[row, device])
            if lasts:
                faults.repair(row, device, now, "ticket")
                self._simulator.renew_mended()
            else:
                faults.announce(row, device, now)
            self._simulator.work_done = [*self._simulator.work_done, name][-_REMEMBERED:]
            return there

    def out_of_use(self, site: str) -> Mapping[str, int]:
        """Return the robots of a site that have failed so that anybody sees it, and since when (epoch ms)."""
        with self._simulator.lock:
            faults, cards = self._simulator.faults, self._simulator.roster.cards[Kind.ROBOT]
            found: dict[str, int] = {}
            for row, device in np.argwhere(faults.failed):
                entry = faults.truth[int(faults.truth_index[row, device])]
                if cards[device].site == site and row != DUSTBIN and entry.failure is not None:
                    found[cards[device].id] = min(entry.failure, found.get(cards[device].id, entry.failure))
            return found

    def _robot(self, device_id: str) -> int:
        try:
            kind, index = self._simulator.find(device_id)
        except KeyError:
            kind, index = Kind.TOOL, -1
        if kind is not Kind.ROBOT:
            raise NotFound(f"{device_id} is no robot of the simulated fleet")
        return index

"""Faults that befall a fleet alike whatever is done about them: common random numbers for comparing services.

The n-th drive motor of a robot wears as the n-th drive motor of that robot does, in whose hands ever it is:
when the fault begins, how fast it grows and by which shape belong to robot, fault and count. What a service
does changes only how long a robot stands still meanwhile, and when a part is renewed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from fleet.signals import Kind
from simulators.fault_process import (
    COUNT,
    DUSTBIN,
    FAULT_ROW,
    FAULT_SPECS,
    EventRecord,
    FaultProcess,
    FaultWays,
)
from simulators.ground_truth import GroundTruth
from simulators.randomness import Floats, Ints, hashed_uniform
from simulators.roster import Roster
from simulators.sites import UTC_OFFSET_MS

_ONSET_STREAM, _FAULT_STREAM = 31, 32
_EVEN = 0.25
"""The noise with which a fault grows evenly: the simulator's own, log-normal from step to step, averages out.
"""
_MOST_DUTY = 0.97
_MONTHS = 12

Seasons = Mapping[str, Mapping[int, float]]
"""By fault and calendar month (1 to 12) by how much its hazard is multiplied; 1 where nothing is said."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The `count`-th time (from 0) that a robot, by its row, fails with a fault, at a time (epoch ms)."""

    device: int
    fault: str
    count: int
    at: int


class CommonFaults(FaultProcess):
    """The faults of robots that run as much as robots of their site usually do.

    `use` is each robot's running against the average's (1). Nobody is sent by itself to what fails:
    `take_failures` tells of it, and `repair` mends. Dustbins are emptied. Shapes: (faults, robots).
    """

    def __init__(
        self,
        device_ids: list[str],
        hazard: Floats,
        truth: GroundTruth,
        ways: FaultWays,
        seed: int,
        use: Floats,
        seasons: Seasons,
    ) -> None:
        strength = ways.strengths(len(device_ids), np.random.default_rng((seed, 4)))
        super().__init__(device_ids, hazard, truth, np.random.default_rng((seed, 5)), ways, strength)
        self._seed = seed
        self._use = use
        self._season = _table(seasons)
        self.count: Ints = np.zeros(self.active.shape, dtype=np.int64)
        self._lived: Floats = np.zeros(self.active.shape)
        rows, robots = np.meshgrid(np.arange(COUNT), np.arange(len(device_ids)), indexing="ij")
        self._due = self._drawn(rows, robots)
        self._due[DUSTBIN] = np.inf
        self._failures: list[Failure] = []

    def _drawn(self, rows: Ints, robots: Ints) -> Floats:
        """Return at which cumulative hazard the next of these faults begin: exponential, mean 1."""
        uniform = hashed_uniform(self._seed, _ONSET_STREAM, rows, robots, self.count[rows, robots])
        return np.asarray(np.maximum(-np.log1p(-uniform), 1e-9))

    def step(self, now: int, dt: float, usage: Floats, uniform: Floats, noise: Floats) -> Floats:
        """Advance by `dt` seconds to `now` (epoch ms); return the visible severities, 0 to 1.

        What the robots of a simulation happen to do (`usage`, `noise`) decides nothing, or it would differ.
        """
        del usage, noise
        use = self._use * ~self.stopped
        month = datetime.fromtimestamp((now + UTC_OFFSET_MS) // 1000, UTC).month
        rate = self._hazard * self._season[:, month - 1, None] * (dt / 86_400)
        self._lived += rate * (0.4 + 0.6 * use) * ~self.stopped * ~self.active
        for row, device in np.argwhere((self._lived >= self._due) & ~self.active):
            self.begin(int(row), int(device), now)
        effective = np.zeros(self.active.shape)
        rows, columns = self._rows, self._columns
        if len(rows):
            effective[rows, columns] = self._grow(now, dt, use, uniform, np.full(len(use), _EVEN))
        return effective

    def begin(self, row: int, device: int, now: int, cause: str = "hazard", shape: int | None = None) -> None:
        """Begin a fault; the dustbin is nobody's matter here."""
        if row != DUSTBIN:
            super().begin(row, device, now, cause, shape)

    def _luck(self, row: int, device: int) -> np.random.Generator:
        count = int(self.count[row, device])
        return np.random.default_rng((self._seed, _FAULT_STREAM, row, device, count))

    def _fail(self, row: int, device: int, now: int) -> None:
        self.failed[row, device] = True
        self.truth[int(self.truth_index[row, device])].failure = now
        spec = FAULT_SPECS[row]
        self.events.append(EventRecord(self._ids[device], now, "error", {"error_code": spec.error_code}))
        self._failures.append(Failure(device, spec.code, int(self.count[row, device]), now))
        self._refresh()

    def repair(self, row: int, device: int, now: int, by: str) -> bool:
        """Mend a fault; return whether it was there. The next of its kind is another one, drawn anew."""
        there = super().repair(row, device, now, by)
        if there:
            self.count[row, device] += 1
            self._lived[row, device] = 0.0
            self._due[row, device] = float(self._drawn(np.array([row]), np.array([device]))[0])
        return there

    def renew(self) -> None:
        """Forget what was mended: where nobody simulates robots nothing of theirs is renewed."""
        self.take_mended()

    def take_failures(self) -> list[Failure]:
        """Return what failed since the last call, in order of time."""
        found, self._failures = self._failures, []
        return found

    def there(self, device: int) -> list[tuple[str, float, bool]]:
        """Return what is really wrong with a robot: fault, severity (0 to 1), whether it has failed."""
        rows = np.flatnonzero(self.active[:, device])
        return [
            (FAULT_SPECS[row].code, self.severity_of(int(row), device), bool(self.failed[row, device]))
            for row in rows
        ]


def usual_use(roster: Roster) -> Floats:
    """Return how much each robot of a roster runs against the average's (1), by the hours of its site."""
    share = np.array(
        [
            (5 * np.mean(site.type.weekday_duty) + 2 * np.mean(site.type.weekend_duty)) / 7
            for site in roster.sites
        ]
    )
    planned = np.minimum(share[roster.site_index[Kind.ROBOT]] * roster.intensity, _MOST_DUTY)
    return np.asarray(planned / planned.mean())


def _table(seasons: Seasons) -> Floats:
    table = np.ones((COUNT, _MONTHS))
    for fault, months in seasons.items():
        for month, factor in months.items():
            table[FAULT_ROW[fault], month - 1] = factor
    return table

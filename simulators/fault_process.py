"""Faults by hazard: when each begins, how it grows, when it fails, when it is mended.

In the world that is shown first (ACCELERATED) life is fast: in a real fleet a robot sees a fault every few
months, there every two weeks, so that two months of 48 robots hold some two dozen failures of each predicted
fault to learn from. What differs from world to world is a FaultWays (simulators/worlds.py has the others).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from fleet.clock import HOUR_MS
from fleet.faults import FAULTS
from simulators.crew.hands import MISTAKEN_FOR
from simulators.ground_truth import GroundTruth, TruthEntry
from simulators.randomness import Bools, Floats, Ints

LINEAR, EXPONENTIAL, STEPWISE, INTERMITTENT, SUDDEN = range(5)
SHAPES = ("linear", "exponential", "stepwise", "intermittent", "sudden")

_NEVER = 2**62
NO_ERROR, ERROR_OVER = -1, -2
"""What `error_row` says of a robot without a failure: nothing, or that what was there is over."""
_SAYS_OVER_MS = HOUR_MS
"""For how long it says so: more than once, because a message gets lost, and not for ever."""


@dataclass(frozen=True, slots=True)
class FaultSpec:
    """How one fault of the catalogue behaves.

    `days` is the median time from onset to failure under average use, `usage` the share of that which
    depends on running (the rest passes by itself), `stops` whether the robot stands still after the failure.
    """

    code: str
    days: float
    usage: float
    stops: bool
    error_code: str
    shapes: tuple[int, ...]
    customer_mends: bool = False


_GRADUAL = (LINEAR, EXPONENTIAL, EXPONENTIAL, STEPWISE)
_ANY = (LINEAR, EXPONENTIAL, EXPONENTIAL, STEPWISE, INTERMITTENT)
FAULT_SPECS = (
    FaultSpec("battery_wear", 6.0, 0.6, False, "B12", (LINEAR, LINEAR, EXPONENTIAL, STEPWISE)),
    FaultSpec("battery_overheat", 3.3, 0.5, True, "B21", _GRADUAL),
    FaultSpec("charging_failure", 3.0, 0.2, True, "C03", _ANY),
    FaultSpec("drive_motor_wear", 6.0, 0.8, True, "M11", _GRADUAL),
    FaultSpec("brush_jam", 1.6, 0.9, True, "M21", _ANY, customer_mends=True),
    FaultSpec("brush_wear", 6.0, 0.9, False, "M22", (LINEAR, LINEAR, EXPONENTIAL, STEPWISE)),
    FaultSpec("fan_motor_wear", 6.0, 0.8, True, "M31", _GRADUAL),
    FaultSpec("filter_clog", 3.3, 0.8, False, "F01", (LINEAR, EXPONENTIAL), customer_mends=True),
    FaultSpec("water_leak", 3.0, 0.3, True, "W05", _ANY),
    FaultSpec("lidar_misaligned", 3.2, 0.6, True, "N02", _ANY),
    FaultSpec("wheel_slip", 6.0, 0.8, False, "N11", _GRADUAL, customer_mends=True),
    FaultSpec("comms_loss", 3.0, 0.1, False, "R01", _ANY),
    FaultSpec("dustbin_full", 1.0, 1.0, False, "D01", (LINEAR,)),
)
FAULT_ROW = {spec.code: row for row, spec in enumerate(FAULT_SPECS)}
DUSTBIN = FAULT_ROW["dustbin_full"]
COUNT = len(FAULT_SPECS)
_STOPS = np.array([spec.stops for spec in FAULT_SPECS])
_USAGE = np.array([spec.usage for spec in FAULT_SPECS])


@dataclass(frozen=True, slots=True)
class FaultWays:
    """How faults come, grow and are mended in one world.

    `specs` has the rows of FAULT_SPECS. `hazard_per_day` is that of each predicted fault, of a robot of
    average use, while it does not have it. Of all faults `sudden_share` fail without warning; `growth`
    is how steep exponential ones are (severity is expm1(growth * p) / expm1(growth) at progress p);
    `days_spread` the log-normal width of the time to failure. Of the engineers' visits to a failed device
    `nothing_found_share` end with "no fault found", `wrong_part_share` with another part replaced; customers
    mend `customer_share` of what they can. `strength` multiplies how much of a fault is to be seen, by fault
    (1 where it says nothing), `strength_spread` is its log-normal width from robot to robot.
    """

    specs: tuple[FaultSpec, ...] = FAULT_SPECS
    hazard_per_day: float = 0.0090
    sudden_share: float = 0.15
    growth: float = 3.5
    days_spread: float = 0.35
    nothing_found_share: float = 0.05
    wrong_part_share: float = 0.0
    customer_share: float = 0.08
    strength: Mapping[str, float] = field(default_factory=dict)
    strength_spread: float = 0.0

    def strengths(self, robots: int, generator: np.random.Generator) -> Floats:
        """Return how much of each fault is to be seen on each robot. Shape: (faults, robots)."""
        usual = np.array([self.strength.get(spec.code, 1.0) for spec in self.specs])
        drawn = usual[:, None] * np.exp(self.strength_spread * generator.standard_normal((COUNT, robots)))
        drawn[_ALL_OR_NOTHING] = 1.0
        return np.asarray(np.minimum(drawn, _STRONGEST))


ACCELERATED = FaultWays()
_ALL_OR_NOTHING = [FAULT_ROW["comms_loss"], DUSTBIN]
"""A lost connection is lost in every world, and a full dustbin full."""
_STRONGEST = 1.3


@dataclass(frozen=True, slots=True)
class Visit:
    """A coming visit to a failed device: `opened` when reported, `at` when it ends (epoch ms)."""

    row: int
    device: int
    opened: int
    at: int
    right: bool
    """Whether the cause will be found."""
    by: str


@dataclass(frozen=True, slots=True)
class RepairRecord:
    """A closed repair as people would have filed it; `confirmed` is a fault's code or `none`."""

    device_id: str
    fault: str
    confirmed: str
    opened: int
    repaired: int


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that a device says on its event topic."""

    device_id: str
    ts: int
    code: str
    detail: dict[str, Any]


class FaultProcess:
    """The faults of all robots. Arrays have the shape (faults, robots)."""

    _SAVED = ("active", "failed", "progress", "speed", "shape", "levels", "visible", "mend", "truth_index")
    _SAVED_LATER = ("over_until",)
    """Fleets that an older version saved have none of these."""

    def __init__(
        self,
        device_ids: list[str],
        hazard: Floats,
        truth: GroundTruth,
        generator: np.random.Generator,
        ways: FaultWays = ACCELERATED,
        strength: Floats | None = None,
    ) -> None:
        shape = (COUNT, len(device_ids))
        self._ids = device_ids
        self._hazard = hazard
        self._ways = ways
        self._strength = np.ones(shape) if strength is None else strength
        self._generator = generator
        self.truth = truth
        self.active: Bools = np.zeros(shape, dtype=bool)
        self.failed: Bools = np.zeros(shape, dtype=bool)
        self.progress: Floats = np.zeros(shape)
        self.speed: Floats = np.zeros(shape)
        self.shape: Ints = np.zeros(shape, dtype=np.int64)
        self.levels: Floats = np.full(shape, 4.0)
        self.visible: Bools = np.ones(shape, dtype=bool)
        self.mend: Floats = np.full(shape, np.inf)
        self.truth_index: Ints = np.full(shape, -1, dtype=np.int64)
        self.over_until: Ints = np.zeros(len(device_ids), dtype=np.int64)
        self.visits: list[Visit] = []
        self.records: list[RepairRecord] = []
        self.events: list[EventRecord] = []
        self.attended = False
        """Whether engineers come by themselves, as the crew's do; else they come as before Sweepwatch."""
        self._mended: list[tuple[int, int]] = []
        self._refresh()

    def step(self, now: int, dt: float, usage: Floats, uniform: Floats, noise: Floats) -> Floats:
        """Advance by `dt` seconds to `now` (epoch ms); return the visible severities, 0 to 1.

        `usage` is each robot's running against the average's (1), `uniform` fresh uniforms of the full shape,
        `noise` standard normals, one a robot. Degradation is a process of random non-negative increments, as
        in van Noortwijk, "A survey of the application of gamma processes in maintenance", 2009 (log-normal
        increments here).
        """
        chance = self._hazard * (dt / 86_400) * (0.4 + 0.6 * usage)
        onset = uniform < chance
        if onset.any():
            for row, device in np.argwhere(onset & ~self.active):
                self.begin(int(row), int(device), now)
        effective = np.zeros(self.active.shape)
        rows, columns = self._rows, self._columns
        if len(rows):
            effective[rows, columns] = self._grow(now, dt, usage, uniform, noise)
        return effective

    def _grow(self, now: int, dt: float, usage: Floats, uniform: Floats, noise: Floats) -> Floats:
        rows, columns = self._rows, self._columns
        weight = _USAGE[rows]
        pace = (1 - weight + weight * usage[columns]) * np.exp(0.5 * noise[columns] - 0.125)
        progress = self.progress[rows, columns] + self.speed[rows, columns] * pace * (dt / 86_400)
        progress = np.minimum(progress, 1.0)
        self.progress[rows, columns] = progress
        failed = self.failed[rows, columns]
        for k in np.flatnonzero((progress >= 1.0) & ~failed):
            self._fail(int(rows[k]), int(columns[k]), now)
        for k in np.flatnonzero((progress >= self.mend[rows, columns]) & ~failed):
            self.repair(int(rows[k]), int(columns[k]), now, "customer")
        if self._flickers:
            self._flicker(rows, columns, dt, uniform)
        shown = self.visible[rows, columns] * self.active[rows, columns] * self._strength[rows, columns]
        return self.severity(rows, columns) * shown

    def severity(self, rows: Ints, columns: Ints) -> Floats:
        """Return the severity of the given faults, 0 to 1, by the shape of their growth."""
        growth = self._ways.growth
        p = self.progress[rows, columns]
        shape = self.shape[rows, columns]
        levels = self.levels[rows, columns]
        severity = np.where(shape == EXPONENTIAL, np.expm1(growth * p) / np.expm1(growth), p)
        severity = np.where(shape == STEPWISE, np.floor(p * levels) / levels, severity)
        return np.asarray(np.where(shape == INTERMITTENT, p**1.3, severity))

    def _flicker(self, rows: Ints, columns: Ints, dt: float, uniform: Floats) -> None:
        # An intermittent fault comes and goes, ever more often, until it stays.
        visible = self.visible[rows, columns]
        rate = np.where(visible, 0.6, 0.3 + 1.5 * self.progress[rows, columns])
        flips = uniform[rows, columns] < -np.expm1(-rate * dt / 3600)
        comes_and_goes = (self.shape[rows, columns] == INTERMITTENT) & ~self.failed[rows, columns]
        self.visible[rows, columns] = np.where(comes_and_goes, visible ^ flips, True)

    def begin(self, row: int, device: int, now: int, cause: str = "hazard", shape: int | None = None) -> None:
        """Begin a fault on a device that does not have it; its shape is drawn unless it is given."""
        ways, draw = self._ways, self._luck(row, device)
        spec = ways.specs[row]
        if shape is None:
            by_chance = row != DUSTBIN and draw.random() < ways.sudden_share
            shape = SUDDEN if by_chance else int(draw.choice(spec.shapes))
        sudden = shape == SUDDEN
        self.active[row, device] = True
        self.progress[row, device] = 1.0 if sudden else 0.0
        # The dustbin's progress is its filling, which the robot's own physics sets.
        self.speed[row, device] = (
            0.0 if row == DUSTBIN else 1 / (spec.days * draw.lognormal(0, ways.days_spread))
        )
        self.shape[row, device] = shape
        self.levels[row, device] = draw.integers(3, 6)
        self.visible[row, device] = shape != INTERMITTENT
        mends = spec.customer_mends and draw.random() < ways.customer_share
        self.mend[row, device] = draw.uniform(0.4, 0.9) if mends and not sudden else np.inf
        entry = TruthEntry(self._ids[device], spec.code, now, None, cause, SHAPES[shape], shape != SUDDEN)
        self.truth_index[row, device] = self.truth.add(entry)
        self._refresh()

    def _luck(self, row: int, device: int) -> np.random.Generator:
        """Return what a fault that begins is drawn from."""
        del row, device
        return self._generator

    def _fail(self, row: int, device: int, now: int) -> None:
        self.failed[row, device] = True
        self.truth[int(self.truth_index[row, device])].failure = now
        spec, device_id = FAULT_SPECS[row], self._ids[device]
        self.events.append(EventRecord(device_id, now, "error", {"error_code": spec.error_code}))
        if row == DUSTBIN:
            at = now + int(self._generator.uniform(0.5, 8) * HOUR_MS)
            self.visits.append(Visit(row, device, now, at, right=True, by="customer"))
        else:
            self._send_engineer(row, device, now + int(self._generator.uniform(1, 12) * HOUR_MS))
        self._refresh()

    def _send_engineer(self, row: int, device: int, opened: int) -> None:
        """Send an engineer, hours to three days after the report, as it was before Sweepwatch."""
        if self.attended:
            return
        hours = min(self._generator.lognormal(np.log(18), 0.7), 72.0)
        at = opened + int(max(hours, 2.0) * HOUR_MS)
        wrong = self._ways.nothing_found_share + self._ways.wrong_part_share
        right = self._generator.random() >= wrong
        self.visits.append(Visit(row, device, opened, at, bool(right), "engineer"))

    def pay_visits(self, now: int) -> None:
        """Carry out the visits that are due."""
        if now < self.next_visit:
            return
        due = [visit for visit in self.visits if visit.at <= now]
        self.visits = [visit for visit in self.visits if visit.at > now]
        for visit in due:
            if visit.right:
                self.repair(visit.row, visit.device, now, visit.by)
            else:
                again = now + int(self._generator.uniform(4, 24) * HOUR_MS)
                self._send_engineer(visit.row, visit.device, again)
            if visit.by == "engineer":
                code = FAULT_SPECS[visit.row].code
                confirmed = code if visit.right else self._mistake(code, visit.device, now)
                record = RepairRecord(self._ids[visit.device], code, confirmed, visit.opened, now)
                self.records.append(record)
        self._refresh()

    def _mistake(self, code: str, device: int, now: int) -> str:
        """Return what an engineer confirms who did not find the fault: nothing, or another that he mended."""
        ways, other = self._ways, MISTAKEN_FOR.get(code)
        if other is None or not ways.wrong_part_share:
            return "none"
        wrong = ways.wrong_part_share / (ways.wrong_part_share + ways.nothing_found_share)
        if self._generator.random() >= wrong:
            return "none"
        self.repair(FAULT_ROW[other], device, now, "engineer")
        return other

    def attend(self, now: int, attended: bool) -> None:
        """Leave failures to engineers who come by themselves, or send some again as before Sweepwatch."""
        self.attended = attended
        if attended:
            self.visits = [visit for visit in self.visits if visit.by != "engineer"]
        else:
            coming = {(visit.row, visit.device) for visit in self.visits}
            for row, device in np.argwhere(self.failed):
                if (row, device) not in coming:
                    self._send_engineer(int(row), int(device), now)
        self._refresh()

    def take_mended(self) -> list[tuple[int, int]]:
        """Return the (fault row, device) pairs that were mended since the last call."""
        mended, self._mended = self._mended, []
        return mended

    def repair(self, row: int, device: int, now: int, by: str) -> bool:
        """Mend a fault; return whether it was really there. A replaced part is announced either way."""
        there = bool(self.active[row, device])
        if self.failed[row, device]:
            self.over_until[device] = now + _SAYS_OVER_MS
        if there:
            entry = self.truth[int(self.truth_index[row, device])]
            entry.severity_at_end = round(float(self.severity_of(row, device)), 4)
            entry.repaired_at, entry.repaired_by = now, by
        if by != "customer":
            self.announce(row, device, now)
        self.active[row, device] = self.failed[row, device] = False
        self.progress[row, device] = self.speed[row, device] = 0.0
        self.mend[row, device] = np.inf
        self.truth_index[row, device] = -1
        self._mended.append((row, device))
        self.visits = [v for v in self.visits if (v.row, v.device) != (row, device)]
        self._refresh()
        return there

    def announce(self, row: int, device: int, now: int) -> None:
        """Let a robot tell that a part was replaced that mends one fault, whether or not it did."""
        part = FAULTS[FAULT_SPECS[row].code].part
        if part is not None:
            detail = {"part": part, "fault": FAULT_SPECS[row].code}
            self.events.append(EventRecord(self._ids[device], now, "part_replaced", detail))

    def severity_of(self, row: int, device: int) -> float:
        """Return the severity of one fault of one device now."""
        return float(self.severity(np.array([row]), np.array([device]))[0])

    def note_severities(self) -> None:
        """Write the present severity of every fault that is under way into the ground truth."""
        for row, device in zip(self._rows, self._columns, strict=True):
            entry = self.truth[int(self.truth_index[row, device])]
            entry.severity_at_end = round(self.severity_of(int(row), int(device)), 4)

    @property
    def stopped(self) -> Bools:
        """Which robots stand still because of a failure. Shape: (robots,)."""
        return self._stopped

    def error_row(self, now: int) -> Ints:
        """Return the row of a failed fault of each robot at `now` (epoch ms), the first in the table's order.

        NO_ERROR or ERROR_OVER where nothing has failed.
        """
        if now >= self._last_over:
            return self._error_row
        over = (self._error_row == NO_ERROR) & (now < self.over_until)
        return np.where(over, ERROR_OVER, self._error_row)

    def _refresh(self) -> None:
        self._rows, self._columns = np.nonzero(self.active)
        comes_and_goes = self.shape[self._rows, self._columns] == INTERMITTENT
        self._flickers = bool(comes_and_goes.any())
        self._stopped: Bools = np.asarray((self.failed & _STOPS[:, None]).any(axis=0))
        self._error_row = np.where(self.failed.any(axis=0), self.failed.argmax(axis=0), NO_ERROR)
        self._last_over = int(self.over_until.max(initial=0))
        self.next_visit = min((visit.at for visit in self.visits), default=_NEVER)

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that make up the state."""
        return {name: getattr(self, name) for name in (*self._SAVED, *self._SAVED_LATER)}

    def notes(self) -> dict[str, Any]:
        """Return the rest of the state, JSON-ready."""
        return {
            "visits": [asdict(visit) for visit in self.visits],
            "records": [asdict(record) for record in self.records],
            "events": [asdict(event) for event in self.events],
        }

    def restore(self, arrays: dict[str, np.ndarray], notes: dict[str, Any]) -> None:
        """Take over a state that `arrays` and `notes` gave."""
        for name in self._SAVED:
            setattr(self, name, arrays[name])
        for name in self._SAVED_LATER:
            setattr(self, name, arrays.get(name, getattr(self, name)))
        self.visits = [Visit(**row) for row in notes["visits"]]
        self.records = [RepairRecord(**row) for row in notes["records"]]
        self.events = [EventRecord(**row) for row in notes["events"]]
        self._refresh()

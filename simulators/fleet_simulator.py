"""The simulated fleet as one thing: advance it, read it, mend it, save it, load it."""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import wraps
from pathlib import Path
from threading import RLock
from typing import Any, Concatenate, ParamSpec, TypeVar
from zipfile import BadZipFile

import numpy as np

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS
from fleet.errors import ConfigError, DataFolderError, NotFound
from fleet.readings import ReadingBatch
from fleet.signals import ROBOT_STATES, Kind, SignalTable
from simulators.columns import Columns, to_batch
from simulators.fault_process import FAULT_ROW, FAULT_SPECS, LINEAR, EventRecord, FaultProcess, RepairRecord
from simulators.firmware import RESTARTS_PER_DAY, effect_of
from simulators.ground_truth import GroundTruth, TruthEntry
from simulators.randomness import Floats, Ints, hashed_uniform, load_generator, save_generator
from simulators.robot_sensors import RobotSensors, SensorTraits
from simulators.robots import NORMAL_DRAWS, UNIFORM_DRAWS, Robots, RobotState, Surroundings
from simulators.roster import DeviceCard, Roster
from simulators.sites import climate, duty, local_parts, staffed
from simulators.tools import ZONES, ToolReadings, Tools
from simulators.worlds import DEFAULT_WORLD, find_world
from simulators.wristbands import BandReadings, Wristbands

FORMAT = 1
_PLAN_STREAM, _OFF_STREAM, _RESTART_STREAM = 1, 2, 97
_LOST_SHARE = 0.003
_LONGEST_CATCH_UP_MS = 14 * DAY_MS
MAX_DEVICES = 1_000_000

Payload = dict[str, float | int | bool | str]
_ERROR_CODES = np.array([*(spec.error_code for spec in FAULT_SPECS), "", None], dtype=object)
"""By the row of a fault; the last two are those of ERROR_OVER and NO_ERROR, which count from the end."""


@dataclass(frozen=True, slots=True)
class FleetConfig:
    """What makes a fleet: how many devices in all, the seed, and when its life begins (epoch ms).

    `hazard` multiplies the chance of every robot fault: 0 for a fleet in which nothing fails by itself.
    `world` names one of simulators/worlds.py.
    """

    devices: int
    seed: int
    start_ms: int
    hazard: float = 1.0
    world: str = DEFAULT_WORLD

    def __post_init__(self) -> None:
        if not 1 <= self.devices <= MAX_DEVICES:
            raise ConfigError(f"devices is {self.devices}; allowed: 1 to {MAX_DEVICES}")
        if self.seed < 0:
            raise ConfigError(f"seed is {self.seed}; allowed: 0 and up")
        if not 0 <= self.hazard <= 100:
            raise ConfigError(f"hazard is {self.hazard}; allowed: 0 to 100")
        find_world(self.world)


_P = ParamSpec("_P")
_R = TypeVar("_R")


def _locked(
    method: "Callable[Concatenate[FleetSimulator, _P], _R]",
) -> "Callable[Concatenate[FleetSimulator, _P], _R]":
    @wraps(method)
    def alone(self: "FleetSimulator", /, *args: _P.args, **kwargs: _P.kwargs) -> _R:
        with self._lock:
            return method(self, *args, **kwargs)

    return alone


class FleetSimulator:
    """A fleet of robots, tools and wristbands, the same for the same config.

    Safe to use from several threads: one publishes while another mends or saves.
    """

    def __init__(self, config: FleetConfig, signals: SignalTable) -> None:
        self.config = config
        self.signals = signals
        self._lock = RLock()
        self.world = find_world(config.world)
        self.roster = Roster(config.devices, config.seed, config.start_ms, self.world)
        self.now_ms = config.start_ms
        self.truth = GroundTruth()
        self._generator = np.random.default_rng((config.seed, 2))
        self._build()
        self.seq: dict[Kind, Ints] = {
            kind: np.zeros(len(cards), dtype=np.int64) for kind, cards in self.roster.cards.items()
        }
        self.installed: dict[str, str] = {}
        """The firmware of devices that were given another than they came with."""
        self.work_done: list[str] = []
        """What people did at robots lately, by names of their own: it is not done again after a crash."""
        self._latest: dict[Kind, Columns] = {}
        self._finders: dict[str, tuple[Kind, int]] = {
            card.id: (kind, index)
            for kind, cards in self.roster.cards.items()
            for index, card in enumerate(cards)
        }

    def _build(self) -> None:
        seed, roster = self.config.seed, self.roster
        draw = np.random.default_rng((seed, 3))
        ids = {kind: [card.id for card in cards] for kind, cards in roster.cards.items()}
        hazard = roster.hazard * self.config.hazard
        ways, robots = self.world.faults, ids[Kind.ROBOT]
        strength = ways.strengths(len(robots), np.random.default_rng((seed, 4)))
        self._faults = FaultProcess(robots, hazard, self.truth, self._generator, ways, strength)
        state = RobotState.fresh(roster.hard_use, roster.parameters.has_water, draw)
        self._robots = Robots(roster.parameters, roster.habits, state, self._faults)
        self._restarts = np.ones(len(robots))
        traits = SensorTraits.draw(len(robots), draw, self.world.sensor_error)
        self._sensors = RobotSensors(roster.parameters, roster.places, traits, seed)
        allowed = draw.integers(0, len(ZONES), len(ids[Kind.TOOL]))
        self._tools = Tools(ids[Kind.TOOL], allowed, roster.radio_dbm(Kind.TOOL), self.truth, seed)
        self._bands = Wristbands(ids[Kind.WRISTBAND], roster.radio_dbm(Kind.WRISTBAND), self.truth, seed)

    @property
    def cards(self) -> list[DeviceCard]:
        """Every device of the fleet."""
        return [card for cards in self.roster.cards.values() for card in cards]

    @property
    def lock(self) -> RLock:
        """What whoever works on several of its things at once holds meanwhile."""
        return self._lock

    @property
    def faults(self) -> FaultProcess:
        """What is really wrong with the robots."""
        return self._faults

    def renew_mended(self) -> None:
        """Let robots have the new parts that mended faults brought."""
        self._robots.renew_mended()

    def begin_at(self, ms: int) -> None:
        """Set the clock (epoch ms) of a fleet that has not lived yet."""
        if any(seq.any() for seq in self.seq.values()) or len(self.truth):
            raise ConfigError("the simulated fleet has already lived; its clock cannot be set")
        self.now_ms = ms

    def use_faults(self, faults: FaultProcess) -> None:
        """Let a fleet that has not lived yet have faults of another making."""
        self._faults = self._robots.faults = faults

    # --- time

    @_locked
    def run(self, steps: int, step_ms: int) -> dict[Kind, Columns]:
        """Advance by `steps` of `step_ms` each; return what was measured after each step."""
        times = self.now_ms + step_ms * np.arange(1, steps + 1, dtype=np.int64)
        dt = step_ms / SECOND_MS
        self.now_ms = int(times[-1])
        return {
            Kind.ROBOT: self._run_robots(times, dt),
            Kind.TOOL: self._run_tools(times, dt),
            Kind.WRISTBAND: self._run_bands(times, dt),
        }

    @_locked
    def run_robots(self, steps: int, step_ms: int) -> Columns:
        """Advance the robots alone; for worlds in which nothing else is looked at."""
        times = self.now_ms + step_ms * np.arange(1, steps + 1, dtype=np.int64)
        self.now_ms = int(times[-1])
        return self._run_robots(times, step_ms / SECOND_MS)

    @_locked
    def advance_to(self, ms: int, coarse: bool = False) -> None:
        """Let the world go on until `ms` (epoch ms) without measuring; `readings_now` then measures.

        Substeps are at most 10 s long; of 1 min when more than that has passed, of 10 min after more than an
        hour (the devices were switched off from the network's view). More than two weeks are skipped. Where
        they may be `coarse`, they are of 1 min at the least.
        """
        if ms - self.now_ms > _LONGEST_CATCH_UP_MS:
            self.now_ms = ms - _LONGEST_CATCH_UP_MS
        while self.now_ms < ms:
            gap = ms - self.now_ms
            fine = gap <= MINUTE_MS and not coarse
            longest = 10 * SECOND_MS if fine else MINUTE_MS if gap <= HOUR_MS else 10 * MINUTE_MS
            count = math.ceil(gap / longest)
            steps = min(count, 256) if count > 1 else 1
            begun = self.now_ms
            self._latest = self.run(steps, gap // count)
            self._restart_robots(begun)

    def _restart_robots(self, begun: int) -> None:
        """Let robots restart as their firmware has it: they count their readings anew, and say so.

        Whoever was not looked at for more than an hour was off, and none of its restarts is known.
        """
        minutes = np.arange(max(begun, self.now_ms - HOUR_MS) // MINUTE_MS, self.now_ms // MINUTE_MS)
        if not len(minutes):
            return
        robots = np.arange(len(self._restarts))
        uniform = hashed_uniform(self.config.seed, _RESTART_STREAM, minutes[:, None], robots)
        chance = RESTARTS_PER_DAY * self._restarts * (MINUTE_MS / DAY_MS)
        for index in np.flatnonzero((uniform < chance).any(axis=0)):
            self.seq[Kind.ROBOT][index] = 0
            device = self.roster.cards[Kind.ROBOT][index].id
            self._faults.events.append(EventRecord(device, self.now_ms, "restart", {}))

    def _surroundings(self, kind: Kind, times: Ints) -> tuple[Floats, Floats, Floats, Floats]:
        sites, index = self.roster.sites, self.roster.site_index[kind]
        around = climate(self.world.region.climate, sites, self.config.seed, times)
        return (
            around.ambient_c[:, index],
            around.dust[:, index],
            duty(sites, times)[:, index],
            staffed(sites, times)[:, index],
        )

    def _run_robots(self, times: Ints, dt: float) -> Columns:
        roster, seed = self.roster, self.config.seed
        ambient, dust, share, _ = self._surroundings(Kind.ROBOT, times)
        n, steps = ambient.shape[1], len(times)
        day, weekday, _ = local_parts(times)
        robots = np.arange(n)
        slot = (times // (30 * MINUTE_MS))[:, None]
        plan = hashed_uniform(seed, _PLAN_STREAM, slot, robots)
        weekends_off = np.array(
            [not roster.sites[i].type.weekend_staff for i in roster.site_index[Kind.ROBOT]]
        )
        off = hashed_uniform(seed, _OFF_STREAM, day[:, None], robots) < 0.3
        around = Surroundings(
            ambient_c=ambient,
            dust=dust,
            planned=plan < np.minimum(share * roster.intensity, 0.97),
            switched_off=off & weekends_off & (weekday >= 5)[:, None],
            uniform=self._generator.random((steps, UNIFORM_DRAWS, n)),
            normal=self._generator.standard_normal((steps, NORMAL_DRAWS, n)),
            fault_uniform=self._generator.random((steps, len(FAULT_SPECS), n)),
        )
        latents, severities = self._robots.run(times, dt, around)
        read = self._sensors.read(times, latents, severities, self._generator)
        texts = {
            "state": (read.state, np.array(ROBOT_STATES, dtype=object)),
            "error_code": (read.error_row, _ERROR_CODES),
        }
        return Columns(read.values, {}, texts, read.lost)

    def _run_tools(self, times: Ints, dt: float) -> Columns:
        present = self._surroundings(Kind.TOOL, times)[3]
        read: ToolReadings = self._tools.run(times, dt, present, self._generator)
        zones = np.array(ZONES, dtype=object)
        allowed = np.broadcast_to(self._tools.allowed, present.shape)
        texts = {"zone": (read.zone, zones), "allowed_zone": (allowed, zones)}
        lost = self._generator.random(present.shape) < _LOST_SHARE
        return Columns(read.values, {"in_use": read.in_use}, texts, lost)

    def _run_bands(self, times: Ints, dt: float) -> Columns:
        ambient, _, _, present = self._surroundings(Kind.WRISTBAND, times)
        read: BandReadings = self._bands.run(times, dt, present, ambient, self._generator)
        sites, index = self.roster.sites, self.roster.site_index[Kind.WRISTBAND]
        walk = self._generator.normal(0, 20, (2, *present.shape))
        values = dict(read.values)
        values["x_m"], values["y_m"] = np.round(30 + walk[0], 1), np.round(30 + walk[1], 1)
        values["lat"] = np.round(np.array([sites[i].lat for i in index]) + walk[1] / 111_320, 6)
        values["lon"] = np.round(np.array([sites[i].lon for i in index]) + walk[0] / 100_000, 6)
        lost = self._generator.random(present.shape) < _LOST_SHARE
        flags = {"worn": read.worn, "sos": read.sos, "fall": read.fall}
        return Columns(values, flags, {}, lost)

    # --- readings

    @_locked
    def batch(self, kind: Kind, columns: Columns, step_ms: int) -> ReadingBatch:
        """Return a run's readings as a batch, in order of time; lost readings leave a gap in `seq`.

        Each device measures at its own moment of the step, so times differ from device to device.
        """
        steps = columns.lost.shape[0]
        last = self.now_ms - step_ms * np.arange(steps - 1, -1, -1, dtype=np.int64)
        ts = last[:, None] - (self.roster.phase_ms[kind] * step_ms).astype(np.int64)
        seq = self.seq[kind] + 1 + np.arange(steps, dtype=np.int64)[:, None]
        self.seq[kind] = self.seq[kind] + steps
        return to_batch(self.signals, kind, self.roster.cards[kind], columns, ts, seq)

    @_locked
    def measure(self, kind: Kind, devices: Ints) -> list[tuple[int, Payload, bool]]:
        """Measure some devices of one kind now: (device index, payload without ts, whether it gets lost).

        `advance_to` must have been called before. `seq` counts up, for lost readings too.
        """
        columns = self._latest.get(kind)
        if columns is None or not len(devices):
            return []
        self.seq[kind][devices] += 1
        whole = {s.name for s in self.signals.for_kind(kind) if s.form == "whole"}
        rows: list[Payload] = [{"seq": seq} for seq in self.seq[kind][devices].tolist()]
        for name, values in columns.numbers.items():
            for row, value in zip(rows, values[-1][devices].tolist(), strict=True):
                if value == value:  # noqa: PLR0124 - NaN is absent
                    row[name] = int(value) if name in whole else value
        for name, flags in columns.booleans.items():
            for row, flag in zip(rows, flags[-1][devices].tolist(), strict=True):
                row[name] = flag
        for name, (codes, texts) in columns.texts.items():
            for row, text in zip(rows, texts[codes[-1][devices]], strict=True):
                if text is not None:
                    row[name] = text
        lost = columns.lost[-1][devices].tolist()
        return list(zip(devices.tolist(), rows, lost, strict=True))

    @_locked
    def readings_now(self) -> dict[Kind, list[tuple[str, str, Payload]]]:
        """Measure every device now: (site, device id, payload with `ts`, `seq`), without lost ones."""
        made = {}
        for kind, cards in self.roster.cards.items():
            taken = self.measure(kind, np.arange(len(cards)))
            made[kind] = [
                (cards[index].site, cards[index].id, {"ts": self.now_ms, **payload})
                for index, payload, lost in taken
                if not lost
            ]
        return made

    # --- repairs and events

    @_locked
    def repair(self, device_id: str, fault: str, at_ms: int) -> bool:
        """Mend a fault of a device as a closed ticket says; return whether the fault was really there.

        Raises NotFound for a device that is not in the fleet. A fault that is not simulated changes nothing.
        """
        if device_id not in self._finders:
            raise NotFound(f"{device_id} is not a device of the simulated fleet")
        kind, index = self._finders[device_id]
        if kind is Kind.TOOL and fault == "tool_consumable_spent":
            there = self.truth.is_failing(device_id, fault, at_ms)
            self._tools.renew(index)
            return there
        if kind is not Kind.ROBOT or fault not in FAULT_ROW:
            return False
        there = self._faults.repair(FAULT_ROW[fault], index, at_ms, "ticket")
        self._robots.renew_mended()
        return there

    @_locked
    def inject(self, device_id: str, fault: str, progress: float = 0.0) -> None:
        """Begin a robot's fault now, growing linearly from `progress` (0 to 1), unless it has it already.

        Raises NotFound for a device that is no simulated robot, ConfigError for a fault that robots have not.
        """
        kind, index = self._finders.get(device_id, (None, -1))
        if kind is not Kind.ROBOT:
            raise NotFound(f"{device_id} is not a robot of the simulated fleet")
        if fault not in FAULT_ROW or not 0 <= progress <= 1:
            allowed = ", ".join(FAULT_ROW)
            raise ConfigError(f"cannot inject {fault} at {progress}; allowed: {allowed}; progress 0 to 1")
        row = FAULT_ROW[fault]
        if not self._faults.active[row, index]:
            self._faults.begin(row, index, self.now_ms, cause="injected", shape=LINEAR)
            self._faults.progress[row, index] = progress

    # --- commands

    @_locked
    def standing(self, device_id: str) -> tuple[str | None, str | None]:
        """Return the state of a device and the error that it names; None for what it has not."""
        kind, index = self._finders[device_id]
        if kind is not Kind.ROBOT:
            return None, None
        columns, code = self._latest.get(kind), None
        if columns is not None and "error_code" in columns.texts:
            codes, texts = columns.texts["error_code"]
            code = texts[codes[-1][index]]
        return ROBOT_STATES[self._robots.state.state[index]], code or None

    @_locked
    def send_home(self, device_id: str) -> None:
        """Let a robot that is about return to its dock."""
        kind, index = self._finders[device_id]
        if kind is Kind.ROBOT:
            self._robots.send_home(index)

    @_locked
    def return_at(self, device_id: str, charge: float) -> None:
        """Set the charge (0 to 1) at which a robot returns to its dock."""
        kind, index = self._finders[device_id]
        if kind is Kind.ROBOT:
            self._robots.return_at[index] = charge

    @_locked
    def install(self, device_id: str, version: str) -> DeviceCard:
        """Give a device another firmware; return its card, which says so from now on."""
        kind, index = self._finders[device_id]
        card = replace(self.roster.cards[kind][index], firmware=version)
        self.roster.cards[kind][index] = card
        self.installed[device_id] = version
        if kind is Kind.ROBOT:
            effect = effect_of(version)
            self._robots.error_factor[index] = effect.errors
            self._robots.wear_factor[index] = effect.wear
            self._restarts[index] = effect.restarts
        return card

    @_locked
    def take_events(self) -> list[EventRecord]:
        """Return what devices had to say on their event topics since the last call, in order of time."""
        events = self._faults.events + self._bands.take_events()
        self._faults.events = []
        return sorted(events, key=lambda event: event.ts)

    @_locked
    def take_repairs(self) -> list[RepairRecord]:
        """Return the repairs by engineers, closed since the last call."""
        records, self._faults.records = self._faults.records, []
        return records

    @_locked
    def reported(self) -> list[tuple[str, str, int]]:
        """Return (device id, fault, time of the report) of the failures that an engineer is still to see."""
        cards = self.roster.cards[Kind.ROBOT]
        visits = [visit for visit in self._faults.visits if visit.by == "engineer"]
        return [(cards[v.device].id, FAULT_SPECS[v.row].code, v.opened) for v in visits]

    @_locked
    def write_truth(self, path: Path) -> None:
        """Write the ground truth as JSON lines, with the present severity of what is under way."""
        self._faults.note_severities()
        self.truth.write(path)

    def find(self, device_id: str) -> tuple[Kind, int]:
        """Return a device's kind and its index among its kind."""
        return self._finders[device_id]

    # --- saving

    @_locked
    def save(self, path: Path) -> None:
        """Save everything, so that a loaded fleet goes on exactly as this one would."""
        self._faults.note_severities()
        parts: dict[str, Mapping[str, np.ndarray]] = {
            "robot": self._robots.state.arrays(),
            "fault": self._faults.arrays(),
            "tool": self._tools.arrays(),
            "band": self._bands.arrays(),
            "tool_fault": self._tools.faults.arrays(),
            "band_fault": self._bands.faults.arrays(),
            "seq": {str(kind): seq for kind, seq in self.seq.items()},
        }
        notes = {
            "format": FORMAT,
            "config": asdict(self.config),
            "now_ms": self.now_ms,
            "generator": save_generator(self._generator),
            "faults": self._faults.notes(),
            "truth": self.truth.to_dicts(),
            "installed": self.installed,
            "work_done": self.work_done,
        }
        arrays = {f"{part}.{name}": array for part, made in parts.items() for name, array in made.items()}
        arrays["notes"] = np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8)
        fresh = path.with_name(path.name + ".new")
        with fresh.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        fresh.replace(path)

    @classmethod
    def load(cls, path: Path, signals: SignalTable) -> "FleetSimulator":
        """Load a saved fleet.

        Raises DataFolderError when the file is missing, broken, or of another version.
        """
        try:
            with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            notes = json.loads(arrays.pop("notes").tobytes())
        except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
            raise DataFolderError(f"the simulated fleet {path} cannot be read: {error}") from error
        if notes.get("format") != FORMAT:
            raise DataFolderError(
                f"the simulated fleet {path} is of format {notes.get('format')}, this version reads {FORMAT}"
            )
        simulator = cls(FleetConfig(**notes["config"]), signals)
        simulator._restore(arrays, notes)
        return simulator

    def _restore(self, arrays: dict[str, np.ndarray], notes: dict[str, Any]) -> None:
        def part(prefix: str) -> dict[str, np.ndarray]:
            start = prefix + "."
            return {name.removeprefix(start): a for name, a in arrays.items() if name.startswith(start)}

        self.now_ms = notes["now_ms"]
        self._generator = load_generator(notes["generator"])
        self.truth = GroundTruth(TruthEntry(**row) for row in notes["truth"])
        self._build()
        self._robots.state = RobotState(**part("robot"))
        self._faults.restore(part("fault"), notes["faults"])
        self._tools.restore(part("tool"))
        self._bands.restore(part("band"))
        self._tools.faults.restore(part("tool_fault"))
        self._bands.faults.restore(part("band_fault"))
        self.seq = {kind: arrays[f"seq.{kind}"] for kind in Kind}
        self.work_done = notes.get("work_done", [])
        for device_id, version in notes.get("installed", {}).items():
            self.install(device_id, version)

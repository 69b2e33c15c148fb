"""Who is in the fleet: every device with its kind, site, model and habits, drawn from the seed."""

from dataclasses import dataclass

import numpy as np

from fleet.clock import DAY_MS, to_rfc3339
from fleet.signals import Kind
from simulators.fault_process import COUNT, DUSTBIN, FAULT_ROW
from simulators.randomness import Bools, Floats, Ints
from simulators.robot_models import RobotModel, RobotParameters
from simulators.robot_sensors import RobotPlaces
from simulators.robots import Habits
from simulators.sites import SitePlan, make_sites
from simulators.worlds import World


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """What a device says about itself once."""

    id: str
    kind: Kind
    site: str
    model: str
    firmware: str
    serial: str
    commissioned: str
    """A date, `2026-03-01`."""

    def info(self) -> dict[str, str]:
        """Return the payload of its info topic."""
        return {
            "model": self.model,
            "firmware": self.firmware,
            "serial": self.serial,
            "commissioned": self.commissioned,
        }


def mix(devices: int) -> dict[Kind, int]:
    """Return how many devices of each kind a fleet has: four fifths robots, a tenth each of the others."""
    others = max(1, round(devices / 10)) if devices >= 3 else 0
    return {Kind.ROBOT: devices - 2 * others, Kind.TOOL: others, Kind.WRISTBAND: others}


class Roster:
    """The devices of a fleet, and what stays the same about them all their lives."""

    def __init__(self, devices: int, seed: int, start_ms: int, world: World) -> None:
        draw = np.random.default_rng((seed, 1))
        self.world = world
        self.sites = make_sites(world.region, devices, draw)
        counts = mix(devices)
        self.cards: dict[Kind, list[DeviceCard]] = {}
        self.site_index: dict[Kind, Ints] = {}
        self.phase_ms: dict[Kind, Floats] = {}
        width = max(3, len(str(devices)))
        for kind, count in counts.items():
            index = (np.arange(count) + draw.integers(0, len(self.sites))) % len(self.sites)
            self.site_index[kind] = index
            self.phase_ms[kind] = draw.random(count)
            self.cards[kind] = [
                _card(kind, f"{kind}-{number + 1:0{width}d}", self.sites[at], start_ms, draw, world)
                for number, at in enumerate(index)
            ]
        self._robots(counts[Kind.ROBOT], draw)

    def _robots(self, n: int, draw: np.random.Generator) -> None:
        types = [self.sites[i].type for i in self.site_index[Kind.ROBOT]]
        world = self.world
        names = [model.name for model in world.robot_models]
        model = np.array([names.index(card.model) for card in self.cards[Kind.ROBOT]], dtype=np.int64)
        self.parameters = RobotParameters(world.robot_models, model, draw)
        self.hard_use: Bools = draw.random(n) < world.hard_use_share
        self.intensity: Floats = np.where(self.hard_use, 1.35, draw.uniform(0.8, 1.1, n))
        harder = np.where(self.hard_use, draw.uniform(1.05, 1.15, n), 1.0)
        self.habits = Habits(
            friction=np.array([t.friction for t in types]) * draw.normal(1, 0.04, n) * harder,
            carpet=np.array([t.carpet for t in types]) * draw.normal(1, 0.05, n) * harder,
            maintenance_days=draw.uniform(4, 11, n),
            neglect_per_day=draw.uniform(0.005, 0.03, n),
        )
        self.hazard = self._hazard(n)
        self.places = RobotPlaces(
            site_lat=np.array([self.sites[i].lat for i in self.site_index[Kind.ROBOT]]),
            site_lon=np.array([self.sites[i].lon for i in self.site_index[Kind.ROBOT]]),
            floor=draw.integers(0, 6, n),
            width_m=draw.uniform(18, 60, n),
            height_m=draw.uniform(12, 40, n),
            radio_dbm=np.array([t.radio_dbm for t in types]) + draw.normal(0, 4, n),
            slippery=draw.uniform(1.0, 3.0, n) * harder**3,
        )

    def _hazard(self, n: int) -> Floats:
        hazard = np.full((COUNT, n), self.world.faults.hazard_per_day) * np.where(self.hard_use, 1.6, 0.96)
        hazard[DUSTBIN] = 0.0
        wet = self.parameters.has_water
        hazard[FAULT_ROW["water_leak"]] *= np.where(wet, 1.5, 0.0)
        return hazard

    def radio_dbm(self, kind: Kind) -> Floats:
        """Return the usual radio signal at each device's site. Shape: (devices,)."""
        return np.array([self.sites[i].type.radio_dbm for i in self.site_index[kind]])


_OTHER_MODELS = {Kind.TOOL: ("CT-10", "1.1.0"), Kind.WRISTBAND: ("CW-5", "0.9.6")}


def _card(
    kind: Kind, device_id: str, site: SitePlan, start_ms: int, draw: np.random.Generator, world: World
) -> DeviceCard:
    if kind is Kind.ROBOT:
        robot: RobotModel = world.robot_models[int(draw.choice(len(world.shares), p=world.shares))]
        model, firmware = robot.name, robot.firmware
    else:
        model, firmware = _OTHER_MODELS[kind]
    age_days = int(draw.integers(20, 900))
    return DeviceCard(
        id=device_id,
        kind=kind,
        site=site.id,
        model=model,
        firmware=firmware,
        serial=f"{model.replace('-', '')}{int(draw.integers(10**7, 10**8))}",
        commissioned=to_rfc3339(start_ms - age_days * DAY_MS)[:10],
    )

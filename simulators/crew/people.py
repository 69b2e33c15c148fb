"""Who is in the crew: engineers, a dispatcher, an officer for safety, and the customers of the sites."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from fleet.people import CREW_DOMAIN
from simulators.crew.roads import Place

OWNERS = "customers.sweepwatch.invalid"
REGION = "city"
ROBOTS_EACH = 12
"""So many robots keep one engineer busy, in the fast life of the demo."""
_ALWAYS = ("mechanical", "consumable", "hygiene")
_BY_TURNS = (("electrical",), ("electrical", "navigation"), ("navigation",), ("electrical", "navigation"))
_NAMES = (
    *(("li-wei", "李伟 Li Wei"), ("wang-fang", "王芳 Wang Fang"), ("zhang-min", "张敏 Zhang Min")),
    *(("liu-yang", "刘洋 Liu Yang"), ("chen-jie", "陈杰 Chen Jie"), ("zhao-lei", "赵磊 Zhao Lei")),
    *(("sun-li", "孙丽 Sun Li"), ("zhou-tao", "周涛 Zhou Tao"), ("wu-xia", "吴霞 Wu Xia")),
    *(("xu-gang", "徐刚 Xu Gang"), ("hu-jing", "胡静 Hu Jing"), ("guo-feng", "郭峰 Guo Feng")),
)
_EARLY, _LATE = ("08:00-18:00",), ("10:00-20:00",)
_WORKDAYS = ("mon", "tue", "wed", "thu", "fri")
_SPREAD_DEGREES = 0.05


@dataclass(frozen=True, slots=True)
class SiteOf:
    """A site of a customer: its id, type and place, the ids of its robots, and what reports them (a link)."""

    id: str
    type: str
    place: Place
    devices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EngineerOf:
    """An engineer: what they are able to do, where they live, which van is theirs, and when they work."""

    id: str
    name: str
    skills: tuple[str, ...]
    home: Place
    van: str
    shifts: Mapping[str, tuple[str, ...]]

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.id}@{CREW_DOMAIN}"


@dataclass(frozen=True, slots=True)
class CustomerOf:
    """A customer: whose sites are looked after, and who pays for visits that were not asked for."""

    id: str
    name_en: str
    name_zh: str
    contact: str
    language: str
    pays: bool
    sites: tuple[SiteOf, ...]

    @property
    def email(self) -> str:
        """Their address."""
        return f"{self.id}@{OWNERS}"


@dataclass(frozen=True, slots=True)
class CrewPlan:
    """The whole crew; `links` are what customers found at their robots to report them by, by site."""

    engineers: tuple[EngineerOf, ...]
    customers: tuple[CustomerOf, ...]
    depot: Place
    seed: int = 0
    links: Mapping[str, str] = field(default_factory=dict)

    @property
    def sites(self) -> dict[str, SiteOf]:
        """The sites by id."""
        return {site.id: site for customer in self.customers for site in customer.sites}

    def as_data(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return asdict(self)

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_data` made."""
        engineers = tuple(
            EngineerOf(
                **_tuples(each) | {"shifts": {day: tuple(hours) for day, hours in each["shifts"].items()}}
            )
            for each in data["engineers"]
        )
        customers = tuple(
            CustomerOf(**dict(each) | {"sites": tuple(SiteOf(**_tuples(site)) for site in each["sites"])})
            for each in data["customers"]
        )
        return cls(engineers, customers, tuple(data["depot"]), data["seed"], dict(data["links"]))


DISPATCHER = ("dispatcher", "何敏 He Min")
SAFETY = ("safety", "高岩 Gao Yan")
DEPOT = "depot-city"
_TYPES = {
    "mall": ("Mall", "商场"),
    "office": ("Offices", "写字楼"),
    "hospital": ("Hospital", "医院"),
    "airport": ("Airport", "机场"),
}
_CONTACTS = ("林涛 Lin Tao", "Sarah Chen", "邓丽 Deng Li", "Mark Zhou", "何静 He Jing", "马超 Ma Chao")


def plan_crew(sites: Sequence[SiteOf], seed: int) -> CrewPlan:
    """Return the crew of a fleet: one customer for each type of site, engineers for their robots."""
    draw = np.random.default_rng((seed, 81))
    centre = tuple(float(np.mean([site.place[axis] for site in sites])) for axis in (0, 1))
    robots = sum(len(site.devices) for site in sites)
    count = max(2, min(len(_NAMES), -(-robots // ROBOTS_EACH)))
    homes = draw.normal(centre, _SPREAD_DEGREES, (count, 2))
    engineers = tuple(_engineer(index, (float(home[0]), float(home[1]))) for index, home in enumerate(homes))
    kinds = list(dict.fromkeys(site.type for site in sites))
    customers = tuple(
        _customer(index, kind, tuple(site for site in sites if site.type == kind))
        for index, kind in enumerate(kinds)
    )
    return CrewPlan(engineers, customers, (round(centre[0], 5), round(centre[1], 5)), seed)


def _engineer(index: int, home: Place) -> EngineerOf:
    name, called = _NAMES[index]
    hours = _LATE if index % 2 else _EARLY
    shifts = dict.fromkeys(_WORKDAYS, hours) | {"sun" if index % 2 else "sat": ("09:00-17:00",)}
    skills = tuple(sorted({*_ALWAYS, *_BY_TURNS[index % len(_BY_TURNS)]}))
    place = (round(home[0], 5), round(home[1], 5))
    return EngineerOf(name, called, skills, place, f"van-{name}", shifts)


def _customer(index: int, kind: str, sites: tuple[SiteOf, ...]) -> CustomerOf:
    en, zh = _TYPES.get(kind, (kind.capitalize(), kind))
    return CustomerOf(
        id=f"{kind}-group",
        name_en=f"City {en}",
        name_zh=f"城市{zh}",
        contact=_CONTACTS[index % len(_CONTACTS)],
        language="en" if index % 2 else "zh",
        pays=index % 2 == 1,
        sites=sites,
    )


def _tuples(data: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in data.items()}

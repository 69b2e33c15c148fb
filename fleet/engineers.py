"""Engineers: what they are able to do, where and when they work, and what falls due for them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from fleet.catalogue.present import present
from fleet.text import near, quoted

DUE_WITHIN_DAYS = 60


def check_skill(name: str) -> str:
    """Return the name of a skill. Raises ValueError that says which there are."""
    known = known_skills()
    if name not in known:
        raise ValueError(f"{quoted(name)} is no skill; allowed: {', '.join(known)}{near(name, known)}")
    return name


def known_skills() -> tuple[str, ...]:
    """Return what faults are mended with (fleet.catalogue), by name."""
    return tuple(sorted(present().skills))


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate; `skill` is what it entitles to, "" for none; it holds through the day `expires`."""

    name: str
    skill: str = ""
    number: str = ""
    issued: date | None = None
    expires: date | None = None


@dataclass(frozen=True, slots=True)
class Training:
    """A training that somebody took part in."""

    on: date
    topic: str
    hours: float


@dataclass(frozen=True, slots=True)
class Stars:
    """What somebody's work was judged at, 1 to 5, and when (epoch ms)."""

    stars: float
    at: int


@dataclass(frozen=True, slots=True)
class Engineer:
    """Somebody who mends devices.

    `account` is the id of the person by which they sign in, `leader` another engineer's id, `van` the name of
    its stock. `shifts` are hours such as "08:00-18:00" by weekday (mon ... sun), by the wall's clock.
    `home` is in WGS 84 degrees. `employer` is for whom a contractor works, "" for our own people.
    `version` counts changes, 0 before it is kept.
    """

    id: str
    name: str
    account: int | None = None
    region: str = ""
    leader: str = ""
    phone: str = ""
    email: str = ""
    skills: frozenset[str] = frozenset()
    certificates: tuple[Certificate, ...] = ()
    training: tuple[Training, ...] = ()
    stars: Stars | None = None
    shifts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    home: tuple[float, float] | None = None
    van: str = ""
    employer: str = ""
    active: bool = True
    version: int = 0


@dataclass(frozen=True, slots=True)
class Demands:
    """What is demanded of engineers: hours of training a year, and skills that need a certificate."""

    training_hours: float = 0.0
    certified: frozenset[str] = frozenset()


class DueKind(StrEnum):
    """What falls due for an engineer."""

    EXPIRES = "expires"
    EXPIRED = "expired"
    NO_CERTIFICATE = "no_certificate"
    TRAINING = "training"


@dataclass(frozen=True, slots=True)
class Due:
    """Something that falls due: `about` a certificate or skill, `on` the last day, `hours` are missing."""

    engineer: str
    kind: DueKind
    about: str = ""
    on: date | None = None
    hours: float = 0.0


def able(engineer: Engineer, skill: str, at: date, demands: Demands = Demands()) -> bool:
    """Tell whether an engineer may do work that needs a skill on a day: an expired certificate is no skill.

    A skill holds where one of its certificates does; without any it does unless one is demanded.
    """
    if not engineer.active or skill not in engineer.skills:
        return False
    own = [each for each in engineer.certificates if each.skill == skill]
    return any(_holds(each, at) for each in own) if own else skill not in demands.certified


def falls_due(engineer: Engineer, today: date, demands: Demands) -> Iterator[Due]:
    """Yield what falls due for an engineer: certificates within 60 days, and training of this year."""
    if not engineer.active:
        return
    for each in _newest(engineer.certificates):
        if each.expires is not None and each.expires <= today + timedelta(days=DUE_WITHIN_DAYS):
            kind = DueKind.EXPIRED if each.expires < today else DueKind.EXPIRES
            yield Due(engineer.id, kind, each.name, each.expires)
    certified = {each.skill for each in engineer.certificates}
    for skill in sorted((engineer.skills & demands.certified) - certified):
        yield Due(engineer.id, DueKind.NO_CERTIFICATE, skill)
    missing = demands.training_hours - trained_hours(engineer, today.year)
    if missing > 0:
        yield Due(engineer.id, DueKind.TRAINING, on=date(today.year, 12, 31), hours=round(missing, 2))


def trained_hours(engineer: Engineer, year: int) -> float:
    """Return the hours of training in a year."""
    return sum(each.hours for each in engineer.training if each.on.year == year)


def in_a_circle(leaders: Mapping[str, str], engineer: str) -> bool:
    """Tell whether somebody would lead themselves, through others as well."""
    seen: set[str] = set()
    while engineer and engineer not in seen:
        seen.add(engineer)
        engineer = leaders.get(engineer, "")
    return bool(engineer)


def _holds(certificate: Certificate, day: date) -> bool:
    since = certificate.issued is None or certificate.issued <= day
    return since and (certificate.expires is None or day <= certificate.expires)


def _newest(certificates: Iterable[Certificate]) -> Collection[Certificate]:
    """Return of certificates with the same name and skill the one that holds longest: it was renewed."""
    found: dict[tuple[str, str], Certificate] = {}
    for each in certificates:
        known = found.get((each.name, each.skill))
        if known is None or (each.expires or date.max) >= (known.expires or date.max):
            found[each.name, each.skill] = each
    return found.values()

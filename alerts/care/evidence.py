"""On what evidence many alerts are one incident: pure functions over counts by place.

Of n devices of a group, k got the same fault within a window. If each got it by itself, at its usual rate p
(alerts a device and window in the last 30 days that were part of no incident, plus one), k would be
binomial, and

    P[X >= k] <= exp(-n * KL(k/n || p)),   KL(a || b) = a ln(a/b) + (1 - a) ln((1-a)/(1-b))   for k/n > p

(Hoeffding, W.: Probability inequalities for sums of bounded random variables, JASA 58, 1963, theorem 1, which
is Chernoff's bound of 1952). It is an incident where that is at most `CHANCE`, at least `LEAST_MEMBERS` have
it, and they are a share of the group that it can explain.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import exp, log

from fleet.care import Group, GroupKind, Place
from fleet.clock import MINUTE_MS

WINDOW_MS = 10 * MINUTE_MS
LEAST_MEMBERS = 5
CHANCE = 1e-6
"""Thousands of groups are looked at in thousands of windows: by chance this is one in many years."""
LEAST_SHARE = 0.1
WIDE_SHARE = 0.5
"""A region or the whole fleet is the cause where most of it has the fault; else those sites are."""
WIDE = frozenset({GroupKind.REGION, GroupKind.FLEET})
_ORDER = (GroupKind.SITE, GroupKind.FIRMWARE, GroupKind.MODEL, GroupKind.REGION, GroupKind.FLEET)
_OF_PLACES = (GroupKind.SITE, GroupKind.REGION, GroupKind.FLEET, GroupKind.FIRMWARE, GroupKind.MODEL)
EVERYWHERE = Group(GroupKind.FLEET, "*")
Counts = Sequence[tuple[Place, int]]


@dataclass(frozen=True, slots=True)
class Cause:
    """A group that explains alerts: how many of its devices have the fault, how likely by chance."""

    group: Group
    affected: int
    devices: int
    chance: float

    @property
    def share(self) -> float:
        """The share of the group that has the fault."""
        return self.affected / self.devices


def tail_bound(k: int, n: int, p: float) -> float:
    """Return a bound of the probability that at least k of n have what each has with probability p."""
    share = k / n
    if share <= p:
        return 1.0
    rest = 0.0 if k == n else (1 - share) * log((1 - share) / (1 - p))
    return exp(-n * (share * log(share / p) + rest))


def groups_of(place: Place) -> list[Group]:
    """Return the groups that a device of a place belongs to."""
    names = {
        GroupKind.SITE: place.site,
        GroupKind.FIRMWARE: place.firmware,
        GroupKind.MODEL: "" if place.model == "unknown" else place.model,
        GroupKind.REGION: place.region,
    }
    return [Group(kind, name) for kind, name in names.items() if name] + [EVERYWHERE]


def contains(group: Group, place: Place) -> bool:
    """Tell whether a device of a place is of a group."""
    return group in groups_of(place)


def causes(affected: Counts, fleet: Counts, rate: float, *, of_places: bool) -> list[Cause]:
    """Return the groups that explain what is affected, the best first; each alert is explained once.

    The best is the one of the highest F-measure: all that it contains is affected, and it contains all that
    is. `rate` is the usual one a device and window; `of_places`: of equals, a place goes before a model.
    """
    devices = _by_group(fleet)
    left, found = list(affected), []
    while (cause := _best(left, devices, rate, of_places)) is not None:
        found.append(cause)
        left = [(place, count) for place, count in left if not contains(cause.group, place)]
    return found


def _best(left: Counts, devices: Counter[Group], rate: float, of_places: bool) -> Cause | None:
    total = sum(count for _, count in left)
    possible = [
        Cause(group, k, max(devices[group], k), tail_bound(k, max(devices[group], k), rate))
        for group, k in _by_group(left).items()
        if k >= LEAST_MEMBERS
    ]
    order = _OF_PLACES if of_places else _ORDER
    fitting = [each for each in possible if _explains(each)]
    return max(fitting, key=lambda each: (_fit(each, total), -order.index(each.group.kind)), default=None)


def _explains(cause: Cause) -> bool:
    share = WIDE_SHARE if cause.group.kind in WIDE else LEAST_SHARE
    return cause.share >= share and cause.chance <= CHANCE


def _fit(cause: Cause, total: int) -> float:
    return 2 * cause.affected / (cause.devices + total)


def _by_group(counts: Iterable[tuple[Place, int]]) -> Counter[Group]:
    found: Counter[Group] = Counter()
    for place, count in counts:
        for group in groups_of(place):
            found[group] += count
    return found

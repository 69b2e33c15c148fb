"""The anomaly score of a fleet: which devices change for the worse as no other device does.

Each measure is compared with the device's own last weeks, after what all devices of its model did on the
same days is taken away (season, dust, a new firmware); the change over the last one, two and three days is
divided by how much the measure varies from day to day and from device to device. A change for the worse
counts in full, one for the better less: something happened there, but not wear. To it is added by how much
the device is worse than the others of its model (models/anomaly/peers.py). Of a component both the worst
measure and the sum of all count, the latter with the covariance between them (models/anomaly/changes.py);
of a device its worst components. Signals that are missing are missing from all of this.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from models.anomaly.changes import Units, in_units, shrunk_covariance, towards, trailing_changes
from models.anomaly.levels import DAYS, Levels
from models.anomaly.peers import Peers, above_peers, learn_peers
from models.anomaly.use import Use, learn_use, unknown_use, without_use
from models.anomaly.watched import TOLD_BY_DEVICE, WATCHED
from models.features.components import Component
from models.features.robust import known_mean, known_median, known_spread
from models.features.windows import Floats, Ints

RECENT_DAYS = (1, 2, 3)
"""The trailing windows that are judged; the score is the mean over them."""
LEAST_COHORT = 8
"""Fewer devices say nothing of what is usual: a model with fewer is held against the whole fleet."""
LEAST_DAYS = 3
"""A device needs so many known days before the recent ones."""
_BETTER = 0.4
"""What a change for the better weighs."""
_LARGEST = 8.0
_TOLD_MOST = 2.0
"""What a device says of itself tells no more than this: it ranks, and makes nobody set out."""
_TYPICAL = 2.0
"""Changes are cut to this when the covariance between measures is learned: it is that of devices in order."""
_EMPTY = 1e-9
_LEAST_SHARE, _LEAST_POINTS = 0.01, 0.5
"""A change of this share of a level, or of so many points, degrees or dB, is no more than chance."""
_BUSY, _BUSY_SCORE, _BUSY_DEVICES = 0.9, 1.3, 20
"""Where one device of ten scores more than this, the fleet is restless: its scores are taken down to that."""
_COMPONENTS = tuple(dict.fromkeys(each.measure.component for each in WATCHED))
_PLACE = np.array([_COMPONENTS.index(each.measure.component) for each in WATCHED])
_WORSE = np.array([each.worse for each in WATCHED], dtype=np.float32)
_SYSTEMS = (
    (Component.BATTERY, Component.CHARGER),
    (Component.DRIVE, Component.WHEELS),
    (Component.FAN, Component.AIRFLOW, Component.FILTER),
)
"""Parts that wear shows in together: what one of these tells of another is not use."""
_SYSTEM = np.array(
    [
        next(
            (n for n, parts in enumerate(_SYSTEMS) if each.measure.component in parts), place + len(_SYSTEMS)
        )
        for each, place in zip(WATCHED, _PLACE, strict=True)
    ]
)
_SYSTEM[[each.measure.name in TOLD_BY_DEVICE for each in WATCHED]] = -1
_LIMIT = np.array([_TOLD_MOST if each.measure.name in TOLD_BY_DEVICE else _LARGEST for each in WATCHED])
_MOST = np.where(_LIMIT < _LARGEST, _LIMIT, np.inf)
_RELATIVE = np.array([each.measure.relative for each in WATCHED])
_LEAST = np.where(_RELATIVE, np.float32(_LEAST_SHARE), np.float32(_LEAST_POINTS))


@dataclass(frozen=True)
class Usual:
    """What is usual in a fleet.

    `course` (measures, calendar days, models) is what each model's devices did on each day from `origin` on,
    the last of the models being the whole fleet; `group` says which of those each model follows. `noise`
    (measures, 1) is the spread from day to day, `spread` (recent windows, measures, 1) that between devices,
    `use` is how the changes of different parts hang together (models/anomaly/use.py),
    `covariance` by component that of the changes (measures, measures). `peers` are by the same groups.
    `calm` multiplies scores: 1, or less in a fleet in which many devices change.
    """

    origin: int
    course: Floats
    group: Ints
    noise: Floats
    spread: Floats
    use: Use
    covariance: tuple[Floats, ...]
    peers: Peers
    calm: float = 1.0


@dataclass(frozen=True)
class Strangeness:
    """How strange devices are.

    `score` (devices,) is about 0 where nothing differs; `known` tells whether any measure could be judged;
    `changes` (measures, devices) are those for the worse, in units of what is usual; `above` is by how much
    devices are worse than their peers, weighed beside a change, and `peers` what is usual for these.
    """

    score: Floats
    known: NDArray[np.bool_]
    changes: Floats
    above: Floats
    peers: Floats


def learn_usual(levels: Levels) -> Usual:
    """Learn what is usual from the devices of a fleet, one or more, or from a sample of them."""
    own = _own_course(levels.values)
    origin = int(levels.last.min()) - DAYS + 1
    width = int(levels.last.max()) - origin + 1
    place = levels.last - origin - DAYS + 1
    course, group = _courses(own, place, width, levels.models)
    left = own - _at(course, place, group[levels.models])
    few = len(levels) < LEAST_COHORT
    # A few robots' days do not tell how parts hang together: each would explain its own change away.
    use = unknown_use(len(left)) if few else learn_use(left, _SYSTEM)
    own_left = without_use(left, use)
    noise = np.nan_to_num(known_median(_day_spread(own_left)))[:, None].astype(np.float32)
    changes = [each.moved for each in trailing_changes(own_left, RECENT_DAYS, LEAST_DAYS)]
    spread = np.stack([np.zeros(len(WATCHED)) if few else known_spread(each) for each in changes])[..., None]
    spread = np.nan_to_num(spread).astype(np.float32)
    peers = learn_peers(levels.values, group[levels.models], course.shape[2], LEAST_COHORT)
    usual = Usual(origin, course, group, noise, spread, use, (), peers)
    typical = np.clip(_scaled(own_left, usual), -_TYPICAL, _TYPICAL)
    usual = replace(usual, covariance=_covariances(typical))
    return replace(usual, calm=_calm(judge(levels, usual)))


def _calm(found: "Strangeness") -> float:
    """Return what scores are multiplied by so that not more than one device of ten stands out."""
    scores = found.score[found.known]
    if len(scores) < _BUSY_DEVICES:
        return 1.0
    return float(min(1.0, _BUSY_SCORE / max(float(np.quantile(scores, _BUSY)), _EMPTY)))


def judge(levels: Levels, usual: Usual) -> Strangeness:
    """Return how strange devices are; those of models that `usual` does not know are held to the fleet."""
    own = _own_course(levels.values)
    place = np.clip(levels.last - usual.origin - DAYS + 1, 0, usual.course.shape[1] - DAYS)
    group = usual.group[np.minimum(levels.models, len(usual.group) - 1)]
    changes = _scaled(without_use(own - _at(usual.course, place, group), usual.use), usual)
    above, weight = above_peers(levels.values, _WORSE, usual.peers, group)
    # As a sum of two independent ones of the same spread it keeps that spread.
    both = np.minimum((changes + above) / np.sqrt(1 + weight**2), _MOST[:, None])
    score, known = _score(both, usual.covariance)
    score = np.where(score > 0, usual.calm * score, score).astype(np.float64)
    return Strangeness(score, known, np.nan_to_num(changes), above, usual.peers.middle[:, group])


def _score(changes: Floats, covariances: Sequence[Floats]) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the score of each device, and whether any of its measures is known (not NaN)."""
    live = np.isfinite(changes)
    changes = np.where(live, changes, 0.0)
    scores, counted = [], []
    for component, covariance in enumerate(covariances):
        rows = np.flatnonzero(component == _PLACE)
        heard = live[rows]
        scores.append(towards(changes[rows], heard, covariance))
        counted.append(heard.any(axis=0))
    score, heard_of = np.stack(scores), np.stack(counted)
    parts = np.maximum(heard_of.sum(axis=0), 1)
    soft = np.log(np.where(heard_of, np.exp(score), 0.0).sum(axis=0) / parts + _EMPTY)
    known = np.asarray(heard_of.any(axis=0))
    return np.where(known, soft, 0.0), known


def _own_course(values: NDArray[np.float32]) -> Floats:
    """Return levels as distances from each device's own mean, worse is up; shares of it if relative.

    Shape: (measures, DAYS, devices).
    """
    mean = known_mean(values, axis=1)[:, None]
    unit = np.where(_RELATIVE[:, None, None], np.abs(mean), np.float32(1))
    return _WORSE[:, None, None] * (values - mean) / np.where(unit > _EMPTY, unit, np.float32(np.nan))


def _courses(own: Floats, place: Ints, width: int, models: Ints) -> tuple[Floats, Ints]:
    """Return the median course of each model with enough devices, and of the fleet; and each model's row."""
    laid = np.full((len(own), width, len(place)), np.nan)
    days = place[None, :] + np.arange(DAYS)[:, None]
    laid[:, days, np.arange(len(place))[None, :]] = own
    size = np.bincount(models, minlength=int(models.max(initial=-1)) + 2)
    chosen = np.flatnonzero(size >= LEAST_COHORT)
    everyone = _course_of(laid) if len(place) >= LEAST_COHORT else np.zeros(laid.shape[:2])
    courses = [_course_of(laid[:, :, models == model]) for model in chosen]
    group = np.full(len(size), len(chosen))
    group[chosen] = np.arange(len(chosen))
    return np.stack([*courses, everyone], axis=2).astype(np.float32), group


def _course_of(laid: Floats) -> Floats:
    return np.where(np.isfinite(laid).sum(axis=2) >= LEAST_COHORT, known_median(laid), 0.0)


def _at(course: Floats, place: Ints, group: Ints) -> Floats:
    days = place[None, :] + np.arange(DAYS)[:, None]
    return np.asarray(course[:, days, group[None, :]])


def _day_spread(left: Floats) -> Floats:
    """Return the spread from day to day before the recent days. Shape: (measures, devices)."""
    before = left[:, : -RECENT_DAYS[-1]]
    mean = known_mean(before, axis=1)[:, None]
    return np.asarray(np.sqrt(known_mean((before - mean) ** 2, axis=1)))


def _scaled(left: Floats, usual: Usual) -> Floats:
    """Return changes for the worse in units of what is usual, the mean over the windows; NaN for unknown."""
    changes = trailing_changes(left, RECENT_DAYS, LEAST_DAYS)
    units = Units(usual.noise, usual.spread, _LEAST[:, None], _LIMIT[:, None])
    return in_units(changes, units, _day_spread(left), _BETTER)


def _covariances(typical: Floats) -> tuple[Floats, ...]:
    """Return the correlation between the changes of each component's measures, shrunk; 1 on the diagonal."""
    found = []
    for component in range(len(_COMPONENTS)):
        rows = np.nan_to_num(typical[component == _PLACE]).T
        if len(rows) < LEAST_COHORT:
            found.append(np.eye(rows.shape[1]))
            continue
        covariance = shrunk_covariance(rows)
        scale = np.sqrt(np.maximum(np.diag(covariance), _EMPTY))
        found.append(covariance / np.outer(scale, scale))
    return tuple(found)

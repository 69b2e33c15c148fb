"""Figures of a replayed past, each with the range that a bootstrap over devices gives it.

What happens to one device goes together, so whole devices are drawn. Where there is too little to say
anything there is no figure, and the counts stand alone.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fleet.clock import DAY_MS
from models.features.windows import Floats, Ints
from models.learning.settings import Costs
from yardsticks.proof.judged import Breakdown, Judged, Outcome, Visit

ROUNDS = 1_000
LEAST, LEAST_DEVICES = 10, 5
"""Of fewer things, or of fewer devices that have any, no share is told."""
_LEADS = (1, 2, 3, 5, 7)
"""Edges of the days ahead, in the distribution of leads."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Draws:
    """Which devices are drawn how often in each round. Shape: (rounds, devices)."""

    place: Mapping[str, int]
    times: Ints

    @classmethod
    def of(cls, devices: Sequence[str], seed: int) -> "Draws":
        """Draw as many devices as there are, ROUNDS times."""
        count = len(devices)
        rng = np.random.default_rng(seed)
        times = np.stack([np.bincount(rng.integers(0, count, count), minlength=count) for _ in range(ROUNDS)])
        return cls({name: row for row, name in enumerate(devices)}, times)

    def sums(self, values: Floats) -> Floats:
        """Return the sum of a value of each device in each round. Shape: (rounds,)."""
        return np.asarray(self.times @ values)

    def by_device(self, things: Iterable[tuple[str, float]]) -> Floats:
        """Return the sum of values by device."""
        found = np.zeros(len(self.place))
        for device, value in things:
            found[self.place[device]] += value
        return found


def amount(draws: Draws, things: Sequence[tuple[str, float]]) -> Json:
    """Return a sum of money with its range."""
    values = draws.by_device(things)
    low, high = (
        _range(draws.sums(values)) if len({device for device, _ in things}) >= LEAST_DEVICES else (None,) * 2
    )
    return {"value": round(float(values.sum()), 2), "low": low, "high": high}


def share(draws: Draws, hits: Sequence[str], all_of: Sequence[str]) -> Json:
    """Return how many of how many, and the share with its range where there is enough to tell one."""
    told: Json = {"count": len(hits), "of": len(all_of), "share": None, "low": None, "high": None}
    if len(all_of) < LEAST or len(set(all_of)) < LEAST_DEVICES:
        return told
    top = draws.sums(draws.by_device((each, 1.0) for each in hits))
    bottom = draws.sums(draws.by_device((each, 1.0) for each in all_of))
    low, high = _range(top[bottom > 0] / bottom[bottom > 0], digits=4)
    return told | {"share": round(len(hits) / len(all_of), 4), "low": low, "high": high}


def _range(values: Floats, digits: int = 2) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975])
    return round(float(low), digits), round(float(high), digits)


def figures(judged: Judged, costs: Costs, draws: Draws) -> Json:
    """Return what was foreseen, how early, which visits were in vain, and the money, of one range of time."""
    return {
        "breakdowns": len(judged.breakdowns),
        "foreseen": _foreseen(judged.breakdowns, draws),
        "warned_too_late": sum(
            each.warned is not None and not each.is_foreseen for each in judged.breakdowns
        ),
        "lead_days": leads(judged.breakdowns, draws),
        "visits": visits(judged.visits, draws),
        "money": money(judged, costs, draws),
    }


def _foreseen(breakdowns: Sequence[Breakdown], draws: Draws) -> Json:
    return share(
        draws,
        [each.device_id for each in breakdowns if each.is_foreseen],
        [each.device_id for each in breakdowns],
    )


def leads(breakdowns: Sequence[Breakdown], draws: Draws) -> Json:
    """Return how early right warnings came, in days: quantiles, and how many in each range of days."""
    found = [(each.device_id, each.lead_ms / DAY_MS) for each in breakdowns if each.lead_ms is not None]
    days = np.array([lead for _, lead in found])
    told: Json = {"count": len(days), "p10": None, "p50": None, "p90": None, "low": None, "high": None}
    edges = [0, *_LEADS, np.inf]
    counts = np.histogram(days, edges)[0].tolist() if len(days) else [0] * (len(edges) - 1)
    names = ["<1", *(f"{a}-{b}" for a, b in pairwise(_LEADS)), f">={_LEADS[-1]}"]
    told["histogram"] = dict(zip(names, counts, strict=True))
    if len(days) < LEAST or len({device for device, _ in found}) < LEAST_DEVICES:
        return told
    places = np.array([draws.place[device] for device, _ in found])
    medians = [float(np.median(np.repeat(days, times))) for times in draws.times[:, places] if times.any()]
    low, high = _range(np.array(medians))
    p10, p50, p90 = (round(float(each), 2) for each in np.quantile(days, [0.1, 0.5, 0.9]))
    return told | {"p10": p10, "p50": p50, "p90": p90, "low": low, "high": high}


def visits(made: Sequence[Visit], draws: Draws) -> Json:
    """Return what became of visits and calls; those that would not have come are not counted among them."""
    counts = {str(outcome): sum(each.outcome is outcome for each in made) for outcome in Outcome}
    told = [each for each in made if each.outcome in (Outcome.RIGHT, Outcome.LATE, Outcome.VAIN)]
    vain = [each.device_id for each in told if each.outcome is Outcome.VAIN]
    return {
        "made": len(told),
        "calls": sum(each.is_call for each in told),
        "in_vain": share(draws, vain, [each.device_id for each in told]),
        "outcomes": counts,
    }


def money(judged: Judged, costs: Costs, draws: Draws) -> Json:
    """Return what breakdowns cost, what of it would have been saved, and what it would have taken.

    A visit that came too late joins the case that was opened meanwhile, and costs nothing of its own.
    """
    lost = [(each.device_id, each.cost) for each in judged.breakdowns]
    avoided = [(each.device_id, each.cost) for each in judged.breakdowns if each.is_foreseen]
    paid = [
        (each.device_id, each.trip) for each in judged.visits if each.outcome in (Outcome.RIGHT, Outcome.VAIN)
    ]
    doubted = [(each.device_id, costs.unfounded) for each in judged.visits if each.outcome is Outcome.VAIN]
    net = [*avoided, *((device, -cost) for device, cost in (*paid, *doubted))]
    return {
        "breakdowns_cost": amount(draws, lost),
        "avoided": amount(draws, avoided),
        "trips": amount(draws, paid),
        "unfounded": amount(draws, doubted),
        "saved": amount(draws, net),
    }


def grouped(
    judged: Judged,
    draws: Draws,
    of_breakdown: Callable[[Breakdown], str],
    of_visit: Callable[[Visit], Sequence[str]],
) -> list[Json]:
    """Return what was foreseen and what was in vain by group, the groups with most breakdowns first."""
    names = {of_breakdown(each) for each in judged.breakdowns}
    names |= {name for each in judged.visits for name in of_visit(each)}
    rows = []
    for name in names:
        down = [each for each in judged.breakdowns if of_breakdown(each) == name]
        made = [each for each in judged.visits if name in of_visit(each)]
        rows.append(
            {
                "name": name,
                "foreseen": _foreseen(down, draws),
                "lead_days_p50": leads(down, draws)["p50"],
                "visits": visits(made, draws),
            }
        )
    return sorted(rows, key=lambda each: (-each["foreseen"]["of"], each["name"]))

"""How an engineer's work is judged: stars of what customers say, inspections find, and of coming on time."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fleet.clock import DAY_MS

WEIGHTS = {"customers": 0.6, "inspections": 0.3, "punctuality": 0.1}
"""How much each part counts; where nobody judged a part, the others count for it."""
LOOK_BACK_MS = 365 * DAY_MS
STEADY = 5
"""So many judgements of the usual kind each is given beforehand: one bad day makes no bad engineer."""
_LOWEST, _RANGE = 1.0, 4.0


@dataclass(frozen=True, slots=True)
class Judged:
    """So many judgements of one part of somebody's work, and their mean as a share, 0 to 1."""

    count: int
    share: float


Judgements = Mapping[str, Judged]
"""What is known of somebody's work, by part (WEIGHTS); a part that nobody judged is left out."""


def as_share(score: float) -> float:
    """Return a customer's score, 1 to 5, as a share."""
    return (score - _LOWEST) / _RANGE


def as_stars(share: float) -> float:
    """Return a share, 0 to 1, as stars, 1 to 5."""
    return _LOWEST + _RANGE * share


def stars_of(known: Judgements, usual: Mapping[str, float]) -> float | None:
    """Return somebody's stars, 1 to 5 in tenths; None where nobody judged any of their work.

    `usual` is the mean share of each part over all engineers, towards which few judgements are drawn.
    """
    if not known:
        return None
    weight = sum(WEIGHTS[part] for part in known)
    steady = {
        part: (one.count * one.share + STEADY * usual[part]) / (one.count + STEADY)
        for part, one in known.items()
    }
    return round(as_stars(sum(WEIGHTS[part] * share for part, share in steady.items()) / weight), 1)


def usual_of(everybody: Collection[Judgements]) -> dict[str, float]:
    """Return the mean share of each part over all judgements of everybody."""
    found = {}
    for part in WEIGHTS:
        judged = [known[part] for known in everybody if part in known]
        count = sum(one.count for one in judged)
        if count:
            found[part] = sum(one.count * one.share for one in judged) / count
    return found

"""What is expected of a fleet before its robots are looked at: how often they fail, how often we are right.

Both begin with what fleets of known fate did, and give way to what the desk says as cases are closed.
"""

from dataclasses import dataclass

import numpy as np

from fleet.clock import DAY_MS

_WEEK_MS = 7 * DAY_MS
LOOK_BACK_MS = 12 * _WEEK_MS
"""So far back cases count."""
_FAILURES, _DEVICE_WEEKS = 4.0, 100.0
"""What is taken for known of any fleet: so many failures in so many device-weeks."""
_RIGHT, _JUDGED = 4.0, 10.0
"""And so many of so many tickets that were right."""
_MOST_BELIEF = 1.5
"""Neither success nor failure moves the log-odds further."""


@dataclass(frozen=True, slots=True)
class Expected:
    """`weekly_rate`: failures a device and week; `belief` is added to the log-odds of what a score says."""

    weekly_rate: float = _FAILURES / _DEVICE_WEEKS
    belief: float = 0.0


UNKNOWN = Expected()


def expected_of(failures: int, device_weeks: float, right: int, wrong: int) -> Expected:
    """Return what to expect after so many failures, and visited tickets that were right and wrong.

    `device_weeks` count from the first case that was closed with a finding: an installation that tells of
    none says nothing of how often its robots fail.
    """
    rate = (_FAILURES + failures) / (_DEVICE_WEEKS + device_weeks)
    share = (_RIGHT + right) / (_JUDGED + right + wrong)
    usual = _RIGHT / _JUDGED
    belief = float(np.log(share / (1 - share)) - np.log(usual / (1 - usual)))
    return Expected(min(rate, 0.5), float(np.clip(belief, -_MOST_BELIEF, _MOST_BELIEF)))


def weeks_told(first: int | None, now: int, devices: int) -> float:
    """Return the device-weeks since the first closed case (epoch ms, None: none), LOOK_BACK_MS at most."""
    return 0.0 if first is None else devices * min(max(now - first, 0), LOOK_BACK_MS) / _WEEK_MS

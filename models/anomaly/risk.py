"""The risk of unusual behaviour: the score as a probability, its reasons, when it is worth an alert.

    log-odds of a failure within 7 days = log-odds of the rate of failures + log of the likelihood ratio

The likelihood ratio is a line through the score, fitted once to foreign fleets of known fate
(docs/decisions/0068) and never to the fleet that is judged. The rate is what a device may be expected to do
of which nothing is known (models/anomaly/expected.py): without models of faults that is any failure, with
them only what they miss.
"""

from collections.abc import Sequence

import numpy as np
import orjson
import polars as pl

from fleet.clock import DAY_MS
from fleet.faults import UNUSUAL
from fleet.risks import CONFIDENT, UNSURE, Course, Driver, risk_frame
from models.anomaly.expected import UNKNOWN, Expected
from models.anomaly.fleet import Strangeness
from models.anomaly.levels import DAYS, Levels
from models.anomaly.watched import WATCHED, part_named
from models.features.windows import Floats

BESIDE_MODELS = 0.01
"""Failures a device and week that models of known faults do not know."""
_SLOPE, _OFFSET = 1.25, -1.35
"""Log of the likelihood ratio: slope times score plus offset."""
ALERT_SCORE, ALERT_SCORE_BESIDE_MODELS = 1.9, 3.5
"""Worth an alert where nothing else is known, if it lasts: of the quiet robots of fleets of known fate 1.7 %
score as much on a day, and 0.2 %.

Where models predict the known faults an engineer who finds none of them should be sent seldom.
"""
MODEL = "anomaly-2"
"""Stands where risks name the model that scored them."""
EXPLAIN_FROM = 1.0
"""A score below this is stored without drivers: nobody will ask why a robot is in order."""
LEAST_DAYS_SURE = 14
"""A robot known for fewer days is ranked with the others, and raises no alert: the chance of one is large."""
_TOP = 3
_TELLING = 1.0
"""A change of less than what is usual is no reason."""


def probability(score: Floats, *, models: bool, expected: Expected = UNKNOWN) -> Floats:
    """Return the probability of a failure within 7 days; `models`: whether any predict known faults."""
    rate = BESIDE_MODELS if models else expected.weekly_rate
    odds = np.log(rate / (1 - rate)) + _SLOPE * score + _OFFSET + expected.belief
    return np.asarray(1 / (1 + np.exp(-odds)))


def alert_threshold(*, models: bool) -> float:
    """Return the risk from which on it is worth an alert, whatever the fleet's rate of failures.

    So a fleet that seldom fails needs a higher score, and one that often does a lower.
    """
    score = ALERT_SCORE_BESIDE_MODELS if models else ALERT_SCORE
    return float(probability(np.array([score]), models=models)[0])


def anomaly_risks(
    devices: Sequence[str],
    times: Sequence[int],
    levels: Levels,
    found: Strangeness,
    *,
    models: bool,
    expected: Expected = UNKNOWN,
) -> pl.DataFrame:
    """Return a risk frame of the devices that could be judged; `times` (epoch ms): their newest readings.

    Those of few days, and those of which nothing is unusual, stay below what is worth an alert.
    """
    days = np.isfinite(levels.values).any(axis=0).sum(axis=0)
    risk = probability(found.score, models=models, expected=expected)
    below = np.nextafter(alert_threshold(models=models), 0.0)
    risk = np.where(days < LEAST_DAYS_SURE, below * risk / (below + risk), risk)
    # However often a fleet fails, nobody is sent for a robot of which nothing is unusual.
    risk = np.where(found.score < EXPLAIN_FROM, np.minimum(risk, below), risk)
    told = [
        orjson.dumps([each.to_dict() for each in drivers(levels, found, row)]).decode()
        if found.score[row] >= EXPLAIN_FROM
        else "[]"
        for row in range(len(devices))
    ]
    frame = pl.DataFrame(
        {
            "device_id": pl.Series(devices, dtype=pl.String),
            "ts": pl.Series(times, dtype=pl.Int64),
            "risk": risk,
            "drivers": pl.Series(told, dtype=pl.String),
            "confidence": np.where(days < LEAST_DAYS_SURE, UNSURE, CONFIDENT).tolist(),
        }
    ).filter(pl.Series(found.known))
    return risk_frame(frame.with_columns(fault=pl.lit(UNUSUAL), model=pl.lit(MODEL)))


def drivers(levels: Levels, found: Strangeness, device: int) -> tuple[Driver, ...]:
    """Return the measures that count most, each signal once: the last three days against what is usual.

    Usual is what the device did before, or what others of its model do, whichever is further away. The first
    says to which part it points; of a device that is worth an alert it has its course.
    """
    told: dict[str, Driver] = {}
    weights = found.changes[:, device] + found.above[:, device]
    for row in np.argsort(-weights, kind="stable"):
        watched = WATCHED[row]
        if weights[row] < _TELLING or len(told) == _TOP:
            break
        if watched.measure.signal in told:
            continue
        values = levels.values[row, :, device]
        beside = found.above[row, device] > found.changes[row, device]
        usual = _level(found.peers[row, device : device + 1] if beside else values[:-3])
        drawn = not told and found.score[device] >= ALERT_SCORE
        told[watched.measure.signal] = Driver(
            watched.measure.signal,
            watched.beside_peers if beside else watched.feature,
            float(weights[row]),
            _level(values[-3:]),
            usual,
            watched.measure.unit,
            course=_course(levels, row, device, usual) if drawn else None,
            part=None if told else part_named(watched),
        )
    return tuple(told.values())


def _course(levels: Levels, row: int, device: int, usual: float | None) -> Course:
    """Return the daily levels behind a driver, with what was usual as its baseline."""
    own = tuple(_level(value) for value in levels.values[row, :, device][:, None])
    start = (int(levels.last[device]) - DAYS + 1) * DAY_MS
    return Course(start, DAY_MS, own, (None,) * DAYS, usual)


def _level(values: Floats) -> float | None:
    known = values[np.isfinite(values)]
    return round(float(known.mean()), 6) if len(known) else None

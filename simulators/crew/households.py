"""Customers: whether they are there, how long they wait, what they say, and how they use their robots.

Pure: nothing is read of Sweepwatch. Hours are hours, days of the week count from Monday (0); all chances
are drawn from the generator that is handed in.
"""

from dataclasses import dataclass
from enum import StrEnum
from math import inf, log

import numpy as np

# The figures of this file. All are assumptions unless a source stands with them.
PATIENCE_H = 48.0
"""Median hours after which somebody is as likely as not to complain, of those who ever do."""
PATIENCE_SPREAD = 0.5
"""Log-normal width of patience from customer to customer."""
PATIENCE_WIDTH = 0.45
"""How sharp one customer's patience ends: the width of the logistic in log hours."""
COMPLAINERS = 0.35
"""Those who complain at all when kept waiting. Most unhappy customers never do (TARP, "Consumer complaint
handling in America", 1979); how many is an assumption."""
VISIT_WEARS = 0.5
"""Each visit in vain halves patience."""
VISIT_ANGERS = 1.5
"""Each visit in vain makes that many times as many complain, up to all."""
THERE_UNTOLD, THERE_TOLD, THERE_CONFIRMED = 0.82, 0.93, 0.985
"""Somebody is there to open, in the hours when a site is staffed: without an appointment, told of one,
confirmed."""
THERE_AFTER_HOURS = 0.45
"""The same before 8, after 20 and at weekends, as a share of that."""
ANSWERS_LINK = 0.75
"""Answer the link of an appointment at all; the others never do."""
SAYS_YES = 0.85
"""Of those who answer, in hours that suit; at odd hours ODD_YES."""
ODD_YES = 0.4
ANSWER_H = 1.5
"""Median hours until an answer; LATE_AFTER_H and more is late."""
ANSWER_SPREAD = 1.0
LATE_AFTER_H = 8.0
RATES = 0.35
"""Say something of a repair when they are asked by a link."""
RATE_H = 6.0
"""Median hours until they do."""
AGREES = 0.85
"""Agree to pay for a visit that we propose."""
REPORT_H = 2.5
"""Median hours until somebody reports a robot that has failed, in the hours when a site is staffed."""
REPORT_SPREAD = 0.9
USE_SPREAD = 0.25
"""Log-normal width of how much robots are used against the average."""
BEST, WORST = 5, 1
_STARS_LATE, _STARS_WAIT, _STARS_VISIT, _STARS_UNSOLVED = 0.8, 0.7, 0.9, 2.2
_STARS_START, _STARS_NOISE = 4.75, 0.45


class Answer(StrEnum):
    """What becomes of a link that a customer was sent."""

    YES = "yes"
    NO = "no"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class Household:
    """One customer: patience in hours, how strict (in stars), how much robots are used (1: as usual)."""

    patience_h: float = PATIENCE_H
    strict: float = 0.0
    answers: float = ANSWERS_LINK
    use: float = 1.0


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer to a link after so many hours; infinite for never."""

    answer: Answer
    after_h: float

    @property
    def late(self) -> bool:
        """Whether it comes late."""
        return self.answer is not Answer.NEVER and self.after_h >= LATE_AFTER_H


def draw_household(generator: np.random.Generator) -> Household:
    """Return a customer, somewhere around the average."""
    patience, strict, use = generator.standard_normal(3)
    answers = float(np.clip(generator.beta(6, 2), 0.05, 0.98))
    return Household(
        PATIENCE_H * float(np.exp(PATIENCE_SPREAD * patience)),
        0.35 * float(strict),
        answers,
        float(np.exp(USE_SPREAD * use)),
    )


def odd_time(weekday: int, hour: float) -> bool:
    """Tell whether a time is one at which customers would rather have nobody come."""
    return weekday >= 5 or not 8 <= hour < 20


def is_there(
    weekday: int, hour: float, generator: np.random.Generator, *, told: bool, confirmed: bool
) -> bool:
    """Tell whether somebody is there to open when an engineer comes."""
    chance = THERE_CONFIRMED if confirmed else THERE_TOLD if told else THERE_UNTOLD
    if odd_time(weekday, hour) and not confirmed:
        chance *= THERE_AFTER_HOURS
    return bool(generator.random() < chance)


def answer_appointment(
    household: Household, weekday: int, hour: float, generator: np.random.Generator
) -> Reply:
    """Answer the link of an appointment that begins at an hour: yes, another time please, late, or never."""
    answers, yes, late = generator.random(), generator.random(), generator.standard_normal()
    if answers >= household.answers:
        return Reply(Answer.NEVER, inf)
    agrees = yes < (ODD_YES if odd_time(weekday, hour) else SAYS_YES)
    return Reply(Answer.YES if agrees else Answer.NO, ANSWER_H * float(np.exp(ANSWER_SPREAD * late)))


def answer_consent(household: Household, generator: np.random.Generator) -> Reply:
    """Answer the question who pays for a visit that the customer did not ask for."""
    answers, yes, late = generator.random(), generator.random(), generator.standard_normal()
    if answers >= household.answers:
        return Reply(Answer.NEVER, inf)
    return Reply(Answer.YES if yes < AGREES else Answer.NO, ANSWER_H * float(np.exp(ANSWER_SPREAD * late)))


def complaint_chance(household: Household, waited_h: float, visits_in_vain: int = 0) -> float:
    """Return the chance that somebody has complained by now, whose robot is out of use for so many hours.

    A logistic in log hours around their patience, which each visit in vain halves.
    """
    if waited_h <= 0:
        return 0.0
    most = min(1.0, COMPLAINERS * VISIT_ANGERS**visits_in_vain)
    patience = household.patience_h * VISIT_WEARS**visits_in_vain
    return most / (1 + float(np.exp(-(log(waited_h) - log(patience)) / PATIENCE_WIDTH)))


def complains_after_h(household: Household, uniform: float, visits_in_vain: int = 0) -> float:
    """Return after how many hours out of use a customer complains, infinite for never.

    The inverse of complaint_chance for a uniform in [0, 1) that belongs to the case: kept, it says the
    same again.
    """
    most = min(1.0, COMPLAINERS * VISIT_ANGERS**visits_in_vain)
    if uniform >= most:
        return inf
    if uniform <= 0:
        return 0.0
    patience = household.patience_h * VISIT_WEARS**visits_in_vain
    return float(patience * (uniform / (most - uniform)) ** PATIENCE_WIDTH)


def rating(
    household: Household,
    generator: np.random.Generator,
    *,
    waited_h: float,
    visits_in_vain: int = 0,
    late_h: float = 0.0,
    solved: bool = True,
) -> int:
    """Return the stars that a customer gives, 1 to 5.

    `waited_h` is how long the robot was out of use, `late_h` by how much somebody came after the window
    told.
    """
    stars = _STARS_START - household.strict + _STARS_NOISE * float(generator.standard_normal())
    stars -= _STARS_WAIT * min(waited_h / household.patience_h, 3.0)
    stars -= _STARS_VISIT * visits_in_vain + _STARS_LATE * min(late_h, 2.0)
    stars -= 0.0 if solved else _STARS_UNSOLVED
    return int(np.clip(round(stars), WORST, BEST))


def rates_after_h(generator: np.random.Generator) -> float:
    """Return after how many hours a customer answers the question how a repair was, infinite for never."""
    answers, late = generator.random(), generator.standard_normal()
    return RATE_H * float(np.exp(ANSWER_SPREAD * late)) if answers < RATES else inf


def reports_after_h(generator: np.random.Generator) -> float:
    """Return after how many hours of staffed time somebody reports a robot that has failed."""
    return REPORT_H * float(np.exp(REPORT_SPREAD * generator.standard_normal()))

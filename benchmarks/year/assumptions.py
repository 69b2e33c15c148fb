"""What the simulated year assumes: the city, its seasons and people, and how a service works.

Behaviour of engineers, customers and roads stands in simulators/crew, each figure with its source or said to
be an assumption. What is here is the same for all four policies, but for `Manual`: that one is calibrated.
"""

from dataclasses import dataclass
from datetime import date

from fleet.clock import HOUR_MS, MINUTE_MS

# --- the city and its fleet

ROBOTS_AN_ENGINEER = 50
ROBOTS_A_SITE = 2.5
"""Robots at one customer's site, in the mean."""
SPREAD_KM = 6.8
"""Standard deviation of where sites and homes are, north and east of the middle. Chosen so that a round in
the order in which people called takes some 45 minutes a visit by the roads of simulators/crew/roads.py."""
REGIONS = ("city",)
"""Each with a depot; engineers and vans belong to one. A thousand robots of one city have one."""
RAINY, WINTER = (6, 7), (12, 1, 2)
SEASONS = {
    "drive_motor_wear": dict.fromkeys(RAINY, 2.0),
    "fan_motor_wear": dict.fromkeys(RAINY, 2.0),
    "brush_jam": dict.fromkeys(RAINY, 1.5),
    "battery_wear": dict.fromkeys(WINTER, 2.0),
    "battery_overheat": dict.fromkeys((7, 8), 1.5),
    "charging_failure": dict.fromkeys(WINTER, 1.5),
}
"""Hazards by month: rain wears motors, cold kills batteries. Assumptions."""

# --- its people

SHIFTS = (("08:00-17:00",), ("11:00-20:00",))
"""Early and late, by turns of engineers; each works five days of seven, two thirds of them at weekends too.
"""
SKILL_SHARE = {"electrical": 0.8, "mechanical": 0.85, "consumable": 1.0, "navigation": 0.6}
HOLIDAYS = ((date(2027, 2, 6), 7), (date(2027, 10, 1), 7))
"""First day and length of the long holidays (Spring Festival and National Day), when half of the crew is
away."""
AWAY_SHARE = 0.5
SERVICE_HOURS = (8, 20)
"""When customers report and our desk answers, every day."""
EARLY_DESK = (7, 20)
"""When our desk answers what came by itself overnight, before the crews set out."""
FAULT_NAMED = 0.85
"""A customer who is asked for the code on the robot's display (our intake) names the fault; else "something
is wrong"."""
OVERTIME_MS = 45 * MINUTE_MS
"""A visit is begun where its planned end is at most so long after the shift."""
NOBODY_THERE_MIN = 10.0
"""Minutes lost at a closed door."""
CALLED_H = 20
"""At this hour customers are called whose door was closed; they have somebody there from the next day on.
Until then their case waits for the customer, as a desk's does, and its clock of being on site stands still.
"""
CONFIRM_MS = HOUR_MS
"""So long after the repair its customer signs; what fails again later is a case of its own."""

# --- our desk

ANSWER_MIN = 12.0
"""Median minutes until our desk accepts a case within its hours; log-normal, width .8."""
REPLAN_MS, URGENT_REPLAN_MS = 60 * MINUTE_MS, 15 * MINUTE_MS
"""The day is planned anew at most so often, where something came in; where it is unusable. (A desk that runs
plans anew each minute; here each plan costs CPU.)"""
DAY_CPU_S, AGAIN_CPU_S = 1.0, 0.35
"""Seconds of CPU for the plan of a day, and for one made anew."""

# --- parts, for all policies

LEAD_DAYS = {"battery-pack": 3, "drive-motor": 3, "fan-motor": 3, "lidar-unit": 3}
USUAL_LEAD_DAYS = 2
"""Days from an order to the depot: a national warehouse that delivers by road."""
DEPOT_QUANTILE, VAN_QUANTILE = 0.998, 0.9
"""How sure stock is to suffice: of a depot for the lead time, of a van for two days. A depot's is a matter of
cost: at .95 a thousand robots' stock turns over twelve times a month, at .9995 six times, and more and more
pieces are there when somebody wants them."""


@dataclass(frozen=True, slots=True)
class Manual:
    """The knobs of policy (a), chosen so that it shows what the industry publishes and for nothing else.

    Target: 72 h from breakdown to repair, 65 % fixed at the first visit, 45 minutes of travel a visit, parts
    that turn over twice a month. `answer_h`: median office hours until somebody takes the call on.
    `lead_days`: the first day that is offered. `visits`: on an engineer's list of a day at most. `named`: of
    the calls so many name the right fault. `blind`: so many cases go to whoever has the turn, skilled or not.
    `kit`: pieces of each part in a van, whatever is asked for more or less; `depot`: of each part, ordered up
    to once in `order_days`. `fetch_days`: until a missing part is with the engineer where the depot has it.
    """

    answer_h: float = 2.0
    lead_days: int = 2
    visits: int = 4
    named: float = 0.65
    blind: float = 0.3
    kit: int = 2
    depot: int = 30
    order_days: int = 7
    fetch_days: int = 1


MANUAL = Manual()

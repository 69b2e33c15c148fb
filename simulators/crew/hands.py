"""Engineers at work: what they find, how long it takes them, and what goes wrong.

Pure: nothing is read of Sweepwatch. All chances are drawn from the generator that is handed in, always as
many of them for the same call, so that two policies on the same seed differ by what they do and not by
luck.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from fleet.faults import FAULTS

# The figures of this file, with where they come from.
RIGHT_WITH_SKILL = 0.95
"""Finds the fault of a robot that has failed, with the skill that mends it. Assumption: one visit in
twenty ends without the cause, as in the written past of the simulator (FaultWays.nothing_found_share)."""
RIGHT_WITHOUT_SKILL = 0.60
"""The same of somebody without that skill. Assumption."""
TOLD_HALVES = 0.5
"""Somebody who was told beforehand what it is errs half as often. Assumption: the promise of a forewarned
visit."""
HIDDEN_BELOW = 0.25
"""A fault that is less severe than this (0 to 1) is found only by who was told to look for it. Assumption."""
WRONG_RATHER_THAN_NONE = 0.5
"""Of the errors so many end with another part changed, the others with "nothing found". Assumption."""
BELIEVES = 0.04
"""Changes the part that was suspected although nothing is wrong with it. Assumption."""
LASTS = 0.985
"""A repair of the right fault that lasts; the others fail again at once. Assumption."""
RECORD_WRONG = 0.02
"""A part that the ledger says is in the van and is not. Assumption, and a kind one: DeHoratius and Raman,
"Inventory record inaccuracy" (Management Science 54, 2008), found two records in three wrong in shops, by
few pieces each."""
MINUTES_SPREAD = 0.35
"""Log-normal width of working times around the catalogue's minutes. Log-normal repair times: MIL-HDBK-472
(1966); the width is an assumption."""
UNSKILLED_PACE = 1.4
"""Somebody without the skill takes so much longer. Assumption."""
LOOK_MINUTES = 12.0
"""Median minutes to look at a robot before anything is mended. Assumption."""
PACE_SPREAD = 0.12
"""Log-normal width of how fast people are. Assumption."""
CARE_SPREAD = 0.35
"""Log-normal width of how often people err. Assumption."""

MISTAKEN_FOR = {
    "battery_wear": "battery_overheat",
    "battery_overheat": "battery_wear",
    "charging_failure": "battery_wear",
    "drive_motor_wear": "wheel_slip",
    "wheel_slip": "drive_motor_wear",
    "brush_jam": "brush_wear",
    "brush_wear": "brush_jam",
    "fan_motor_wear": "filter_clog",
    "filter_clog": "fan_motor_wear",
    "lidar_misaligned": "wheel_slip",
}
"""What an engineer takes a fault for who changes the wrong part. Assumption: what shows the same signs."""


@dataclass(frozen=True, slots=True)
class Hand:
    """One engineer as a worker: skills, how often they err and how long they take against the average (1)."""

    skills: frozenset[str] = frozenset()
    errs: float = 1.0
    pace: float = 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """A fault that a robot really has, for who stands beside it; `severity` is 0 to 1."""

    fault: str
    severity: float
    failed: bool


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What an engineer takes to be wrong after a look of so many minutes.

    `found` are faults of the catalogue, none of them for "nothing found"; `right` says of each whether it
    is there. `failed` are those of `found` for which the robot does not work, as the engineer sees it; the
    others have only begun.
    """

    found: tuple[str, ...]
    right: tuple[bool, ...]
    minutes: float
    missed: tuple[str, ...] = field(default=())
    """Failed faults that were there and were not found."""
    failed: frozenset[str] = frozenset()


def draw_hand(skills: Collection[str], generator: np.random.Generator) -> Hand:
    """Return an engineer with these skills, somewhere around the average."""
    errs, pace = np.exp(generator.standard_normal(2) * (CARE_SPREAD, PACE_SPREAD))
    return Hand(frozenset(skills), float(errs), float(pace))


def chance_right(hand: Hand, fault: str, *, told: bool) -> float:
    """Return the chance that somebody finds a fault that shows, `told` whether they came for it."""
    usual = RIGHT_WITH_SKILL if FAULTS[fault].skill in hand.skills else RIGHT_WITHOUT_SKILL
    wrong = (1 - usual) * hand.errs * (TOLD_HALVES if told else 1.0)
    return float(np.clip(1 - wrong, 0.05, 0.999))


def diagnose(
    hand: Hand, there: Collection[Seen], told: Collection[str], generator: np.random.Generator
) -> Diagnosis:
    """Let an engineer look at a robot: `there` is what is really wrong, `told` what they were sent for.

    The worst is looked at first. A fault that hardly shows is found only by who was told of it. An error
    ends with what shows the same signs, or with nothing found; what was told and is not there is mostly
    left alone.
    """
    found: dict[str, bool] = {}
    missed = []
    failed = set()
    minutes = LOOK_MINUTES * hand.pace * float(np.exp(MINUTES_SPREAD * generator.standard_normal()))
    for seen in sorted(there, key=lambda each: (not each.failed, -each.severity, each.fault)):
        luck, error = generator.random(2)
        known = seen.fault in told
        if not (known or seen.failed or seen.severity >= HIDDEN_BELOW):
            continue
        if luck < chance_right(hand, seen.fault, told=known):
            found[seen.fault] = True
            failed |= {seen.fault} if seen.failed else set()
            continue
        if seen.failed:
            missed.append(seen.fault)
        other = MISTAKEN_FOR.get(seen.fault)
        if other is not None and error < WRONG_RATHER_THAN_NONE:
            found.setdefault(other, any(each.fault == other for each in there))
            failed |= {other} if seen.failed else set()
    for fault in sorted(set(told) - {each.fault for each in there}):
        if generator.random() < BELIEVES * hand.errs and FAULTS[fault].part is not None:
            found.setdefault(fault, False)
    return Diagnosis(tuple(found), tuple(found.values()), minutes, tuple(missed), frozenset(failed))


def can_wait(
    lacking: Collection[str], mended: Collection[str], failed: Collection[str], told: Collection[str]
) -> bool:
    """Tell whether an engineer closes the case and leaves for a follow-up visit what lacks a part.

    That is where nothing of it has failed, so that the robot works, and the case has its answer: something
    was mended, or what they were `told` of is not there. Who lacks the part for what they came for, and
    could mend nothing else, waits for it with that case.
    """
    answered = bool(mended) or bool(told and not set(lacking) & set(told))
    return bool(lacking) and answered and not set(lacking) & set(failed)


def repair_minutes(hand: Hand, fault: str, generator: np.random.Generator) -> float:
    """Return how many minutes somebody takes to mend a fault, once they have the part."""
    entry = FAULTS[fault]
    slow = 1.0 if entry.skill in hand.skills else UNSKILLED_PACE
    spread = float(np.exp(MINUTES_SPREAD * generator.standard_normal()))
    return entry.repair_minutes * hand.pace * slow * spread


def lasts(hand: Hand, generator: np.random.Generator) -> bool:
    """Tell whether a repair of the right fault lasts; one that does not is to be done again."""
    return bool(generator.random() < 1 - (1 - LASTS) * hand.errs)


def part_is_there(generator: np.random.Generator) -> bool:
    """Tell whether a part that the ledger says is in the van is really in it."""
    return bool(generator.random() >= RECORD_WRONG)

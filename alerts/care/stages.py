"""What is told of an alert and when: small pure functions, each answering with a named reason.

First the stages that may hold a telling back, in their order (`STAGES`); where none does, `next_telling` says
which one is due. Times are epoch milliseconds.
"""

from collections.abc import Callable
from dataclasses import dataclass

from fleet.alerts import REPORTED_MORE
from fleet.care import Case
from fleet.clock import DAY_MS, MINUTE_MS, SECOND_MS
from fleet.duty import Chain
from fleet.faults import Level
from fleet.tellings import Occasion

SETTLE_MS = 30 * SECOND_MS
"""What many devices have at once is told when nothing more joined for so long ..."""
SETTLE_AT_MOST_MS = 2 * MINUTE_MS
"""... and after so long at the latest."""
OLD_MS = DAY_MS
"""What is older than this comes in nobody's quiet hours any more."""
FIRST, ESCALATED, REPEAT_ELAPSED, ACK_EXPIRED = "first", "escalated", "repeat_elapsed", "ack_expired"
SETTLING, OUTLIVED, UNREACHED = "settling", "outlived", "unreached"


@dataclass(frozen=True, slots=True)
class Around:
    """What stands around a case at a moment.

    `absence` is the id of the alert that its device is absent, `mute` that of a mute that hides it, `spent`
    whether its customer's budget of the day is used up (the next digest is at `digest_at`), `crowd` whether
    many of its kind began just now.
    """

    absence: str | None = None
    mute: int | None = None
    spent: bool = False
    digest_at: int | None = None
    crowd: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """Why something is not told now, what holds it, and when to look again (None: when that lets go)."""

    reason: str
    held_by: str | None
    look_at: int | None


@dataclass(frozen=True, slots=True)
class Due:
    """What is told now: which step, why, whether it may be loud, and when something is due again."""

    occasion: Occasion
    reason: str
    step: int
    loud: bool
    next_at: int | None


Stage = Callable[[Case, Around, int], Held | None]


def inhibited(case: Case, around: Around, _now: int) -> Held | None:
    """Hold back what a device has while it is absent: absence hides its other alerts."""
    if around.absence is None or case.safety:
        return None
    return Held(f"inhibited_by:{around.absence}", f"alert:{around.absence}", None)


def member(case: Case, _around: Around, _now: int) -> Held | None:
    """Hold back what is part of an incident, which is told in its place."""
    return None if case.incident is None else Held(f"member_of:{case.incident}", None, None)


def muted(_case: Case, around: Around, _now: int) -> Held | None:
    """Hold back what a person muted."""
    return None if around.mute is None else Held(f"muted_by:{around.mute}", f"mute:{around.mute}", None)


def settling(case: Case, around: Around, now: int) -> Held | None:
    """Hold back for a moment what many have at once: it may be one cause."""
    if not around.crowd or case.safety or case.told_at is not None:
        return None
    longest = SETTLE_MS if case.level is Level.L1 else SETTLE_AT_MOST_MS
    latest = case.raised_at + longest
    return Held(SETTLING, None, min(now + SETTLE_MS, latest)) if now < latest else None


def over_budget(case: Case, around: Around, _now: int) -> Held | None:
    """Hold back for the digest what is beyond a customer's budget; never what is unusable or dangerous."""
    if not around.spent or case.level is Level.L1 or case.safety:
        return None
    who = case.place.customer or case.place.site
    return Held(f"over_budget:{who}", f"budget:{who}", around.digest_at)


STAGES: tuple[Stage, ...] = (member, inhibited, muted, settling, over_budget)


def hold(case: Case, around: Around, now: int) -> Held | None:
    """Return what holds a case back, None where nothing does."""
    found = (stage(case, around, now) for stage in STAGES)
    return next((held for held in found if held is not None), None)


def next_telling(case: Case, chain: Chain, now: int) -> Due:
    """Return what is told of a firing case that is due: first, the next step of its chain, or a reminder."""
    loud = chain.loud and now - case.raised_at < OLD_MS
    if case.told_at is None:
        name = case.reason if case.reason.startswith(OUTLIVED) else FIRST
        return Due(Occasion.FIRING, name, 0, loud, after_step(chain, 0, now))
    step = case.step + 1
    if step < len(chain.steps):
        why = case.reason if case.reason.startswith(UNREACHED) else f"{ESCALATED}:{step}"
        return Due(Occasion.ESCALATED, why, step, loud, after_step(chain, step, now))
    last = len(chain.steps) - 1
    return Due(Occasion.REMINDER, REPEAT_ELAPSED, last, loud, after_step(chain, last, now))


def expired(case: Case, chain: Chain, now: int) -> Due:
    """Return what is told when an acknowledgement is over: the chain begins anew.

    What is older than a day pages nobody: it is told that it is still open, and reminded of.
    """
    if now - case.raised_at >= OLD_MS:
        return Due(Occasion.STILL_OPEN, ACK_EXPIRED, len(chain.steps) - 1, False, remind(chain, now))
    return Due(Occasion.ACK_EXPIRED, ACK_EXPIRED, 0, chain.loud, after_step(chain, 0, now))


def more(case: Case, chain: Chain, now: int) -> Due:
    """Return what is told when something else joined an alert: the chain begins anew."""
    return Due(Occasion.FIRING, REPORTED_MORE, 0, chain.loud, after_step(chain, 0, now))


def worse(case: Case, chain: Chain, now: int) -> Due:
    """Return what is told when the level rose: the chain of the new level begins."""
    return Due(Occasion.WORSE, f"level:{case.level}", 0, chain.loud, after_step(chain, 0, now))


def digested(chain: Chain, now: int) -> tuple[int, int | None]:
    """Return step and next time of what a digest told: only a loud chain goes on by its steps."""
    if chain.loud:
        return 0, after_step(chain, 0, now)
    return len(chain.steps) - 1, remind(chain, now)


def after_step(chain: Chain, step: int, now: int) -> int | None:
    """Return when something is due after a step was told at `now`."""
    if step + 1 < len(chain.steps):
        return now + chain.steps[step + 1].after_ms - chain.steps[step].after_ms
    return remind(chain, now)


def remind(chain: Chain, now: int) -> int | None:
    """Return when somebody is to be reminded after `now`."""
    return None if chain.remind_ms is None else now + chain.remind_ms

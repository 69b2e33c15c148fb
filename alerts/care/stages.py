"""What care decides: small pure functions, each answering with a named reason. Times are epoch ms."""

from dataclasses import dataclass, replace

from fleet.alerts import Alert, AlertState
from fleet.care import Cared, Due
from fleet.clock import DAY_MS, MINUTE_MS
from fleet.duty import Chain, Target
from fleet.tellings import Occasion

LOOK_AGAIN_MS = MINUTE_MS
"""So long after something held a telling back, it is looked whether it still does."""
OLD_MS = DAY_MS
"""Nobody is paged for something older than this: it is told, but not loudly."""


@dataclass(frozen=True, slots=True)
class Said:
    """What is to be told now: why, to whom, at which step of the chain, and whether loudly."""

    occasion: Occasion
    reason: str
    step: int
    to: tuple[Target, ...]
    loud: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far care is after a decision, and what is told (None: nothing)."""

    after: Cared
    said: Said | None = None


def begin(cared: Cared, alert: Alert, chain: Chain, now: int, inhibited_by: str | None) -> Outcome:
    """Decide whether an alert that fires is told: not while the absence of its device explains it."""
    if inhibited_by is not None:
        held = replace(
            cared, reason=f"inhibited_by:{inhibited_by}", due=Due.LOOK, next_at=now + LOOK_AGAIN_MS
        )
        return Outcome(held)
    if not chain.steps:
        return Outcome(replace(cared, reason="nobody_to_tell", due=None, next_at=None))
    told = replace(cared, reason="first", told_at=now, step=0)
    return Outcome(_with_next(told, chain, now), _said(Occasion.FIRING, "first", 0, alert, chain, now))


def step_on(cared: Cared, alert: Alert, chain: Chain, now: int) -> Outcome:
    """Take the next step of the chain; behind the last one remind, until it is over."""
    following = cared.step + 1
    if following < len(chain.steps):
        reason = f"escalated:{following}"
        told = replace(cared, reason=reason, step=following)
        said = _said(Occasion.ESCALATED, reason, following, alert, chain, now)
        return Outcome(_with_next(told, chain, now), said)
    if chain.remind_ms is None or not chain.steps:
        return Outcome(replace(cared, reason="chain_over", due=None, next_at=None))
    last = len(chain.steps) - 1
    told = replace(cared, reason="repeat_elapsed", due=Due.STEP, next_at=now + chain.remind_ms)
    return Outcome(told, _said(Occasion.REMINDER, "repeat_elapsed", last, alert, chain, now))


def acknowledged(cared: Cared, chain: Chain, now: int) -> Cared:
    """Return care for what somebody sees to: no further steps, until their word ends."""
    return replace(cared, reason="acknowledged", due=Due.ACK_ENDS, next_at=now + chain.ack_ms)


def ack_ended(cared: Cared, alert: Alert, chain: Chain, now: int) -> Outcome:
    """Decide what follows when an acknowledgement ends: it is told anew, and the chain goes on from there."""
    step = min(cared.step, max(len(chain.steps) - 1, 0))
    if not chain.steps:
        return Outcome(replace(cared, reason="ack_expired", due=None, next_at=None))
    wait = chain.remind_ms
    due = None if wait is None else Due.STEP
    told = replace(
        cared, reason="ack_expired", step=step, due=due, next_at=None if wait is None else now + wait
    )
    return Outcome(told, _said(Occasion.ACK_EXPIRED, "ack_expired", step, alert, chain, now))


def worse(cared: Cared, alert: Alert, chain: Chain, now: int) -> Outcome:
    """Decide what follows when a level rose: its chain begins anew, at the level that it has now."""
    if cared.told_at is None or not chain.steps or alert.state is not AlertState.FIRING:
        return Outcome(replace(cared, level=alert.level))
    told = replace(cared, level=alert.level, reason=f"worse:{alert.level}", told_at=now, step=0)
    said = _said(Occasion.WORSE, told.reason, 0, alert, chain, now)
    return Outcome(_with_next(told, chain, now), said)


def over(cared: Cared, now: int) -> Outcome:
    """Decide how the end is told: to whoever was told of the beginning, and to nobody else."""
    ended = replace(cared, due=None, next_at=None, over_at=now)
    if cared.told_at is None:
        return Outcome(replace(ended, reason="over_before_told"))
    said = Said(Occasion.RESOLVED, "over", cared.step, (), False)
    return Outcome(replace(ended, reason="over"), said)


def unreached(cared: Cared, step: int, why: str, now: int) -> Cared | None:
    """Return care for which the next step is due at once, since this one reached nobody; None: it is past."""
    if cared.due is not Due.STEP or cared.step != step or cared.over_at is not None:
        return None
    return replace(cared, reason=f"unreached:{why}", next_at=now)


def _with_next(told: Cared, chain: Chain, now: int) -> Cared:
    """Return care with the time of its next step, else of its first reminder."""
    assert told.told_at is not None
    following = told.step + 1
    if following < len(chain.steps):
        return replace(told, due=Due.STEP, next_at=max(now, told.told_at + chain.steps[following].after_ms))
    if chain.remind_ms is None:
        return replace(told, due=None, next_at=None)
    return replace(told, due=Due.STEP, next_at=now + chain.remind_ms)


def _said(occasion: Occasion, reason: str, step: int, alert: Alert, chain: Chain, now: int) -> Said:
    loud = chain.loud and now - alert.since <= OLD_MS
    return Said(occasion, reason, step, chain.steps[step].to, loud)

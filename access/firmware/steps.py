"""What a roll-out does next, and what may be asked of it in each state. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from access.firmware.lives import LATE_MS
from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.errors import IllegalTransition
from fleet.rollouts import OVER, Rollout, RolloutState

SETTLE_MS = 30 * MINUTE_MS
"""What devices do while they are being offered a firmware is not compared yet."""
LOOKS = 24
"""A stage is looked at so often, though not more than once an hour."""

_BEGUN = frozenset({RolloutState.RUNNING, RolloutState.SOAKING, RolloutState.WAITING})
START, PAUSE, RESUME, SKIP, ROLL_BACK, CANCEL = ACTIONS = (
    "start",
    "pause",
    "resume",
    "skip",
    "roll_back",
    "cancel",
)
MAY: Mapping[str, frozenset[RolloutState]] = {
    START: frozenset({RolloutState.DRAFT}),
    PAUSE: _BEGUN,
    RESUME: frozenset({RolloutState.PAUSED, RolloutState.STOPPED}),
    SKIP: _BEGUN,
    ROLL_BACK: _BEGUN
    | {RolloutState.PAUSED, RolloutState.STOPPED, RolloutState.DONE, RolloutState.CANCELLED},
    CANCEL: frozenset(RolloutState) - OVER,
}
"""From which states each action may be asked for."""


@dataclass(frozen=True, slots=True)
class Next:
    """What comes of a roll-out by itself, and why; `begins` is a stage whose devices have their turn now."""

    rollout: Rollout
    what: str
    why: str
    begins: int | None = None


def check_action(action: str, rollout: Rollout) -> None:
    """Raise IllegalTransition where an action cannot be asked for now; the message says what can."""
    if rollout.state in MAY[action]:
        return
    can = [name.replace("_", "-") for name in ACTIONS if rollout.state in MAY[name]]
    raise IllegalTransition(
        f"the roll-out is {rollout.state}: {action.replace('_', '-')} is not possible; "
        f"possible: {', '.join(can) or 'nothing'}"
    )


def allowed(rollout: Rollout) -> list[str]:
    """Return what may be asked for now."""
    last = rollout.stage >= len(rollout.stages) - 1
    return [name for name in ACTIONS if rollout.state in MAY[name] and not (name == SKIP and last)]


def begun(rollout: Rollout, stage: int, now: int) -> Rollout:
    """Return a roll-out at the begin of a stage: what is compared is compared anew from then on."""
    fresh = compared_anew(replace(rollout, state=RolloutState.RUNNING, stage=stage, stage_at=now), now)
    return replace(fresh, started_at=rollout.started_at or now)


def compared_anew(rollout: Rollout, now: int) -> Rollout:
    """Return a roll-out whose next comparison begins with the next hour; it has false stops of its own."""
    first = rollout.judged_from is None
    start = -(-(now + SETTLE_MS) // HOUR_MS) * HOUR_MS
    return replace(rollout, judged_from=start, part=0 if first else rollout.part + 1, test={}, evidence={})


def judged_until(now: int) -> int:
    """Return the end of the last hour that is whole, late readings included."""
    until = now - LATE_MS
    return until - until % HOUR_MS


def looks_now(rollout: Rollout, now: int) -> int | None:
    """Return until when a roll-out is to be looked at now (epoch ms), None where that is not due."""
    if rollout.state not in (RolloutState.SOAKING, RolloutState.WAITING) or rollout.judged_from is None:
        return None
    until, last = judged_until(now), int(rollout.test.get("until", rollout.judged_from))
    soak_ms = rollout.stages[rollout.stage].soak_h * HOUR_MS
    end = rollout.judged_from + soak_ms
    due = until >= last + max(HOUR_MS, soak_ms / LOOKS) or last < end <= until
    return until if due else None


def after_time(rollout: Rollout, now: int) -> Next | None:
    """Return what comes of a roll-out by the time alone; None where nothing does."""
    assert rollout.judged_from is not None  # set when a stage begins
    if rollout.state is RolloutState.RUNNING and now >= rollout.judged_from:
        why = "the stage's devices have had their offer; now they are compared with the others"
        return Next(replace(rollout, state=RolloutState.SOAKING), "soaking", why)
    stage = rollout.stages[rollout.stage]
    soaked = int(rollout.test.get("until", 0)) >= rollout.judged_from + stage.soak_h * HOUR_MS
    if rollout.state is not RolloutState.SOAKING or not soaked:
        return None
    following = rollout.stage + 1
    why = f"stage {following} has soaked for {stage.soak_h:g} h without a difference that would stop it"
    if following == len(rollout.stages):
        return Next(replace(rollout, state=RolloutState.DONE, reason=why), "done", why)
    if rollout.by_hand:
        return Next(replace(rollout, state=RolloutState.WAITING, reason=why), "waiting", why)
    return Next(replace(begun(rollout, following, now), reason=why), "stage", why, following)

"""Roll-outs of firmware in stages, as stages of the house exchange them."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fleet.grants import Sites


class RolloutState(StrEnum):
    """Where a roll-out stands."""

    DRAFT = "draft"
    RUNNING = "running"
    """A stage has begun: its devices are being offered the firmware."""
    SOAKING = "soaking"
    """Its devices have had the offer, and are compared with those that have not."""
    WAITING = "waiting"
    """The stage has passed; somebody has to begin the next one."""
    PAUSED = "paused"
    STOPPED = "stopped"
    """It has stopped by itself: its devices do worse."""
    DONE = "done"
    ROLLED_BACK = "rolled_back"
    CANCELLED = "cancelled"


OVER = frozenset({RolloutState.DONE, RolloutState.ROLLED_BACK, RolloutState.CANCELLED})
UNDER_WAY = frozenset({RolloutState.RUNNING, RolloutState.SOAKING})
"""What the schedule moves on by itself."""


class OfferState(StrEnum):
    """How far a device of a roll-out is."""

    LATER = "later"
    """Its stage has not begun: it is one of those that the others are compared with."""
    WAITING = "waiting"
    """Its stage has begun; the offer is on its way, or waits until the device is online."""
    INSTALLED = "installed"
    FAILED = "failed"
    """It refused, or did not answer in time."""
    GOING_BACK = "going_back"
    WENT_BACK = "went_back"


OFFERED = frozenset(OfferState) - {OfferState.LATER}


@dataclass(frozen=True, slots=True)
class Firmware:
    """One image: where it is and what it is. `size` is in bytes, `sha256` in lower-case hex."""

    version: str
    url: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: the share of the fleet that has the firmware in it (0 to 1), and how long it soaks."""

    share: float
    soak_h: float


STAGES = (Stage(0.01, 72), Stage(0.10, 48), Stage(0.50, 24), Stage(1.0, 24))


@dataclass(frozen=True, slots=True)
class Aim:
    """Which devices a roll-out is for: robots and the like of one model, at `sites` (None: at every one).

    `region` is how the sites were named, "" where they were not; `older_than` leaves out devices whose
    version is not below it, None only those that have the new one already.
    """

    model: str
    sites: Sites = None
    region: str = ""
    older_than: str | None = None


@dataclass(frozen=True, slots=True)
class Rollout:
    """A roll-out. Times are epoch ms; `stage` is the index of the present one, -1 before the first.

    `by_hand` tells whether each stage waits for somebody. `judged_from` is when the present comparison began,
    `part` its number. `evidence` is what the newest look at it saw (access.firmware.evidence), `needs` what
    can be seen at all. `version` counts changes, `back_to` is what it was rolled back to.
    """

    id: int
    firmware: Firmware
    aim: Aim
    stages: tuple[Stage, ...]
    by_hand: bool
    seed: int
    state: RolloutState
    stage: int
    made_by: str
    made_at: int
    started_at: int | None = None
    stage_at: int | None = None
    judged_from: int | None = None
    part: int = 0
    reason: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    needs: dict[str, Any] = field(default_factory=dict)
    test: dict[str, Any] = field(default_factory=dict)
    back_to: Firmware | None = None
    version: int = 0


@dataclass(frozen=True, slots=True)
class Past:
    """What a device lived through before a roll-out, in hours; `risk` is null where nobody scored it."""

    hours: float = 0.0
    heard: float = 0.0
    errors: float = 0.0
    restarts: float = 0.0
    risk: float | None = None


@dataclass(frozen=True, slots=True)
class RolloutDevice:
    """A device of a roll-out; `place` is its number in the order drawn, `stage` when its turn is.

    `before` is the version it had. Times are epoch ms.
    """

    device_id: str
    site: str
    place: int
    stage: int
    state: OfferState
    before: str | None
    past: Past
    offered_at: int | None = None
    installed_at: int | None = None
    command: str | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class StageCount:
    """How many devices a stage adds, by how far they are."""

    stage: int
    devices: int
    by_state: dict[OfferState, int]


@dataclass(frozen=True, slots=True)
class VersionCount:
    """How many devices of a model have a version; None where nobody knows it."""

    model: str
    version: str | None
    devices: int

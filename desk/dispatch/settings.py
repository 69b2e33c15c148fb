"""What dispatch goes by that an installation may decide otherwise."""

from dataclasses import dataclass
from enum import StrEnum

from fleet.clock import MINUTE_MS


class Replan(StrEnum):
    """What becomes of a day in which something changed."""

    OFF = "off"
    PROPOSE = "propose"
    APPLY = "apply"


@dataclass(frozen=True, slots=True)
class DispatchSettings:
    """Who works when nobody said so, and how the day is planned.

    `hours` are minutes after midnight on weekdays where an engineer has no shifts. A part of a shift that
    covers the whole lunch (`lunch_from` to `lunch_to`, minutes after midnight) has a break of `lunch_ms` in
    it; 0 for none. `planner` is one of desk.dispatch.planning.planners; it gets `cpu_s` seconds of one core.
    `freeze_ms`: what begins so soon is not moved any more. `replan` says what becomes of a day that something
    changed, looked at every `replan_every_ms`; by itself only where at most `retold_share` of what customers
    were told has to be told anew. `loaded_by`: minutes after midnight by which vans are loaded for the day
    with what a depot put aside for it; None where nobody loads them overnight. `margin_ms`: visits are
    planned so long before their promise is broken, where that is possible: half of all days go worse than
    planned.
    """

    hours: tuple[int, int] = (8 * 60, 18 * 60)
    lunch_ms: int = 45 * MINUTE_MS
    lunch_from: int = 11 * 60 + 30
    lunch_to: int = 13 * 60 + 30
    planner: str = "vroom"
    cpu_s: float = 5.0
    freeze_ms: int = 60 * MINUTE_MS
    replan: Replan = Replan.PROPOSE
    replan_every_ms: int = 5 * MINUTE_MS
    retold_share: float = 0.15
    loaded_by: int | None = None
    margin_ms: int = 20 * MINUTE_MS

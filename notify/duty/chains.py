"""Which chain an alert follows: the first of the plan that fits, else a default of its level."""

from collections.abc import Callable

from fleet.clock import HOUR_MS, MINUTE_MS
from fleet.duty import Chain, Step, Target, TargetKind
from fleet.faults import Level
from fleet.grants import Role
from notify.duty.plan import ChainShape, Plan


def _roles(*roles: Role) -> tuple[Target, ...]:
    return tuple(Target(TargetKind.ROLE, role) for role in roles)


_MANAGER = Step(0, _roles(Role.MANAGER))
DEFAULTS: dict[Level, Chain] = {
    Level.L1: Chain(
        "default_l1",
        (_MANAGER, Step(15 * MINUTE_MS, _roles(Role.MANAGER, Role.ADMIN))),
        remind_ms=HOUR_MS,
        ack_ms=2 * HOUR_MS,
        loud=True,
    ),
    Level.L2: Chain(
        "default_l2",
        (_MANAGER, Step(2 * HOUR_MS, _roles(Role.ADMIN))),
        remind_ms=8 * HOUR_MS,
        ack_ms=8 * HOUR_MS,
        loud=False,
    ),
    Level.L3: Chain("default_l3", (_MANAGER,), remind_ms=24 * HOUR_MS, ack_ms=72 * HOUR_MS, loud=False),
}
"""What holds where the plan has no chain for an alert, or there is no plan."""
PERSONAL = Chain(
    "default_personal",
    (Step(0, _roles(Role.SAFETY)), Step(5 * MINUTE_MS, _roles(Role.SAFETY, Role.MANAGER))),
    remind_ms=HOUR_MS,
    ack_ms=2 * HOUR_MS,
    loud=True,
)
"""Of a worker's alerts, at each level: safety first; a manager is told that there is one."""


def chain_of(
    plan: Plan,
    level: Level,
    site: str | None,
    personal: bool,
    within: Callable[[str, tuple[str, ...]], bool],
) -> Chain:
    """Return the chain of alerts of a level at a site; `within` tells whether a site is in one of regions."""
    for shape in plan.chains:
        if shape.personal == personal and level in shape.levels and _is_at(shape, site, within):
            return _chain(shape)
    return PERSONAL if personal else DEFAULTS[level]


def _is_at(shape: ChainShape, site: str | None, within: Callable[[str, tuple[str, ...]], bool]) -> bool:
    if not shape.sites and not shape.regions:
        return True
    return site is not None and (site in shape.sites or within(site, shape.regions))


def _chain(shape: ChainShape) -> Chain:
    steps = tuple(Step(step.after, step.to) for step in shape.steps)
    return Chain(shape.name, steps, shape.remind, shape.acknowledge, shape.loud)

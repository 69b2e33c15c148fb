"""Who is told where nobody planned anything: engineers first, then managers; the safety role for workers."""

from fleet.clock import DAY_MS, HOUR_MS, MINUTE_MS
from fleet.duty import Chain, Reached, Step, Target, TargetKind
from fleet.faults import Level
from fleet.grants import Role

_ENGINEERS, _MANAGERS, _SAFETY = (
    (Target(TargetKind.ROLE, role),) for role in (Role.ENGINEER, Role.MANAGER, Role.SAFETY)
)
_CHAINS = {
    Level.L1: Chain(
        "plain-L1", (Step(0, _ENGINEERS), Step(15 * MINUTE_MS, _MANAGERS)), HOUR_MS, 4 * HOUR_MS, loud=True
    ),
    Level.L2: Chain(
        "plain-L2", (Step(0, _ENGINEERS), Step(2 * HOUR_MS, _MANAGERS)), DAY_MS, DAY_MS, loud=False
    ),
    Level.L3: Chain("plain-L3", (Step(0, _ENGINEERS),), None, 3 * DAY_MS, loud=False),
}
_PERSONAL = Chain(
    "plain-safety", (Step(0, _SAFETY), Step(2 * MINUTE_MS, _SAFETY)), 5 * MINUTE_MS, HOUR_MS, loud=True
)


class PlainDuty:
    """A Duty (fleet/duty.py) without any plan; it knows no people."""

    def chain(self, level: Level, site: str | None, *, personal: bool = False) -> Chain:
        """Return the chain of alerts of a level, the same at every site."""
        del site
        return _PERSONAL if personal else _CHAINS[level]

    def reach(self, target: Target, site: str | None, at: int) -> Reached:
        """Return nobody: who has a role is not known here."""
        del target, site, at
        return Reached()

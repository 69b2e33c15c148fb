"""The plan of a day as it is proposed to a manager: kept until somebody applies it, and afterwards."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from enum import StrEnum
from typing import Any, Self

REPLANNED = "replanned"
"""Why an assignment is what it is: a plan said so."""


class Cause(StrEnum):
    """What changed, so that a day is planned anew."""

    NEW_CASE = "new_case"
    ENGINEER_AWAY = "engineer_away"
    CUSTOMER_AWAY = "customer_away"
    CUSTOMER_MOVES = "customer_moves"
    TOOK_LONGER = "took_longer"
    NEARER_FREE = "nearer_free"


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that changed at a case; `key` names it, so that it counts once a day."""

    cause: Cause
    key: str
    ticket_id: int
    engineer: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan would change at one case; times are epoch ms.

    `before` names the open assignments that it goes by (id and state, whoever leads first), `was` who led.
    `engineer` is None where nobody goes any more, else they arrive at `arrives`, `travel_ms` after setting
    out, with `helpers`; `late_ms` after what was promised. `why` says why this one, JSON-ready.
    """

    ticket_id: int
    before: tuple[tuple[int, str], ...] = ()
    was: str = ""
    engineer: str | None = None
    arrives: int = 0
    travel_ms: int = 0
    helpers: tuple[str, ...] = ()
    late_ms: int = 0
    why: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Left:
    """A case in nobody's day: a named reason, what would make it possible, and whose or which it is about."""

    ticket_id: int
    why: str
    remedy: str = ""
    about: tuple[str, ...] = ()
    engineer: str = ""
    missing_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan of one day, made at `made_at` (epoch ms) by whom; `applied_at` is None until somebody did.

    `travel_ms` is the way of all, `stops` the visits that it has, those that it leaves alone included.
    `refused` says why some changes were not made when it was applied. `causes` are what made the schedule
    plan anew, none where a person asked. It is of some `sites`, None for all, those of `region` where it has
    one. `longer` are assignments under way that take longer, with when each is likely to end.
    """

    day: date
    made_at: int
    made_by: str
    planner: str
    changes: tuple[Change, ...] = ()
    left: tuple[Left, ...] = ()
    stops: int = 0
    travel_ms: int = 0
    cpu_s: float = 0.0
    applied_at: int | None = None
    applied_by: str = ""
    refused: Mapping[int, str] = field(default_factory=dict)
    causes: tuple[Trouble, ...] = ()
    region: str = ""
    sites: frozenset[str] | None = None
    longer: tuple[tuple[int, int], ...] = ()
    id: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether it would change nothing."""
        return not self.changes

    @property
    def reason(self) -> str:
        """What histories say of its changes: planned anew, and why where the schedule did."""
        return f"{REPLANNED}_{self.causes[0].cause}" if self.causes else REPLANNED

    def as_data(self) -> dict[str, Any]:
        """Return what it holds, JSON-ready."""
        return {
            "changes": [asdict(each) for each in self.changes],
            "left": [asdict(each) for each in self.left],
            "causes": [asdict(each) for each in self.causes],
            "region": self.region,
            "sites": None if self.sites is None else sorted(self.sites),
            "longer": [list(each) for each in self.longer],
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any], **more: Any) -> Self:
        """Return what `as_data` made, with the rest of its fields."""
        changes = tuple(
            Change(
                **each
                | {
                    "before": tuple((number, state) for number, state in each["before"]),
                    "helpers": tuple(each["helpers"]),
                }
            )
            for each in data["changes"]
        )
        left = tuple(Left(**each | {"about": tuple(each["about"])}) for each in data["left"])
        sites = data.get("sites")
        return cls(
            changes=changes,
            left=left,
            causes=tuple(
                Trouble(**each | {"cause": Cause(each["cause"])}) for each in data.get("causes", ())
            ),
            region=data.get("region", ""),
            sites=None if sites is None else frozenset(sites),
            longer=tuple((number, ends) for number, ends in data.get("longer", ())),
            **more,
        )

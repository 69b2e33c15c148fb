"""The SLA policy: what was promised by level, and when a ticket's milestones are due. Times are epoch ms."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from fleet.config import Duration, Shape, read_config
from fleet.faults import Level

_BESIDE = Path(__file__).with_name("sla.yaml")


class Promise(Shape):
    """How long each milestone may take from opening, in milliseconds; None: not promised."""

    respond_ms: Duration = Field(alias="respond", gt=0)
    on_site_ms: Duration | None = Field(default=None, alias="on_site", gt=0)
    solve_ms: Duration | None = Field(default=None, alias="solve", gt=0)


class SlaPolicy(Shape):
    """A named policy: one promise for each level, and the share of the time after which a clock warns."""

    name: str = Field(min_length=1)
    warn_at: float = Field(gt=0, lt=1)
    levels: Mapping[Level, Promise]

    @model_validator(mode="after")
    def _covers_every_level(self) -> Self:
        missing = [level for level in Level if level not in self.levels]
        if missing:
            raise ValueError(
                f"levels: {', '.join(missing)} missing; each of {', '.join(Level)} needs a promise"
            )
        return self


@dataclass(frozen=True, slots=True)
class Deadlines:
    """When each milestone is due, epoch ms; None: not promised."""

    respond: int
    on_site: int | None
    solve: int | None


def load_policy(path: Path | None = None) -> SlaPolicy:
    """Read and check a policy file; without a path, the one that ships with us. Raises ConfigError."""
    return _shipped() if path is None else read_config(path, SlaPolicy)


@cache
def _shipped() -> SlaPolicy:
    return read_config(_BESIDE, SlaPolicy)


def deadlines(policy: SlaPolicy, level: Level, opened_at: int) -> Deadlines:
    """Return when a ticket of this level, opened then, must have reached each milestone."""
    promise = policy.levels[level]
    return Deadlines(
        respond=opened_at + promise.respond_ms,
        on_site=None if promise.on_site_ms is None else opened_at + promise.on_site_ms,
        solve=None if promise.solve_ms is None else opened_at + promise.solve_ms,
    )

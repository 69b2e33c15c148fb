"""What a firmware does to a robot: one that is usual nothing, one that is worse what stands here."""

from dataclasses import dataclass

RESTARTS_PER_DAY = 0.05
"""How often a robot with a usual firmware restarts by itself."""
_WORSE = "worse"


@dataclass(frozen=True, slots=True)
class FirmwareEffect:
    """By how much a firmware raises how often a robot restarts and gets stuck, and how fast it wears."""

    restarts: float = 1.0
    errors: float = 1.0
    wear: float = 1.0


USUAL = FirmwareEffect()
WORSE = FirmwareEffect(restarts=8.0, errors=4.0, wear=1.5)
"""Of every version with `worse` in its name, such as 1.5.0-worse."""


def effect_of(version: str | None) -> FirmwareEffect:
    """Return what a version does."""
    return WORSE if version is not None and _WORSE in version.lower() else USUAL

"""Reads what is demanded of engineers from a file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field

from fleet.config import Shape, read_config
from fleet.engineers import Demands, check_skill

_BESIDE = Path(__file__).with_name("demands.yaml")


class ServiceFile(Shape):
    """The file: hours of training a year, and the skills that need a certificate."""

    training_hours_a_year: float = Field(0.0, ge=0, le=2_000, allow_inf_nan=False)
    certificate_required: tuple[Annotated[str, AfterValidator(check_skill)], ...] = ()


def load_demands(path: Path | None = None) -> Demands:
    """Return what a file demands; without a path, what ships with us. Raises ConfigError."""
    found = read_config(path or _BESIDE, ServiceFile)
    return Demands(found.training_hours_a_year, frozenset(found.certificate_required))

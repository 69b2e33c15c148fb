"""Components: the parts of a device of which measures speak, and the faults that renew them."""

from enum import StrEnum

from fleet.catalogue.present import present
from fleet.faults import FAULTS


class Component(StrEnum):
    """A part of the robot of which the standard signals speak (fleet/catalogue/standard.yaml).

    Repairs of its faults start a new baseline for its measures.
    """

    BATTERY = "battery"
    CHARGER = "charger"
    DRIVE = "drive"
    WHEELS = "wheels"
    BRUSH = "brush"
    FAN = "fan"
    FILTER = "filter"
    AIRFLOW = "airflow"
    WATER = "water"
    NAVIGATION = "navigation"
    RADIO = "radio"
    USE = "use"


def component_codes() -> tuple[str, ...]:
    """Return the components of the catalogue, those of an installation's own included."""
    return tuple(present().components)


def reset_by(component: str) -> tuple[str, ...]:
    """Return the faults whose repair renews a component; one that nobody knows is named like its fault."""
    catalogue = present()
    if component not in catalogue.components:
        return (component,)
    return tuple(code for code, fault in catalogue.faults.items() if component in fault.renews)


def components_of(fault: str) -> tuple[str, ...]:
    """Return where a fault can show, its own component first; all of them where the catalogue does not say.

    With some dozens of failures to learn from, a model that sees every signal learns chance; physics says
    where to look.
    """
    known = FAULTS.get(fault)
    return known.seen_in if known is not None and known.seen_in else component_codes()

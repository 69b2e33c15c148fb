"""The fault catalogue: what can go wrong, how bad it is, what mends it, and how early it can be seen.

What stands in it is data (fleet/catalogue); here it is what this process knows.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from fleet.catalogue.entries import Fault, Level
from fleet.catalogue.present import present
from fleet.signals import Kind
from fleet.text import Text

__all__ = ["FAULTS", "Fault", "Level"]

D = TypeVar("D")

UNUSUAL = "unusual_behaviour"
"""The fault of which nobody knows yet what it is: the anomaly score's."""

DEVICE_ERROR = "device_error"
"""The fault of a device that says it has an error which no code of the catalogue (fleet/codes) names."""

EXTERNAL = "external"
"""The fault of which another system tells; its own words say what it is."""

UNCLEAR = "unclear"
"""The fault of a robot that a person reported without anybody knowing which it is."""

LEVEL_WORDS = {
    Level.L1: Text("unusable or a worker in danger", "无法使用或人员有危险"),
    Level.L2: Text("part of its function is lost", "部分功能丧失"),
    Level.L3: Text("minor", "轻微"),
}
"""What pages and messages call the levels."""


class _Faults(Mapping[str, Fault]):
    """The faults of the catalogue that is present, by code.

    Cases, alerts and models outlive the catalogue that they were of: a code that is no longer in it is not
    among these, and `get` knows it not, but `[]` gives a fault that is called so.
    """

    def __getitem__(self, code: str) -> Fault:
        return present().faults.get(code) or _gone(code)

    def get(self, code: str, default: D | None = None) -> Fault | D | None:  # type: ignore[override]
        """Return a fault of the catalogue; `default` for what is none of it."""
        return present().faults.get(code, default)

    def __iter__(self) -> Iterator[str]:
        return iter(present().faults)

    def __len__(self) -> int:
        return len(present().faults)

    def __contains__(self, code: object) -> bool:
        return code in present().faults


FAULTS: Mapping[str, Fault] = _Faults()
"""The catalogue by code."""


def _gone(code: str) -> Fault:
    name, advice = Text(code, code), Text("Have an engineer look at it.", "请由工程师检查。")
    return Fault(code, Kind.ROBOT, Level.L2, name, None, "mechanical", 30, False, advice, None)


_UNCLEAR = {Kind.ROBOT: UNCLEAR, Kind.TOOL: "tool_unclear", Kind.WRISTBAND: "wristband_unclear"}


def part_codes() -> frozenset[str]:
    """Return the parts that mend faults."""
    return frozenset(fault.part for fault in FAULTS.values() if fault.part is not None)


def unclear_fault(kind: Kind) -> str:
    """Return the fault of a device of which nobody knows yet what is wrong with it."""
    return _UNCLEAR[kind]


def is_unclear(fault: str) -> bool:
    """Tell whether a fault says only that somebody reported something."""
    return fault in _UNCLEAR.values()


def predicted_faults(kind: Kind) -> tuple[Fault, ...]:
    """Return the faults of one kind of device that models predict, in the catalogue's order."""
    return tuple(fault for fault in FAULTS.values() if fault.kind is kind and fault.horizon_days is not None)

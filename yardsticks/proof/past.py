"""What happened to a fleet, and what of it was known by when.

A case is known to be open from when it was opened, and what it found from when it was confirmed: what stands
between is why a replay cannot simply ask the desk of today.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import polars as pl

from fleet.faults import FAULTS, predicted_faults
from fleet.past_cases import PastCase
from fleet.signals import Kind
from storage.records.devices import ReportedEvent

REPAIRS = {"device_id": pl.String, "fault": pl.String, "opened": pl.Int64, "ended": pl.Int64}
DOUBTS = {"device_id": pl.String, "fault": pl.String, "ts": pl.Int64}


@dataclass(frozen=True, slots=True)
class PastDevice:
    """A device as the history has it: site and model are taken to have been so all along."""

    site: str
    model: str
    kind: Kind = Kind.ROBOT


@dataclass(frozen=True, slots=True)
class PastFleet:
    """A fleet's past beside its readings. Cases are those that were closed; times are epoch ms."""

    devices: Mapping[str, PastDevice]
    cases: Sequence[PastCase]
    events: Sequence[ReportedEvent] = field(default=())

    @property
    def robots(self) -> list[str]:
        """The devices of which models predict anything, by id."""
        return sorted(name for name, each in self.devices.items() if each.kind is Kind.ROBOT)


def repaired_at(case: PastCase) -> int:
    """Return when a case was mended; where nobody knows, the latest time that is known of it."""
    return next((at for at in (case.repaired, case.confirmed, case.arrived) if at is not None), case.opened)


def known_at(case: PastCase) -> int:
    """Return from when on it is known what a case found."""
    return max(repaired_at(case), case.confirmed or 0)


def found_in(case: PastCase) -> Iterator[tuple[str, int]]:
    """Yield what a case found, and when that was noticed: at the latest when it was opened."""
    times = case.noticed if len(case.noticed) == len(case.faults) else (case.noticed or (case.opened,)) * 20
    yield from zip(case.faults, times, strict=False)


def repairs_by(cases: Sequence[PastCase], at: int) -> pl.DataFrame:
    """Return what was found by a time, as storage.records.repairs.confirmed_repairs has it."""
    rows = [
        (case.device_id, fault, noticed, repaired_at(case))
        for case in cases
        if known_at(case) <= at
        for fault, noticed in found_in(case)
    ]
    return pl.DataFrame(rows, schema=REPAIRS, orient="row").sort("opened", maintain_order=True)


def doubts_at(cases: Sequence[PastCase], at: int) -> pl.DataFrame:
    """Return the cases that were open at a time, as storage.records.repairs.open_tickets has them.

    What they would find nobody knew yet: so each may be of any fault, and rows before it teach nothing.
    """
    codes = [fault.code for fault in predicted_faults(Kind.ROBOT)]
    rows = [
        (case.device_id, code, case.opened)
        for case in cases
        if case.opened <= at < known_at(case)
        for code in codes
    ]
    return pl.DataFrame(rows, schema=DOUBTS, orient="row")


class CasesOfDevices:
    """Cases by device, to be asked what was open when."""

    def __init__(self, cases: Sequence[PastCase]) -> None:
        self._of: dict[str, list[PastCase]] = {}
        for case in sorted(cases, key=lambda each: each.opened):
            self._of.setdefault(case.device_id, []).append(case)

    def of(self, device: str) -> Sequence[PastCase]:
        """Return the cases of a device, by when they were opened."""
        return self._of.get(device, ())

    def is_open(self, device: str, at: int) -> bool:
        """Tell whether somebody knew at a time that the device was broken, or was mending it."""
        return any(case.opened <= at < repaired_at(case) for case in self.of(device))

    def last_mended(self, device: str, at: int) -> PastCase | None:
        """Return the case that was mended last before a time."""
        done = [case for case in self.of(device) if repaired_at(case) <= at]
        return max(done, key=repaired_at, default=None)


def is_predicted(fault: str) -> bool:
    """Tell whether a model can foresee a fault at all."""
    return FAULTS[fault].horizon_days is not None

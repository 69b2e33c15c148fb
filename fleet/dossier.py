"""What is known of a device when somebody reports it: what it is, its past, what it risks now."""

from dataclasses import dataclass

from fleet.alerts import Alert
from fleet.devices import Device
from fleet.text import Text


@dataclass(frozen=True, slots=True)
class DossierFact:
    """A fact that another room knows: a purchase, a warranty, a plan. `until` is epoch ms, where it ends."""

    name: Text
    value: Text
    until: int | None = None
    over: bool = False


@dataclass(frozen=True, slots=True)
class PastRepair:
    """A closed case: when it was opened and solved (epoch ms), what was found, and the parts for that."""

    ticket_id: int
    opened_at: int
    solved_at: int | None
    faults: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeviceRisk:
    """A newest risk of a fault, 0 to 1; `at` is epoch ms."""

    fault: str
    risk: float
    at: int


@dataclass(frozen=True, slots=True)
class Dossier:
    """A device with its past and its present; risks the highest first, repairs the newest first.

    `open_case` is the id of its open repair. `facts` are what other rooms know.
    """

    device: Device
    risks: tuple[DeviceRisk, ...] = ()
    alerts: tuple[Alert, ...] = ()
    repairs: tuple[PastRepair, ...] = ()
    open_case: int | None = None
    facts: tuple[DossierFact, ...] = ()

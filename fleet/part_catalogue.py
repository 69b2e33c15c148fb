"""The catalogue of parts: what can be ordered, from which price on and how long before."""

from dataclasses import dataclass, field

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class Part:
    """A part that can be ordered, by its code; how many there are is told elsewhere.

    `price` is None where nobody said it, `lead_days` from the order to the delivery. `fits` are models of
    devices, none: any. `version` counts its changes, 0 before it is kept.
    """

    code: str
    name: Text = field(default_factory=lambda: Text("", ""))
    price: float | None = None
    lead_days: int | None = None
    fits: frozenset[str] = frozenset()
    version: int = 0

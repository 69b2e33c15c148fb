"""The catalogue of parts: what can be ordered, from which price on and how long before."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class Part:
    """A part that can be ordered, by its code; how many there are is told elsewhere.

    `price` is None where nobody said it, `lead_days` from the order to the delivery. `fits` are models of
    devices, none: any. `supplier` delivers it, in multiples of `lot`. `warranty_months` count from the day it
    is put in, None where there is no warranty. A `discontinued` part is not to be had any more; `replaced_by`
    is the code of what takes its place, "" for nothing. Of a `serialised` one each piece has a number.
    `version` counts its changes, 0 before it is kept.
    """

    code: str
    name: Text = field(default_factory=lambda: Text("", ""))
    price: float | None = None
    lead_days: int | None = None
    fits: frozenset[str] = frozenset()
    supplier: str = ""
    warranty_months: int | None = None
    discontinued: bool = False
    replaced_by: str = ""
    serialised: bool = False
    lot: int = 1
    version: int = 0


def to_order(code: str, catalogue: Mapping[str, Part]) -> str:
    """Return the code of what is ordered for a part: itself, or what replaced it, also through others.

    "" where it is discontinued and nothing takes its place, or what replaces it is itself in the end.
    """
    seen: set[str] = set()
    while (part := catalogue.get(code)) is not None and part.discontinued:
        seen.add(code)
        code = part.replaced_by
        if not code or code in seen:
            return ""
    return code

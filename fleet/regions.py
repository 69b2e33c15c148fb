"""Service regions: who answers for the sites of one."""

from dataclasses import dataclass, field

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class Region:
    """A region, by the id that sites name; `leader` and `director` are ids of engineers, "" where nobody is.

    `version` counts its changes, 0 before it is kept.
    """

    id: str
    name: Text = field(default_factory=lambda: Text("", ""))
    leader: str = ""
    director: str = ""
    version: int = 0

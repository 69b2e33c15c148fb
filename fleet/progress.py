"""How far a first start is: told to whoever looks at the console meanwhile."""

from dataclasses import dataclass

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class StartProgress:
    """What is being done now, and how much of all that the first start has to do is done, 0 to 1."""

    text: Text
    fraction: float

"""Versions of the alert rules: whole documents, of which one is at work."""

from dataclasses import dataclass

SHIPPED = 0
"""The number of the rules that the settings name, or that ship: they are no stored version."""
ACTIVATED, PROPOSED = "activated", "proposed"
"""What the log of events tells of a version."""
MOST_CHARACTERS = 200_000
"""How long a document may be."""


@dataclass(frozen=True, slots=True)
class RuleVersion:
    """A version: who made it when and why, and who put it to work last (times are epoch ms)."""

    number: int
    made_at: int | None
    made_by: str
    note: str
    activated_at: int | None
    activated_by: str
    active: bool

"""Every table of the desk database, from every file that has one: what migrations are compared with."""

from storage.records import (
    alerts,
    answers,
    devices,
    dropped_values,
    events,
    followers,
    gaps,
    model_cards,
    notes,
    quarantine,
    tickets,
    topics_beside,
    unknown_signals,
)
from storage.records.base import Base

TABLES = Base.metadata
"""The tables, whichever of these files they stand in."""

__all__ = [
    "TABLES",
    "alerts",
    "answers",
    "devices",
    "dropped_values",
    "events",
    "followers",
    "gaps",
    "model_cards",
    "notes",
    "quarantine",
    "tickets",
    "topics_beside",
    "unknown_signals",
]

"""Every table of the desk database, from every file that has one: what migrations are compared with."""

from storage.records import (
    alerts,
    answers,
    attempts,
    devices,
    dropped_values,
    erasures,
    events,
    followers,
    gaps,
    leases,
    links,
    model_cards,
    model_files,
    notes,
    people,
    quarantine,
    sessions,
    sites,
    tickets,
    tokens,
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
    "attempts",
    "devices",
    "dropped_values",
    "erasures",
    "events",
    "followers",
    "gaps",
    "leases",
    "links",
    "model_cards",
    "model_files",
    "notes",
    "people",
    "quarantine",
    "sessions",
    "sites",
    "tickets",
    "tokens",
    "topics_beside",
    "unknown_signals",
]

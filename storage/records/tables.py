"""Every table of the desk database, from every file that has one: what migrations are compared with."""

from storage.records import (
    alerts,
    answers,
    attempts,
    commands,
    devices,
    dropped_values,
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
    rollouts,
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
    "commands",
    "devices",
    "dropped_values",
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
    "rollouts",
    "sessions",
    "sites",
    "tickets",
    "tokens",
    "topics_beside",
    "unknown_signals",
]

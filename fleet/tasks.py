"""A task: what somebody is to do about how the service goes, opened once for each reason."""

from dataclasses import dataclass, field
from typing import Any

from fleet.text import Text


@dataclass(frozen=True, slots=True)
class Task:
    """Something to do. `key` says what it is about: there is one task of each, whoever looks.

    Times are epoch ms; `owner` and `done_by` are names, None where nobody took or ended it. `id` is 0 until
    it is stored.
    """

    kind: str
    key: str
    title: Text
    reason: str
    data: dict[str, Any] = field(default_factory=dict)
    opened_at: int = 0
    due_at: int | None = None
    owner: str | None = None
    done_at: int | None = None
    done_by: str | None = None
    id: int = 0

"""Proofs on a past (docs/prove.md): what was asked for, how far it is, and how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import IO

from fleet.text import Text


class ProofSource(StrEnum):
    """Whose past it is: the installation's own, a folder in DATA/histories, or files that were sent."""

    OWN = "own"
    FOLDER = "folder"
    FILES = "files"


class ProofState(StrEnum):
    """How a proof stands; it is broken off where the house ended meanwhile."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    BROKEN_OFF = "broken_off"


class ProofStep(StrEnum):
    """What a proof is doing."""

    EXPORTING = "exporting"
    TAKING_IN = "taking_in"
    REPLAYING = "replaying"
    WRITING = "writing"


PAGE, PAPER, DATA = "prove.html", "prove.pdf", "prove.json"
"""The files of a report."""
UNDER_WAY = frozenset({ProofState.WAITING, ProofState.RUNNING})
AGAIN = frozenset({ProofState.FAILED, ProofState.BROKEN_OFF})
"""What can be begun again."""


@dataclass(frozen=True, slots=True)
class ProofAsked:
    """What is to be proved on: `folder` is a name in DATA/histories, `since` a day such as 2026-01-31."""

    source: ProofSource
    folder: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class ProofProgress:
    """What a proof is doing, how much of it is done (0 to 1), and how many rows were refused so far."""

    step: ProofStep
    share: float = 0.0
    refused: int = 0


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof; times are epoch ms. `why` says why it failed, `sentence` is the one for the board."""

    id: int
    asked: ProofAsked
    by: str
    begun: int
    state: ProofState
    changed: int
    progress: ProofProgress | None = None
    why: str | None = None
    sentence: Text | None = None
    words: tuple[str, ...] = field(default=())
    """What it said last, such as which rows were refused."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """A file that was sent for a proof: `part` is map, telemetry, repairs, devices or events."""

    part: str
    name: str
    content: IO[bytes]

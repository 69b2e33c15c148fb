"""Proofs for tests: a room of them, and what stands for the process that works at one."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from helpers.histories import write_history

from fleet.signals import STANDARD_SIGNALS
from sweepwatch.commands.prove_report import folders_by_language, write_reports
from sweepwatch.run.proof_folder import ProofFolder
from sweepwatch.run.proof_process import Task
from sweepwatch.settings.settings import Settings

NONE = {"count": 0, "of": 0, "share": None, "low": None, "high": None}
MONEY = {"value": 0.0, "low": None, "high": None}
FIGURES: dict[str, Any] = {
    "breakdowns": 3,
    "foreseen": NONE,
    "warned_too_late": 0,
    "lead_days": {"p10": None, "p50": None, "p90": None, "histogram": {"1-2": 0}},
    "visits": {"made": 2, "calls": 0, "in_vain": NONE},
    "money": dict.fromkeys(("breakdowns_cost", "avoided", "trips", "unfounded", "saved"), MONEY),
}
REPORT: dict[str, Any] = {
    "version": 1,
    "sentence": {"en": "Of 3 breakdowns 2 would have been foreseen.", "zh": "3 次故障中本可预见 2 次。"},
    "about": {
        "history": {"start": 1_740_960_000_000, "end": 1_741_960_000_000},
        "since": 1_740_960_000_000,
        "until": 1_741_960_000_000,
        "robots": 4,
        "cases": 3,
        "seed": 1,
        "visits_a_day": 0,
        "currency": "EUR",
    },
    "whole": FIGURES,
    "once_learned": None,
    "by_fault": [],
    "by_model": [],
    "not_foreseen": {"too_late": 1},
    "missing": {
        "too_few_failures": [],
        "signals_never_sent": ["brush_rpm"],
        "breakdowns_without_readings_before": 0,
        "robots_heard_little": {"count": 0, "of": 4},
        "first_model": None,
        "breakdowns_before_first_model": 0,
        "faults_not_predicted": {},
    },
    "cases": [
        {
            "what": "seen",
            "device": "V0",
            "fault": "brush_wear",
            "warned": 1_741_560_000_000,
            "warned_of": "brush_wear",
            "failed": 1_741_860_000_000,
            "threshold": 0.3,
            "driver": None,
            "signal": "brush_current_a",
            "levels": [[1_741_060_000_000 + day * 86_400_000, 2.0 + day / 10] for day in range(10)],
            "risk": [[1_741_060_000_000 + day * 86_400_000, day / 12] for day in range(10)],
        }
    ],
    "trainings": [],
    "promoted": [],
    "visits": [],
}
"""A small report, as docs/prove.md says."""


def history_in(folder: Path) -> Path:
    """Write a small history, with its map, as a proof reads it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    write_history(folder)
    (folder / "map.yaml").rename(folder / "MAP.yaml")
    return folder


@dataclass
class Played:
    """In place of a process: ends with a code when a test says so, with what it would leave behind."""

    folder: ProofFolder
    task: Task
    code: int | None = None
    stopped: bool = False

    def poll(self) -> int | None:
        """Return with what it ended."""
        return self.code

    def stop(self) -> None:
        """Note that it was ended."""
        self.stopped = True


@dataclass
class Stage:
    """Starts what is played; `then` is done at each start."""

    then: Callable[[Played], None] = lambda _played: None
    started: list[Played] = field(default_factory=list)

    def __call__(self, folder: ProofFolder, task: Task, settings: Settings) -> Played:
        """Start one."""
        del settings
        self.started.append(Played(folder, task))
        self.then(self.started[-1])
        return self.started[-1]


def succeed(played: Played) -> None:
    """End well: with a report, and what was imported left behind."""
    played.folder.work.mkdir()
    played.folder.progress.write_text(json.dumps({"step": "replaying", "share": 1, "refused": 2}))
    played.folder.words.write_text("telemetry: 9 rows read, 7 taken\n", encoding="utf-8")
    write_reports(REPORT, folders_by_language(played.folder.report), STANDARD_SIGNALS)
    played.code = 0

"""How far a proof is: in a file that is there whole or not at all, for whoever looks at it from outside."""

import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from fleet.files import write_whole
from fleet.proofs import ProofProgress, ProofStep
from sweepwatch.run.progress import Report, bar

_SOONEST_S = 0.5
_LABELS = {ProofStep.TAKING_IN: "Reading telemetry", ProofStep.REPLAYING: "Replaying the past"}


class ProofNotes:
    """Tells the steps of a proof: to a file where there is one, on the terminal unless it is `quiet`."""

    def __init__(
        self, file: Path | None = None, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._file, self._quiet, self._clock = file, quiet, clock
        self._written = -_SOONEST_S
        self._step, self.refused = ProofStep.TAKING_IN, 0

    def step(self, step: ProofStep) -> AbstractContextManager[Report]:
        """Begin a step; what it yields is called with the share of it that is done, 0 to 1."""
        self._step = step
        self._write(0.0)
        shown = self._file is None and not self._quiet and step in _LABELS
        return bar(_LABELS[step]) if shown else nullcontext(self.report)

    def report(self, share: float) -> None:
        """Note how much of the step is done; not more often than twice a second."""
        if self._clock() - self._written >= _SOONEST_S:
            self._write(share)

    def _write(self, share: float) -> None:
        if self._file is None:
            return
        self._written = self._clock()
        told = {"step": self._step, "share": round(min(1.0, max(0.0, share)), 4), "refused": self.refused}
        write_whole(self._file, json.dumps(told).encode())


def progress_in(file: Path) -> ProofProgress | None:
    """Return what a file tells; None where it is not there."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return ProofProgress(ProofStep(told["step"]), float(told["share"]), int(told["refused"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None

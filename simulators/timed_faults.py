"""Conditions that are there or not, without degradation: ground truth for what rules notice."""

import numpy as np

from simulators.ground_truth import GroundTruth, TruthEntry
from simulators.randomness import Bools, Ints


class TimedFaults:
    """Writes a truth entry when a condition of a device begins, and its end when it ends."""

    def __init__(self, device_ids: list[str], codes: tuple[str, ...], truth: GroundTruth) -> None:
        self._ids = device_ids
        self._truth = truth
        self.open: dict[str, Ints] = {code: np.full(len(device_ids), -1, dtype=np.int64) for code in codes}
        """For each code the index of each device's open truth entry, or -1."""

    def update(self, code: str, present: Bools, times: Ints) -> list[tuple[int, int]]:
        """Take note of where the condition holds over some steps; return (device, time) of each beginning.

        `present` has the shape (steps, devices), `times` (steps,) in epoch ms.
        """
        entries = self.open[code]
        before = np.vstack(((entries >= 0)[None, :], present[:-1]))
        began = []
        for step, device in np.argwhere(present != before).tolist():
            at = int(times[step])
            if present[step, device]:
                entry = TruthEntry(self._ids[device], code, at, at, "use", "sudden", False, None, None, 1.0)
                entries[device] = self._truth.add(entry)
                began.append((device, at))
            else:
                ended = self._truth[int(entries[device])]
                ended.repaired_at, ended.repaired_by = at, "self"
                entries[device] = -1
        return began

    def arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that make up the state."""
        return dict(self.open)

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """Take over a state that `arrays` gave."""
        self.open = {code: arrays[code] for code in self.open}

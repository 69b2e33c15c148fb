"""What is found about a model in use: whether its inputs or its risks are still what they were."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fleet.text import Text

DRIFT, CALIBRATION = "drift", "calibration"


@dataclass(frozen=True, slots=True)
class ModelFinding:
    """One look at the champion of a fault: DRIFT of its inputs, or CALIBRATION of its risks.

    `figure` is what was measured, `beyond` whether it is past its limit, `at` when in event time (epoch ms),
    `text` says it to people, `evidence` holds the details, JSON-ready.
    """

    fault: str
    model: str
    kind: str
    figure: float
    beyond: bool
    at: int
    text: Text
    evidence: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return it JSON-ready."""
        return {
            "kind": self.kind,
            "figure": self.figure,
            "beyond": self.beyond,
            "text": {"en": self.text.en, "zh": self.text.zh},
            **self.evidence,
        }
